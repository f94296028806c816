//! One attempt to apply one object, from the request to its readiness.

use std::sync::Arc;

use ktl_cluster::{Class, Failure};
use ktl_store::event::Outcome;
use serde_json::{Map, Value};

use crate::graph::Task;
use crate::preimage::Before;
use crate::run::Report;
use crate::wait;

/// How an attempt is made.
#[derive(Clone)]
pub(crate) struct Mode {
    pub manager: Arc<str>,
    pub dry_run: bool,
    /// Whether an earlier attempt was sent and its answer lost: what it would have done may be done.
    pub in_doubt: bool,
}

/// Applies and waits; tells `report` how far it has come.
pub(crate) async fn attempt(task: &Task, before: Before, mode: &Mode, report: &impl Fn(Report)) {
    match send(task, before, mode).await {
        Err(failure) => report(Report::Failed {
            failure,
            evidence: Vec::new(),
        }),
        Ok((outcome, None)) => {
            report(Report::applied(outcome, None));
            report(Report::Ready("nothing was sent".to_owned()));
        }
        Ok((outcome, Some(object))) => {
            report(Report::applied(outcome.clone(), Some(&object)));
            if mode.dry_run {
                report(Report::Ready("dry run".to_owned()));
            } else {
                wait::until_ready(task, object, outcome == Outcome::Unchanged, report).await;
            }
        }
    }
}

/// What applying did, and the object as it is now; none if the API server could not be asked.
async fn send(task: &Task, before: Before, mode: &Mode) -> Result<(Outcome, Option<Value>), Failure> {
    let before = match before {
        Before::Unknown => match task.cluster.get(&task.object).await? {
            Some(object) => Before::Present(Arc::new(object)),
            None => Before::Absent,
        },
        known => known,
    };
    if let (true, Before::Present(namespace)) = (task.implicit_namespace, &before) {
        return Ok((Outcome::Unchanged, Some(Value::clone(namespace))));
    }
    let applied = task
        .cluster
        .apply(&task.object, &task.body, &mode.manager, mode.dry_run)
        .await;
    let applied = match applied {
        Err(failure) if mode.dry_run => {
            let reason = match failure.class {
                Class::NotServed => "its type is not served yet",
                Class::NamespaceMissing => "its namespace does not exist yet",
                _ => return Err(failure),
            };
            let reason = reason.to_owned();
            return Ok((Outcome::NotChecked { reason }, None));
        }
        applied => applied?,
    };
    let outcome = match before {
        _ if applied.created => Outcome::Created,
        Before::Present(before) if is_same(&before, &applied.object, &mode.manager) => Outcome::Unchanged,
        // A dry run creates nothing, and an answer that was lost may have been the one that said so.
        Before::Absent if mode.dry_run || mode.in_doubt => Outcome::Created,
        _ => Outcome::Changed,
    };
    Ok((outcome, Some(applied.object)))
}

/// Whether an apply left an object as it was, whatever its controllers wrote into its status meanwhile.
fn is_same(before: &Value, after: &Value, manager: &str) -> bool {
    let version = |object: &Value| object.pointer("/metadata/resourceVersion").cloned();
    if version(before) == version(after) {
        return true;
    }
    owned(before, manager) == owned(after, manager) && content(before) == content(after)
}

/// The fields that a manager has applied.
fn owned<'a>(object: &'a Value, manager: &str) -> Option<&'a Value> {
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    let text = |entry: &'a Value, field| entry.get(field).and_then(Value::as_str).unwrap_or_default();
    let ours = entries.iter().find(|entry| {
        text(entry, "manager") == manager
            && text(entry, "operation") == "Apply"
            && text(entry, "subresource").is_empty()
    });
    ours?.get("fieldsV1")
}

fn content(object: &Value) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let mut fields = object.as_object()?.clone();
    fields.remove("status");
    let Some(Value::Object(mut metadata)) = fields.remove("metadata") else {
        return None;
    };
    metadata.remove("resourceVersion");
    metadata.remove("managedFields");
    Some((fields, metadata))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_controllers_write_is_no_change_of_ours() {
        let object = |version: &str, replicas: u32, ready: u32, owned: Value| {
            json!({
                "metadata": {
                    "name": "web", "resourceVersion": version, "generation": 1,
                    "managedFields": [{"manager": "ktl/shop", "operation": "Apply", "fieldsV1": owned}],
                },
                "spec": {"replicas": replicas},
                "status": {"readyReplicas": ready},
            })
        };
        let fields = json!({"f:spec": {"f:replicas": {}}});
        let before = object("1", 2, 0, fields.clone());
        let same = |after: &Value| is_same(&before, after, "ktl/shop");
        assert!(same(&before));
        assert!(same(&object("2", 2, 2, fields.clone())), "the status alone moved on");
        assert!(!same(&object("2", 3, 0, fields)), "a field has another value");
        assert!(!same(&object("2", 2, 0, json!({}))), "a field is no longer ours");
    }
}
