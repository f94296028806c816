//! Watching objects: one watch per type and namespace, shared by all that wait for objects of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::connect::Cluster;
use crate::discovery::collection_path;
use crate::failure::{Class, Failure, Intent, Status};
use crate::object::ObjectRef;
use crate::transport::path;

/// What is known of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// Nothing yet.
    Unknown,
    /// It was last seen so, without `metadata.managedFields`.
    Present(Arc<Value>),
    /// It is not there.
    Absent,
    /// It cannot be watched.
    Failed(Failure),
}

/// Follows one object. The watch behind it ends with its last observer.
pub struct Observer {
    receiver: watch::Receiver<Observation>,
    watch: Arc<Watch>,
}

impl Observer {
    /// What is known now.
    pub fn current(&mut self) -> Observation {
        self.receiver.borrow_and_update().clone()
    }

    /// Waits until something else is known.
    pub async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            // The sender lives in the watch, which this observer keeps alive.
            debug_assert!(false, "a watch outlives its observers");
            std::future::pending::<()>().await;
        }
    }
}

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observer")
            .field("topic", &self.watch.topic)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
pub(crate) struct Watches {
    running: Mutex<BTreeMap<Topic, Weak<Watch>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Topic {
    api_version: String,
    kind: String,
    namespace: Option<String>,
}

struct Watch {
    topic: Topic,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The latest state of every object of the topic, and who follows which.
#[derive(Default)]
struct Seen {
    listed: bool,
    failed: Option<Failure>,
    objects: BTreeMap<String, Arc<Value>>,
    observers: BTreeMap<String, watch::Sender<Observation>>,
}

impl Seen {
    fn observation(&self, name: &str) -> Observation {
        match (self.objects.get(name), &self.failed) {
            (_, Some(failure)) => Observation::Failed(failure.clone()),
            (Some(object), None) => Observation::Present(Arc::clone(object)),
            (None, None) if self.listed => Observation::Absent,
            (None, None) => Observation::Unknown,
        }
    }

    fn tell(&self, name: &str) {
        if let Some(sender) = self.observers.get(name) {
            let now = self.observation(name);
            sender.send_if_modified(|last| {
                let news = *last != now;
                *last = now;
                news
            });
        }
    }

    fn tell_all(&self) {
        self.observers.keys().for_each(|name| self.tell(name));
    }
}

impl Cluster {
    /// Follows one object from now on. Must be called inside a tokio runtime.
    pub fn observe(&self, object: &ObjectRef) -> Observer {
        let topic = Topic {
            api_version: object.api_version.clone(),
            kind: object.kind.clone(),
            namespace: object.namespace.clone(),
        };
        let watch = self.watch(topic);
        let mut seen = lock(&watch.seen);
        let known = seen.observation(&object.name);
        let sender = seen
            .observers
            .entry(object.name.clone())
            .or_insert_with(|| watch::channel(known).0);
        let receiver = sender.subscribe();
        drop(seen);
        Observer { receiver, watch }
    }

    /// Every object that the watch behind an observer has seen: all of its type in its namespace. Empty until the first
    /// list is read.
    pub fn observed_objects(&self, observer: &Observer) -> Vec<Arc<Value>> {
        lock(&observer.watch.seen).objects.values().cloned().collect()
    }

    fn watch(&self, topic: Topic) -> Arc<Watch> {
        let mut running = self.watches.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, watch| watch.strong_count() > 0);
        if let Some(watch) = running.get(&topic).and_then(Weak::upgrade) {
            return watch;
        }
        let seen = Arc::new(Mutex::new(Seen::default()));
        // The task must not keep the shared table alive, or a cluster would never be dropped.
        let task = tokio::spawn(follow(self.clone(), topic.clone(), Arc::clone(&seen)));
        let watch = Arc::new(Watch {
            topic: topic.clone(),
            seen,
            task,
        });
        running.insert(topic, Arc::downgrade(&watch));
        watch
    }
}

/// Lists, watches, and begins again whenever that ends.
async fn follow(cluster: Cluster, topic: Topic, seen: Arc<Mutex<Seen>>) {
    let mut pause = Duration::ZERO;
    loop {
        let failure = match follow_once(&cluster, &topic, &seen, &mut pause).await {
            Ok(()) => continue,
            Err(failure) => failure,
        };
        if matches!(failure.class, Class::Denied | Class::Auth | Class::Invalid) {
            let mut seen = lock(&seen);
            seen.failed = Some(failure);
            seen.tell_all();
            return;
        }
        if failure.class == Class::NotServed {
            // Without its type nothing of it is there.
            let mut seen = lock(&seen);
            (seen.listed, seen.objects) = (true, BTreeMap::new());
            seen.tell_all();
        }
        // Doubling, so that an API server that is down is not flooded by those who wait for it to come back.
        pause = (pause * 2).clamp(Duration::from_millis(250), Duration::from_secs(5));
        tokio::time::sleep(failure.retry_after.unwrap_or(pause)).await;
    }
}

#[derive(Deserialize)]
struct Event {
    r#type: String,
    object: Value,
}

async fn follow_once(
    cluster: &Cluster,
    topic: &Topic,
    seen: &Mutex<Seen>,
    pause: &mut Duration,
) -> Result<(), Failure> {
    let Topic {
        api_version,
        kind,
        namespace,
    } = topic;
    let (objects, mut version) = cluster
        .list_with_version(api_version, kind, namespace.as_deref())
        .await?;
    {
        let mut seen = lock(seen);
        let objects = objects
            .into_iter()
            .filter_map(|object| Some((name_of(&object)?, Arc::new(slim(object)))));
        seen.objects = objects.collect();
        seen.listed = true;
        seen.tell_all();
    }
    let object_type = cluster.object_type(api_version, kind).await?;
    let collection = collection_path(&object_type, namespace.as_deref())?;
    loop {
        let query = [
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", version.as_str()),
            ("timeoutSeconds", "290"),
        ];
        let mut lines = match cluster.lines(path(&collection, &query)).await {
            Err(failure) if failure.class == Class::Expired => return Ok(()),
            lines => lines?,
        };
        *pause = Duration::ZERO;
        let begun = tokio::time::Instant::now();
        loop {
            // The API server ends a watch after `timeoutSeconds`; one that is silent for longer is dead.
            let line = match tokio::time::timeout(Duration::from_secs(330), lines.next()).await {
                Ok(Ok(Some(line))) => line,
                Ok(Ok(None)) | Err(_) => break,
                Ok(Err(failure)) => return Err(failure),
            };
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let event: Event = serde_json::from_slice(&line).map_err(Failure::malformed)?;
            if event.r#type == "ERROR" {
                let status: Status = serde_json::from_value(event.object).map_err(Failure::malformed)?;
                let failure = Failure::from_status(status, Intent::Read);
                return if failure.class == Class::Expired {
                    Ok(())
                } else {
                    Err(failure)
                };
            }
            if let Some(text) = event
                .object
                .pointer("/metadata/resourceVersion")
                .and_then(Value::as_str)
            {
                version = text.to_owned();
            }
            let Some(name) = name_of(&event.object) else { continue };
            let mut seen = lock(seen);
            match event.r#type.as_str() {
                "ADDED" | "MODIFIED" => {
                    seen.objects.insert(name.clone(), Arc::new(slim(event.object)));
                }
                "DELETED" => {
                    seen.objects.remove(&name);
                }
                _ => continue,
            }
            seen.tell(&name);
        }
        if begun.elapsed() < Duration::from_secs(1) {
            // A server that ends every watch at once must not be asked in a tight loop.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

fn name_of(object: &Value) -> Option<String> {
    object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

/// Without what nobody who waits looks at, and what takes most of the room.
fn slim(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
