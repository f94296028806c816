//! Workloads: what runs pods.

use super::{Object, Verdict};

/// The first of several counts that is not as wanted, as evidence.
fn behind(counts: &[(&str, i64, i64)]) -> Option<Verdict> {
    let late = counts.iter().find(|(_, have, want)| have < want);
    late.map(|(field, have, want)| Verdict::progressing(format!("status.{field} {have} of {want}")))
}

fn count(object: Object<'_>, field: &str) -> i64 {
    object.number(&format!("/status/{field}")).unwrap_or(0)
}

fn unobserved(object: Object<'_>) -> Option<Verdict> {
    match object.number("/status/observedGeneration") {
        Some(_) => None,
        None => Some(Verdict::pending("has no status.observedGeneration yet")),
    }
}

pub(super) fn deployment(object: Object<'_>) -> Verdict {
    if let Some(verdict) = unobserved(object) {
        return verdict;
    }
    let progressing = object.condition("Progressing");
    if let Some(late) = progressing.filter(|condition| condition.reason() == "ProgressDeadlineExceeded") {
        return Verdict::failed(late.to_string());
    }
    if object.flag("/spec/paused") {
        return Verdict::ready("spec.paused is true, nothing is rolled out");
    }
    let wanted = object.number("/spec/replicas").unwrap_or(1);
    let (updated, all) = (count(object, "updatedReplicas"), count(object, "replicas"));
    if let Some(verdict) = behind(&[("updatedReplicas", updated, wanted)]) {
        // Quota and admission show here long before the deadline, and may still pass.
        let refused = object
            .condition("ReplicaFailure")
            .filter(|condition| condition.is("True"));
        return refused.map_or(verdict, |refused| Verdict::progressing(refused.to_string()));
    }
    if all > updated {
        return Verdict::progressing(format!("{} old replicas are still there", all - updated));
    }
    let counts = [
        ("readyReplicas", count(object, "readyReplicas"), wanted),
        ("availableReplicas", count(object, "availableReplicas"), wanted),
    ];
    if let Some(verdict) = behind(&counts) {
        return verdict;
    }
    match object.condition("Available") {
        Some(available) if !available.is("True") => Verdict::progressing(available.to_string()),
        None if wanted > 0 => Verdict::progressing("has no condition Available yet"),
        _ => Verdict::ready(format!("status.availableReplicas {wanted} of {wanted}")),
    }
}

pub(super) fn stateful_set(object: Object<'_>) -> Verdict {
    if let Some(verdict) = unobserved(object) {
        return verdict;
    }
    if object.text("/spec/updateStrategy/type") == Some("OnDelete") {
        return Verdict::ready("spec.updateStrategy OnDelete: pods are replaced by hand");
    }
    let wanted = object.number("/spec/replicas").unwrap_or(1);
    let counts = [
        ("replicas", count(object, "replicas"), wanted),
        ("readyReplicas", count(object, "readyReplicas"), wanted),
    ];
    if let Some(verdict) = behind(&counts) {
        return verdict;
    }
    let all = count(object, "replicas");
    if all > wanted {
        return Verdict::progressing(format!("{} surplus replicas are still there", all - wanted));
    }
    let partition = object
        .number("/spec/updateStrategy/rollingUpdate/partition")
        .unwrap_or(0);
    let updated = count(object, "updatedReplicas");
    if partition > 0 {
        let target = (wanted - partition).max(0);
        return behind(&[("updatedReplicas", updated, target)])
            .unwrap_or_else(|| Verdict::ready(format!("status.updatedReplicas {updated}, partition {partition}")));
    }
    let (current, update) = (
        object.text("/status/currentRevision"),
        object.text("/status/updateRevision"),
    );
    if current != update {
        let (current, update) = (current.unwrap_or_default(), update.unwrap_or_default());
        return Verdict::progressing(format!("status.currentRevision {current}, updateRevision {update}"));
    }
    Verdict::ready(format!("status.readyReplicas {wanted} of {wanted}"))
}

pub(super) fn daemon_set(object: Object<'_>) -> Verdict {
    if let Some(verdict) = unobserved(object) {
        return verdict;
    }
    let Some(wanted) = object.number("/status/desiredNumberScheduled") else {
        return Verdict::pending("has no status.desiredNumberScheduled yet");
    };
    let scheduled = (
        "currentNumberScheduled",
        count(object, "currentNumberScheduled"),
        wanted,
    );
    let updated = (
        "updatedNumberScheduled",
        count(object, "updatedNumberScheduled"),
        wanted,
    );
    let available = ("numberAvailable", count(object, "numberAvailable"), wanted);
    let ready = ("numberReady", count(object, "numberReady"), wanted);
    let by_hand = object.text("/spec/updateStrategy/type") == Some("OnDelete");
    let verdict = if by_hand {
        behind(&[scheduled, available, ready])
    } else {
        behind(&[scheduled, updated, available, ready])
    };
    verdict.unwrap_or_else(|| Verdict::ready(format!("status.numberReady {wanted} of {wanted}")))
}

pub(super) fn replica_set(object: Object<'_>) -> Verdict {
    if let Some(verdict) = unobserved(object) {
        return verdict;
    }
    let wanted = object.number("/spec/replicas").unwrap_or(1);
    let counts = [
        ("replicas", count(object, "replicas"), wanted),
        ("readyReplicas", count(object, "readyReplicas"), wanted),
        ("availableReplicas", count(object, "availableReplicas"), wanted),
    ];
    if let Some(verdict) = behind(&counts) {
        let refused = object
            .condition("ReplicaFailure")
            .filter(|condition| condition.is("True"));
        return refused.map_or(verdict, |refused| Verdict::progressing(refused.to_string()));
    }
    let all = count(object, "replicas");
    if all > wanted {
        return Verdict::progressing(format!("{} surplus replicas are still there", all - wanted));
    }
    Verdict::ready(format!("status.availableReplicas {wanted} of {wanted}"))
}

pub(super) fn job(object: Object<'_>) -> Verdict {
    for kind in ["Failed", "FailureTarget"] {
        if let Some(failed) = object.condition(kind).filter(|condition| condition.is("True")) {
            return Verdict::failed(failed.to_string());
        }
    }
    for kind in ["Complete", "SuccessCriteriaMet"] {
        if object.condition(kind).is_some_and(|condition| condition.is("True")) {
            return Verdict::ready(format!("condition {kind} is True"));
        }
    }
    if object.flag("/spec/suspend") {
        // Whoever suspends a job starts it by other means: waiting for it would be waiting for ever.
        return Verdict::ready("spec.suspend is true, nothing runs");
    }
    if object.text("/status/startTime").is_none() {
        return Verdict::pending("has no status.startTime yet");
    }
    let wanted = object.number("/spec/completions").unwrap_or(1);
    let failed = count(object, "failed");
    let mut evidence = format!("status.succeeded {} of {wanted}", count(object, "succeeded"));
    if failed > 0 {
        evidence.push_str(&format!(", {failed} failed"));
    }
    Verdict::progressing(evidence)
}
