//! What points at services, workloads and classes.
//!
//! A PodDisruptionBudget, a NetworkPolicy or a Service selects pods and is as good before them as after: no edge.

use ktl_plan::Until;
use serde_json::Value;

use super::{Finder, Kind, SECRET, SERVICE, STORAGE_CLASS, list};

const INGRESS_CLASS: Kind = Kind::new("networking.k8s.io", "IngressClass", false, "ingress-class");
const VOLUME: Kind = Kind::new("", "PersistentVolume", false, "volume");

pub(super) fn find(finder: &mut Finder) {
    let object = finder.object;
    let body = &object.body;
    let Some(spec) = body.get("spec").or_else(|| body.get("webhooks").map(|_| body)) else {
        return;
    };
    match (object.key.group.as_str(), object.key.kind.as_str()) {
        ("networking.k8s.io", "Ingress") => ingress(finder, spec),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler(finder, spec),
        ("apps", "StatefulSet") => {
            let governing = SERVICE.by("governing-service");
            finder.need(governing, spec.get("serviceName"), || "spec.serviceName".to_owned());
            for (i, claim) in list(spec, "volumeClaimTemplates") {
                let class = claim.pointer("/spec/storageClassName");
                finder.need(STORAGE_CLASS, class, || {
                    format!("spec.volumeClaimTemplates[{i}].spec.storageClassName")
                });
            }
        }
        ("", "PersistentVolumeClaim") => {
            finder.need(STORAGE_CLASS, spec.get("storageClassName"), || {
                "spec.storageClassName".to_owned()
            });
            finder.need(VOLUME, spec.get("volumeName"), || "spec.volumeName".to_owned());
        }
        ("admissionregistration.k8s.io", _) => {
            for (i, webhook) in list(body, "webhooks") {
                let service = webhook.pointer("/clientConfig/service");
                backend(finder, service, "webhook-backend", &format!("webhooks[{i}]"));
            }
        }
        ("apiregistration.k8s.io", "APIService") => {
            backend(finder, spec.get("service"), "api-service-backend", "spec.service");
        }
        _ => {}
    }
}

fn ingress(finder: &mut Finder, spec: &Value) {
    let backend = SERVICE.by("ingress-backend");
    let default = spec.pointer("/defaultBackend/service/name");
    finder.need(backend, default, || "spec.defaultBackend".to_owned());
    for (i, rule) in list(spec, "rules") {
        for (j, path) in rule.get("http").into_iter().flat_map(|http| list(http, "paths")) {
            finder.need(backend, path.pointer("/backend/service/name"), || {
                format!("spec.rules[{i}].http.paths[{j}]")
            });
        }
    }
    for (i, tls) in list(spec, "tls") {
        finder.need(SECRET, tls.get("secretName"), || format!("spec.tls[{i}]"));
    }
    finder.need(INGRESS_CLASS, spec.get("ingressClassName"), || {
        "spec.ingressClassName".to_owned()
    });
}

/// Without its target an autoscaler reports failures.
fn autoscaler(finder: &mut Finder, spec: &Value) {
    let target = |field: &str| spec.get("scaleTargetRef").and_then(|target| target.get(field));
    let text = |field: &str| target(field).and_then(Value::as_str).unwrap_or_default();
    let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
    let kind = Kind::new(group, text("kind"), true, "scale-target");
    finder.need(kind, target("name"), || "spec.scaleTargetRef".to_owned());
}

/// A service that the API server itself calls: the service must be there and the pods behind it ready, or every request
/// that is sent through it fails.
fn backend(finder: &mut Finder, service: Option<&Value>, rule: &str, at: &str) {
    let text = |field: &str| service.and_then(|service| service.get(field)).and_then(Value::as_str);
    let (Some(namespace), Some(name)) = (text("namespace"), text("name")) else {
        return;
    };
    let Some(to) = finder.lookup(SERVICE, namespace, name) else {
        return;
    };
    finder.add(
        to,
        Until::Applied,
        rule,
        format!("{at} names Service {namespace}/{name}"),
    );

    let selector = finder
        .index
        .objects
        .get(to)
        .and_then(|service| service.body.pointer("/spec/selector"));
    let Some(selector) = selector
        .and_then(Value::as_object)
        .filter(|selector| !selector.is_empty())
    else {
        return;
    };
    let key = (finder.object.key.cluster.as_str(), namespace);
    for (workload, labels) in finder.index.workloads.get(&key).into_iter().flatten() {
        if selector.iter().all(|(key, value)| labels.get(key) == Some(value)) {
            let evidence = format!("{at} names Service {namespace}/{name}, whose pods it makes");
            finder.add(*workload, Until::Ready, rule, evidence);
        }
    }
}
