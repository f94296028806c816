//! Controllers as state machines on tokio's clock.
//!
//! A change of an object puts the controllers that care into a queue, and one task works the queue off: each controller
//! looks at the state as it is, moves it one step, and may ask to be woken at a later moment. Nothing ticks: a cluster at
//! rest has no timer.

mod budget;
mod claim;
mod daemon_set;
mod definition;
mod deployment;
pub mod events;
mod garbage;
mod hand;
mod job;
mod kubelet;
mod namespace;
mod pod_status;
mod pods;
mod queue;
mod replica_set;
mod service;
mod stateful_set;

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;

pub use kubelet::Runs;
pub use queue::{Queue, Task, Worker};

use crate::cluster::{Inner, State};
use crate::select::Selector;
use crate::store::{Change, Place};
use crate::value::{at, controller, members, text, uid};

/// How long a controller takes to notice a change.
const REACTION: Duration = Duration::from_millis(4);

/// How many steps are taken before others get the lock.
const BATCH: usize = 64;

/// Works the queue off until the cluster is gone.
pub async fn run(cluster: Weak<Inner>, wake: Arc<Notify>) {
    loop {
        let Some(inner) = cluster.upgrade() else { return };
        let (more, next) = {
            let mut state = inner.lock();
            let more = (0..BATCH).all(|_| step(&mut state));
            (more, state.queue.next().map(|at| state.clock.instant(at)))
        };
        drop(inner);
        match next {
            _ if more => tokio::task::yield_now().await,
            None => wake.notified().await,
            Some(at) => {
                tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = wake.notified() => {}
                }
            }
        }
    }
}

/// Runs one controller that is due. False when none is.
fn step(state: &mut State) -> bool {
    let Some(task) = state.queue.due(state.clock.elapsed()) else {
        return false;
    };
    let place = &task.place;
    let again = match task.worker {
        Worker::Namespace => namespace::step(state, place),
        Worker::Definition => definition::step(state, place),
        Worker::Deployment => deployment::step(state, place),
        Worker::ReplicaSet => replica_set::step(state, place),
        Worker::StatefulSet => stateful_set::step(state, place),
        Worker::DaemonSet => daemon_set::step(state, place),
        Worker::Job => job::step(state, place),
        Worker::Kubelet => kubelet::step(state, place),
        Worker::Service => service::step(state, place),
        Worker::Claim => claim::step(state, place),
        Worker::Budget => budget::disruption(state, place),
        Worker::Scaler => budget::autoscaler(state, place),
        Worker::Garbage => garbage::step(state, place),
    };
    if let Some(at) = again {
        state.queue.push(at, task);
    }
    true
}

/// Puts the controllers that care about a change into the queue.
pub fn observe(state: &mut State, place: &Place, change: &Change) {
    let own = match place.collection.as_str() {
        "namespaces" => Some(Worker::Namespace),
        "customresourcedefinitions.apiextensions.k8s.io" => Some(Worker::Definition),
        "deployments.apps" => Some(Worker::Deployment),
        "replicasets.apps" => Some(Worker::ReplicaSet),
        "statefulsets.apps" => Some(Worker::StatefulSet),
        "daemonsets.apps" => Some(Worker::DaemonSet),
        "jobs.batch" => Some(Worker::Job),
        "pods" => Some(Worker::Kubelet),
        "services" => Some(Worker::Service),
        "persistentvolumeclaims" => Some(Worker::Claim),
        "poddisruptionbudgets.policy" => Some(Worker::Budget),
        "horizontalpodautoscalers.autoscaling" => Some(Worker::Scaler),
        _ => None,
    };
    let mut tasks: Vec<Task> = own.map(|worker| Task::new(worker, place.clone())).into_iter().collect();
    let now = change.new.as_ref().or(change.last.as_ref());
    if let Some(object) = now {
        tasks.extend(owner_task(object, &place.namespace));
        match place.collection.as_str() {
            "pods" => {
                let before = change.old.as_deref();
                for (collection, worker, path) in [
                    ("services", Worker::Service, ["spec", "selector"].as_slice()),
                    (
                        "poddisruptionbudgets.policy",
                        Worker::Budget,
                        &["spec", "selector", "matchLabels"],
                    ),
                ] {
                    let listed = state.store.list(collection, &place.namespace);
                    let cares = |selecting: &&Arc<serde_json::Value>| {
                        selects(selecting, path, object) || before.is_some_and(|pod| selects(selecting, path, pod))
                    };
                    tasks.extend(listed.iter().filter(cares).map(|selecting| {
                        Task::new(
                            worker,
                            Place::new(collection, &place.namespace, crate::value::name(selecting)),
                        )
                    }));
                }
            }
            // Pods that wait for what just appeared.
            "configmaps" | "secrets" | "persistentvolumeclaims" | "serviceaccounts" => {
                let pods = state.runs.waiting(&place.namespace);
                tasks.extend(pods.into_iter().map(|place| Task::new(Worker::Kubelet, place)));
            }
            "deployments.apps" | "statefulsets.apps" | "replicasets.apps" => {
                let collection = "horizontalpodautoscalers.autoscaling";
                let scalers = state.store.list(collection, &place.namespace);
                let ours = scalers.iter().filter(|scaler| {
                    let target = |field: &str| text(scaler, &["spec", "scaleTargetRef", field]);
                    target("name") == place.name && target("kind") == text(object, &["kind"])
                });
                tasks.extend(ours.map(|scaler| {
                    let name = crate::value::name(scaler);
                    Task::new(Worker::Scaler, Place::new(collection, &place.namespace, name))
                }));
            }
            _ => {}
        }
        // What a namespace that goes is still waiting for.
        if !place.namespace.is_empty() && change.new.is_none() {
            let namespace = Place::new("namespaces", "", &place.namespace);
            if state
                .store
                .at(&namespace)
                .is_some_and(|namespace| crate::value::is_terminating(namespace))
            {
                tasks.push(Task::new(Worker::Namespace, namespace));
            }
        }
        if let Some(custom) = definition::of(state, place)
            && change.new.is_none()
        {
            tasks.push(Task::new(Worker::Definition, custom));
        }
        tasks.extend(garbage::tasks(state, place, object, change.new.is_none()));
    }
    for task in tasks {
        state.after(REACTION, task);
    }
}

/// The controller of an object's controller.
fn owner_task(object: &serde_json::Value, namespace: &str) -> Option<Task> {
    let owner = controller(object)?;
    let (worker, collection) = match text(owner, &["kind"]) {
        "Deployment" => (Worker::Deployment, "deployments.apps"),
        "ReplicaSet" => (Worker::ReplicaSet, "replicasets.apps"),
        "StatefulSet" => (Worker::StatefulSet, "statefulsets.apps"),
        "DaemonSet" => (Worker::DaemonSet, "daemonsets.apps"),
        "Job" => (Worker::Job, "jobs.batch"),
        _ => return None,
    };
    Some(Task::new(
        worker,
        Place::new(collection, namespace, text(owner, &["name"])),
    ))
}

/// Whether the labels at `path` of `selecting` are all on `object`.
fn selects(selecting: &serde_json::Value, path: &[&str], object: &serde_json::Value) -> bool {
    let mut wanted = members(selecting, path).peekable();
    wanted.peek().is_some()
        && wanted.all(|(key, value)| at(object, &["metadata", "labels", key]).is_some_and(|label| label == value))
}

/// The pods that an object controls, by name.
fn controlled(state: &State, collection: &str, owner: &serde_json::Value) -> Vec<Arc<serde_json::Value>> {
    let id = uid(owner);
    let mut places = state.store.dependents(id);
    places.retain(|place| place.collection == collection);
    let objects = places.iter().filter_map(|place| state.store.at(place));
    objects
        .filter(|object| controller(object).is_some_and(|owner| text(owner, &["uid"]) == id))
        .cloned()
        .collect()
}

/// The selector of a workload.
fn selector_of(workload: &serde_json::Value) -> Option<Selector> {
    Selector::of_workload(at(workload, &["spec", "selector"])?)
}
