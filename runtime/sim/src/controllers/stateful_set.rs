//! StatefulSets: numbered pods, one after the other.

use std::time::Duration;

use serde_json::{Value, json};

use super::replica_set::count;
use super::{controlled, events, hand, pods};
use crate::cluster::State;
use crate::seed;
use crate::store::Place;
use crate::value::{at, int, is_terminating, items, name, namespace, put, slot, text};

const COMPONENT: &str = "statefulset-controller";
const REVISION: &str = "controller-revision-hash";

/// Moves a StatefulSet one pod further.
pub fn step(state: &mut State, place: &Place) -> Option<Duration> {
    let set = state.store.at(place)?.clone();
    if is_terminating(&set) {
        return None;
    }
    let template = at(&set, &["spec", "template"])
        .map(Value::to_string)
        .unwrap_or_default();
    let hash = seed::letters(seed::Seed(0).draw(&[&template]), 10);
    let update = format!("{}-{hash}", place.name);
    let before = text(&set, &["status", "currentRevision"]).to_owned();
    let current = if before.is_empty() { update.clone() } else { before };
    revision(state, &set, &update);
    let wanted = int(&set, &["spec", "replicas"]).unwrap_or(1);
    let first = int(&set, &["spec", "ordinals", "start"]).unwrap_or_default();
    let parallel = text(&set, &["spec", "podManagementPolicy"]) == "Parallel";
    let all = controlled(state, "pods", &set);
    let ordinal = |pod: &Value| {
        name(pod)
            .rsplit('-')
            .next()
            .and_then(|text| text.parse::<i64>().ok())
            .unwrap_or(-1)
    };
    let pod_at = |number: i64| all.iter().find(|pod| ordinal(pod) == number);
    let numbers = first..first + wanted;
    let mut settled = true;
    for number in numbers.clone() {
        match pod_at(number) {
            None => {
                claims(state, &set, number);
                let revision = if number < partition(&set) { &current } else { &update };
                make(state, &set, number, revision);
                settled = false;
            }
            Some(pod) if matches!(text(pod, &["status", "phase"]), "Failed" | "Succeeded") && !is_terminating(pod) => {
                pods::delete(state, &set, pod, COMPONENT);
                settled = false;
            }
            Some(pod) => settled &= pods::is_ready(pod),
        }
        if !settled && !parallel {
            break;
        }
    }
    let mut extra: Vec<_> = all.iter().filter(|pod| !numbers.contains(&ordinal(pod))).collect();
    extra.sort_by_key(|pod| std::cmp::Reverse(ordinal(pod)));
    if settled || parallel {
        for pod in extra {
            if !is_terminating(pod) {
                pods::delete(state, &set, pod, COMPONENT);
            }
            settled = false;
            if !parallel {
                break;
            }
        }
    }
    if settled && text(&set, &["spec", "updateStrategy", "type"]) != "OnDelete" {
        let from = first.max(partition(&set));
        let outdated = (from..first + wanted).rev().filter_map(pod_at);
        let mut outdated = outdated.filter(|pod| text(pod, &["metadata", "labels", REVISION]) != update);
        if let Some(pod) = outdated.next() {
            pods::delete(state, &set, pod, COMPONENT);
        }
    }
    report(state, place, &set, &current, &update)
}

fn partition(set: &Value) -> i64 {
    int(set, &["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or_default()
}

fn revision(state: &mut State, set: &Value, title: &str) {
    if state
        .store
        .get("controllerrevisions.apps", namespace(set), title)
        .is_some()
    {
        return;
    }
    let number = controlled(state, "controllerrevisions.apps", set).len() + 1;
    let body = json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": { "name": title, "namespace": namespace(set), "ownerReferences": hand::owned_by(set) },
        "data": { "spec": { "template": at(set, &["spec", "template"]) } },
        "revision": number,
    });
    // The namespace may be going away, and the revision with it.
    let _ = hand::create(state, "controllerrevisions.apps", hand::CONTROLLERS, body);
}

fn make(state: &mut State, set: &Value, number: i64, revision: &str) {
    let title = format!("{}-{number}", name(set));
    let service = text(set, &["spec", "serviceName"]).to_owned();
    pods::create(state, set, &title, COMPONENT, |pod| {
        put(pod, &["metadata", "labels", REVISION], revision);
        put(
            pod,
            &["metadata", "labels", "statefulset.kubernetes.io/pod-name"],
            title.as_str(),
        );
        put(
            pod,
            &["metadata", "labels", "apps.kubernetes.io/pod-index"],
            number.to_string(),
        );
        put(pod, &["metadata", "generateName"], format!("{}-", name(set)));
        put(pod, &["spec", "hostname"], title.as_str());
        put(pod, &["spec", "subdomain"], service);
        let volumes = slot(pod, &["spec", "volumes"]);
        if !volumes.is_array() {
            *volumes = json!([]);
        }
        for claim in items(set, &["spec", "volumeClaimTemplates"]) {
            let volume = json!({ "name": name(claim), "persistentVolumeClaim": { "claimName": format!("{}-{title}", name(claim)) } });
            if let Value::Array(list) = &mut *volumes {
                list.push(volume);
            }
        }
    });
}

fn claims(state: &mut State, set: &Value, number: i64) {
    for template in items(set, &["spec", "volumeClaimTemplates"]) {
        let title = format!("{}-{}-{number}", name(template), name(set));
        if state
            .store
            .get("persistentvolumeclaims", namespace(set), &title)
            .is_some()
        {
            continue;
        }
        let body = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": title,
                "namespace": namespace(set),
                "labels": at(set, &["spec", "selector", "matchLabels"]),
            },
            "spec": template.get("spec"),
        });
        if hand::create(state, "persistentvolumeclaims", hand::CONTROLLERS, body).is_ok() {
            let message = format!(
                "create Claim {title} Pod {}-{number} in StatefulSet {} success",
                name(set),
                name(set)
            );
            events::record(state, set, COMPONENT, "Normal", "SuccessfulCreate", &message);
        }
    }
}

fn report(state: &mut State, place: &Place, set: &Value, current: &str, update: &str) -> Option<Duration> {
    let all = controlled(state, "pods", set);
    let living: Vec<_> = all.iter().filter(|pod| !is_terminating(pod)).collect();
    let at_revision = |revision: &str| {
        living
            .iter()
            .filter(|pod| text(pod, &["metadata", "labels", REVISION]) == revision)
            .count() as u64
    };
    let ready = living.iter().filter(|pod| pods::is_ready(pod)).count() as u64;
    let seconds = int(set, &["spec", "minReadySeconds"]).unwrap_or_default();
    let mut again = None;
    let mut available = 0_u64;
    for pod in &living {
        match pods::available(state, pod, seconds) {
            Ok(()) => available += 1,
            Err(later) => again = pods::earlier(again, later),
        }
    }
    let wanted = u64::try_from(int(set, &["spec", "replicas"]).unwrap_or(1)).unwrap_or_default();
    let total = all.len() as u64;
    let done = at_revision(update) == wanted && ready == wanted && total == wanted;
    let current = if done { update } else { current };
    let (old, new) = (at_revision(current), at_revision(update));
    let generation = int(set, &["metadata", "generation"]).unwrap_or(1);
    hand::update_status(state, place, hand::CONTROLLERS, |set| {
        put(set, &["status", "observedGeneration"], generation);
        put(set, &["status", "replicas"], total);
        put(set, &["status", "availableReplicas"], available);
        for (field, value) in [
            ("readyReplicas", ready),
            ("currentReplicas", old),
            ("updatedReplicas", new),
        ] {
            count(set, field, value);
        }
        put(set, &["status", "currentRevision"], current);
        put(set, &["status", "updateRevision"], update);
        put(set, &["status", "collisionCount"], 0);
    });
    again
}
