//! Whether an object is ready, by the rule of its kind. Pure: an object in, a verdict with its evidence out.
//!
//! What a rule cannot see in the object itself is not its business: whether the API server serves the type of a
//! CustomResourceDefinition, and why the pods of a workload do not come up, is asked for by the engine.

mod pods;
mod workloads;

use std::fmt;

use serde_json::Value;

pub use pods::{PodTrouble, pod_trouble, wants_pods};

/// How far an object has come, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How far.
    pub state: State,
    /// The field and its value that decided it, as one short line.
    pub evidence: String,
    /// Whether it counts as ready only because it shows no status at all, which may be about to change.
    pub assumed: bool,
}

/// How far an object has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has begun to work on it.
    Pending,
    /// It is being worked on.
    Progressing,
    /// It is what its `spec` says.
    Ready,
    /// It will not become ready by itself.
    Failed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Pending => "pending",
            State::Progressing => "progressing",
            State::Ready => "ready",
            State::Failed => "failed",
        })
    }
}

impl Verdict {
    fn new(state: State, evidence: impl Into<String>) -> Self {
        Verdict {
            state,
            evidence: evidence.into(),
            assumed: false,
        }
    }

    fn pending(evidence: impl Into<String>) -> Self {
        Verdict::new(State::Pending, evidence)
    }

    fn progressing(evidence: impl Into<String>) -> Self {
        Verdict::new(State::Progressing, evidence)
    }

    fn ready(evidence: impl Into<String>) -> Self {
        Verdict::new(State::Ready, evidence)
    }

    fn failed(evidence: impl Into<String>) -> Self {
        Verdict::new(State::Failed, evidence)
    }
}

/// Judges an object as the API server returned it.
pub fn evaluate(object: &Value) -> Verdict {
    let object = Object(object);
    if let Some(since) = object.text("/metadata/deletionTimestamp") {
        return Verdict::progressing(format!("is being deleted since {since}"));
    }
    if let (Some(generation), Some(observed)) = (
        object.number("/metadata/generation"),
        object.number("/status/observedGeneration"),
    ) && observed < generation
    {
        return Verdict::progressing(format!("status.observedGeneration {observed} of {generation}"));
    }
    if let Some(stalled) = object.condition("Stalled").filter(|condition| condition.is("True")) {
        return Verdict::failed(stalled.to_string());
    }
    if let Some(reconciling) = object.condition("Reconciling").filter(|condition| condition.is("True")) {
        return Verdict::progressing(reconciling.to_string());
    }
    by_kind(object)
}

fn by_kind(object: Object<'_>) -> Verdict {
    match (object.group(), object.text("/kind").unwrap_or_default()) {
        ("apps", "Deployment") => workloads::deployment(object),
        ("apps", "StatefulSet") => workloads::stateful_set(object),
        ("apps", "DaemonSet") => workloads::daemon_set(object),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => workloads::replica_set(object),
        ("batch", "Job") => workloads::job(object),
        ("", "Pod") => pods::pod(object),
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "Service") => service(object),
        ("", "Namespace") => namespace(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        ("apiregistration.k8s.io", "APIService") => api_service(object),
        ("policy", "PodDisruptionBudget") => disruption_budget(object),
        // Whether an autoscaler works depends on metrics that may not be there yet, and nothing waits for it.
        ("autoscaling", "HorizontalPodAutoscaler") => Verdict::ready("is accepted"),
        (group, _) if is_builtin(group) => Verdict::ready("is accepted"),
        _ => custom(object),
    }
}

/// Groups that Kubernetes owns. Their kinds without a rule of their own are data: accepted is ready.
fn is_builtin(group: &str) -> bool {
    matches!(group, "" | "apps" | "batch" | "autoscaling" | "policy" | "extensions") || group.ends_with(".k8s.io")
}

fn claim(object: Object<'_>) -> Verdict {
    match object.text("/status/phase") {
        Some("Bound") => Verdict::ready("status.phase Bound"),
        Some("Lost") => Verdict::failed("status.phase Lost"),
        // Most storage waits for the first pod that uses the claim; whoever waits for the claim first waits for ever.
        // A claim that cannot be bound shows in its pod.
        Some(phase) => Verdict::ready(format!("status.phase {phase}, bound when a pod uses it")),
        None => Verdict::pending("has no status.phase yet"),
    }
}

fn service(object: Object<'_>) -> Verdict {
    let kind = object.text("/spec/type").unwrap_or("ClusterIP");
    if kind == "ExternalName" {
        return Verdict::ready("spec.type ExternalName");
    }
    let Some(address) = object.text("/spec/clusterIP").filter(|address| !address.is_empty()) else {
        return Verdict::pending("has no spec.clusterIP yet");
    };
    if kind != "LoadBalancer" {
        return Verdict::ready(format!("spec.clusterIP {address}"));
    }
    let ingress = object.list("/status/loadBalancer/ingress").next();
    let external = ingress.and_then(|ingress| ingress.text("/ip").or_else(|| ingress.text("/hostname")));
    match external {
        Some(external) => Verdict::ready(format!("status.loadBalancer.ingress {external}")),
        None => Verdict::progressing("has no status.loadBalancer.ingress yet"),
    }
}

fn namespace(object: Object<'_>) -> Verdict {
    match object.text("/status/phase") {
        Some("Active") => Verdict::ready("status.phase Active"),
        Some(phase) => Verdict::progressing(format!("status.phase {phase}")),
        None => Verdict::pending("has no status.phase yet"),
    }
}

fn definition(object: Object<'_>) -> Verdict {
    if let Some(names) = object
        .condition("NamesAccepted")
        .filter(|condition| condition.is("False"))
    {
        return Verdict::failed(names.to_string());
    }
    match object.condition("Established") {
        Some(established) if established.is("True") => Verdict::ready("condition Established is True"),
        Some(established) => Verdict::progressing(established.to_string()),
        None => Verdict::pending("has no condition Established yet"),
    }
}

fn api_service(object: Object<'_>) -> Verdict {
    match object.condition("Available") {
        Some(available) if available.is("True") => Verdict::ready("condition Available is True"),
        Some(available) => Verdict::progressing(available.to_string()),
        None => Verdict::pending("has no condition Available yet"),
    }
}

fn disruption_budget(object: Object<'_>) -> Verdict {
    match object.number("/status/observedGeneration") {
        Some(_) => Verdict::ready("status.observedGeneration is current"),
        None => Verdict::pending("has no status.observedGeneration yet"),
    }
}

/// By the conditions that most custom resources use. One that shows none is taken as it is: many never get a status.
fn custom(object: Object<'_>) -> Verdict {
    for kind in ["Ready", "Available", "Synced", "Healthy"] {
        let Some(condition) = object.condition(kind) else {
            continue;
        };
        if condition.is("True") {
            return Verdict::ready(format!("condition {kind} is True"));
        }
        return Verdict::progressing(condition.to_string());
    }
    if let Some(failed) = object.condition("Failed").filter(|condition| condition.is("True")) {
        return Verdict::failed(failed.to_string());
    }
    match object.text("/status/phase").or_else(|| object.text("/status/state")) {
        Some(phase) => match phase.to_ascii_lowercase().as_str() {
            "ready" | "running" | "active" | "succeeded" | "completed" | "bound" | "healthy" | "available" => {
                Verdict::ready(format!("status.phase {phase}"))
            }
            "failed" | "error" => Verdict::failed(format!("status.phase {phase}")),
            _ => Verdict::progressing(format!("status.phase {phase}")),
        },
        None => Verdict {
            assumed: true,
            ..Verdict::ready("is accepted; it shows no status that says more")
        },
    }
}

/// Reading an object by JSON pointers.
#[derive(Clone, Copy)]
struct Object<'a>(&'a Value);

impl<'a> Object<'a> {
    fn text(self, pointer: &str) -> Option<&'a str> {
        self.0.pointer(pointer)?.as_str()
    }

    /// A number, or text that is one: some controllers write generations as text.
    fn number(self, pointer: &str) -> Option<i64> {
        let value = self.0.pointer(pointer)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }

    fn flag(self, pointer: &str) -> bool {
        self.0.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
    }

    fn list(self, pointer: &str) -> impl Iterator<Item = Object<'a>> {
        self.0
            .pointer(pointer)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(Object)
    }

    fn group(self) -> &'a str {
        self.text("/apiVersion")
            .and_then(|version| version.split_once('/'))
            .map_or("", |(group, _)| group)
    }

    fn condition(self, kind: &str) -> Option<Condition<'a>> {
        self.list("/status/conditions")
            .find(|condition| condition.text("/type") == Some(kind))
            .map(Condition)
    }
}

#[derive(Clone, Copy)]
struct Condition<'a>(Object<'a>);

impl Condition<'_> {
    fn is(self, status: &str) -> bool {
        self.0.text("/status") == Some(status)
    }

    fn reason(&self) -> &str {
        self.0.text("/reason").unwrap_or_default()
    }
}

impl fmt::Display for Condition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |pointer| self.0.text(pointer).unwrap_or_default();
        write!(f, "condition {} is {}", text("/type"), text("/status"))?;
        match (text("/reason"), text("/message")) {
            ("", "") => Ok(()),
            (reason, "") => write!(f, ": {reason}"),
            ("", message) => write!(f, ": {}", one_line(message)),
            (reason, message) => write!(f, ": {reason}: {}", one_line(message)),
        }
    }
}

/// A message of a controller as one line of bearable length.
fn one_line(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.trim_end_matches('.').to_owned(),
    }
}
