//! What points at services, workloads and classes.

use ktl_plan::{RenderedObject, Until};
use serde_json::Value;

use super::pods::list;
use super::{Finder, Target};

pub(super) fn find(finder: &mut Finder) {
    if finder.is("networking.k8s.io", "Ingress") {
        ingress(finder);
    } else if finder.is("autoscaling", "HorizontalPodAutoscaler") {
        autoscaler(finder);
    } else if finder.is("apps", "StatefulSet") {
        governing_service(finder);
        claims(finder);
    } else if finder.is("", "PersistentVolumeClaim") {
        storage_class(finder, finder.object.body.get("spec"), "spec");
    } else if finder.object.key.group == "admissionregistration.k8s.io" {
        webhooks(finder);
    } else if finder.is("apiregistration.k8s.io", "APIService") {
        let service = finder.object.body.pointer("/spec/service");
        backend(finder, service, "api-service-backend", "spec.service");
    }
}

fn ingress(finder: &mut Finder) {
    let body = &finder.object.body;
    let Some(spec) = body.get("spec") else { return };
    let namespace = finder.namespace().to_owned();
    let mut service = |backend: Option<&Value>, at: String| {
        if let Some(name) = backend
            .and_then(|backend| backend.pointer("/service/name"))
            .and_then(Value::as_str)
        {
            let to = Target {
                group: "",
                kind: "Service",
                namespace: Some(&namespace),
                name,
            };
            finder.need(
                &to,
                Until::Applied,
                "ingress-backend",
                format!("{at} names Service {name}"),
            );
        }
    };
    service(spec.get("defaultBackend"), "spec.defaultBackend".into());
    for (i, rule) in list(spec, "rules") {
        for (j, path) in rule.get("http").into_iter().flat_map(|http| list(http, "paths")) {
            service(path.get("backend"), format!("spec.rules[{i}].http.paths[{j}]"));
        }
    }
    for (i, tls) in list(spec, "tls") {
        if let Some(name) = tls.get("secretName").and_then(Value::as_str) {
            let to = Target {
                group: "",
                kind: "Secret",
                namespace: Some(&namespace),
                name,
            };
            finder.need(
                &to,
                Until::Applied,
                "secret",
                format!("spec.tls[{i}] names Secret {name}"),
            );
        }
    }
    if let Some(name) = spec.get("ingressClassName").and_then(Value::as_str) {
        let to = Target {
            group: "networking.k8s.io",
            kind: "IngressClass",
            namespace: None,
            name,
        };
        finder.need(
            &to,
            Until::Applied,
            "ingress-class",
            format!("spec.ingressClassName is {name}"),
        );
    }
}

fn autoscaler(finder: &mut Finder) {
    let Some(target) = finder.object.body.pointer("/spec/scaleTargetRef") else {
        return;
    };
    let text = |field: &str| target.get(field).and_then(Value::as_str).unwrap_or_default();
    let (kind, name) = (text("kind"), text("name"));
    let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
    let namespace = finder.namespace().to_owned();
    let to = Target {
        group,
        kind,
        namespace: Some(&namespace),
        name,
    };
    finder.need(
        &to,
        Until::Applied,
        "scale-target",
        format!("spec.scaleTargetRef names {kind} {name}"),
    );
}

fn governing_service(finder: &mut Finder) {
    let Some(name) = finder.object.body.pointer("/spec/serviceName").and_then(Value::as_str) else {
        return;
    };
    let namespace = finder.namespace().to_owned();
    let to = Target {
        group: "",
        kind: "Service",
        namespace: Some(&namespace),
        name,
    };
    finder.need(
        &to,
        Until::Applied,
        "governing-service",
        format!("spec.serviceName is {name}"),
    );
}

fn claims(finder: &mut Finder) {
    let Some(spec) = finder.object.body.get("spec") else {
        return;
    };
    for (i, claim) in list(spec, "volumeClaimTemplates") {
        storage_class(
            finder,
            claim.get("spec"),
            &format!("spec.volumeClaimTemplates[{i}].spec"),
        );
    }
}

fn storage_class(finder: &mut Finder, spec: Option<&Value>, at: &str) {
    let Some(name) = spec
        .and_then(|spec| spec.get("storageClassName"))
        .and_then(Value::as_str)
    else {
        return;
    };
    let to = Target {
        group: "storage.k8s.io",
        kind: "StorageClass",
        namespace: None,
        name,
    };
    finder.need(
        &to,
        Until::Applied,
        "storage-class",
        format!("{at}.storageClassName is {name}"),
    );
}

fn webhooks(finder: &mut Finder) {
    for (i, webhook) in list(&finder.object.body, "webhooks") {
        backend(
            finder,
            webhook.pointer("/clientConfig/service"),
            "webhook-backend",
            &format!("webhooks[{i}]"),
        );
    }
}

/// A service that the API server itself calls: the service must be there and the pods behind it ready, or every request
/// that is sent through it fails.
fn backend(finder: &mut Finder, service: Option<&Value>, rule: &str, at: &str) {
    let text = |field: &str| service.and_then(|service| service.get(field)).and_then(Value::as_str);
    let (Some(namespace), Some(name)) = (text("namespace"), text("name")) else {
        return;
    };
    let to = Target {
        group: "",
        kind: "Service",
        namespace: Some(namespace),
        name,
    };
    finder.need(
        &to,
        Until::Applied,
        rule,
        format!("{at} names Service {namespace}/{name}"),
    );

    let cluster = finder.object.key.cluster.as_str();
    let here =
        |object: &&RenderedObject| object.key.cluster == cluster && object.key.namespace.as_deref() == Some(namespace);
    let selector = (finder.index.objects.iter().filter(here))
        .find(|object| object.key.kind == "Service" && object.key.group.is_empty() && object.key.name == name)
        .and_then(|object| object.body.pointer("/spec/selector"))
        .and_then(Value::as_object);
    let Some(selector) = selector.filter(|selector| !selector.is_empty()) else {
        return;
    };
    let behind: Vec<usize> = (finder.index.objects.iter().enumerate())
        .filter(|(_, object)| here(object) && object.key.group == "apps")
        .filter(|(_, object)| {
            let labels = object.body.pointer("/spec/template/metadata/labels");
            labels.is_some_and(|labels| selector.iter().all(|(key, value)| labels.get(key) == Some(value)))
        })
        .map(|(index, _)| index)
        .collect();
    for index in behind {
        let evidence = format!("{at} names Service {namespace}/{name}, whose pods it makes");
        finder.need_index(index, Until::Ready, rule, evidence);
    }
}
