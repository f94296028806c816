//! Scheduler and kubelets: what a pod goes through from `Pending` to its end.
//!
//! Annotations of the pod (so of the template) script it:
//! `sim.ktl.io/ready-after: 3s`, `sim.ktl.io/run-for: 2s`, `sim.ktl.io/exit-code: "1"`, `sim.ktl.io/stop-after: 1s` and
//! `sim.ktl.io/fail: crash-loop | image-pull | never-ready | unschedulable`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::pod_status::{self, Stage};
use super::{events, hand};
use crate::clock::go_duration;
use crate::cluster::State;
use crate::ops;
use crate::store::Place;
use crate::value::{annotation, at, controller, flag, int, is_terminating, items, members, name, put, text, uid};

/// A pod that keeps crashing is restarted this often and then left in its back-off, so that time can come to rest.
const MAX_RESTARTS: u32 = 5;

/// What the kubelets know about their pods, by uid.
#[derive(Debug, Default)]
pub struct Runs(BTreeMap<String, Run>);

impl Runs {
    /// The pods of a namespace that wait for another object.
    pub fn waiting(&self, namespace: &str) -> Vec<Place> {
        let here = self
            .0
            .values()
            .filter(|run| run.place.namespace == namespace && run.waits);
        here.map(|run| run.place.clone()).collect()
    }
}

#[derive(Clone, Debug)]
struct Run {
    place: Place,
    /// Whether something the pod refers to is missing.
    waits: bool,
    scheduled: Duration,
    /// When its images are there; none while that has not begun.
    pulled: Option<Duration>,
    /// When its containers run, the first time or again.
    started: Option<Duration>,
    ready: Duration,
    restarts: u32,
    /// When it was asked to stop.
    stopping: Option<Duration>,
    /// The reason already given in an event.
    said: String,
}

struct Plan {
    to_scheduled: Duration,
    to_pulled: Duration,
    to_started: Duration,
    to_ready: Duration,
    run_for: Option<Duration>,
    exit_code: i64,
    fail: String,
}

fn plan(state: &State, pod: &Value) -> Plan {
    let (ns, name) = (crate::value::namespace(pod), name(pod));
    let millis = Duration::from_millis;
    let drawn = state.seed.between(millis(500), millis(2000), &["ready", ns, name]);
    let asked = |key: &str| annotation(pod, &format!("sim.ktl.io/{key}")).and_then(go_duration);
    let ready = asked("ready-after").unwrap_or(drawn);
    let fail = annotation(pod, "sim.ktl.io/fail").unwrap_or_default().to_owned();
    let of_job = controller(pod).is_some_and(|owner| text(owner, &["kind"]) == "Job");
    let usual = (of_job || text(pod, &["spec", "restartPolicy"]) == "Never")
        .then(|| state.seed.between(millis(300), millis(1200), &["run", ns, name]));
    let crash = (fail == "crash-loop").then(|| millis(200));
    let code = annotation(pod, "sim.ktl.io/exit-code").and_then(|code| code.parse().ok());
    Plan {
        to_scheduled: millis(10).min(ready / 8),
        to_pulled: ready / 2,
        to_started: ready / 8,
        to_ready: ready,
        run_for: crash.or_else(|| asked("run-for")).or(usual),
        exit_code: code.unwrap_or(i64::from(fail == "crash-loop")),
        fail,
    }
}

/// Moves a pod to where it should be by now. Gives the moment at which it goes on.
pub fn step(state: &mut State, place: &Place) -> Option<Duration> {
    let Some(pod) = state.store.at(place).cloned() else {
        state.runs.0.retain(|_, run| run.place != *place);
        return None;
    };
    let now = state.clock.elapsed();
    let plan = plan(state, &pod);
    let scaled = |nominal: Duration| state.clock.scaled(nominal);
    let mut run = state.runs.0.get(uid(&pod)).cloned().unwrap_or_else(|| Run {
        place: place.clone(),
        waits: false,
        scheduled: now + scaled(plan.to_scheduled),
        pulled: None,
        started: None,
        ready: now + scaled(plan.to_ready),
        restarts: 0,
        stopping: None,
        said: String::new(),
    });
    let next = if is_terminating(&pod) {
        stop(state, &pod, &mut run, now)
    } else if matches!(text(&pod, &["status", "phase"]), "Succeeded" | "Failed") {
        None
    } else {
        advance(state, &pod, &plan, &mut run, now)
    };
    if state.store.at(place).is_some() {
        state.runs.0.insert(uid(&pod).to_owned(), run);
    } else {
        state.runs.0.remove(uid(&pod));
    }
    next
}

fn stop(state: &mut State, pod: &Value, run: &mut Run, now: Duration) -> Option<Duration> {
    let millis = Duration::from_millis;
    let drawn = state.seed.between(
        millis(100),
        millis(400),
        &["stop", &run.place.namespace, &run.place.name],
    );
    let asked = annotation(pod, "sim.ktl.io/stop-after")
        .and_then(go_duration)
        .unwrap_or(drawn);
    let grace = u64::try_from(int(pod, &["metadata", "deletionGracePeriodSeconds"]).unwrap_or(30)).unwrap_or_default();
    if run.stopping.is_none() && grace > 0 && run.started.is_some() {
        for container in items(pod, &["spec", "containers"]) {
            let message = format!("Stopping container {}", text(container, &["name"]));
            events::record(state, pod, "kubelet", "Normal", "Killing", &message);
        }
    }
    let since = *run.stopping.get_or_insert(now);
    let due = since + state.clock.scaled(asked.min(Duration::from_secs(grace)));
    if now < due {
        return Some(due);
    }
    let resource = state.registry.collection("pods").cloned()?;
    let target = ops::Target {
        resource,
        namespace: run.place.namespace.clone(),
        name: run.place.name.clone(),
        subresource: String::new(),
    };
    let options = ops::Deletion {
        grace: Some(0),
        ..ops::Deletion::default()
    };
    // With a finalizer it stays, and whoever owns the finalizer ends it.
    let _ = ops::delete(state, &target, &options);
    None
}

fn advance(state: &mut State, pod: &Value, plan: &Plan, run: &mut Run, now: Duration) -> Option<Duration> {
    let place = run.place.clone();
    if now < run.scheduled {
        return Some(run.scheduled);
    }
    if condition_missing(pod) {
        if let Some(why) = unschedulable(state, pod, plan) {
            run.waits = true;
            say(state, pod, run, "default-scheduler", "FailedScheduling", &why);
            show(state, &place, Stage::Unschedulable(why));
            return None;
        }
        schedule(state, pod);
    }
    let pod = &*state.store.at(&place)?.clone();
    if let Some((reason, message)) = missing(state, pod) {
        run.waits = true;
        let event = if reason == "ContainerCreating" {
            "FailedMount"
        } else {
            "Failed"
        };
        // A claim that is about to be bound is nothing to tell.
        if !message.is_empty() {
            say(state, pod, run, "kubelet", event, &message);
        }
        show(state, &place, Stage::Waiting(reason, message));
        return None;
    }
    run.waits = false;
    let pulled = match run.pulled {
        Some(at) => at,
        None => {
            let image = text(items(pod, &["spec", "containers"]).first()?, &["image"]).to_owned();
            events::record(
                state,
                pod,
                "kubelet",
                "Normal",
                "Pulling",
                &format!("Pulling image \"{image}\""),
            );
            show(state, &place, Stage::Waiting("ContainerCreating", String::new()));
            let at = now + state.clock.scaled(plan.to_pulled);
            run.pulled = Some(at);
            at
        }
    };
    if now < pulled {
        return Some(pulled);
    }
    if plan.fail == "image-pull" {
        return fail_to_pull(state, pod, run, now);
    }
    let started = match run.started {
        Some(at) => at,
        None => {
            let at = pulled + state.clock.scaled(plan.to_started);
            if now < at {
                return Some(at);
            }
            start(state, pod, plan);
            run.started = Some(now);
            run.ready = run.ready.max(now + state.clock.scaled(Duration::from_millis(50)));
            now
        }
    };
    if now < started {
        return Some(started);
    }
    let ends = plan.run_for.map(|length| started + state.clock.scaled(length));
    if let Some(ends) = ends
        && now >= ends
    {
        return end(state, pod, plan, run, now);
    }
    let ready = run.ready.max(started + state.clock.scaled(Duration::from_millis(50)));
    let serves = plan.fail != "never-ready" && plan.fail != "crash-loop";
    if serves && now >= ready {
        show(
            state,
            &place,
            Stage::Running {
                ready: true,
                restarts: run.restarts,
            },
        );
        return ends;
    }
    show(
        state,
        &place,
        Stage::Running {
            ready: false,
            restarts: run.restarts,
        },
    );
    if plan.fail == "never-ready" && now >= ready {
        say(
            state,
            pod,
            run,
            "kubelet",
            "Unhealthy",
            "Readiness probe failed: HTTP probe failed with statuscode: 503",
        );
        return ends;
    }
    if serves || plan.fail == "never-ready" {
        super::pods::earlier(ends, Some(ready))
    } else {
        ends
    }
}

fn show(state: &mut State, place: &Place, stage: Stage) {
    let now = state.clock.stamp();
    let number = match state.store.at(place) {
        Some(pod) if needs_address(pod, &stage) => state.next("pod address"),
        _ => 0,
    };
    hand::update_status(state, place, hand::KUBELET, |pod| {
        if number > 0 {
            let address = format!("10.244.{}.{}", (number / 250) % 256, number % 250 + 2);
            put(pod, &["status", "podIP"], address.as_str());
            put(pod, &["status", "podIPs"], json!([{ "ip": address }]));
            put(pod, &["status", "startTime"], now.as_str());
        }
        pod_status::write(pod, &stage, &now);
    });
}

fn needs_address(pod: &Value, stage: &Stage) -> bool {
    let running = matches!(
        stage,
        Stage::Running { .. } | Stage::Ended { .. } | Stage::BackOff { .. }
    );
    running && text(pod, &["status", "podIP"]).is_empty()
}

/// Records a warning unless it was the last one said.
fn say(state: &mut State, pod: &Value, run: &mut Run, component: &str, reason: &str, message: &str) {
    let said = format!("{reason}: {message}");
    if run.said != said {
        events::record(state, pod, component, "Warning", reason, message);
        run.said = said;
    }
}

fn condition_missing(pod: &Value) -> bool {
    !crate::value::condition_is_true(pod, "PodScheduled")
}

/// Why no node takes the pod.
fn unschedulable(state: &State, pod: &Value, plan: &Plan) -> Option<String> {
    let nodes = state.store.list("nodes", "");
    let total = nodes.len();
    for volume in items(pod, &["spec", "volumes"]) {
        let claim = text(volume, &["persistentVolumeClaim", "claimName"]);
        if !claim.is_empty() {
            let found = state
                .store
                .get("persistentvolumeclaims", crate::value::namespace(pod), claim);
            if found.is_none() {
                return Some(format!(
                    "0/{total} nodes are available: persistentvolumeclaim \"{claim}\" not found. preemption: 0/{total} nodes are available: {total} Preemption is not helpful for scheduling."
                ));
            }
        }
    }
    if plan.fail == "unschedulable" {
        return Some(format!(
            "0/{total} nodes are available: {total} Insufficient cpu. preemption: 0/{total} nodes are available: {total} No preemption victims found for incoming pod."
        ));
    }
    let suits = nodes.iter().any(|node| takes(node, pod));
    (!suits).then(|| {
        format!("0/{total} nodes are available: {total} node(s) didn't match Pod's node affinity/selector. preemption: 0/{total} nodes are available: {total} Preemption is not helpful for scheduling.")
    })
}

fn takes(node: &Value, pod: &Value) -> bool {
    !flag(node, &["spec", "unschedulable"])
        && members(pod, &["spec", "nodeSelector"])
            .all(|(key, value)| at(node, &["metadata", "labels", key]) == Some(value))
}

fn schedule(state: &mut State, pod: &Value) {
    let place = Place::new("pods", crate::value::namespace(pod), name(pod));
    let nodes: Vec<String> = state
        .store
        .list("nodes", "")
        .iter()
        .filter(|node| takes(node, pod))
        .map(|node| name(node).to_owned())
        .collect();
    let draw = state.seed.draw(&["node", &place.namespace, &place.name]);
    let index = usize::try_from(draw % (nodes.len().max(1) as u64)).unwrap_or_default();
    let given = text(pod, &["spec", "nodeName"]).to_owned();
    let node = if given.is_empty() {
        nodes.get(index).cloned().unwrap_or_default()
    } else {
        given
    };
    hand::update(state, &place, "kube-scheduler", |pod| {
        put(pod, &["spec", "nodeName"], node.as_str());
        // Binding is not a change of what the pod wants.
    });
    let now = state.clock.stamp();
    let host = state
        .store
        .get("nodes", "", &node)
        .map(|node| address(node))
        .unwrap_or_default();
    hand::update_status(state, &place, hand::KUBELET, |pod| {
        crate::value::set_condition(pod, "PodScheduled", "True", "", "", &now);
        put(pod, &["status", "hostIP"], host.as_str());
        put(pod, &["status", "hostIPs"], json!([{ "ip": host }]));
    });
    let message = format!("Successfully assigned {}/{} to {node}", place.namespace, place.name);
    events::record(state, pod, "default-scheduler", "Normal", "Scheduled", &message);
}

fn address(node: &Value) -> String {
    items(node, &["status", "addresses"])
        .first()
        .map(|address| text(address, &["address"]).to_owned())
        .unwrap_or_default()
}

/// What the pod refers to and does not exist: the waiting reason, and what to say.
fn missing(state: &State, pod: &Value) -> Option<(&'static str, String)> {
    let namespace = crate::value::namespace(pod);
    let absent = |collection: &str, name: &str, optional: bool| {
        !name.is_empty() && !optional && state.store.get(collection, namespace, name).is_none()
    };
    for volume in items(pod, &["spec", "volumes"]) {
        let title = text(volume, &["name"]);
        let sources = items(volume, &["projected", "sources"]).iter().chain([volume]);
        for source in sources {
            let map = text(source, &["configMap", "name"]);
            let secret = [
                text(source, &["secret", "secretName"]),
                text(source, &["secret", "name"]),
            ]
            .concat();
            let optional = |kind: &str| flag(source, &[kind, "optional"]);
            if absent("configmaps", map, optional("configMap")) {
                let why = format!("MountVolume.SetUp failed for volume \"{title}\" : configmap \"{map}\" not found");
                return Some(("ContainerCreating", why));
            }
            if absent("secrets", &secret, optional("secret")) {
                let why = format!("MountVolume.SetUp failed for volume \"{title}\" : secret \"{secret}\" not found");
                return Some(("ContainerCreating", why));
            }
        }
        let claim = text(volume, &["persistentVolumeClaim", "claimName"]);
        let bound = state.store.get("persistentvolumeclaims", namespace, claim);
        if !claim.is_empty() && bound.is_none_or(|claim| text(claim, &["status", "phase"]) != "Bound") {
            return Some(("ContainerCreating", String::new()));
        }
    }
    let containers = items(pod, &["spec", "initContainers"])
        .iter()
        .chain(items(pod, &["spec", "containers"]));
    for container in containers {
        let from = items(container, &["envFrom"]).iter().flat_map(|source| {
            [
                ("configmaps", source.get("configMapRef")),
                ("secrets", source.get("secretRef")),
            ]
        });
        let one = items(container, &["env"]).iter().flat_map(|variable| {
            [
                ("configmaps", at(variable, &["valueFrom", "configMapKeyRef"])),
                ("secrets", at(variable, &["valueFrom", "secretKeyRef"])),
            ]
        });
        for (collection, reference) in from.chain(one) {
            let Some(reference) = reference else { continue };
            let (title, optional) = (text(reference, &["name"]), flag(reference, &["optional"]));
            let kind = if collection == "secrets" { "secret" } else { "configmap" };
            if absent(collection, title, optional) {
                return Some(("CreateContainerConfigError", format!("{kind} \"{title}\" not found")));
            }
            let key = text(reference, &["key"]);
            let found = state.store.get(collection, namespace, title);
            let has = |object: &Value| {
                ["data", "binaryData"]
                    .iter()
                    .any(|part| at(object, &[part, key]).is_some())
            };
            if !key.is_empty() && !optional && found.is_some_and(|object| !has(object)) {
                let kind = if kind == "secret" { "Secret" } else { "ConfigMap" };
                let why = format!("couldn't find key {key} in {kind} {namespace}/{title}");
                return Some(("CreateContainerConfigError", why));
            }
        }
    }
    None
}

fn fail_to_pull(state: &mut State, pod: &Value, run: &mut Run, now: Duration) -> Option<Duration> {
    let image = items(pod, &["spec", "containers"])
        .first()
        .map(|first| text(first, &["image"]).to_owned())?;
    if run.restarts == 0 {
        run.restarts = 1;
        let why = format!("Failed to pull image \"{image}\": manifest unknown");
        say(state, pod, run, "kubelet", "Failed", &why);
        show(state, &run.place.clone(), Stage::Waiting("ErrImagePull", why));
        let pause = state.clock.scaled(Duration::from_millis(500));
        run.pulled = Some(now + pause);
        return Some(now + pause);
    }
    let why = format!("Back-off pulling image \"{image}\"");
    say(state, pod, run, "kubelet", "BackOff", &why);
    show(state, &run.place.clone(), Stage::Waiting("ImagePullBackOff", why));
    None
}

fn start(state: &mut State, pod: &Value, plan: &Plan) {
    let took = state.clock.scaled(plan.to_pulled).as_millis();
    for container in items(pod, &["spec", "containers"]) {
        let (image, name) = (text(container, &["image"]), text(container, &["name"]));
        let message = format!("Successfully pulled image \"{image}\" in {took}ms ({took}ms including waiting)");
        events::record(state, pod, "kubelet", "Normal", "Pulled", &message);
        events::record(
            state,
            pod,
            "kubelet",
            "Normal",
            "Created",
            &format!("Created container: {name}"),
        );
        events::record(
            state,
            pod,
            "kubelet",
            "Normal",
            "Started",
            &format!("Started container {name}"),
        );
    }
}

/// The containers end: for good, or until they are restarted.
fn end(state: &mut State, pod: &Value, plan: &Plan, run: &mut Run, now: Duration) -> Option<Duration> {
    let policy = text(pod, &["spec", "restartPolicy"]);
    let restarts = match policy {
        "Never" => false,
        "OnFailure" => plan.exit_code != 0,
        _ => true,
    };
    let code = plan.exit_code;
    let place = run.place.clone();
    if !restarts {
        show(
            state,
            &place,
            Stage::Ended {
                code,
                restarts: run.restarts,
            },
        );
        return None;
    }
    let pause = Duration::from_secs((10 * 2_u64.pow(run.restarts.min(5))).min(300));
    let title = items(pod, &["spec", "containers"])
        .first()
        .map(|first| text(first, &["name"]).to_owned());
    let why = format!(
        "back-off {}s restarting failed container={} pod={}_{}({})",
        pause.as_secs(),
        title.unwrap_or_default(),
        place.name,
        place.namespace,
        uid(pod)
    );
    show(
        state,
        &place,
        Stage::BackOff {
            code,
            restarts: run.restarts,
            why: why.clone(),
        },
    );
    say(
        state,
        pod,
        run,
        "kubelet",
        "BackOff",
        &format!("Back-off restarting failed container in pod {}", place.name),
    );
    if run.restarts >= MAX_RESTARTS {
        run.started = Some(Duration::MAX / 4);
        return None;
    }
    run.restarts += 1;
    let again = now + state.clock.scaled(pause);
    run.started = Some(again);
    run.ready = again + state.clock.scaled(plan.to_ready / 4);
    Some(again)
}
