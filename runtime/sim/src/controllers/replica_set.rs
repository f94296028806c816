//! ReplicaSets: as many pods as asked for.

use std::time::Duration;

use serde_json::Value;

use super::{controlled, hand, pods};
use crate::cluster::State;
use crate::store::Place;
use crate::value::{at, int, is_terminating, members, put, text};

const COMPONENT: &str = "replicaset-controller";

/// Creates or deletes pods, and counts them.
pub fn step(state: &mut State, place: &Place) -> Option<Duration> {
    let set = state.store.at(place)?.clone();
    let mut active: Vec<_> = controlled(state, "pods", &set)
        .into_iter()
        .filter(|pod| pods::is_active(pod))
        .collect();
    let wanted = usize::try_from(int(&set, &["spec", "replicas"]).unwrap_or(1)).unwrap_or_default();
    if !is_terminating(&set) {
        for _ in active.len()..wanted {
            let name = pods::random_name(state, &place.name);
            if !pods::create(state, &set, &name, COMPONENT, |pod| {
                put(pod, &["metadata", "generateName"], format!("{}-", place.name));
            }) {
                break;
            }
        }
        // Pods that are not ready go first, then the youngest.
        active.sort_by_key(|pod| {
            (
                pods::is_ready(pod),
                std::cmp::Reverse(text(pod, &["metadata", "creationTimestamp"]).to_owned()),
            )
        });
        for pod in active.iter().take(active.len().saturating_sub(wanted)) {
            pods::delete(state, &set, pod, COMPONENT);
        }
    }
    let active: Vec<_> = controlled(state, "pods", &set)
        .into_iter()
        .filter(|pod| pods::is_active(pod))
        .collect();
    let seconds = int(&set, &["spec", "minReadySeconds"]).unwrap_or_default();
    let mut again = None;
    let (mut ready, mut available, mut labelled) = (0_u64, 0_u64, 0_u64);
    for pod in &active {
        ready += u64::from(pods::is_ready(pod));
        let template = ["spec", "template", "metadata", "labels"];
        let complete =
            members(&set, &template).all(|(key, value)| at(pod, &["metadata", "labels", key]) == Some(value));
        labelled += u64::from(complete);
        match pods::available(state, pod, seconds) {
            Ok(()) => available += 1,
            Err(later) => again = pods::earlier(again, later),
        }
    }
    let generation = int(&set, &["metadata", "generation"]).unwrap_or(1);
    hand::update_status(state, place, hand::CONTROLLERS, |set| {
        put(set, &["status", "replicas"], active.len() as u64);
        put(set, &["status", "observedGeneration"], generation);
        for (field, value) in [
            ("fullyLabeledReplicas", labelled),
            ("readyReplicas", ready),
            ("availableReplicas", available),
        ] {
            count(set, field, value);
        }
    });
    again
}

/// Writes a count into the status; zero is left out, as Go leaves it out.
pub fn count(object: &mut Value, field: &str, value: u64) {
    if value == 0 {
        crate::value::take(object, &["status", field]);
    } else {
        put(object, &["status", field], value);
    }
}
