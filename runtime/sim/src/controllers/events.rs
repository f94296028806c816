//! Events: what happened to an object, for people.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use crate::cluster::State;
use crate::store::Place;
use crate::value::{int, name, namespace, put, text, uid};

/// How many events a cluster keeps. Real ones keep them for an hour.
const KEPT: usize = 4096;

/// The events that exist, oldest first.
#[derive(Debug, Default)]
pub struct Log {
    order: VecDeque<Place>,
    same: BTreeMap<(String, String, String), Place>,
}

/// Records an event about `object`; one that was recorded before counts up.
pub fn record(state: &mut State, object: &Value, component: &str, kind: &str, reason: &str, message: &str) {
    let key = (uid(object).to_owned(), reason.to_owned(), message.to_owned());
    let now = state.clock.stamp();
    if let Some(place) = state.events.same.get(&key).cloned()
        && let Some(old) = state.store.at(&place)
    {
        let mut event = Value::clone(old);
        let count = int(&event, &["count"]).unwrap_or(1) + 1;
        put(&mut event, &["count"], count);
        put(&mut event, &["lastTimestamp"], now);
        state.write(&place, Some(event));
        return;
    }
    let number = state.next("event");
    let namespace = match namespace(object) {
        "" => "default",
        namespace => namespace,
    };
    let title = format!(
        "{}.{:016x}",
        name(object),
        state.seed.draw(&["event", &number.to_string()])
    );
    let place = Place::new("events", namespace, &title);
    let mut about = json!({
        "kind": text(object, &["kind"]),
        "name": name(object),
        "uid": uid(object),
        "apiVersion": text(object, &["apiVersion"]),
        "resourceVersion": text(object, &["metadata", "resourceVersion"]),
    });
    if !crate::value::namespace(object).is_empty() {
        put(&mut about, &["namespace"], namespace);
    }
    let mut source = json!({ "component": component });
    let host = text(object, &["spec", "nodeName"]);
    if component == "kubelet" && !host.is_empty() {
        put(&mut source, &["host"], host);
    }
    let id = state.seed.uuid(&["event", &number.to_string()]);
    let event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "name": title, "namespace": namespace, "uid": id, "creationTimestamp": now },
        "involvedObject": about,
        "reason": reason,
        "message": message,
        "source": source,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
        "type": kind,
        "eventTime": null,
        "reportingComponent": component,
        "reportingInstance": text(&source, &["host"]),
    });
    // A namespace that goes takes no new events.
    let gone = state
        .store
        .get("namespaces", "", namespace)
        .is_none_or(|ns| crate::value::is_terminating(ns));
    if gone {
        return;
    }
    state.write(&place, Some(event));
    state.events.same.insert(key, place.clone());
    state.events.order.push_back(place);
    while state.events.order.len() > KEPT {
        if let Some(oldest) = state.events.order.pop_front() {
            state.write(&oldest, None);
            state.events.same.retain(|_, place| *place != oldest);
        }
    }
}
