//! Making pods from templates, and judging them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{events, hand};
use crate::clock;
use crate::cluster::State;
use crate::ops;
use crate::store::Place;
use crate::value::{at, condition, condition_is_true, is_terminating, name, namespace, put, text};

/// A pod from the template of `owner`. `extra` edits it before it is created.
pub fn create(
    state: &mut State,
    owner: &Value,
    pod_name: &str,
    component: &str,
    extra: impl FnOnce(&mut Value),
) -> bool {
    let template = at(owner, &["spec", "template"]).cloned().unwrap_or_default();
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": template.get("metadata").filter(|meta| meta.is_object()).cloned().unwrap_or_else(|| json!({})),
        "spec": template.get("spec").cloned().unwrap_or_default(),
    });
    put(&mut pod, &["metadata", "name"], pod_name);
    put(&mut pod, &["metadata", "namespace"], namespace(owner));
    put(&mut pod, &["metadata", "ownerReferences"], hand::owned_by(owner));
    extra(&mut pod);
    match hand::create(state, "pods", hand::CONTROLLERS, pod) {
        Ok(pod) => {
            let message = format!("Created pod: {}", name(&pod));
            events::record(state, owner, component, "Normal", "SuccessfulCreate", &message);
            true
        }
        Err(failure) => {
            let message = format!("Error creating: {}", failure.message);
            events::record(state, owner, component, "Warning", "FailedCreate", &message);
            false
        }
    }
}

/// Deletes a pod of `owner`.
pub fn delete(state: &mut State, owner: &Value, pod: &Value, component: &str) {
    ops::remove(state, &Place::new("pods", namespace(pod), name(pod)));
    let message = format!("Deleted pod: {}", name(pod));
    events::record(state, owner, component, "Normal", "SuccessfulDelete", &message);
}

/// A name with five letters of its own.
pub fn random_name(state: &mut State, base: &str) -> String {
    let number = state.next("pod name").to_string();
    let base: String = base.chars().take(58).collect();
    format!("{base}-{}", state.seed.letters(5, &["pod", &base, &number]))
}

/// Neither finished nor on its way out.
pub fn is_active(pod: &Value) -> bool {
    !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed") && !is_terminating(pod)
}

/// Whether the pod serves.
pub fn is_ready(pod: &Value) -> bool {
    condition_is_true(pod, "Ready") && !is_terminating(pod)
}

/// Whether the pod has been ready for `seconds`; otherwise when it will have been.
pub fn available(state: &State, pod: &Value, seconds: i64) -> Result<(), Option<Duration>> {
    if !is_ready(pod) {
        return Err(None);
    }
    if seconds <= 0 {
        return Ok(());
    }
    let since = condition(pod, "Ready")
        .map(|ready| text(ready, &["lastTransitionTime"]))
        .unwrap_or_default();
    let since = clock::parse(since).unwrap_or_default();
    let left = since + seconds - state.clock.unix();
    match u64::try_from(left) {
        Ok(left) if left > 0 => Err(Some(state.clock.elapsed() + Duration::from_secs(left))),
        _ => Ok(()),
    }
}

/// The earlier of two moments, if any.
pub fn earlier(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
