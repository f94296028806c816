//! Watches: changes as a stream of lines.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

use super::objects::{metadata, shown};
use super::query::Format;
use super::{Call, Reply, SimBody};
use crate::cluster::{Cluster, Inner, State};
use crate::ops::Target;
use crate::resources::Resource;
use crate::select::Selector;
use crate::status::Failure;
use crate::store::Change;
use crate::table;
use crate::value::{namespace, put};

/// How many changes are looked at under one lock.
const BATCH: usize = 256;

/// Starts a watch.
pub fn answer(cluster: &Cluster, state: &mut State, call: &Call, target: &Target) -> Result<Reply, Failure> {
    let query = &call.query;
    let resource = &target.resource;
    let format = query.try_format()?;
    let mut selector = Selector::parse(
        query.get("labelSelector"),
        query.get("fieldSelector"),
        &resource.collection,
    )?;
    if !target.name.is_empty() {
        let fields = format!("metadata.name={}", target.name);
        selector = Selector::parse("", &fields, &resource.collection)?;
    }
    let timeout = query.number("timeoutSeconds")?;
    let initial = match query.get("sendInitialEvents") {
        "" => None,
        word => Some(word == "true" || word == "1"),
    };
    let matching = query.get("resourceVersionMatch");
    if initial.is_some() && matching != "NotOlderThan" {
        let why = "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        return Err(Failure::new(422, "Invalid", why));
    }
    let changed = state.store.subscribe(&resource.collection);
    let now = state.store.version();
    let given = query.number("resourceVersion").map_err(|_| {
        let text = query.get("resourceVersion");
        Failure::bad_request(format!(
            "Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax"
        ))
    })?;
    let version = given.unwrap_or_default();
    if version > now {
        return Err(super::list::too_large(version, now));
    }
    let everything = initial.unwrap_or(version == 0);
    let mut watch = Watch {
        inner: Arc::clone(&cluster.inner),
        resource: Arc::clone(resource),
        namespace: target.namespace.clone(),
        selector,
        format,
        include: query.get("includeObject").to_owned(),
        bookmarks: query.is_on("allowWatchBookmarks"),
        seen: if everything || version == 0 { now } else { version },
        changed,
        ends: timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds)),
        ready: VecDeque::new(),
        headed: false,
        done: false,
    };
    if everything {
        for object in state.store.list(&resource.collection, &target.namespace) {
            if watch.selector.matches(&object) {
                watch.push(state, "ADDED", &object);
            }
        }
        if initial == Some(true) && watch.bookmarks {
            let mut end = watch.bookmark();
            put(
                &mut end,
                &["object", "metadata", "annotations", "k8s.io/initial-events-end"],
                "true",
            );
            watch.ready.push_back(line(&end));
        }
    }
    let body = SimBody::lines(watch.stream());
    Ok(Reply {
        code: 200,
        content_type: "application/json".to_owned(),
        body,
        warnings: Vec::new(),
        retry_after: None,
    })
}

struct Watch {
    inner: Arc<Inner>,
    resource: Arc<Resource>,
    namespace: String,
    selector: Selector,
    format: Format,
    include: String,
    bookmarks: bool,
    /// The newest version that was looked at.
    seen: u64,
    changed: Receiver<u64>,
    ends: Option<Instant>,
    ready: VecDeque<Bytes>,
    /// Whether the columns of a table were sent.
    headed: bool,
    done: bool,
}

impl Watch {
    fn stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        futures::stream::unfold(self, |mut watch| async move {
            let line = watch.next().await?;
            Some((Ok(line), watch))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            if self.done {
                return None;
            }
            self.changed.mark_unchanged();
            if self.collect() {
                continue;
            }
            let ended = match self.ends {
                Some(ends) => {
                    tokio::select! {
                        changed = self.changed.changed() => changed.is_err(),
                        () = tokio::time::sleep_until(ends) => true,
                    }
                }
                None => self.changed.changed().await.is_err(),
            };
            if ended {
                self.done = true;
                if self.bookmarks {
                    self.ready.push_back(line(&self.bookmark()));
                }
            }
        }
    }

    /// Turns the next changes into lines. False when there are none.
    fn collect(&mut self) -> bool {
        let inner = Arc::clone(&self.inner);
        let state = inner.lock();
        let changes: Option<Vec<Change>> = state
            .store
            .collection(&self.resource.collection)
            .and_then(|collection| collection.since(self.seen))
            .map(|changes| changes.take(BATCH).cloned().collect());
        let Some(changes) = changes else {
            let failure = Failure::expired(format!(
                "too old resource version: {} ({})",
                self.seen,
                state.store.version()
            ));
            self.ready
                .push_back(line(&json!({ "type": "ERROR", "object": failure.body() })));
            self.done = true;
            return true;
        };
        if changes.is_empty() {
            return false;
        }
        for change in changes {
            self.seen = change.version;
            let here = |object: &Value| {
                (self.namespace.is_empty() || namespace(object) == self.namespace) && self.selector.matches(object)
            };
            let before = change.old.as_ref().is_some_and(|old| here(old));
            let after = change.new.as_ref().filter(|new| here(new));
            match (before, after) {
                (false, Some(new)) => self.push(&state, "ADDED", new),
                (true, Some(new)) => self.push(&state, "MODIFIED", new),
                (true, None) => {
                    // An object that left the selection goes as it was, under the version in which it left.
                    let mut last = change
                        .last
                        .as_deref()
                        .or(change.old.as_deref())
                        .cloned()
                        .unwrap_or_default();
                    put(&mut last, &["metadata", "resourceVersion"], change.version.to_string());
                    self.push(&state, "DELETED", &last);
                }
                (false, None) => {}
            }
        }
        true
    }

    fn push(&mut self, state: &State, kind: &str, object: &Value) {
        let object = match self.format {
            Format::Table => {
                let version = crate::value::text(object, &["metadata", "resourceVersion"]);
                let head = !std::mem::replace(&mut self.headed, true);
                table::of(state, &self.resource, &[object], version, &self.include, head)
            }
            Format::Metadata => metadata(object),
            _ => shown(&self.resource, object),
        };
        self.ready.push_back(line(&json!({ "type": kind, "object": object })));
    }

    fn bookmark(&self) -> Value {
        let resource = &self.resource;
        json!({ "type": "BOOKMARK", "object": {
            "kind": resource.kind,
            "apiVersion": resource.api_version(),
            "metadata": { "resourceVersion": self.seen.to_string(), "creationTimestamp": null },
        } })
    }
}

fn line(event: &Value) -> Bytes {
    Bytes::from(format!("{event}\n"))
}
