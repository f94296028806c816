//! The `status` of a pod at each stage of its life.

use serde_json::{Value, json};

use crate::value::{annotation, at, items, put, set_condition, text};

/// Where a pod is.
#[derive(Clone, Debug)]
pub enum Stage {
    /// No node takes it, for this reason.
    Unschedulable(String),
    /// Its containers wait, for a reason and with a message.
    Waiting(&'static str, String),
    /// Its containers run.
    Running {
        /// Whether they serve.
        ready: bool,
        /// How often they were restarted.
        restarts: u32,
    },
    /// Its containers crashed and wait to be restarted.
    BackOff {
        /// The exit code.
        code: i64,
        /// How often they were restarted.
        restarts: u32,
        /// The message.
        why: String,
    },
    /// Its containers ended for good.
    Ended {
        /// The exit code.
        code: i64,
        /// How often they were restarted.
        restarts: u32,
    },
}

/// Writes the status of a stage.
pub fn write(pod: &mut Value, stage: &Stage, now: &str) {
    let phase = match stage {
        Stage::Unschedulable(_) | Stage::Waiting(..) => "Pending",
        Stage::Running { .. } | Stage::BackOff { .. } => "Running",
        Stage::Ended { code: 0, .. } => "Succeeded",
        Stage::Ended { .. } => "Failed",
    };
    put(pod, &["status", "phase"], phase);
    if let Stage::Unschedulable(why) = stage {
        set_condition(pod, "PodScheduled", "False", "Unschedulable", why, now);
        return;
    }
    let ready = matches!(stage, Stage::Running { ready: true, .. });
    let started = !matches!(stage, Stage::Waiting(..));
    let ended = matches!(stage, Stage::Ended { .. });
    let completed = matches!(stage, Stage::Ended { code: 0, .. });
    let names: Vec<String> = items(pod, &["spec", "containers"])
        .iter()
        .map(|container| text(container, &["name"]).to_owned())
        .collect();
    let (why, message) = if completed {
        ("PodCompleted", String::new())
    } else if ended {
        ("PodFailed", String::new())
    } else {
        (
            "ContainersNotReady",
            format!("containers with unready status: [{}]", names.join(" ")),
        )
    };
    let init = !items(pod, &["spec", "initContainers"]).is_empty();
    let word = |yes: bool| if yes { "True" } else { "False" };
    set_condition(pod, "PodReadyToStartContainers", word(started && !ended), "", "", now);
    if started || !init {
        let why = if completed { "PodCompleted" } else { "" };
        set_condition(pod, "Initialized", "True", why, "", now);
    } else {
        let names: Vec<&str> = items(pod, &["spec", "initContainers"])
            .iter()
            .map(|c| text(c, &["name"]))
            .collect();
        let message = format!("containers with incomplete status: [{}]", names.join(" "));
        set_condition(pod, "Initialized", "False", "ContainersNotInitialized", &message, now);
    }
    for kind in ["ContainersReady", "Ready"] {
        if ready {
            clear(pod, kind);
            set_condition(pod, kind, "True", "", "", now);
        } else {
            set_condition(pod, kind, "False", why, &message, now);
        }
    }
    let containers = items(pod, &["spec", "containers"]).to_vec();
    let statuses: Vec<Value> = containers
        .iter()
        .map(|container| container_status(pod, container, stage, now))
        .collect();
    put(pod, &["status", "containerStatuses"], statuses);
    if init {
        let containers = items(pod, &["spec", "initContainers"]).to_vec();
        let statuses: Vec<Value> = containers
            .iter()
            .map(|container| init_status(pod, container, started, now))
            .collect();
        put(pod, &["status", "initContainerStatuses"], statuses);
    }
}

/// A true condition has neither reason nor message.
fn clear(pod: &mut Value, kind: &str) {
    let list = crate::value::slot(pod, &["status", "conditions"]).as_array_mut();
    if let Some(condition) = list
        .into_iter()
        .flatten()
        .find(|condition| text(condition, &["type"]) == kind)
    {
        crate::value::take(condition, &["reason"]);
        crate::value::take(condition, &["message"]);
    }
}

fn base(pod: &Value, container: &Value, list: &str) -> (Value, Value, Value) {
    let name = text(container, &["name"]);
    let image = text(container, &["image"]);
    let old = items(pod, &["status", list])
        .iter()
        .find(|status| text(status, &["name"]) == name)
        .cloned();
    let old = old.unwrap_or_default();
    let mut draw = crate::seed::Seed(0);
    draw.0 ^= draw.draw(&[image]);
    let id = format!(
        "containerd://{:016x}{:016x}",
        draw.draw(&[name, crate::value::uid(pod)]),
        draw.draw(&["id", name])
    );
    let status =
        json!({ "name": name, "image": image, "imageID": "", "restartCount": 0, "ready": false, "started": false });
    (status, old, Value::from(id))
}

fn container_status(pod: &Value, container: &Value, stage: &Stage, now: &str) -> Value {
    let (mut status, old, id) = base(pod, container, "containerStatuses");
    let since = |path: &[&str]| at(&old, path).and_then(Value::as_str).unwrap_or(now).to_owned();
    let log = annotation(pod, "sim.ktl.io/message").unwrap_or_default();
    let terminated = |code: i64, since: String, until: String| {
        let reason = if code == 0 { "Completed" } else { "Error" };
        let mut out = json!({
            "exitCode": code, "reason": reason, "startedAt": since, "finishedAt": until, "containerID": id,
        });
        if !log.is_empty() {
            put(&mut out, &["message"], log);
        }
        json!({ "terminated": out })
    };
    let running = ["state", "running", "startedAt"];
    let state = match stage {
        Stage::Unschedulable(_) => return status,
        Stage::Waiting(reason, message) => {
            let mut waiting = json!({ "reason": reason });
            // What is mounted is not the container's business.
            if !message.is_empty() && *reason != "ContainerCreating" {
                put(&mut waiting, &["message"], message.as_str());
            }
            json!({ "waiting": waiting })
        }
        Stage::Running { .. } => json!({ "running": { "startedAt": since(&running) } }),
        Stage::BackOff { why, .. } => json!({ "waiting": { "reason": "CrashLoopBackOff", "message": why } }),
        Stage::Ended { code, .. } => match at(&old, &["state", "terminated"]) {
            Some(_) => old.get("state").cloned().unwrap_or_default(),
            None => terminated(*code, since(&running), now.to_owned()),
        },
    };
    put(&mut status, &["state"], state);
    let restarts = match stage {
        Stage::Running { restarts, .. } | Stage::BackOff { restarts, .. } | Stage::Ended { restarts, .. } => *restarts,
        _ => 0,
    };
    put(&mut status, &["restartCount"], restarts);
    let before = match stage {
        Stage::BackOff { code, .. } if at(&old, &running).is_some() => {
            terminated(*code, since(&running), now.to_owned())
        }
        _ => old.get("lastState").cloned().unwrap_or_else(|| json!({})),
    };
    put(&mut status, &["lastState"], before);
    if !matches!(stage, Stage::Waiting(..)) {
        put(&mut status, &["containerID"], id.clone());
        let digest = crate::seed::Seed(1).draw(&[text(container, &["image"])]);
        let image = text(container, &["image"]).split('@').next().unwrap_or_default();
        put(
            &mut status,
            &["imageID"],
            format!("{image}@sha256:{}", format!("{digest:016x}").repeat(4)),
        );
    }
    let ready = matches!(stage, Stage::Running { ready: true, .. });
    put(&mut status, &["ready"], ready);
    put(&mut status, &["started"], matches!(stage, Stage::Running { .. }));
    status
}

fn init_status(pod: &Value, container: &Value, done: bool, now: &str) -> Value {
    let (mut status, old, id) = base(pod, container, "initContainerStatuses");
    let state = if !done {
        json!({ "waiting": { "reason": "PodInitializing" } })
    } else if at(&old, &["state", "terminated"]).is_some() {
        old.get("state").cloned().unwrap_or_default()
    } else {
        json!({ "terminated": {
            "exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now, "containerID": id,
        } })
    };
    put(&mut status, &["state"], state);
    put(&mut status, &["lastState"], json!({}));
    put(&mut status, &["ready"], done);
    status
}
