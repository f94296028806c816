//! Subresources other than `status`: scale, logs, eviction, tokens.

use ::http::Method;
use serde_json::{Value, json};

use super::objects::{read, read_patch, shown};
use super::{Call, Reply, input};
use crate::cluster::State;
use crate::ops::{self, Deletion, Patch, Target};
use crate::patch;
use crate::status::Failure;
use crate::store::Place;
use crate::value::{at, int, items, name, namespace, put, slot, text, uid};

/// Answers a request about a part of an object.
pub fn answer(state: &mut State, call: &Call, target: &Target) -> Result<Reply, Failure> {
    let whole = Target {
        subresource: String::new(),
        ..target.clone()
    };
    let resource = &target.resource;
    if !resource.has(&target.subresource) {
        return Err(Failure::no_path());
    }
    match (target.subresource.as_str(), &call.method) {
        ("scale", _) => scale(state, call, &whole),
        ("log", &Method::GET) => log(state, call, &whole),
        ("eviction", &Method::POST) => evict(state, call, &whole),
        ("token", &Method::POST) => token(state, call, &whole),
        ("finalize", &Method::PUT) => finalize(state, call, &whole),
        ("ephemeralcontainers" | "resize", &Method::GET) => {
            let object = state.read(&whole)?;
            Ok(Reply::json(200, &shown(resource, &object)))
        }
        ("exec" | "attach" | "portforward" | "proxy", _) => {
            let why = format!("{} is not simulated", target.subresource);
            Err(Failure::new(501, "NotImplemented", why))
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

/// The paths of replicas in specification and status, and of the selector.
fn scale_paths(target: &Target) -> (String, String, String) {
    let custom = target.resource.custom.as_ref().map(|custom| &custom.scale);
    let path = |field: &str, other: &str| {
        let given = custom.map(|scale| text(scale, &[field])).unwrap_or_default();
        let path = if custom.is_some() { given } else { other };
        path.trim_start_matches('.').to_owned()
    };
    (
        path("specReplicasPath", "spec.replicas"),
        path("statusReplicasPath", "status.replicas"),
        path("labelSelectorPath", ""),
    )
}

fn scale(state: &mut State, call: &Call, target: &Target) -> Result<Reply, Failure> {
    let object = state.read(target)?;
    let before = scale_of(target, &object);
    let (mut wanted, mut how) = match call.method {
        Method::GET => return Ok(Reply::json(200, &before)),
        Method::PUT => {
            let mut how = call.query.how(false)?;
            (read(call, &mut how)?, how)
        }
        Method::PATCH => {
            let (patch, how) = read_patch(call)?;
            let wanted = match &patch {
                Patch::Json(patch) => patch::json(&before, patch)?,
                Patch::Merge(patch) | Patch::Strategic(patch) | Patch::Apply(patch) => patch::merge(&before, patch)?,
            };
            (wanted, how)
        }
        _ => return Err(Failure::method_not_allowed()),
    };
    how.findings.clear();
    let replicas = int(&wanted, &["spec", "replicas"]).unwrap_or_default();
    let version = text(&wanted, &["metadata", "resourceVersion"]).to_owned();
    if !version.is_empty() && version != text(&object, &["metadata", "resourceVersion"]) {
        return Err(Failure::modified(
            &target.resource.group,
            &target.resource.plural,
            &target.name,
        ));
    }
    let mut body = shown(&target.resource, &object);
    let (path, ..) = scale_paths(target);
    *slot(&mut body, &path.split('.').collect::<Vec<_>>()) = Value::from(replicas);
    let stored = ops::replace(state, target, body, &mut how)?;
    wanted = scale_of(target, &stored);
    Ok(Reply::json(200, &wanted))
}

fn scale_of(target: &Target, object: &Value) -> Value {
    let (spec, status, selector) = scale_paths(target);
    let find = |path: &str| at(object, &path.split('.').collect::<Vec<_>>()).cloned();
    let labels = crate::value::members(object, &["spec", "selector", "matchLabels"])
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect::<Vec<_>>()
        .join(",");
    let selector = if selector.is_empty() {
        Value::from(labels)
    } else {
        find(&selector).unwrap_or_default()
    };
    let mut out = json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": name(object),
            "namespace": namespace(object),
            "uid": uid(object),
            "resourceVersion": text(object, &["metadata", "resourceVersion"]),
            "creationTimestamp": text(object, &["metadata", "creationTimestamp"]),
        },
        "spec": { "replicas": find(&spec).unwrap_or_else(|| Value::from(0)) },
        "status": { "replicas": find(&status).unwrap_or_else(|| Value::from(0)) },
    });
    if selector.as_str().is_some_and(|text| !text.is_empty()) {
        put(&mut out, &["status", "selector"], selector);
    }
    out
}

/// A few lines that say what the container did.
fn log(state: &State, call: &Call, target: &Target) -> Result<Reply, Failure> {
    let pod = state.read(target)?;
    let containers = items(&pod, &["spec", "containers"]);
    let init = items(&pod, &["spec", "initContainers"]);
    let title = match call.query.get("container") {
        "" => match containers {
            [one] => text(one, &["name"]).to_owned(),
            many => {
                let names: Vec<&str> = many.iter().map(|container| text(container, &["name"])).collect();
                let why = format!(
                    "a container name must be specified for pod {}, choose one of: [{}]",
                    target.name,
                    names.join(" ")
                );
                return Err(Failure::bad_request(why));
            }
        },
        given => given.to_owned(),
    };
    if !containers
        .iter()
        .chain(init)
        .any(|container| text(container, &["name"]) == title)
    {
        let why = format!("container {title} is not valid for pod {}", target.name);
        return Err(Failure::bad_request(why));
    }
    let status = items(&pod, &["status", "containerStatuses"])
        .iter()
        .chain(items(&pod, &["status", "initContainerStatuses"]));
    let status = status
        .into_iter()
        .find(|status| text(status, &["name"]) == title)
        .cloned()
        .unwrap_or_default();
    let waiting = text(&status, &["state", "waiting", "reason"]);
    let crashed = at(&status, &["lastState", "terminated"]).is_some();
    if status.is_null() || (!waiting.is_empty() && !crashed) {
        let why = if waiting.is_empty() {
            "ContainerCreating"
        } else {
            waiting
        };
        let why = format!(
            "container \"{title}\" in pod \"{}\" is waiting to start: {why}",
            target.name
        );
        return Err(Failure::bad_request(why));
    }
    let mut lines = vec![format!("{title}: starting")];
    if let Some(extra) = crate::value::annotation(&pod, "sim.ktl.io/log") {
        lines.extend(extra.lines().map(str::to_owned));
    }
    if text(&pod, &["status", "phase"]) == "Running" && crate::value::condition_is_true(&pod, "Ready") {
        lines.push(format!("{title}: ready"));
    }
    let ended = at(&status, &["state", "terminated"]).or_else(|| at(&status, &["lastState", "terminated"]));
    if let Some(code) = ended.and_then(|ended| int(ended, &["exitCode"])) {
        let why = if code == 0 {
            "done".to_owned()
        } else {
            format!("failed with exit code {code}")
        };
        lines.push(format!("{title}: {why}"));
    }
    if let Some(tail) = call
        .query
        .number("tailLines")?
        .and_then(|tail| usize::try_from(tail).ok())
    {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let stamp = text(&pod, &["metadata", "creationTimestamp"]);
    let stamped = call.query.is_on("timestamps");
    let lines = lines.into_iter().map(|line| {
        if stamped {
            format!("{stamp} {line}\n")
        } else {
            format!("{line}\n")
        }
    });
    Ok(Reply::text(200, "text/plain", lines.collect::<String>()))
}

/// Deletes a pod unless a disruption budget says no.
fn evict(state: &mut State, call: &Call, target: &Target) -> Result<Reply, Failure> {
    let pod = state.read(target)?;
    let body = input::read(&call.query.content_type, &call.body)?.0;
    for budget in state.store.list("poddisruptionbudgets.policy", &target.namespace) {
        let selector = at(&budget, &["spec", "selector"]).and_then(crate::select::Selector::of_workload);
        let applies = selector.is_some_and(|selector| selector.matches_labels(&pod));
        if applies && int(&budget, &["status", "disruptionsAllowed"]).unwrap_or_default() <= 0 {
            let title = name(&budget);
            let why = "Cannot evict pod as it would violate the pod's disruption budget.";
            let mut failure = Failure::new(429, "TooManyRequests", why);
            let (healthy, desired) = (
                int(&budget, &["status", "currentHealthy"]),
                int(&budget, &["status", "desiredHealthy"]),
            );
            let detail = format!(
                "The disruption budget {title} needs {} healthy pods and has {} currently",
                desired.unwrap_or_default(),
                healthy.unwrap_or_default()
            );
            failure.details = json!({ "causes": [{ "reason": "DisruptionBudget", "message": detail }] });
            return Err(failure);
        }
    }
    let options = Deletion {
        grace: int(&body, &["deleteOptions", "gracePeriodSeconds"]),
        dry_run: call.query.get("dryRun") == "All",
        ..Deletion::default()
    };
    ops::delete(state, target, &options)?;
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
    Ok(Reply::json(201, &status))
}

fn token(state: &mut State, call: &Call, target: &Target) -> Result<Reply, Failure> {
    let account = state.read(target)?;
    let mut body = input::read(&call.query.content_type, &call.body)?.0;
    let seconds = int(&body, &["spec", "expirationSeconds"]).unwrap_or(3600);
    let until = state.clock.elapsed() + std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let number = state.next("token").to_string();
    let word = state.seed.uuid(&["token", uid(&account), &number]);
    put(
        &mut body,
        &["metadata"],
        json!({ "name": target.name, "namespace": target.namespace }),
    );
    put(
        &mut body,
        &["status"],
        json!({ "token": format!("sim.{word}"), "expirationTimestamp": state.clock.stamp_at(until) }),
    );
    Ok(Reply::json(201, &body))
}

/// Replaces the finalizers of a namespace.
fn finalize(state: &mut State, call: &Call, target: &Target) -> Result<Reply, Failure> {
    let old = state.read(target)?;
    let body = input::read(&call.query.content_type, &call.body)?.0;
    let mut new = Value::clone(&old);
    put(
        &mut new,
        &["spec", "finalizers"],
        items(&body, &["spec", "finalizers"]).to_vec(),
    );
    let place = Place::new("namespaces", "", &target.name);
    let stored = state.write(&place, Some(new)).unwrap_or(old);
    ops::finish(state, &place);
    Ok(Reply::json(200, &shown(&target.resource, &stored)))
}
