//! Waiting until an applied object is ready, or will not be.

use std::time::Duration;

use ktl_cluster::readiness::{self, State, Verdict};
use ktl_cluster::{Class, Failure, ObjectRef, Observation, Observer};
use serde_json::Value;
use tokio::time::Instant;

use crate::evidence;
use crate::graph::Task;
use crate::run::Report;

/// How long an object without any status is watched for one, before it is taken as it is.
const SETTLE: Duration = Duration::from_secs(2);
/// How long a definition may take from established to served.
const SERVED_WITHIN: Duration = Duration::from_secs(30);
/// Pods are looked at only when a rollout takes longer than most do.
const LOOK_AT_PODS_AFTER: Duration = Duration::from_secs(5);
const LOOK_AT_PODS_EVERY: Duration = Duration::from_secs(2);
/// Trouble with pods must last so long before a rollout is given up.
const DOOMED_AFTER: Duration = Duration::from_secs(20);

/// Waits for the readiness of an object that was just applied. `unchanged` objects owe nobody a new status.
pub(crate) async fn until_ready(task: &Task, applied: Value, unchanged: bool, report: &impl Fn(Report)) {
    let deadline = Instant::now() + task.timeout;
    let mut last = readiness::evaluate(&applied);
    let outcome = match last.state {
        State::Ready if !last.assumed || unchanged => Ok(last.evidence.clone()),
        _ => {
            report(Report::Progressing(last.evidence.clone()));
            watch(task, &applied, deadline, &mut last, report).await
        }
    };
    let outcome = match outcome {
        Ok(evidence) if task.object.kind == "CustomResourceDefinition" => served(task, &applied, evidence).await,
        outcome => outcome,
    };
    match outcome {
        Ok(evidence) => report(Report::Ready(evidence)),
        Err(failure) => {
            let evidence = evidence::collect(task, &applied).await;
            report(Report::Failed { failure, evidence });
        }
    }
}

async fn watch(
    task: &Task,
    applied: &Value,
    deadline: Instant,
    last: &mut Verdict,
    report: &impl Fn(Report),
) -> Result<String, Failure> {
    let settled = Instant::now() + SETTLE;
    let mut observer = task.cluster.observe(&task.object);
    let mut pods = task.rollout.then(|| Pods::new(task, applied));
    let mut there = false;
    loop {
        match observer.current() {
            Observation::Failed(failure) => return Err(failure),
            Observation::Absent if there => {
                return Err(Failure::new(
                    Class::RolloutFailed,
                    "was deleted while it was waited for",
                ));
            }
            Observation::Present(object) if is_current(applied, &object) => {
                there = true;
                let verdict = readiness::evaluate(&object);
                if verdict != *last {
                    if matches!(verdict.state, State::Pending | State::Progressing) {
                        report(Report::Progressing(verdict.evidence.clone()));
                    }
                    *last = verdict;
                }
                match last.state {
                    State::Ready if !last.assumed => return Ok(last.evidence.clone()),
                    State::Failed => return Err(Failure::new(Class::RolloutFailed, last.evidence.clone())),
                    _ => {}
                }
            }
            _ => {}
        }
        let assumed = last.state == State::Ready;
        let until = if assumed { settled.min(deadline) } else { deadline };
        tokio::select! {
            biased;
            () = observer.changed() => {}
            doom = doomed(&mut pods) => {
                return Err(Failure::new(Class::RolloutFailed, doom));
            }
            () = tokio::time::sleep_until(until) => {
                if assumed {
                    return Ok(last.evidence.clone());
                }
                let waited = task.timeout.as_secs();
                let message = format!("not ready within {waited} s: {}", last.evidence);
                return Err(Failure::new(Class::RolloutSlow, message));
            }
        }
    }
}

/// Whether an object is seen at or after the state in which the apply left it.
fn is_current(applied: &Value, seen: &Value) -> bool {
    let text = |object: &Value, pointer| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let generation = |object: &Value| object.pointer("/metadata/generation").and_then(Value::as_i64);
    let version = |object: &Value| text(object, "/metadata/resourceVersion")?.parse::<u64>().ok();
    text(applied, "/metadata/uid") == text(seen, "/metadata/uid")
        && generation(seen) >= generation(applied)
        && version(seen) >= version(applied)
}

/// Established is not served: only a list that is answered shows that objects of the type can be made.
async fn served(task: &Task, definition: &Value, evidence: String) -> Result<String, Failure> {
    let deadline = Instant::now() + SERVED_WITHIN;
    let mut pause = Duration::from_millis(50);
    let text = |pointer| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
    let versions = definition
        .pointer("/spec/versions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let served = versions.filter(|version| version.get("served").and_then(Value::as_bool).unwrap_or(true));
    let names: Vec<&str> = served.filter_map(|version| version.get("name")?.as_str()).collect();
    for name in &names {
        let api_version = format!("{group}/{name}");
        while let Err(failure) = task.cluster.probe_type(&api_version, kind).await {
            if Instant::now() >= deadline || !(failure.class.may_pass() || failure.class == Class::NotFound) {
                return Err(Failure {
                    message: format!(
                        "established, but `{kind}` of `{api_version}` is not served: {}",
                        failure.message
                    ),
                    ..failure
                });
            }
            tokio::time::sleep(failure.retry_after.unwrap_or(pause)).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }
    Ok(format!("{evidence}, {} served", names.join(", ")))
}

/// The pods of a rollout that takes long.
struct Pods<'a> {
    task: &'a Task,
    workload: &'a Value,
    next_look: Instant,
    observer: Option<Observer>,
    in_trouble_since: Option<Instant>,
}

impl<'a> Pods<'a> {
    fn new(task: &'a Task, workload: &'a Value) -> Self {
        Pods {
            task,
            workload,
            next_look: Instant::now() + LOOK_AT_PODS_AFTER,
            observer: None,
            in_trouble_since: None,
        }
    }
}

/// Ends when the pods show that the rollout will not succeed, with what shows it.
async fn doomed(pods: &mut Option<Pods<'_>>) -> String {
    let Some(pods) = pods else {
        return std::future::pending().await;
    };
    loop {
        tokio::time::sleep_until(pods.next_look).await;
        pods.next_look = Instant::now() + LOOK_AT_PODS_EVERY;
        let cluster = &pods.task.cluster;
        let observer = pods.observer.get_or_insert_with(|| {
            // Any name will do: all pods of the namespace are wanted.
            let any = ObjectRef::new("v1", "Pod", pods.task.object.namespace.as_deref(), "-");
            cluster.observe(&any)
        });
        match evidence::doom(
            &pods.task.object.kind,
            pods.workload,
            &cluster.observed_objects(observer),
        ) {
            None => pods.in_trouble_since = None,
            Some(doom) => {
                let since = *pods.in_trouble_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= DOOMED_AFTER {
                    return doom;
                }
            }
        }
    }
}
