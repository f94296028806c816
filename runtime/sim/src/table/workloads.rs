//! Cells that take more than a path.

use serde_json::Value;

use super::columns::{Row, labels, or_none};
use super::human;
use crate::clock;
use crate::value::{condition_is_true, flag, int, is_terminating, items, members, text};

/// `1/2`
pub fn pod_ready(row: &Row<'_>) -> Value {
    let statuses = items(row.object, &["status", "containerStatuses"]);
    let ready = statuses.iter().filter(|status| flag(status, &["ready"])).count();
    Value::from(format!("{ready}/{}", items(row.object, &["spec", "containers"]).len()))
}

/// The phase, or the reason why a container does not run.
pub fn pod_status(row: &Row<'_>) -> Value {
    let pod = row.object;
    let mut reason = text(pod, &["status", "reason"]).to_owned();
    if reason.is_empty() {
        reason = text(pod, &["status", "phase"]).to_owned();
    }
    let inits = items(pod, &["status", "initContainerStatuses"]);
    let total = items(pod, &["spec", "initContainers"]).len();
    let done = inits
        .iter()
        .filter(|status| int(status, &["state", "terminated", "exitCode"]) == Some(0))
        .count();
    if done < total && !inits.is_empty() {
        reason = format!("Init:{done}/{total}");
    } else {
        for status in items(pod, &["status", "containerStatuses"]).iter().rev() {
            let waiting = text(status, &["state", "waiting", "reason"]);
            let ended = text(status, &["state", "terminated", "reason"]);
            if !waiting.is_empty() {
                reason = waiting.to_owned();
            } else if !ended.is_empty() {
                reason = ended.to_owned();
            }
        }
    }
    if is_terminating(pod) {
        reason = "Terminating".to_owned();
    }
    Value::from(reason)
}

/// `3 (10s ago)`
pub fn pod_restarts(row: &Row<'_>) -> Value {
    let statuses = items(row.object, &["status", "containerStatuses"]);
    let total: i64 = statuses
        .iter()
        .map(|status| int(status, &["restartCount"]).unwrap_or_default())
        .sum();
    let last = statuses
        .iter()
        .filter_map(|s| clock::parse(text(s, &["lastState", "terminated", "finishedAt"])))
        .max();
    Value::from(match last.filter(|_| total > 0) {
        Some(last) => format!("{total} ({} ago)", human::duration(row.now - last)),
        None => total.to_string(),
    })
}

fn of_template(row: &Row<'_>, field: &str) -> Value {
    let containers = items(row.object, &["spec", "template", "spec", "containers"]);
    let all: Vec<&str> = containers.iter().map(|container| text(container, &[field])).collect();
    Value::from(all.join(","))
}

/// Names of the template's containers.
pub fn template_containers(row: &Row<'_>) -> Value {
    of_template(row, "name")
}

/// Images of the template's containers.
pub fn template_images(row: &Row<'_>) -> Value {
    of_template(row, "image")
}

/// `a=b`
pub fn selector(row: &Row<'_>) -> Value {
    labels(row.object, &["spec", "selector", "matchLabels"])
}

/// `Complete`, `Failed`, `Running` …
pub fn job_status(row: &Row<'_>) -> Value {
    let job = row.object;
    let is = |kind: &str| condition_is_true(job, kind);
    Value::from(if is("Complete") {
        "Complete"
    } else if is("Failed") {
        "Failed"
    } else if is_terminating(job) {
        "Terminating"
    } else if is("Suspended") {
        "Suspended"
    } else if is("FailureTarget") {
        "FailureTarget"
    } else if is("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    })
}

/// `1/3`
pub fn job_completions(row: &Row<'_>) -> Value {
    let done = int(row.object, &["status", "succeeded"]).unwrap_or_default();
    let parallelism = int(row.object, &["spec", "parallelism"]).unwrap_or_default();
    Value::from(match int(row.object, &["spec", "completions"]) {
        Some(wanted) => format!("{done}/{wanted}"),
        None if parallelism > 1 => format!("{done}/1 of {parallelism}"),
        None => format!("{done}/1"),
    })
}

/// From the start to the completion, or until now.
pub fn job_duration(row: &Row<'_>) -> Value {
    let moment = |field: &str| clock::parse(text(row.object, &["status", field]));
    Value::from(match (moment("startTime"), moment("completionTime")) {
        (Some(start), Some(end)) => human::duration(end - start),
        (Some(start), None) => human::duration(row.now - start),
        _ => String::new(),
    })
}

/// What the world outside uses.
pub fn external_address(row: &Row<'_>) -> Value {
    let service = row.object;
    let given: Vec<&str> = items(service, &["spec", "externalIPs"])
        .iter()
        .filter_map(Value::as_str)
        .collect();
    match text(service, &["spec", "type"]) {
        "ExternalName" => or_none(text(service, &["spec", "externalName"])),
        "LoadBalancer" => {
            let all = items(service, &["status", "loadBalancer", "ingress"]).iter();
            let all: Vec<String> = all
                .map(|one| [text(one, &["ip"]), text(one, &["hostname"])].concat())
                .collect();
            Value::from(if all.is_empty() {
                "<pending>".to_owned()
            } else {
                all.join(",")
            })
        }
        _ => or_none(&given.join(",")),
    }
}

/// `80:30080/TCP`
pub fn service_ports(row: &Row<'_>) -> Value {
    let port = |port: &Value| {
        let (number, node) = (
            int(port, &["port"]).unwrap_or_default(),
            int(port, &["nodePort"]).unwrap_or_default(),
        );
        let protocol = text(port, &["protocol"]);
        if node > 0 {
            format!("{number}:{node}/{protocol}")
        } else {
            format!("{number}/{protocol}")
        }
    };
    or_none(
        &items(row.object, &["spec", "ports"])
            .iter()
            .map(port)
            .collect::<Vec<_>>()
            .join(","),
    )
}

/// `10.244.0.2:80,10.244.0.3:80`
pub fn endpoints(row: &Row<'_>) -> Value {
    let mut all = Vec::new();
    for subset in items(row.object, &["subsets"]) {
        for port in items(subset, &["ports"]) {
            for address in items(subset, &["addresses"]) {
                all.push(format!(
                    "{}:{}",
                    text(address, &["ip"]),
                    int(port, &["port"]).unwrap_or_default()
                ));
            }
        }
    }
    let shown = all.iter().take(3).cloned().collect::<Vec<_>>().join(",");
    if all.len() > 3 {
        Value::from(format!("{shown} + {} more...", all.len() - 3))
    } else {
        or_none(&shown)
    }
}

/// `RWO,RWX`
pub fn access_modes(object: &Value, path: &[&str]) -> Value {
    let short = |mode: &Value| match mode.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        Some("ReadWriteOncePod") => "RWOP",
        _ => "",
    };
    Value::from(items(object, path).iter().map(short).collect::<Vec<_>>().join(","))
}

/// `cpu: 50%/80%`
pub fn targets(row: &Row<'_>) -> Value {
    let mut all = Vec::new();
    for (index, metric) in items(row.object, &["spec", "metrics"]).iter().enumerate() {
        let title = text(metric, &["resource", "name"]);
        let wanted = int(metric, &["resource", "target", "averageUtilization"]);
        let current = items(row.object, &["status", "currentMetrics"]).get(index);
        let current = current.and_then(|current| int(current, &["resource", "current", "averageUtilization"]));
        let percent = |value: Option<i64>| value.map_or("<unknown>".to_owned(), |value| format!("{value}%"));
        if wanted.is_some() {
            all.push(format!("{title}: {}/{}", percent(current), percent(wanted)));
        } else if title.is_empty() {
            all.push("<unknown>".to_owned());
        } else {
            let wanted = text(metric, &["resource", "target", "averageValue"]);
            all.push(format!("{title}: <unknown>/{wanted}"));
        }
    }
    or_none(&all.join(", "))
}

/// `Ready,SchedulingDisabled`
pub fn node_status(row: &Row<'_>) -> Value {
    let ready = if condition_is_true(row.object, "Ready") {
        "Ready"
    } else {
        "NotReady"
    };
    let cordoned = flag(row.object, &["spec", "unschedulable"]);
    Value::from(if cordoned {
        format!("{ready},SchedulingDisabled")
    } else {
        ready.to_owned()
    })
}

/// From the labels `node-role.kubernetes.io/…`.
pub fn node_roles(row: &Row<'_>) -> Value {
    let roles = members(row.object, &["metadata", "labels"]);
    let roles: Vec<&str> = roles
        .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"))
        .collect();
    or_none(&roles.join(","))
}

/// `ClusterRole/admin`
pub fn role(row: &Row<'_>) -> Value {
    let role = |field: &str| text(row.object, &["roleRef", field]);
    Value::from(format!("{}/{}", role("kind"), role("name")))
}
