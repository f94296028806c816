//! The status of PodDisruptionBudgets and HorizontalPodAutoscalers.

use std::time::Duration;

use serde_json::{Value, json};

use super::{hand, pods, selector_of};
use crate::cluster::State;
use crate::store::Place;
use crate::value::{at, controller, int, is_terminating, items, put, set_condition, text};

/// Counts the pods of a budget.
pub fn disruption(state: &mut State, place: &Place) -> Option<Duration> {
    let budget = state.store.at(place)?.clone();
    if is_terminating(&budget) {
        return None;
    }
    let selector = selector_of(&budget);
    let all = state.store.list("pods", &place.namespace);
    let chosen: Vec<_> = all
        .iter()
        .filter(|pod| selector.as_ref().is_some_and(|selector| selector.matches_labels(pod)))
        .collect();
    let healthy = i64::try_from(chosen.iter().filter(|pod| pods::is_ready(pod)).count()).unwrap_or_default();
    let expected = expected(state, &chosen);
    let desired = match at(&budget, &["spec", "maxUnavailable"]) {
        Some(limit) => expected - super::deployment::resolve(Some(limit), expected, true),
        None => super::deployment::resolve(at(&budget, &["spec", "minAvailable"]), expected, true),
    };
    let desired = desired.max(0);
    let allowed = (healthy - desired).max(0);
    let generation = int(&budget, &["metadata", "generation"]).unwrap_or(1);
    let now = state.clock.stamp();
    hand::update_status(state, place, hand::CONTROLLERS, |budget| {
        put(budget, &["status", "currentHealthy"], healthy);
        put(budget, &["status", "desiredHealthy"], desired);
        put(budget, &["status", "disruptionsAllowed"], allowed);
        put(budget, &["status", "expectedPods"], expected);
        put(budget, &["status", "observedGeneration"], generation);
        let (status, reason) = if allowed > 0 {
            ("True", "SufficientPods")
        } else {
            ("False", "InsufficientPods")
        };
        set_condition(budget, "DisruptionAllowed", status, reason, "", &now);
    });
    None
}

/// How many pods there should be: what their controllers want.
fn expected(state: &State, chosen: &[&std::sync::Arc<Value>]) -> i64 {
    let mut owners = std::collections::BTreeMap::new();
    let mut alone = 0;
    for pod in chosen {
        match controller(pod).and_then(|owner| state.store.alive(text(owner, &["uid"]))) {
            Some(place) => {
                let replicas = state
                    .store
                    .at(place)
                    .and_then(|owner| int(owner, &["spec", "replicas"]));
                owners.insert(place.clone(), replicas.unwrap_or(1));
            }
            None => alone += 1,
        }
    }
    alone + owners.values().sum::<i64>()
}

/// Says what an autoscaler sees: metrics at their target, so that it never scales past its bounds.
pub fn autoscaler(state: &mut State, place: &Place) -> Option<Duration> {
    let scaler = state.store.at(place)?.clone();
    if is_terminating(&scaler) {
        return None;
    }
    let kind = text(&scaler, &["spec", "scaleTargetRef", "kind"]);
    let collection = match kind {
        "Deployment" => "deployments.apps",
        "StatefulSet" => "statefulsets.apps",
        "ReplicaSet" => "replicasets.apps",
        _ => "",
    };
    let title = text(&scaler, &["spec", "scaleTargetRef", "name"]);
    let target = state.store.get(collection, &place.namespace, title).cloned();
    let now = state.clock.stamp();
    let Some(target) = target else {
        let why = format!(
            "the HPA controller was unable to get the target's current scale: {} \"{title}\" not found",
            kind.to_lowercase()
        );
        hand::update_status(state, place, hand::CONTROLLERS, |scaler| {
            put(scaler, &["status", "currentReplicas"], 0);
            put(scaler, &["status", "desiredReplicas"], 0);
            set_condition(scaler, "AbleToScale", "False", "FailedGetScale", &why, &now);
        });
        return None;
    };
    let replicas = int(&target, &["spec", "replicas"]).unwrap_or(1);
    let low = int(&scaler, &["spec", "minReplicas"]).unwrap_or(1);
    let high = int(&scaler, &["spec", "maxReplicas"]).unwrap_or(i64::MAX);
    let wanted = if replicas == 0 {
        0
    } else {
        replicas.clamp(low.min(high), high)
    };
    if wanted != replicas {
        let inner = Place::new(collection, &place.namespace, title);
        hand::update(state, &inner, hand::CONTROLLERS, |target| {
            put(target, &["spec", "replicas"], wanted)
        });
    }
    let metrics: Vec<Value> = items(&scaler, &["spec", "metrics"])
        .iter()
        .filter_map(current_metric)
        .collect();
    hand::update_status(state, place, hand::CONTROLLERS, |scaler| {
        put(scaler, &["status", "currentReplicas"], replicas);
        put(scaler, &["status", "desiredReplicas"], wanted);
        if !metrics.is_empty() {
            put(scaler, &["status", "currentMetrics"], metrics);
        }
        let ready = "recommended size matches current size";
        set_condition(scaler, "AbleToScale", "True", "ReadyForNewScale", ready, &now);
        let why = "the HPA was able to successfully calculate a replica count";
        set_condition(scaler, "ScalingActive", "True", "ValidMetricFound", why, &now);
        let why = "the desired count is within the acceptable range";
        set_condition(scaler, "ScalingLimited", "False", "DesiredWithinRange", why, &now);
    });
    None
}

/// A resource metric at its target.
fn current_metric(metric: &Value) -> Option<Value> {
    let resource = metric.get("resource")?;
    let target = resource.get("target")?;
    let mut current = json!({ "averageValue": "50m" });
    if let Some(percent) = target.get("averageUtilization") {
        put(&mut current, &["averageUtilization"], percent.clone());
    }
    Some(json!({ "type": "Resource", "resource": { "name": resource.get("name"), "current": current } }))
}
