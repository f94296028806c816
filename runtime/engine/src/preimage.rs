//! What is there before the run: read in lists, so that each object need not be asked for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ktl_cluster::{Class, Failure};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::graph::Task;
use crate::request::EngineError;

/// What is known of an object before it is applied.
#[derive(Clone, Debug)]
pub(crate) enum Before {
    /// Nothing: ask when it is its turn.
    Unknown,
    /// It is not there.
    Absent,
    /// It is there, and looks like this.
    Present(Arc<Value>),
}

/// Lists read at the same time.
const LISTS: usize = 16;

/// What is there of each task, by its position.
///
/// # Errors
/// A cluster cannot be reached or refuses.
pub(crate) async fn read(tasks: &[Arc<Task>]) -> Result<Vec<Before>, EngineError> {
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, task) in tasks.iter().enumerate() {
        let object = &task.object;
        let key = (&task.cluster_name, &object.api_version, &object.kind, &object.namespace);
        groups.entry(key).or_default().push(index);
    }
    let mut before = vec![Before::Unknown; tasks.len()];
    let mut open = groups.into_values().map(|members| {
        let tasks: Vec<(usize, Arc<Task>)> = members
            .into_iter()
            .filter_map(|index| Some((index, Arc::clone(tasks.get(index)?))))
            .collect();
        read_group(tasks)
    });
    let mut running = JoinSet::new();
    loop {
        while running.len() < LISTS
            && let Some(next) = open.next()
        {
            running.spawn(next);
        }
        let Some(read) = running.join_next().await else {
            return Ok(before);
        };
        let read = read.expect("reading a list neither panics nor is aborted")?;
        for (index, found) in read {
            if let Some(slot) = before.get_mut(index) {
                *slot = found;
            }
        }
    }
}

/// Objects of one type in one namespace of one cluster.
async fn read_group(tasks: Vec<(usize, Arc<Task>)>) -> Result<Vec<(usize, Before)>, EngineError> {
    let Some((_, first)) = tasks.first().cloned() else {
        return Ok(Vec::new());
    };
    let mut attempt = 0;
    loop {
        let failure = match read_once(&tasks, &first).await {
            Ok(found) => return Ok(found),
            Err(failure) => failure,
        };
        attempt += 1;
        let cluster = first.cluster_name.clone();
        match failure.class {
            // Without the right to list, each object is asked for when it is its turn. What is wrong with the object
            // itself shows when it is applied.
            Class::Denied | Class::NotServed | Class::Invalid => {
                return Ok(tasks.into_iter().map(|(index, _)| (index, Before::Unknown)).collect());
            }
            Class::Auth => return Err(EngineError::Refused { cluster, failure }),
            _ if attempt < 3 && failure.class.may_pass() => {
                let wait = failure.retry_after.unwrap_or(Duration::from_millis(500) * attempt);
                tokio::time::sleep(wait).await;
            }
            _ if failure.code.is_none() => return Err(EngineError::Unreachable { cluster, failure }),
            _ => return Err(EngineError::Refused { cluster, failure }),
        }
    }
}

async fn read_once(tasks: &[(usize, Arc<Task>)], first: &Task) -> Result<Vec<(usize, Before)>, Failure> {
    let object = &first.object;
    // A type that is not served shows here, and is not taken for an empty list: it may be served when the turn comes.
    first.cluster.object_type(&object.api_version, &object.kind).await?;
    if let [(index, task)] = tasks {
        let found = task.cluster.get(&task.object).await?;
        return Ok(vec![(
            *index,
            found.map_or(Before::Absent, |object| Before::Present(Arc::new(object))),
        )]);
    }
    let listed = first
        .cluster
        .list(&object.api_version, &object.kind, object.namespace.as_deref())
        .await?;
    let name = |object: &Value| {
        object
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let mut by_name: BTreeMap<String, Value> = listed
        .into_iter()
        .filter_map(|object| Some((name(&object)?, object)))
        .collect();
    let found = tasks.iter().map(|(index, task)| {
        let before = match by_name.remove(&task.object.name) {
            Some(object) => Before::Present(Arc::new(object)),
            None => Before::Absent,
        };
        (*index, before)
    });
    Ok(found.collect())
}
