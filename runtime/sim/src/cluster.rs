//! The cluster: its state behind one lock, and the handle that callers hold.

use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::controllers::{self, Queue, Runs};
use crate::http::Service;
use crate::resources::Registry;
use crate::seed::Seed;
use crate::store::Store;

/// How a cluster is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Everything that looks random follows from it.
    pub seed: u64,
    /// Unix seconds at the moment the cluster is made.
    pub start: i64,
    /// Time scale of controllers: 2.0 is twice as fast. Anything but a positive number counts as 1.
    pub speed: f64,
    /// How many nodes there are.
    pub nodes: usize,
    /// How many changes per resource watches can go back; older ones give `410 Gone`.
    pub history: usize,
}

impl Default for Options {
    /// Seed 0, three nodes, and the first second of 2026.
    fn default() -> Self {
        Self {
            seed: 0,
            start: 1_767_225_600,
            speed: 1.0,
            nodes: 3,
            history: 8192,
        }
    }
}

/// A simulated cluster. Clones are handles of the same cluster.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) inner: Arc<Inner>,
}

/// What the handles share.
pub(crate) struct Inner {
    state: Mutex<State>,
    pub(crate) wake: Arc<Notify>,
    started: Once,
}

/// Everything that changes.
pub(crate) struct State {
    pub clock: Clock,
    pub seed: Seed,
    pub store: Store,
    pub registry: Registry,
    pub queue: Queue,
    /// What the kubelets know about their pods.
    pub runs: Runs,
    pub events: controllers::events::Log,
    /// When each custom resource definition was asked for, then when it is to be served.
    pub definitions: std::collections::BTreeMap<String, Duration>,
    /// The generation in which each custom resource definition is served.
    pub served: std::collections::BTreeMap<String, i64>,
    /// When load balancers and volumes will be there, by uid.
    pub balancers: std::collections::BTreeMap<String, Duration>,
    /// What was already complained about, by uid.
    pub told: std::collections::BTreeSet<String>,
    /// How many names, addresses and identities were given out, by purpose.
    pub counters: std::collections::BTreeMap<&'static str, u64>,
}

impl Inner {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The controllers' task holds a weak reference: woken, it sees that the cluster is gone.
        self.wake.notify_one();
    }
}

impl State {
    /// The next number for a purpose, from 1.
    pub fn next(&mut self, purpose: &'static str) -> u64 {
        let counter = self.counters.entry(purpose).or_default();
        *counter += 1;
        *counter
    }

    /// Runs a controller on a key after a delay at nominal speed.
    pub fn after(&mut self, nominal: Duration, task: controllers::Task) {
        let at = self.clock.elapsed() + self.clock.scaled(nominal);
        self.queue.push(at, task);
    }
}

impl Cluster {
    /// A cluster with its nodes and the namespaces every cluster has.
    ///
    /// Time starts now on tokio's clock: make it inside the runtime that serves it.
    pub fn new(options: Options) -> Self {
        let mut state = State {
            clock: Clock::new(options.start, options.speed),
            seed: Seed(options.seed),
            store: Store::new(options.history),
            registry: Registry::built_in(),
            queue: Queue::default(),
            runs: Runs::default(),
            events: controllers::events::Log::default(),
            definitions: std::collections::BTreeMap::new(),
            served: std::collections::BTreeMap::new(),
            balancers: std::collections::BTreeMap::new(),
            told: std::collections::BTreeSet::new(),
            counters: std::collections::BTreeMap::new(),
        };
        crate::bootstrap::fill(&mut state, options.nodes);
        let wake = Arc::new(Notify::new());
        Self {
            inner: Arc::new(Inner {
                state: Mutex::new(state),
                wake,
                started: Once::new(),
            }),
        }
    }

    /// The API as a tower service.
    pub fn service(&self) -> Service {
        Service::new(self.clone())
    }

    /// Every object, sorted by resource, namespace and name.
    pub fn snapshot(&self) -> Vec<Value> {
        let state = self.inner.lock();
        let all = state.store.collections().flat_map(|(_, collection)| collection.iter());
        all.map(|(_, object)| Value::clone(object)).collect()
    }

    /// Forgets the history of changes: watches from older resource versions get `410 Gone`.
    pub fn compact(&self) {
        self.inner.lock().store.compact();
    }

    /// Starts the controllers. They need a runtime, so the first request does it.
    pub(crate) fn start(&self) {
        self.inner.started.call_once(|| {
            tokio::spawn(controllers::run(
                Arc::downgrade(&self.inner),
                Arc::clone(&self.inner.wake),
            ));
        });
    }
}
