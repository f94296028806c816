//! DaemonSets: a pod on every node.

use std::time::Duration;

use serde_json::Value;

use super::replica_set::count;
use super::{controlled, hand, pods};
use crate::cluster::State;
use crate::seed;
use crate::store::Place;
use crate::value::{at, flag, int, is_terminating, members, name, put, text};

const COMPONENT: &str = "daemonset-controller";
const HASH: &str = "controller-revision-hash";

/// Creates missing pods, and replaces outdated ones within the limits.
pub fn step(state: &mut State, place: &Place) -> Option<Duration> {
    let set = state.store.at(place)?.clone();
    if is_terminating(&set) {
        return None;
    }
    let template = at(&set, &["spec", "template"])
        .map(Value::to_string)
        .unwrap_or_default();
    let hash = seed::letters(seed::Seed(0).draw(&[&template]), 10);
    let nodes: Vec<String> = state
        .store
        .list("nodes", "")
        .iter()
        .filter(|node| !flag(node, &["spec", "unschedulable"]) && fits(&set, node))
        .map(|node| name(node).to_owned())
        .collect();
    let all = controlled(state, "pods", &set);
    for node in &nodes {
        if !all.iter().any(|pod| text(pod, &["spec", "nodeName"]) == node) {
            let title = pods::random_name(state, &place.name);
            pods::create(state, &set, &title, COMPONENT, |pod| {
                put(pod, &["metadata", "labels", HASH], hash.as_str());
                put(pod, &["metadata", "generateName"], format!("{}-", place.name));
                put(pod, &["spec", "nodeName"], node.as_str());
            });
        }
    }
    for pod in &all {
        let finished = matches!(text(pod, &["status", "phase"]), "Failed" | "Succeeded");
        let astray = !nodes.iter().any(|node| node == text(pod, &["spec", "nodeName"]));
        if (finished || astray) && !is_terminating(pod) {
            pods::delete(state, &set, pod, COMPONENT);
        }
    }
    if text(&set, &["spec", "updateStrategy", "type"]) != "OnDelete" {
        let total = i64::try_from(nodes.len()).unwrap_or_default();
        let limit = at(&set, &["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"]);
        let limit = super::deployment::resolve(limit, total, true).max(1);
        let down = total - i64::try_from(all.iter().filter(|pod| pods::is_ready(pod)).count()).unwrap_or_default();
        let outdated = all
            .iter()
            .filter(|pod| text(pod, &["metadata", "labels", HASH]) != hash && !is_terminating(pod));
        let (mut broken, mut serving): (Vec<_>, Vec<_>) = outdated.partition(|pod| !pods::is_ready(pod));
        let room = usize::try_from(limit - down).unwrap_or_default();
        serving.truncate(room);
        broken.extend(serving);
        for pod in broken {
            pods::delete(state, &set, pod, COMPONENT);
        }
    }
    report(state, place, &set, &hash, nodes.len() as u64)
}

fn fits(set: &Value, node: &Value) -> bool {
    members(set, &["spec", "template", "spec", "nodeSelector"])
        .all(|(key, value)| at(node, &["metadata", "labels", key]) == Some(value))
}

fn report(state: &mut State, place: &Place, set: &Value, hash: &str, nodes: u64) -> Option<Duration> {
    let all = controlled(state, "pods", set);
    let living: Vec<_> = all.iter().filter(|pod| !is_terminating(pod)).collect();
    let ready = living.iter().filter(|pod| pods::is_ready(pod)).count() as u64;
    let updated = living
        .iter()
        .filter(|pod| text(pod, &["metadata", "labels", HASH]) == hash)
        .count() as u64;
    let seconds = int(set, &["spec", "minReadySeconds"]).unwrap_or_default();
    let mut again = None;
    let mut available = 0_u64;
    for pod in &living {
        match pods::available(state, pod, seconds) {
            Ok(()) => available += 1,
            Err(later) => again = pods::earlier(again, later),
        }
    }
    let generation = int(set, &["metadata", "generation"]).unwrap_or(1);
    hand::update_status(state, place, hand::CONTROLLERS, |set| {
        put(set, &["status", "observedGeneration"], generation);
        put(set, &["status", "desiredNumberScheduled"], nodes);
        put(set, &["status", "currentNumberScheduled"], living.len() as u64);
        put(set, &["status", "numberMisscheduled"], 0);
        put(set, &["status", "numberReady"], ready);
        count(set, "updatedNumberScheduled", updated);
        count(set, "numberAvailable", available);
        count(set, "numberUnavailable", nodes.saturating_sub(available));
    });
    again
}
