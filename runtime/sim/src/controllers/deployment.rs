//! Deployments: rolling from one ReplicaSet to the next.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::replica_set::count;
use super::{controlled, events, hand};
use crate::clock;
use crate::cluster::State;
use crate::ops;
use crate::seed;
use crate::store::Place;
use crate::value::{
    annotation, at, condition, flag, int, is_terminating, name, namespace, put, set_condition, slot, take, text,
};

const COMPONENT: &str = "deployment-controller";
const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";

/// Moves a Deployment one step towards its template and replicas.
pub fn step(state: &mut State, place: &Place) -> Option<Duration> {
    let deployment = state.store.at(place)?.clone();
    if is_terminating(&deployment) {
        return None;
    }
    let sets = controlled(state, "replicasets.apps", &deployment);
    let template = at(&deployment, &["spec", "template"]).cloned().unwrap_or_default();
    let mut current = sets.iter().find(|set| same_template(set, &template)).cloned();
    if !flag(&deployment, &["spec", "paused"]) {
        current = revise(state, place, &deployment, &sets, current, &template);
    }
    let sets = controlled(state, "replicasets.apps", &deployment);
    if let Some(current) = &current {
        let current = Place::new("replicasets.apps", &place.namespace, name(current));
        let old: Vec<_> = sets.iter().filter(|set| name(set) != current.name).cloned().collect();
        scale(state, &deployment, &current, &old);
        forget(state, &deployment, &old);
    }
    report(state, place, &deployment, current.as_deref())
}

/// Finds or makes the ReplicaSet of the template, and numbers it.
fn revise(
    state: &mut State,
    place: &Place,
    deployment: &Value,
    sets: &[Arc<Value>],
    current: Option<Arc<Value>>,
    template: &Value,
) -> Option<Arc<Value>> {
    let revision = |set: &Value| {
        annotation(set, REVISION)
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or_default()
    };
    let others = sets
        .iter()
        .filter(|set| current.as_ref().is_none_or(|current| name(current) != name(set)));
    let newest = others.map(|set| revision(set)).max().unwrap_or_default();
    let (current, number) = match current {
        Some(set) if revision(&set) > newest => {
            let number = revision(&set);
            (set, number)
        }
        Some(set) => {
            let inner = Place::new("replicasets.apps", &place.namespace, name(&set));
            hand::update(state, &inner, hand::CONTROLLERS, |set| {
                put(set, &["metadata", "annotations", REVISION], (newest + 1).to_string());
            });
            (state.store.at(&inner)?.clone(), newest + 1)
        }
        None => (make(state, deployment, template, newest + 1)?, newest + 1),
    };
    if annotation(deployment, REVISION) != Some(&number.to_string()) {
        hand::update(state, place, hand::CONTROLLERS, |deployment| {
            put(deployment, &["metadata", "annotations", REVISION], number.to_string());
        });
    }
    Some(current)
}

fn make(state: &mut State, deployment: &Value, template: &Value, revision: u64) -> Option<Arc<Value>> {
    let hash = seed::letters(seed::Seed(0).draw(&[&template.to_string()]), 10);
    let mut template = template.clone();
    put(&mut template, &["metadata", "labels", HASH], hash.as_str());
    let mut selector = at(deployment, &["spec", "selector"]).cloned().unwrap_or_default();
    put(&mut selector, &["matchLabels", HASH], hash.as_str());
    let labels = at(&template, &["metadata", "labels"]).cloned().unwrap_or_default();
    let mut set = json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", name(deployment)),
            "namespace": namespace(deployment),
            "labels": labels,
            "annotations": { REVISION: revision.to_string() },
            "ownerReferences": hand::owned_by(deployment),
        },
        "spec": { "replicas": 0, "selector": selector, "template": template },
    });
    if let Some(seconds) = int(deployment, &["spec", "minReadySeconds"]) {
        put(&mut set, &["spec", "minReadySeconds"], seconds);
    }
    hand::create(state, "replicasets.apps", hand::CONTROLLERS, set).ok()
}

fn same_template(set: &Value, template: &Value) -> bool {
    let mut theirs = at(set, &["spec", "template"]).cloned().unwrap_or_default();
    take(&mut theirs, &["metadata", "labels", HASH]);
    let tidy = |template: &Value| {
        let mut template = template.clone();
        take(&mut template, &["metadata", "creationTimestamp"]);
        if at(&template, &["metadata", "labels"])
            .and_then(Value::as_object)
            .is_some_and(serde_json::Map::is_empty)
        {
            take(&mut template, &["metadata", "labels"]);
        }
        template
    };
    tidy(&theirs) == tidy(template)
}

fn replicas(set: &Value) -> i64 {
    int(set, &["spec", "replicas"]).unwrap_or(1)
}

/// A count or a percentage of `total`.
pub fn resolve(value: Option<&Value>, total: i64, round_up: bool) -> i64 {
    match value {
        Some(Value::Number(number)) => number.as_i64().unwrap_or_default(),
        Some(Value::String(text)) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or_default();
            let scaled = percent.saturating_mul(total);
            if round_up {
                (scaled + 99).div_euclid(100)
            } else {
                scaled.div_euclid(100)
            }
        }
        _ => 0,
    }
}

fn bounds(deployment: &Value, wanted: i64) -> (i64, i64) {
    let rolling = slot(&mut deployment.clone(), &["spec", "strategy", "rollingUpdate"]).clone();
    let surge = resolve(rolling.get("maxSurge"), wanted, true);
    let unavailable = resolve(rolling.get("maxUnavailable"), wanted, false);
    if surge == 0 && unavailable == 0 {
        (0, 1)
    } else {
        (surge, unavailable.min(wanted))
    }
}

fn scale(state: &mut State, deployment: &Value, current: &Place, old: &[Arc<Value>]) {
    let wanted = int(deployment, &["spec", "replicas"]).unwrap_or(1);
    let Some(new) = state.store.at(current).cloned() else {
        return;
    };
    let old_total: i64 = old.iter().map(|set| replicas(set)).sum();
    if text(deployment, &["spec", "strategy", "type"]) == "Recreate" {
        for set in old {
            resize(state, deployment, set, 0);
        }
        let alive = old.iter().any(|set| !controlled(state, "pods", set).is_empty());
        if !alive {
            resize(state, deployment, &new, wanted);
        }
        return;
    }
    if old_total == 0 {
        resize(state, deployment, &new, wanted);
        return;
    }
    let (surge, unavailable) = bounds(deployment, wanted);
    let total = old_total + replicas(&new);
    let grown = (replicas(&new) + (wanted + surge - total).max(0)).min(wanted);
    let grown = if replicas(&new) > wanted { wanted } else { grown };
    if grown != replicas(&new) {
        resize(state, deployment, &new, grown);
        return;
    }
    let available = |set: &Value| int(set, &["status", "availableReplicas"]).unwrap_or_default();
    let least = wanted - unavailable;
    let pending = replicas(&new) - available(&new);
    let mut room = total - least - pending;
    // Replicas that do not work anyway go first.
    let mut sizes: Vec<i64> = old.iter().map(|set| replicas(set)).collect();
    for (set, size) in old.iter().zip(&mut sizes) {
        let broken = (*size - available(set)).clamp(0, room.max(0));
        *size -= broken;
        room -= broken;
    }
    let serving: i64 = old.iter().map(|set| available(set)).sum::<i64>() + available(&new);
    let mut spare = (serving - least).max(0);
    for size in &mut sizes {
        let less = (*size).min(spare).max(0);
        *size -= less;
        spare -= less;
    }
    for (set, size) in old.iter().zip(sizes) {
        resize(state, deployment, set, size);
    }
}

fn resize(state: &mut State, deployment: &Value, set: &Value, size: i64) {
    let before = replicas(set);
    if before == size {
        return;
    }
    let place = Place::new("replicasets.apps", namespace(set), name(set));
    hand::update(state, &place, hand::CONTROLLERS, |set| {
        put(set, &["spec", "replicas"], size);
        let wanted = int(deployment, &["spec", "replicas"]).unwrap_or(1);
        put(
            set,
            &["metadata", "annotations", "deployment.kubernetes.io/desired-replicas"],
            wanted.to_string(),
        );
        let most = wanted + bounds(deployment, wanted).0;
        put(
            set,
            &["metadata", "annotations", "deployment.kubernetes.io/max-replicas"],
            most.to_string(),
        );
    });
    let direction = if size > before { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {} from {before} to {size}", name(set));
    events::record(state, deployment, COMPONENT, "Normal", "ScalingReplicaSet", &message);
}

/// Deletes ReplicaSets beyond the history limit once nothing runs in them.
fn forget(state: &mut State, deployment: &Value, old: &[Arc<Value>]) {
    let limit = usize::try_from(int(deployment, &["spec", "revisionHistoryLimit"]).unwrap_or(10)).unwrap_or_default();
    let idle = |set: &&Arc<Value>| replicas(set) == 0 && int(set, &["status", "replicas"]).unwrap_or_default() == 0;
    let mut idle: Vec<_> = old.iter().filter(idle).collect();
    idle.sort_by_key(|set| annotation(set, REVISION).and_then(|text| text.parse::<u64>().ok()));
    for set in idle.iter().take(idle.len().saturating_sub(limit)) {
        ops::remove(state, &Place::new("replicasets.apps", namespace(set), name(set)));
    }
}

/// Writes the status. Gives the moment at which the progress deadline passes.
fn report(state: &mut State, place: &Place, seen: &Value, current: Option<&Value>) -> Option<Duration> {
    let sets = controlled(state, "replicasets.apps", seen);
    let sum = |field: &str| -> i64 {
        sets.iter()
            .map(|set| int(set, &["status", field]).unwrap_or_default())
            .sum()
    };
    let (total, ready, available) = (sum("replicas"), sum("readyReplicas"), sum("availableReplicas"));
    let current = current.and_then(|current| sets.iter().find(|set| name(set) == name(current)));
    let updated = current.map_or(0, |set| int(set, &["status", "replicas"]).unwrap_or_default());
    let wanted = int(seen, &["spec", "replicas"]).unwrap_or(1);
    let (_, unavailable) = bounds(seen, wanted);
    let generation = int(seen, &["metadata", "generation"]).unwrap_or(1);
    let complete = updated == wanted && total == wanted && available == wanted;
    let title = current.map(|set| name(set).to_owned()).unwrap_or_default();
    let deadline = int(seen, &["spec", "progressDeadlineSeconds"]).filter(|seconds| *seconds < i64::from(i32::MAX));
    let status = seen.get("status").cloned().unwrap_or_default();
    let old = |field: &str| int(&status, &[field]).unwrap_or_default();
    let fresh = condition(seen, "Progressing").is_none();
    let moved = fresh
        || updated > old("updatedReplicas")
        || ready > old("readyReplicas")
        || available > old("availableReplicas")
        || total - updated < old("replicas") - old("updatedReplicas")
        || generation != old("observedGeneration");
    let since = condition(seen, "Progressing")
        .map(|old| text(old, &["lastUpdateTime"]))
        .unwrap_or_default();
    let since = clock::parse(since).unwrap_or_else(|| state.clock.unix());
    let reason_before = condition(seen, "Progressing")
        .map(|old| text(old, &["reason"]))
        .unwrap_or_default();
    let was_complete = reason_before == "NewReplicaSetAvailable" && generation == old("observedGeneration");
    let late = deadline.is_some_and(|seconds| state.clock.unix() >= since + seconds);
    let (progress, reason, message) = if complete || was_complete {
        (
            "True",
            "NewReplicaSetAvailable",
            format!("ReplicaSet \"{title}\" has successfully progressed."),
        )
    } else if moved && fresh {
        (
            "True",
            "NewReplicaSetCreated",
            format!("Created new replica set \"{title}\""),
        )
    } else if !moved && (late || reason_before == "ProgressDeadlineExceeded") {
        (
            "False",
            "ProgressDeadlineExceeded",
            format!("ReplicaSet \"{title}\" has timed out progressing."),
        )
    } else {
        (
            "True",
            "ReplicaSetUpdated",
            format!("ReplicaSet \"{title}\" is progressing."),
        )
    };
    let now = state.clock.stamp();
    let natural = |number: i64| u64::try_from(number).unwrap_or_default();
    hand::update_status(state, place, hand::CONTROLLERS, |deployment| {
        put(deployment, &["status", "observedGeneration"], generation);
        for (field, value) in [
            ("replicas", total),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", available),
            ("unavailableReplicas", wanted.max(total) - available),
        ] {
            count(deployment, field, natural(value));
        }
        let (status, why, text) = if available >= wanted - unavailable {
            (
                "True",
                "MinimumReplicasAvailable",
                "Deployment has minimum availability.",
            )
        } else {
            (
                "False",
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.",
            )
        };
        conditioned(deployment, "Available", status, why, text, &now, false);
        if deadline.is_some() {
            conditioned(
                deployment,
                "Progressing",
                progress,
                reason,
                &message,
                &now,
                moved && !was_complete,
            );
        }
    });
    let waiting = !complete && !was_complete && reason != "ProgressDeadlineExceeded";
    let seconds = deadline.filter(|_| waiting)?;
    let updated = if moved { state.clock.unix() } else { since };
    let left = u64::try_from(updated + seconds - state.clock.unix()).unwrap_or_default();
    Some(state.clock.elapsed() + Duration::from_secs(left) + Duration::from_millis(100))
}

/// Sets a condition that also has `lastUpdateTime`.
fn conditioned(object: &mut Value, kind: &str, status: &str, reason: &str, message: &str, now: &str, touch: bool) {
    let before = condition(object, kind).cloned().unwrap_or_default();
    let same = text(&before, &["reason"]) == reason && text(&before, &["status"]) == status;
    if same && !touch {
        return;
    }
    set_condition(object, kind, status, reason, message, now);
    let list = slot(object, &["status", "conditions"]).as_array_mut();
    if let Some(condition) = list
        .into_iter()
        .flatten()
        .find(|condition| text(condition, &["type"]) == kind)
    {
        put(condition, &["lastUpdateTime"], now);
    }
}
