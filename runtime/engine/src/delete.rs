//! One attempt to delete one object, until it is gone.

use ktl_cluster::{Class, Deleted, Failure, Observation, Propagation};
use ktl_store::event::DeleteOutcome;
use serde_json::Value;
use tokio::time::Instant;

use crate::apply::Mode;
use crate::graph::Task;
use crate::run::Report;

/// Deletes and waits; tells `report` how far it has come.
pub(crate) async fn attempt(task: &Task, mode: &Mode, report: &impl Fn(Report)) {
    match delete(task, mode, report).await {
        Ok(outcome) => report(Report::Deleted(outcome)),
        Err(failure) => report(Report::Failed {
            failure,
            evidence: Vec::new(),
        }),
    }
}

async fn delete(task: &Task, mode: &Mode, report: &impl Fn(Report)) -> Result<DeleteOutcome, Failure> {
    let Some(live) = task.cluster.get(&task.object).await? else {
        return Ok(if mode.in_doubt {
            DeleteOutcome::Deleted
        } else {
            DeleteOutcome::Absent
        });
    };
    let text = |object: &Value, pointer| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let uid = text(&live, "/metadata/uid");
    // Nobody owns fields of an object that has none but its name: there the journal knows who created it.
    if !is_ours(&live, &mode.manager) && task.created_uid.as_ref() != Some(&uid) {
        return Ok(DeleteOutcome::Kept);
    }
    // The pods of a workload go before it does, so that what it needed is deleted after them.
    let propagation = if task.rollout {
        Propagation::Foreground
    } else {
        Propagation::Background
    };
    let deleted = task
        .cluster
        .delete(&task.object, &uid, propagation, mode.dry_run)
        .await?;
    if deleted == Deleted::Absent {
        return Ok(DeleteOutcome::Absent);
    }
    report(Report::Accepted { uid: uid.clone() });
    if mode.dry_run {
        return Ok(DeleteOutcome::Deleted);
    }
    let deadline = Instant::now() + task.timeout;
    let mut observer = task.cluster.observe(&task.object);
    let mut waits_for = String::new();
    loop {
        match observer.current() {
            Observation::Absent => return Ok(DeleteOutcome::Deleted),
            Observation::Present(object) if text(&object, "/metadata/uid") != uid => return Ok(DeleteOutcome::Deleted),
            Observation::Present(object) => {
                let now = finalizers(&object);
                if now != waits_for && !now.is_empty() {
                    report(Report::Progressing(now.clone()));
                }
                waits_for = now;
            }
            Observation::Failed(failure) if is_gone(failure.class) => return Ok(DeleteOutcome::Deleted),
            Observation::Failed(failure) => return Err(failure),
            Observation::Unknown => {}
        }
        let change = tokio::time::timeout_at(deadline, observer.changed()).await;
        if change.is_err() {
            // The type itself may be gone, and a watch of it silent for ever.
            if task.cluster.get(&task.object).await?.is_none() {
                return Ok(DeleteOutcome::Deleted);
            }
            let still = if waits_for.is_empty() {
                "still there"
            } else {
                waits_for.as_str()
            };
            let message = format!("not gone within {} s: {still}", task.timeout.as_secs());
            return Err(Failure::new(Class::RolloutSlow, message));
        }
    }
}

fn is_gone(class: Class) -> bool {
    matches!(class, Class::NotFound | Class::NotServed)
}

/// Whether this stack has applied the object.
fn is_ours(object: &Value, manager: &str) -> bool {
    let entries = object
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    entries
        .filter_map(|entry| entry.get("manager")?.as_str())
        .any(|entry| entry == manager)
}

/// What keeps a deleted object there.
fn finalizers(object: &Value) -> String {
    let names = object
        .pointer("/metadata/finalizers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let names: Vec<&str> = names.filter_map(Value::as_str).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("waits for finalizer {}", names.join(", "))
    }
}
