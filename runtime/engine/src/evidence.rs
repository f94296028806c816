//! Why a rollout does not succeed, as its pods and events show it.

use std::collections::BTreeSet;
use std::sync::Arc;

use ktl_cluster::readiness::{PodTrouble, pod_trouble};
use serde_json::Value;

use crate::graph::Task;

/// Lines that a person can read at a glance.
const LINES: usize = 5;

/// What is wrong with the pods of a workload, and the last warnings about it and them. Nothing if it cannot be read:
/// what failed is known anyway.
pub(crate) async fn collect(task: &Task, workload: &Value) -> Vec<String> {
    let namespace = task.object.namespace.as_deref();
    let mut names = BTreeSet::from([task.object.name.clone()]);
    let mut lines = Vec::new();
    if task.rollout {
        let pods = task.cluster.list("v1", "Pod", namespace).await.unwrap_or_default();
        for pod in pods.iter().filter(|pod| is_of(pod, &task.object.kind, workload)) {
            names.extend(text(pod, "/metadata/name").map(str::to_owned));
            lines.extend(pod_trouble(pod).map(|trouble| trouble.evidence));
        }
        lines.truncate(LINES);
    }
    if namespace.is_some() {
        let mut events = task.cluster.list("v1", "Event", namespace).await.unwrap_or_default();
        events.retain(|event| {
            text(event, "/type") == Some("Warning")
                && text(event, "/involvedObject/name").is_some_and(|name| names.contains(name))
        });
        let when = |event: &Value| {
            text(event, "/lastTimestamp")
                .or(text(event, "/eventTime"))
                .map(str::to_owned)
        };
        events.sort_by_key(when);
        let warnings: BTreeSet<String> = events.iter().rev().take(LINES).filter_map(warning).collect();
        lines.extend(warnings);
    }
    lines
}

fn warning(event: &Value) -> Option<String> {
    let about = (
        text(event, "/involvedObject/kind")?,
        text(event, "/involvedObject/name")?,
    );
    let message = text(event, "/message")
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let message: String = message.chars().take(300).collect();
    Some(format!(
        "event {} {}: {}: {message}",
        about.0,
        about.1,
        text(event, "/reason").unwrap_or_default()
    ))
}

/// What shows that a rollout will not succeed: none of the newest pods of a Deployment, or one of a StatefulSet, can run.
/// Others have their own rules: a Job counts its failures itself, and a DaemonSet may have broken nodes.
pub(crate) fn doom(kind: &str, workload: &Value, pods: &[Arc<Value>]) -> Option<String> {
    let mine = pods.iter().filter(|pod| is_of(pod, kind, workload));
    let mine: Vec<&Arc<Value>> = mine
        .filter(|pod| text(pod, "/metadata/deletionTimestamp").is_none())
        .collect();
    match kind {
        "Deployment" | "ReplicaSet" => {
            let hash = |pod: &Value| text(pod, "/metadata/labels/pod-template-hash").map(str::to_owned);
            let newest = mine.iter().max_by_key(|pod| text(pod, "/metadata/creationTimestamp"))?;
            let current = mine.iter().filter(|pod| hash(pod) == hash(newest));
            let hopeless: Option<Vec<PodTrouble>> = current.map(|pod| hopeless(pod)).collect();
            hopeless?.into_iter().next().map(|trouble| trouble.evidence)
        }
        "StatefulSet" => mine
            .iter()
            .find_map(|pod| hopeless(pod))
            .map(|trouble| trouble.evidence),
        _ => None,
    }
}

/// Trouble that time does not heal.
fn hopeless(pod: &Value) -> Option<PodTrouble> {
    let trouble = pod_trouble(pod)?;
    let crashes = trouble.reason == "CrashLoopBackOff" && trouble.restarts >= 2;
    let no_image = matches!(trouble.reason.as_str(), "ImagePullBackOff" | "ErrImagePull");
    (trouble.lasting || crashes || no_image).then_some(trouble)
}

/// Whether a pod belongs to a workload: by its labels and by the kind that owns it.
fn is_of(pod: &Value, kind: &str, workload: &Value) -> bool {
    if kind == "Pod" {
        return text(pod, "/metadata/name") == text(workload, "/metadata/name");
    }
    let owner_kind = if kind == "Deployment" { "ReplicaSet" } else { kind };
    let owners = pod
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let owned = owners
        .clone()
        .any(|owner| owner.get("kind").and_then(Value::as_str) == Some(owner_kind));
    let selector = workload
        .pointer("/spec/selector/matchLabels")
        .and_then(Value::as_object);
    let Some(selector) = selector else {
        // A Job's selector is given by the API server and may not be there yet.
        let uid = text(workload, "/metadata/uid");
        return uid.is_some()
            && owners
                .clone()
                .any(|owner| owner.get("uid").and_then(Value::as_str) == uid);
    };
    let labels = pod.pointer("/metadata/labels").and_then(Value::as_object);
    owned
        && selector
            .iter()
            .all(|(name, value)| labels.and_then(|labels| labels.get(name)) == Some(value))
}

fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str)
}
