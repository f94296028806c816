//! What is to be done when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::store::Place;

/// A kind of controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worker {
    /// Default contents of namespaces, and their end.
    Namespace,
    /// Custom resource definitions.
    Definition,
    /// Deployments.
    Deployment,
    /// ReplicaSets.
    ReplicaSet,
    /// StatefulSets.
    StatefulSet,
    /// DaemonSets.
    DaemonSet,
    /// Jobs.
    Job,
    /// Scheduler and kubelets.
    Kubelet,
    /// Endpoints of Services.
    Service,
    /// PersistentVolumeClaims.
    Claim,
    /// PodDisruptionBudgets.
    Budget,
    /// HorizontalPodAutoscalers.
    Scaler,
    /// Owners and their dependents.
    Garbage,
}

/// A controller that is to look at an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Task {
    /// Who.
    pub worker: Worker,
    /// At what.
    pub place: Place,
}

impl Task {
    /// A task.
    pub fn new(worker: Worker, place: Place) -> Self {
        Self { worker, place }
    }
}

/// Tasks by the moment they are due, each at most once.
#[derive(Debug, Default)]
pub struct Queue {
    order: BTreeSet<(Duration, u64, Task)>,
    waiting: BTreeMap<Task, (Duration, u64)>,
    pushed: u64,
}

impl Queue {
    /// Adds a task for the moment `at` since the start. A task that waits already keeps the earlier moment.
    pub fn push(&mut self, at: Duration, task: Task) {
        if let Some((before, number)) = self.waiting.get(&task).copied() {
            if before <= at {
                return;
            }
            self.order.remove(&(before, number, task.clone()));
        }
        self.pushed += 1;
        self.waiting.insert(task.clone(), (at, self.pushed));
        self.order.insert((at, self.pushed, task));
    }

    /// Takes the first task that is due.
    pub fn due(&mut self, now: Duration) -> Option<Task> {
        let (at, ..) = self.order.first()?;
        if *at > now {
            return None;
        }
        let (.., task) = self.order.pop_first()?;
        self.waiting.remove(&task);
        Some(task)
    }

    /// When the next task is due.
    pub fn next(&self) -> Option<Duration> {
        self.order.first().map(|(at, ..)| *at)
    }
}
