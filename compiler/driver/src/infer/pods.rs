//! What pods name: config maps, secrets, claims, accounts, classes.

use ktl_plan::Until;
use serde_json::Value;

use super::{Finder, Target};

/// The path and value of the pod spec in an object that makes pods.
pub(crate) fn pod_spec<'a>(kind: &str, group: &str, body: &'a Value) -> Option<(&'static str, &'a Value)> {
    let (path, pointer) = match (group, kind) {
        ("", "Pod") => ("spec", "/spec"),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch", "Job")
        | ("", "ReplicationController") => ("spec.template.spec", "/spec/template/spec"),
        ("batch", "CronJob") => (
            "spec.jobTemplate.spec.template.spec",
            "/spec/jobTemplate/spec/template/spec",
        ),
        _ => return None,
    };
    body.pointer(pointer).map(|spec| (path, spec))
}

pub(super) fn find(finder: &mut Finder) {
    let object = finder.object;
    let Some((path, spec)) = pod_spec(&object.key.kind, &object.key.group, &object.body) else {
        return;
    };
    let namespace = finder.namespace().to_owned();
    let mut need = |group: &str, kind: &str, scoped: bool, name: Option<&Value>, rule: &str, at: String| {
        if let Some(name) = name.and_then(Value::as_str) {
            let to = Target {
                group,
                kind,
                namespace: scoped.then_some(namespace.as_str()),
                name,
            };
            finder.need(&to, Until::Applied, rule, format!("{path}.{at} names {kind} {name}"));
        }
    };

    need(
        "",
        "ServiceAccount",
        true,
        spec.get("serviceAccountName"),
        "service-account",
        "serviceAccountName".into(),
    );
    let priority = spec.get("priorityClassName");
    need(
        "scheduling.k8s.io",
        "PriorityClass",
        false,
        priority,
        "priority-class",
        "priorityClassName".into(),
    );
    let runtime = spec.get("runtimeClassName");
    need(
        "node.k8s.io",
        "RuntimeClass",
        false,
        runtime,
        "runtime-class",
        "runtimeClassName".into(),
    );
    for (i, secret) in list(spec, "imagePullSecrets") {
        need(
            "",
            "Secret",
            true,
            secret.get("name"),
            "secret",
            format!("imagePullSecrets[{i}]"),
        );
    }
    for (i, volume) in list(spec, "volumes") {
        for (source, name) in [("configMap", "name"), ("secret", "secretName")] {
            if let Some(source) = required(volume.get(source)) {
                let (kind, rule) = if name == "name" {
                    ("ConfigMap", "config-map")
                } else {
                    ("Secret", "secret")
                };
                need("", kind, true, source.get(name), rule, format!("volumes[{i}]"));
            }
        }
        for (j, source) in volume
            .get("projected")
            .into_iter()
            .flat_map(|projected| list(projected, "sources"))
        {
            for (field, kind, rule) in [("configMap", "ConfigMap", "config-map"), ("secret", "Secret", "secret")] {
                if let Some(source) = required(source.get(field)) {
                    need(
                        "",
                        kind,
                        true,
                        source.get("name"),
                        rule,
                        format!("volumes[{i}].projected.sources[{j}]"),
                    );
                }
            }
        }
        let claim = volume.pointer("/persistentVolumeClaim/claimName");
        need(
            "",
            "PersistentVolumeClaim",
            true,
            claim,
            "volume-claim",
            format!("volumes[{i}]"),
        );
    }
    for containers in ["initContainers", "containers"] {
        for (i, container) in list(spec, containers) {
            for (j, variable) in list(container, "env") {
                for (field, kind, rule) in [
                    ("configMapKeyRef", "ConfigMap", "config-map"),
                    ("secretKeyRef", "Secret", "secret"),
                ] {
                    if let Some(source) = required(variable.get("valueFrom").and_then(|from| from.get(field))) {
                        let variable = variable
                            .get("name")
                            .and_then(Value::as_str)
                            .map_or(j.to_string(), str::to_owned);
                        need(
                            "",
                            kind,
                            true,
                            source.get("name"),
                            rule,
                            format!("{containers}[{i}].env[{variable}]"),
                        );
                    }
                }
            }
            for (j, source) in list(container, "envFrom") {
                for (field, kind, rule) in [
                    ("configMapRef", "ConfigMap", "config-map"),
                    ("secretRef", "Secret", "secret"),
                ] {
                    if let Some(source) = required(source.get(field)) {
                        need(
                            "",
                            kind,
                            true,
                            source.get("name"),
                            rule,
                            format!("{containers}[{i}].envFrom[{j}]"),
                        );
                    }
                }
            }
        }
    }
}

/// A source that pods do not start without.
fn required(source: Option<&Value>) -> Option<&Value> {
    source.filter(|source| source.get("optional").and_then(Value::as_bool) != Some(true))
}

/// The elements of a list field with their indexes; nothing where the field is no list.
pub(super) fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = (usize, &'a Value)> + use<'a> {
    value
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
}
