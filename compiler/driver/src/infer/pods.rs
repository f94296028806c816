//! What pods name: config maps, secrets, claims, classes.

use ktl_plan::RenderedObject;
use serde_json::Value;

use super::{CONFIG_MAP, Finder, Kind, SECRET, STORAGE_CLASS, list};

const CLAIM: Kind = Kind::new("", "PersistentVolumeClaim", true, "volume-claim");
const PRIORITY_CLASS: Kind = Kind::new("scheduling.k8s.io", "PriorityClass", false, "priority-class");
const RUNTIME_CLASS: Kind = Kind::new("node.k8s.io", "RuntimeClass", false, "runtime-class");
const RESOURCE_CLAIM: Kind = Kind::new("resource.k8s.io", "ResourceClaim", true, "resource-claim");
const RESOURCE_CLAIM_TEMPLATE: Kind = Kind::new("resource.k8s.io", "ResourceClaimTemplate", true, "resource-claim");

/// The path and value of the pod spec in an object that makes pods.
pub(crate) fn pod_spec(object: &RenderedObject) -> Option<(&'static str, &Value)> {
    let (path, pointer) = match (object.key.group.as_str(), object.key.kind.as_str()) {
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
    object.body.pointer(pointer).map(|spec| (path, spec))
}

/// The labels of pods that stay and can stand behind a service; those of jobs come and go.
pub(super) fn lasting_labels(object: &RenderedObject) -> Option<&Value> {
    match (object.key.group.as_str(), object.key.kind.as_str()) {
        ("", "Pod") => object.body.pointer("/metadata/labels"),
        ("apps", _) | ("", "ReplicationController") => object.body.pointer("/spec/template/metadata/labels"),
        _ => None,
    }
}

pub(super) fn find(finder: &mut Finder) {
    let Some((path, spec)) = pod_spec(finder.object) else {
        return;
    };
    for (field, kind) in [
        ("priorityClassName", PRIORITY_CLASS),
        ("runtimeClassName", RUNTIME_CLASS),
    ] {
        finder.need(kind, spec.get(field), || format!("{path}.{field}"));
    }
    for (i, secret) in list(spec, "imagePullSecrets") {
        finder.need(SECRET, secret.get("name"), || format!("{path}.imagePullSecrets[{i}]"));
    }
    for (i, claim) in list(spec, "resourceClaims") {
        for (field, kind) in [
            ("resourceClaimName", RESOURCE_CLAIM),
            ("resourceClaimTemplateName", RESOURCE_CLAIM_TEMPLATE),
        ] {
            finder.need(kind, claim.get(field), || format!("{path}.resourceClaims[{i}]"));
        }
    }
    for (i, source) in list(spec, "volumes") {
        volume(finder, source, &|| format!("{path}.volumes[{i}]"));
    }
    for containers in ["initContainers", "containers"] {
        for (i, source) in list(spec, containers) {
            container(finder, source, &|| format!("{path}.{containers}[{i}]"));
        }
    }
}

fn volume(finder: &mut Finder, volume: &Value, at: &dyn Fn() -> String) {
    let config_map = required(volume.get("configMap")).and_then(|source| source.get("name"));
    finder.need(CONFIG_MAP, config_map, at);
    let secret = required(volume.get("secret")).and_then(|source| source.get("secretName"));
    finder.need(SECRET, secret, at);
    finder.need(CLAIM, volume.pointer("/persistentVolumeClaim/claimName"), at);
    let class = volume.pointer("/ephemeral/volumeClaimTemplate/spec/storageClassName");
    finder.need(STORAGE_CLASS, class, || format!("{}.ephemeral", at()));
    let sources = volume.get("projected").into_iter();
    for (j, source) in sources.flat_map(|projected| list(projected, "sources")) {
        for (field, kind) in [("configMap", CONFIG_MAP), ("secret", SECRET)] {
            let name = required(source.get(field)).and_then(|source| source.get("name"));
            finder.need(kind, name, || format!("{}.projected.sources[{j}]", at()));
        }
    }
    // What the node needs to mount a volume: `csi`, `cephfs`, `flexVolume`, `iscsi`, `rbd` and their like.
    for (field, source) in volume.as_object().into_iter().flatten() {
        for reference in ["secretRef", "nodePublishSecretRef"] {
            let name = source.get(reference).and_then(|reference| reference.get("name"));
            finder.need(SECRET, name, || format!("{}.{field}.{reference}", at()));
        }
    }
    let azure = volume.pointer("/azureFile/secretName");
    finder.need(SECRET, azure, || format!("{}.azureFile.secretName", at()));
}

fn container(finder: &mut Finder, container: &Value, at: &dyn Fn() -> String) {
    for (j, variable) in list(container, "env") {
        for (field, kind) in [("configMapKeyRef", CONFIG_MAP), ("secretKeyRef", SECRET)] {
            let source = variable.get("valueFrom").and_then(|from| from.get(field));
            let name = required(source).and_then(|source| source.get("name"));
            finder.need(kind, name, || {
                let variable = variable.get("name").and_then(Value::as_str);
                format!("{}.env[{}]", at(), variable.map_or(j.to_string(), str::to_owned))
            });
        }
    }
    for (j, source) in list(container, "envFrom") {
        for (field, kind) in [("configMapRef", CONFIG_MAP), ("secretRef", SECRET)] {
            let name = required(source.get(field)).and_then(|source| source.get("name"));
            finder.need(kind, name, || format!("{}.envFrom[{j}]", at()));
        }
    }
}

/// A source that pods do not start without.
fn required(source: Option<&Value>) -> Option<&Value> {
    source.filter(|source| source.get("optional").and_then(Value::as_bool) != Some(true))
}
