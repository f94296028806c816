//! Jobs: pods that run to completion.

use std::time::Duration;

use serde_json::Value;

use super::replica_set::count;
use super::{controlled, events, hand, pods};
use crate::clock;
use crate::cluster::State;
use crate::ops;
use crate::store::Place;
use crate::value::{
    at, condition, condition_is_true, flag, int, is_terminating, items, put, set_condition, take, text,
};

const COMPONENT: &str = "job-controller";

/// Creates pods until enough of them succeeded, or too many failed.
pub fn step(state: &mut State, place: &Place) -> Option<Duration> {
    let job = state.store.at(place)?.clone();
    if is_terminating(&job) {
        return None;
    }
    if condition_is_true(&job, "Complete") || condition_is_true(&job, "Failed") {
        return expire(state, place, &job);
    }
    let now = state.clock.stamp();
    let all = controlled(state, "pods", &job);
    let phase = |pod: &Value, phase: &str| text(pod, &["status", "phase"]) == phase;
    let succeeded = all.iter().filter(|pod| phase(pod, "Succeeded")).count() as u64;
    let mut failed = all.iter().filter(|pod| phase(pod, "Failed")).count() as u64;
    let active: Vec<_> = all.iter().filter(|pod| pods::is_active(pod)).cloned().collect();
    let restarts: i64 = active
        .iter()
        .flat_map(|pod| items(pod, &["status", "containerStatuses"]))
        .map(|status| int(status, &["restartCount"]).unwrap_or_default())
        .sum();
    let suspended = flag(&job, &["spec", "suspend"]);
    let number =
        |path: &str, other: i64| u64::try_from(int(&job, &["spec", path]).unwrap_or(other)).unwrap_or_default();
    let parallelism = number("parallelism", 1);
    let completions = at(&job, &["spec", "completions"])
        .filter(|value| !value.is_null())
        .map(|_| number("completions", 1));
    let limit = number("backoffLimit", 6);
    let enough = completions.map_or(succeeded > 0 && active.is_empty(), |wanted| succeeded >= wanted);
    let exhausted = failed > limit || u64::try_from(restarts).unwrap_or_default() > limit;
    let deadline = int(&job, &["spec", "activeDeadlineSeconds"]);
    let started = clock::parse(text(&job, &["status", "startTime"]));
    let late = deadline
        .zip(started)
        .is_some_and(|(seconds, started)| state.clock.unix() >= started + seconds);
    let outcome = if enough {
        Some((
            "Complete",
            "CompletionsReached",
            "Reached expected number of succeeded pods",
        ))
    } else if exhausted {
        Some((
            "Failed",
            "BackoffLimitExceeded",
            "Job has reached the specified backoff limit",
        ))
    } else if late {
        Some((
            "Failed",
            "DeadlineExceeded",
            "Job was active longer than specified deadline",
        ))
    } else {
        None
    };
    let mut running = active.len() as u64;
    if outcome.is_some() || suspended {
        if outcome.is_some_and(|(kind, ..)| kind == "Failed") {
            failed += running;
        }
        for pod in &active {
            pods::delete(state, &job, pod, COMPONENT);
        }
        running = 0;
    } else {
        let left = completions.map_or(u64::from(succeeded == 0) * parallelism, |wanted| {
            wanted - succeeded.min(wanted)
        });
        let again = retry_at(state, &job, &all, failed);
        if again.is_some_and(|at| at > state.clock.elapsed()) && running < parallelism.min(left) {
            write_status(state, place, &now, running, succeeded, failed, None);
            return again;
        }
        while running < parallelism.min(left) {
            let indexed = text(&job, &["spec", "completionMode"]) == "Indexed";
            let index = (0..).find(|index: &u64| {
                let index = index.to_string();
                let holds = |pod: &Value| {
                    at(pod, &["metadata", "labels", "batch.kubernetes.io/job-completion-index"]).and_then(Value::as_str)
                        == Some(&index)
                };
                !controlled(state, "pods", &job)
                    .iter()
                    .any(|pod| !phase(pod, "Failed") && holds(pod))
            });
            let title = match index.filter(|_| indexed) {
                Some(index) => pods::random_name(state, &format!("{}-{index}", place.name)),
                None => pods::random_name(state, &place.name),
            };
            let made = pods::create(state, &job, &title, COMPONENT, |pod| {
                put(pod, &["metadata", "generateName"], format!("{}-", place.name));
                if let Some(index) = index.filter(|_| indexed) {
                    let key = "batch.kubernetes.io/job-completion-index";
                    put(pod, &["metadata", "labels", key], index.to_string());
                    put(pod, &["metadata", "annotations", key], index.to_string());
                }
            });
            if !made {
                break;
            }
            running += 1;
        }
    }
    write_status(state, place, &now, running, succeeded, failed, outcome);
    if let Some((kind, reason, message)) = outcome {
        let (level, reason, message) = if kind == "Complete" {
            ("Normal", "Completed", "Job completed")
        } else {
            ("Warning", reason, message)
        };
        events::record(state, &job, COMPONENT, level, reason, message);
    }
    let seconds = u64::try_from(deadline.filter(|_| outcome.is_none())?).unwrap_or_default();
    let started = started.unwrap_or_else(|| state.clock.unix());
    let passed = u64::try_from(state.clock.unix() - started).unwrap_or_default();
    Some(state.clock.elapsed() + Duration::from_secs(seconds.saturating_sub(passed)) + Duration::from_millis(100))
}

/// Failed pods are replaced after 10 s, 20 s, 40 s …, at the cluster's speed.
fn retry_at(state: &State, job: &Value, all: &[std::sync::Arc<Value>], failed: u64) -> Option<Duration> {
    if failed == 0 {
        return None;
    }
    let last = all
        .iter()
        .flat_map(|pod| items(pod, &["status", "containerStatuses"]))
        .filter_map(|status| clock::parse(text(status, &["state", "terminated", "finishedAt"])))
        .max()?;
    let power = u32::try_from(failed.min(6)).unwrap_or(6).saturating_sub(1);
    let pause = state.clock.scaled(Duration::from_secs(10 * 2_u64.pow(power)));
    let passed = Duration::from_secs(u64::try_from(state.clock.unix() - last).unwrap_or_default());
    let _ = job;
    Some(state.clock.elapsed() + pause.saturating_sub(passed))
}

fn write_status(
    state: &mut State,
    place: &Place,
    now: &str,
    running: u64,
    succeeded: u64,
    failed: u64,
    outcome: Option<(&str, &str, &str)>,
) {
    let ready = state
        .store
        .at(place)
        .map(|job| {
            controlled(state, "pods", job)
                .iter()
                .filter(|pod| pods::is_ready(pod))
                .count() as u64
        })
        .unwrap_or_default();
    hand::update_status(state, place, hand::CONTROLLERS, |job| {
        let suspended = flag(job, &["spec", "suspend"]);
        if suspended {
            set_condition(job, "Suspended", "True", "JobSuspended", "Job suspended", now);
            take(job, &["status", "startTime"]);
        } else {
            if condition(job, "Suspended").is_some() {
                set_condition(job, "Suspended", "False", "JobResumed", "Job resumed", now);
            }
            crate::value::put_default(job, &["status", "startTime"], now);
        }
        count(job, "active", running);
        count(job, "succeeded", succeeded);
        count(job, "failed", failed);
        put(job, &["status", "ready"], if running == 0 { 0 } else { ready });
        put(job, &["status", "terminating"], 0);
        put(job, &["status", "uncountedTerminatedPods"], serde_json::json!({}));
        if let Some((kind, reason, message)) = outcome {
            let first = if kind == "Complete" {
                "SuccessCriteriaMet"
            } else {
                "FailureTarget"
            };
            set_condition(job, first, "True", reason, message, now);
            set_condition(job, kind, "True", reason, message, now);
            if kind == "Complete" {
                put(job, &["status", "completionTime"], now);
            }
        }
    });
}

/// Deletes a finished Job when its time to live is over.
fn expire(state: &mut State, place: &Place, job: &Value) -> Option<Duration> {
    let ttl = int(job, &["spec", "ttlSecondsAfterFinished"])?;
    let finished = ["Complete", "Failed"].iter().filter_map(|kind| condition(job, kind));
    let finished = finished
        .filter_map(|done| clock::parse(text(done, &["lastTransitionTime"])))
        .max()?;
    let left = finished + ttl - state.clock.unix();
    match u64::try_from(left) {
        Ok(left) if left > 0 => Some(state.clock.elapsed() + Duration::from_secs(left)),
        _ => {
            ops::remove(state, place);
            None
        }
    }
}
