//! Services: their endpoints, and addresses of load balancers.

use std::time::Duration;

use serde_json::{Value, json};

use super::{hand, pods};
use crate::cluster::State;
use crate::select::Selector;
use crate::store::Place;
use crate::value::{at, flag, is_terminating, items, name, put, text, uid};

/// From the Service to the address of its load balancer.
const BALANCER_LAG: Duration = Duration::from_millis(800);

/// Writes the Endpoints and the EndpointSlice of a Service.
pub fn step(state: &mut State, place: &Place) -> Option<Duration> {
    let service = state.store.at(place)?.clone();
    if is_terminating(&service) {
        return None;
    }
    let again = balance(state, place, &service);
    let selector = at(&service, &["spec", "selector"]).filter(|selector| selector.is_object());
    let Some(selector) = selector.and_then(|labels| Selector::of_workload(&json!({ "matchLabels": labels }))) else {
        return again;
    };
    if at(&service, &["spec", "selector"])
        .and_then(Value::as_object)
        .is_none_or(serde_json::Map::is_empty)
    {
        return again;
    }
    let mut chosen: Vec<_> = state.store.list("pods", &place.namespace);
    chosen.retain(|pod| {
        selector.matches_labels(pod) && pods::is_active(pod) && !text(pod, &["status", "podIP"]).is_empty()
    });
    chosen.sort_by(|a, b| text(a, &["status", "podIP"]).cmp(text(b, &["status", "podIP"])));
    slices(state, place, &service, &chosen);
    endpoints(state, place, &service, &chosen);
    again
}

fn balance(state: &mut State, place: &Place, service: &Value) -> Option<Duration> {
    if text(service, &["spec", "type"]) != "LoadBalancer"
        || !items(service, &["status", "loadBalancer", "ingress"]).is_empty()
    {
        return None;
    }
    let now = state.clock.elapsed();
    let due = *state
        .balancers
        .entry(uid(service).to_owned())
        .or_insert(now + state.clock.scaled(BALANCER_LAG));
    if now < due {
        return Some(due);
    }
    state.balancers.remove(uid(service));
    let number = state.next("balancer address");
    let address = format!("192.0.2.{}", number % 250 + 2);
    hand::update_status(state, place, "cloud-controller-manager", |service| {
        put(
            service,
            &["status", "loadBalancer", "ingress"],
            json!([{ "ip": address, "ipMode": "VIP" }]),
        );
    });
    None
}

/// The number behind a port's target on a pod.
fn target(port: &Value, pod: Option<&Value>) -> Value {
    match port.get("targetPort") {
        Some(Value::String(wanted)) => {
            let containers = pod.map(|pod| items(pod, &["spec", "containers"])).unwrap_or_default();
            let mut ports = containers.iter().flat_map(|container| items(container, &["ports"]));
            let found = ports.find(|port| text(port, &["name"]) == wanted);
            found
                .and_then(|port| port.get("containerPort"))
                .cloned()
                .unwrap_or_default()
        }
        Some(number) => number.clone(),
        None => port.get("port").cloned().unwrap_or_default(),
    }
}

fn ports(service: &Value, pod: Option<&Value>) -> Vec<Value> {
    let port = |port: &Value| {
        let mut out = json!({ "port": target(port, pod), "protocol": text(port, &["protocol"]) });
        put(&mut out, &["name"], text(port, &["name"]));
        out
    };
    items(service, &["spec", "ports"]).iter().map(port).collect()
}

fn reference(pod: &Value) -> Value {
    json!({ "kind": "Pod", "namespace": crate::value::namespace(pod), "name": name(pod), "uid": uid(pod) })
}

fn slices(state: &mut State, place: &Place, service: &Value, chosen: &[std::sync::Arc<Value>]) {
    let entry = |pod: &Value| {
        let ready = pods::is_ready(pod) || flag(service, &["spec", "publishNotReadyAddresses"]);
        json!({
            "addresses": [text(pod, &["status", "podIP"])],
            "conditions": { "ready": ready, "serving": ready, "terminating": false },
            "nodeName": text(pod, &["spec", "nodeName"]),
            "targetRef": reference(pod),
        })
    };
    let listed: Vec<Value> = chosen.iter().map(|pod| entry(pod)).collect();
    let ports = ports(service, chosen.first().map(|pod| &**pod));
    let suffix = state.seed.letters(5, &["slice", uid(service)]);
    let title = format!("{}-{suffix}", place.name);
    let slice = Place::new("endpointslices.discovery.k8s.io", &place.namespace, &title);
    if state.store.at(&slice).is_none() {
        let body = json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": title,
                "generateName": format!("{}-", place.name),
                "namespace": place.namespace,
                "labels": {
                    "kubernetes.io/service-name": place.name,
                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                },
                "ownerReferences": hand::owned_by(service),
            },
            "addressType": "IPv4",
            "endpoints": listed,
            "ports": ports,
        });
        // A namespace that goes takes its endpoints with it.
        let _ = hand::create(state, &slice.collection, hand::CONTROLLERS, body);
        return;
    }
    hand::update(state, &slice, hand::CONTROLLERS, |slice| {
        put(slice, &["endpoints"], listed);
        put(slice, &["ports"], ports);
    });
}

fn endpoints(state: &mut State, place: &Place, service: &Value, chosen: &[std::sync::Arc<Value>]) {
    let everyone = flag(service, &["spec", "publishNotReadyAddresses"]);
    let address = |pod: &Value| {
        json!({
            "ip": text(pod, &["status", "podIP"]),
            "nodeName": text(pod, &["spec", "nodeName"]),
            "targetRef": reference(pod),
        })
    };
    let (ready, rest): (Vec<_>, Vec<_>) = chosen.iter().partition(|pod| everyone || pods::is_ready(pod));
    let mut subset = json!({ "ports": ports(service, chosen.first().map(|pod| &**pod)) });
    for (field, list) in [("addresses", ready), ("notReadyAddresses", rest)] {
        if !list.is_empty() {
            put(
                &mut subset,
                &[field],
                list.iter().map(|pod| address(pod)).collect::<Vec<Value>>(),
            );
        }
    }
    let subsets = if chosen.is_empty() { json!([]) } else { json!([subset]) };
    let mut body = json!({
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": { "name": place.name, "namespace": place.namespace, "labels": {
            "endpoints.kubernetes.io/managed-by": "endpoint-controller",
        } },
        "subsets": subsets,
    });
    for (key, value) in crate::value::members(service, &["metadata", "labels"]) {
        put(&mut body, &["metadata", "labels", key], value.clone());
    }
    put(&mut body, &["metadata", "ownerReferences"], hand::owned_by(service));
    let inner = Place::new("endpoints", &place.namespace, &place.name);
    if state.store.at(&inner).is_none() {
        let _ = hand::create(state, "endpoints", hand::CONTROLLERS, body);
        return;
    }
    hand::update(state, &inner, hand::CONTROLLERS, |old| {
        put(old, &["subsets"], subsets);
    });
}
