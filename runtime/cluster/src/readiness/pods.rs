//! Pods: their own readiness, and what is wrong with the pods of a workload.

use serde_json::Value;

use super::{Object, Verdict, one_line};

/// Why a pod does not come up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodTrouble {
    /// The pod's name.
    pub pod: String,
    /// `CrashLoopBackOff`, `ImagePullBackOff`, `Unschedulable`, …
    pub reason: String,
    /// One line: container, reason, message, last exit.
    pub evidence: String,
    /// How often its containers were started again.
    pub restarts: i64,
    /// Whether it is of a kind that does not pass by itself, such as an invalid configuration.
    pub lasting: bool,
}

/// Whether the readiness of a kind means pods: these are the rollouts.
pub fn wants_pods(api_version: &str, kind: &str) -> bool {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    matches!(
        (group, kind),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job")
            | ("", "Pod" | "ReplicationController")
    )
}

pub(super) fn pod(object: Object<'_>) -> Verdict {
    let runs_to_the_end = matches!(object.text("/spec/restartPolicy"), Some("Never" | "OnFailure"));
    match object.text("/status/phase") {
        Some("Succeeded") => Verdict::ready("status.phase Succeeded"),
        Some("Failed") => Verdict::failed(match object.text("/status/reason") {
            Some(reason) => format!("status.phase Failed: {reason}"),
            None => "status.phase Failed".to_owned(),
        }),
        Some(phase) => {
            let trouble = pod_trouble(object.0);
            if let Some(trouble) = trouble {
                return if trouble.lasting {
                    Verdict::failed(trouble.evidence)
                } else {
                    Verdict::progressing(trouble.evidence)
                };
            }
            match object.condition("Ready") {
                Some(ready) if ready.is("True") && !runs_to_the_end => Verdict::ready("condition Ready is True"),
                _ => Verdict::progressing(format!("status.phase {phase}")),
            }
        }
        None => Verdict::pending("has no status.phase yet"),
    }
}

/// What keeps a pod from running, if something does.
pub fn pod_trouble(pod: &Value) -> Option<PodTrouble> {
    let pod = Object(pod);
    let name = pod.text("/metadata/name").unwrap_or_default().to_owned();
    let containers = || {
        pod.list("/status/initContainerStatuses")
            .chain(pod.list("/status/containerStatuses"))
    };
    let restarts = containers()
        .filter_map(|container| container.number("/restartCount"))
        .sum();
    for container in containers() {
        let Some(reason) = container.text("/state/waiting/reason") else {
            continue;
        };
        if matches!(reason, "ContainerCreating" | "PodInitializing") {
            continue;
        }
        let container_name = container.text("/name").unwrap_or_default();
        let mut evidence = format!("pod {name}, container {container_name}: {reason}");
        if let Some(message) = container.text("/state/waiting/message") {
            evidence.push_str(&format!(": {}", one_line(message)));
        }
        if let Some(code) = container.number("/lastState/terminated/exitCode") {
            let why = container.text("/lastState/terminated/reason").unwrap_or("Error");
            evidence.push_str(&format!("; last exit {code} ({why}), {restarts} restarts"));
        }
        let lasting = matches!(
            reason,
            "InvalidImageName" | "CreateContainerConfigError" | "ErrImageNeverPull"
        );
        return Some(PodTrouble {
            pod: name,
            reason: reason.to_owned(),
            evidence,
            restarts,
            lasting,
        });
    }
    for container in containers() {
        let Some(code) = container.number("/state/terminated/exitCode").filter(|code| *code != 0) else {
            continue;
        };
        let why = container.text("/state/terminated/reason").unwrap_or("Error");
        let container_name = container.text("/name").unwrap_or_default();
        let mut evidence = format!("pod {name}, container {container_name}: exit {code} ({why})");
        if let Some(message) = container.text("/state/terminated/message") {
            evidence.push_str(&format!(": {}", one_line(message)));
        }
        return Some(PodTrouble {
            pod: name,
            reason: why.to_owned(),
            evidence,
            restarts,
            lasting: false,
        });
    }
    let unschedulable = pod
        .condition("PodScheduled")
        .filter(|condition| condition.is("False"))?;
    Some(PodTrouble {
        evidence: format!("pod {name}: {unschedulable}"),
        pod: name,
        reason: unschedulable.reason().to_owned(),
        restarts,
        lasting: false,
    })
}
