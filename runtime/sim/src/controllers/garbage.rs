//! Owners and their dependents.

use std::time::Duration;

use serde_json::Value;

use super::{Task, Worker, hand};
use crate::cluster::State;
use crate::ops;
use crate::store::Place;
use crate::value::{flag, is_terminating, items, put, take, text, uid};

/// What the change of an object means for its owners and dependents.
pub fn tasks(state: &State, place: &Place, object: &Value, gone: bool) -> Vec<Task> {
    let mut tasks = Vec::new();
    let owners = items(object, &["metadata", "ownerReferences"]);
    if gone {
        tasks.extend(
            state
                .store
                .dependents(uid(object))
                .into_iter()
                .map(|place| Task::new(Worker::Garbage, place)),
        );
        // An owner that goes last waits for this one.
        let waiting = owners
            .iter()
            .filter_map(|owner| state.store.alive(text(owner, &["uid"])));
        tasks.extend(waiting.map(|place| Task::new(Worker::Garbage, place.clone())));
    } else if is_terminating(object) && !items(object, &["metadata", "finalizers"]).is_empty() || !owners.is_empty() {
        tasks.push(Task::new(Worker::Garbage, place.clone()));
    }
    tasks
}

/// Deletes an object whose owners are gone, and finishes the deletion of owners that wait for theirs.
pub fn step(state: &mut State, place: &Place) -> Option<Duration> {
    let object = state.store.at(place)?.clone();
    let owners = items(&object, &["metadata", "ownerReferences"]);
    let living = owners
        .iter()
        .filter(|owner| state.store.alive(text(owner, &["uid"])).is_some())
        .count();
    if !owners.is_empty() && living == 0 && !is_terminating(&object) {
        ops::remove(state, place);
        return None;
    }
    if living > 0 && living < owners.len() {
        let kept: Vec<Value> = owners
            .iter()
            .filter(|owner| state.store.alive(text(owner, &["uid"])).is_some())
            .cloned()
            .collect();
        hand::update(state, place, hand::CONTROLLERS, |object| {
            put(object, &["metadata", "ownerReferences"], kept)
        });
        return None;
    }
    if !is_terminating(&object) {
        return None;
    }
    let finalizers = items(&object, &["metadata", "finalizers"]);
    let dependents = state.store.dependents(uid(&object));
    if finalizers.iter().any(|finalizer| finalizer == "orphan") {
        for dependent in &dependents {
            hand::update(state, dependent, hand::CONTROLLERS, |dependent| {
                let left = items(dependent, &["metadata", "ownerReferences"]).iter();
                let left: Vec<Value> = left
                    .filter(|owner| text(owner, &["uid"]) != uid(&object))
                    .cloned()
                    .collect();
                if left.is_empty() {
                    take(dependent, &["metadata", "ownerReferences"]);
                } else {
                    put(dependent, &["metadata", "ownerReferences"], left);
                }
            });
        }
        drop_finalizer(state, place, "orphan");
    } else if finalizers.iter().any(|finalizer| finalizer == "foregroundDeletion") {
        let blocks = |dependent: &Value| {
            let owners = items(dependent, &["metadata", "ownerReferences"]);
            owners
                .iter()
                .any(|owner| text(owner, &["uid"]) == uid(&object) && flag(owner, &["blockOwnerDeletion"]))
        };
        let mut blocked = false;
        for dependent in &dependents {
            let Some(found) = state.store.at(dependent).cloned() else {
                continue;
            };
            blocked |= blocks(&found);
            if !is_terminating(&found) {
                foreground(state, dependent);
            }
        }
        let blocked = blocked
            && dependents
                .iter()
                .any(|place| state.store.at(place).is_some_and(|d| blocks(d)));
        if !blocked {
            drop_finalizer(state, place, "foregroundDeletion");
        }
    }
    None
}

/// Deletes a dependent, and what depends on it before it.
fn foreground(state: &mut State, place: &Place) {
    let owns = state
        .store
        .at(place)
        .is_some_and(|object| !state.store.dependents(uid(object)).is_empty());
    let Some(resource) = state.registry.collection(&place.collection).cloned().filter(|_| owns) else {
        ops::remove(state, place);
        return;
    };
    let target = ops::Target {
        resource,
        namespace: place.namespace.clone(),
        name: place.name.clone(),
        subresource: String::new(),
    };
    let options = ops::Deletion {
        propagation: ops::Propagation::Foreground,
        ..ops::Deletion::default()
    };
    // It is gone already when this fails, and that is what was wanted.
    let _ = ops::delete(state, &target, &options);
}

fn drop_finalizer(state: &mut State, place: &Place, finalizer: &str) {
    hand::update(state, place, hand::CONTROLLERS, |object| {
        let left = items(object, &["metadata", "finalizers"]).iter();
        let left: Vec<Value> = left.filter(|item| *item != finalizer).cloned().collect();
        if left.is_empty() {
            take(object, &["metadata", "finalizers"]);
        } else {
            put(object, &["metadata", "finalizers"], left);
        }
    });
    ops::finish(state, place);
}
