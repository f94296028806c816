//! The fields that the API server fills in: a table (`defaults.txt`) and what a table cannot say.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::cluster::State;
use crate::resources::Resource;
use crate::value::{at, int, items, members, object, put, put_default, slot, take, text, uid};

/// One step of a path in the table.
#[derive(Debug)]
struct Step {
    name: String,
    each: bool,
    create: bool,
    guard: Option<(String, String)>,
}

#[derive(Debug)]
enum Filling {
    Value(Value),
    Section(String),
}

type Table = BTreeMap<String, Vec<(Vec<Step>, Filling)>>;

static TABLE: LazyLock<Table> = LazyLock::new(|| read(include_str!("defaults.txt")));

/// Fills `object` in: the same for a new object and for a changed one.
pub fn fill(resource: &Resource, object: &mut Value) {
    apply(&TABLE, &resource.collection, object, 0);
    match resource.collection.as_str() {
        "pods" => pod_spec(slot(object, &["spec"])),
        "deployments.apps"
        | "replicasets.apps"
        | "statefulsets.apps"
        | "daemonsets.apps"
        | "jobs.batch"
        | "replicationcontrollers" => pod_spec(slot(object, &["spec", "template", "spec"])),
        "cronjobs.batch" => pod_spec(slot(object, &["spec", "jobTemplate", "spec", "template", "spec"])),
        "services" => service_ports(object),
        "secrets" => encode_string_data(object),
        "customresourcedefinitions.apiextensions.k8s.io" => definition_names(object),
        _ => {}
    }
    if resource.collection == "jobs.batch" && at(object, &["spec", "completions"]).is_none() {
        if at(object, &["spec", "parallelism"]).is_none() {
            put(object, &["spec", "completions"], 1);
        }
        put_default(object, &["spec", "parallelism"], 1);
    } else if resource.collection == "jobs.batch" {
        put_default(object, &["spec", "parallelism"], 1);
    }
    // OpenAPI's own defaults are those of the fields that are in use; `metadata` has none.
    resource.node.fill(object);
}

/// Fills in what only a new object gets: addresses, generated selectors, the first status.
pub fn fill_new(state: &mut State, resource: &Resource, object: &mut Value) {
    match resource.collection.as_str() {
        "services" => allocate_address(state, object),
        "jobs.batch" => job_labels(object),
        "namespaces" => {
            put(object, &["status"], json!({ "phase": "Active" }));
            let name = crate::value::name(object).to_owned();
            put(object, &["metadata", "labels", "kubernetes.io/metadata.name"], name);
        }
        "pods" => {
            let qos = quality(object);
            put(object, &["status"], json!({ "phase": "Pending", "qosClass": qos }));
        }
        "persistentvolumeclaims" => put(object, &["status"], json!({ "phase": "Pending" })),
        "persistentvolumes" => put_default(object, &["status", "phase"], "Available"),
        "customresourcedefinitions.apiextensions.k8s.io" => {
            let finalizers = slot(object, &["metadata", "finalizers"]);
            if !finalizers.is_array() {
                *finalizers = json!([]);
            }
            if let Value::Array(list) = finalizers
                && !list.iter().any(|item| item == CLEANUP)
            {
                list.push(Value::from(CLEANUP));
            }
        }
        "serviceaccounts" => {}
        _ => {}
    }
}

/// The finalizer of custom resource definitions: it goes when the custom resources are gone.
pub const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

fn read(text: &str) -> Table {
    let mut table = Table::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut parts = line.splitn(3, ' ');
        let (Some(section), Some(path), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let filling = match serde_json::from_str(value) {
            Ok(value) => Filling::Value(value),
            Err(_) => Filling::Section(value.to_owned()),
        };
        let steps = path.split('.').map(read_step).collect();
        table.entry(section.to_owned()).or_default().push((steps, filling));
    }
    table
}

fn read_step(text: &str) -> Step {
    let (text, guard) = match text.split_once('{') {
        Some((text, guard)) => {
            let guard = guard.trim_end_matches('}').split_once('=');
            (text, guard.map(|(field, value)| (field.to_owned(), value.to_owned())))
        }
        None => (text, None),
    };
    let (text, create) = text.strip_suffix('!').map_or((text, false), |text| (text, true));
    let (text, each) = text.strip_suffix("[]").map_or((text, false), |text| (text, true));
    Step {
        name: text.to_owned(),
        each,
        create,
        guard,
    }
}

fn apply(table: &Table, section: &str, object: &mut Value, depth: usize) {
    if depth > 8 {
        return;
    }
    for (path, filling) in table.get(section).into_iter().flatten() {
        descend(table, path, filling, object, depth);
    }
}

fn descend(table: &Table, path: &[Step], filling: &Filling, here: &mut Value, depth: usize) {
    let Some((step, rest)) = path.split_first() else {
        if let Filling::Section(section) = filling {
            apply(table, section, here, depth + 1);
        }
        return;
    };
    if !here.is_object() {
        return;
    }
    if let (true, Filling::Value(value)) = (rest.is_empty(), filling) {
        put_default(here, &[&step.name], value.clone());
        return;
    }
    if step.create {
        object(slot(here, &[&step.name]));
    }
    let Some(next) = here.get_mut(&step.name) else { return };
    let enter = |next: &mut Value| {
        if step
            .guard
            .as_ref()
            .is_none_or(|(field, value)| text(next, &[field]) == value)
        {
            descend(table, rest, filling, next, depth);
        }
    };
    match next {
        Value::Array(list) if step.each => list.iter_mut().for_each(enter),
        next if !step.each => enter(next),
        _ => {}
    }
}

/// What depends on other fields of a pod's specification.
fn pod_spec(spec: &mut Value) {
    for kind in ["containers", "initContainers"] {
        for container in spec.get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten() {
            let image = text(container, &["image"]);
            let tag = image.rsplit('/').next().unwrap_or(image);
            let floating = !tag.contains('@') && tag.split_once(':').is_none_or(|(_, tag)| tag == "latest");
            if container.is_object() {
                put_default(
                    container,
                    &["imagePullPolicy"],
                    if floating { "Always" } else { "IfNotPresent" },
                );
            }
        }
    }
    let account = text(spec, &["serviceAccountName"]).to_owned();
    if !account.is_empty() {
        put(spec, &["serviceAccount"], account);
    }
}

fn service_ports(service: &mut Value) {
    for port in slot(service, &["spec"])
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(number) = port.get("port").cloned()
            && port.get("targetPort").is_none_or(Value::is_null)
        {
            put(port, &["targetPort"], number);
        }
    }
}

fn encode_string_data(secret: &mut Value) {
    let Some(Value::Object(plain)) = take(secret, &["stringData"]) else {
        return;
    };
    for (key, value) in plain {
        let encoded = BASE64_STANDARD.encode(value.as_str().unwrap_or_default());
        put(secret, &["data", &key], encoded);
    }
}

fn definition_names(definition: &mut Value) {
    let kind = text(definition, &["spec", "names", "kind"]).to_owned();
    if at(definition, &["spec", "names"]).is_some_and(Value::is_object) {
        put_default(definition, &["spec", "names", "singular"], kind.to_lowercase());
        put_default(definition, &["spec", "names", "listKind"], format!("{kind}List"));
    }
}

/// Gives a Service its address and node ports.
pub fn allocate_address(state: &mut State, service: &mut Value) {
    let kind = text(service, &["spec", "type"]).to_owned();
    if kind == "ExternalName" {
        return;
    }
    if text(service, &["spec", "clusterIP"]).is_empty() {
        let number = state.next("service address");
        let address = format!("10.96.{}.{}", (number / 250) % 256, number % 250 + 2);
        put(service, &["spec", "clusterIP"], address);
    }
    let address = text(service, &["spec", "clusterIP"]).to_owned();
    put_default(service, &["spec", "clusterIPs"], json!([address]));
    put_default(service, &["spec", "ipFamilies"], json!(["IPv4"]));
    put_default(service, &["spec", "ipFamilyPolicy"], "SingleStack");
    if kind == "NodePort" || kind == "LoadBalancer" {
        let count = items(service, &["spec", "ports"]).len();
        let numbers: Vec<u64> = (0..count).map(|_| 30_000 + state.next("node port") % 2768).collect();
        let ports = slot(service, &["spec", "ports"]).as_array_mut();
        for (port, number) in ports.into_iter().flatten().zip(numbers) {
            if int(port, &["nodePort"]).is_none_or(|given| given == 0) {
                put(port, &["nodePort"], number);
            }
        }
    }
    if at(service, &["status", "loadBalancer"]).is_none() {
        put(service, &["status"], json!({ "loadBalancer": {} }));
    }
}

/// A Job without its own selector gets one that its pods carry.
fn job_labels(job: &mut Value) {
    if at(job, &["spec", "manualSelector"]).and_then(Value::as_bool) == Some(true) {
        return;
    }
    let (id, name) = (uid(job).to_owned(), crate::value::name(job).to_owned());
    put(
        job,
        &["spec", "selector"],
        json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": id } }),
    );
    let labels = [
        ("batch.kubernetes.io/controller-uid", &id),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &id),
        ("job-name", &name),
    ];
    for (key, value) in labels {
        put(job, &["spec", "template", "metadata", "labels", key], value.as_str());
    }
}

/// A pod's quality of service class.
fn quality(pod: &Value) -> &'static str {
    let mut any = false;
    let mut guaranteed = true;
    for container in items(pod, &["spec", "containers"]) {
        for name in ["cpu", "memory"] {
            let limit = at(container, &["resources", "limits", name]);
            let request = at(container, &["resources", "requests", name]).or(limit);
            any |= limit.is_some() || request.is_some();
            guaranteed &= limit.is_some() && request == limit;
        }
        any |= members(container, &["resources", "requests"]).next().is_some();
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
