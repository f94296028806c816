//! What every namespace holds, and emptying namespaces that go.

use std::time::Duration;

use serde_json::json;

use super::hand;
use crate::cluster::State;
use crate::ops;
use crate::store::Place;
use crate::value::{is_terminating, items, put, set_condition};

/// Fills a new namespace, and empties one that is being deleted.
pub fn step(state: &mut State, place: &Place) -> Option<Duration> {
    let namespace = state.store.at(place)?.clone();
    if !is_terminating(&namespace) {
        fill(state, &place.name);
        return None;
    }
    let resources: Vec<String> = state
        .registry
        .collections()
        .into_iter()
        .filter(|(_, resource)| resource.namespaced)
        .map(|(collection, _)| collection.to_owned())
        .collect();
    let mut left = 0;
    let mut held = Vec::new();
    for collection in &resources {
        for object in state.store.list(collection, &place.name) {
            let inner = Place::new(collection, &place.name, crate::value::name(&object));
            if !is_terminating(&object) {
                ops::remove(state, &inner);
            }
            if let Some(object) = state.store.at(&inner) {
                left += 1;
                held.extend(
                    items(object, &["metadata", "finalizers"])
                        .iter()
                        .map(ToString::to_string),
                );
            }
        }
    }
    let now = state.clock.stamp();
    if left > 0 {
        let message = match held.first() {
            Some(finalizer) => format!(
                "Some content in the namespace has finalizers remaining: {finalizer} in {} resource instances",
                held.len()
            ),
            None => "All content had no finalizers finished".to_owned(),
        };
        hand::update_status(state, place, hand::CONTROLLERS, |namespace| {
            let (remaining, finalizing) = ("NamespaceContentRemaining", "NamespaceFinalizersRemaining");
            set_condition(
                namespace,
                remaining,
                "True",
                "SomeResourcesRemain",
                "Some resources are remaining",
                &now,
            );
            let status = if held.is_empty() { "False" } else { "True" };
            set_condition(namespace, finalizing, status, "SomeFinalizersRemain", &message, &now);
        });
        return None;
    }
    hand::update(state, place, hand::CONTROLLERS, |namespace| {
        put(namespace, &["spec", "finalizers"], json!([]))
    });
    ops::finish(state, place);
    None
}

fn fill(state: &mut State, namespace: &str) {
    let meta = |name: &str| json!({ "name": name, "namespace": namespace });
    if state.store.get("serviceaccounts", namespace, "default").is_none() {
        let body = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("default") });
        // The namespace may have gone meanwhile; its contents have no say in that.
        let _ = hand::create(state, "serviceaccounts", hand::CONTROLLERS, body);
    }
    if state.store.get("configmaps", namespace, "kube-root-ca.crt").is_none() {
        let certificate = "-----BEGIN CERTIFICATE-----\nc2ltdWxhdGVk\n-----END CERTIFICATE-----\n";
        let mut body = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("kube-root-ca.crt") });
        put(&mut body, &["data", "ca.crt"], certificate);
        let _ = hand::create(state, "configmaps", hand::CONTROLLERS, body);
    }
}
