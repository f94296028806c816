//! The rules that a schema does not say: names, selectors, what may not change.

use ktl_schema::Condition;
use serde_json::Value;

use crate::resources::Resource;
use crate::schema::Node;
use crate::select::Selector;
use crate::status::{Cause, Failure};
use crate::value::{at, flag, int, items, members, name, text};

/// How deep objects are looked into.
const MAX_DEPTH: usize = 100;

/// Checks an object that is about to be stored in place of `old`.
pub fn check(resource: &Resource, old: Option<&Value>, new: &Value) -> Result<(), Failure> {
    let mut causes = Vec::new();
    metadata(resource, old, new, &mut causes);
    required(new, &resource.node, String::new(), &mut causes, 0);
    if resource.custom.is_none() {
        kind_rules(resource, old, new, &mut causes);
        if let Some(old) = old {
            immutable(resource, old, new, &mut causes);
        }
    } else {
        allowed(new, &resource.node, String::new(), &mut causes, 0);
    }
    if causes.is_empty() {
        return Ok(());
    }
    Err(Failure::invalid(&resource.group, &resource.kind, name(new), &causes))
}

fn metadata(resource: &Resource, old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    if old.is_none() {
        let given = name(new);
        if let Some(why) = name_problem(&resource.collection, given) {
            causes.push(Cause::invalid("metadata.name", &format!("\"{given}\""), why));
        }
    }
    for (key, value) in members(new, &["metadata", "labels"]) {
        if let Some(why) = key_problem(key) {
            causes.push(Cause::invalid("metadata.labels", &format!("\"{key}\""), why));
        }
        let value = value.as_str().unwrap_or_default();
        if let Some(why) = label_problem(value) {
            causes.push(Cause::invalid("metadata.labels", &format!("\"{value}\""), why));
        }
    }
    let mut size = 0;
    for (key, value) in members(new, &["metadata", "annotations"]) {
        size += key.len() + value.as_str().map_or(0, str::len);
        if let Some(why) = key_problem(&key.to_lowercase()) {
            causes.push(Cause::invalid("metadata.annotations", &format!("\"{key}\""), why));
        }
    }
    if size > 256 * 1024 {
        causes.push(Cause {
            reason: "FieldValueTooLong".to_owned(),
            message: "Too long: may not be more than 262144 bytes".to_owned(),
            field: "metadata.annotations".to_owned(),
        });
    }
    for (index, owner) in items(new, &["metadata", "ownerReferences"]).iter().enumerate() {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if text(owner, &[field]).is_empty() {
                let path = format!("metadata.ownerReferences[{index}].{field}");
                causes.push(Cause::invalid(&path, "\"\"", &format!("{field} must not be empty")));
            }
        }
    }
}

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn name_problem(collection: &str, name: &str) -> Option<&'static str> {
    match collection {
        "namespaces" if name.len() > 63 => Some("must be no more than 63 characters"),
        "namespaces" => (!is_label(name)).then_some(LABEL),
        "services" if name.len() > 63 => Some("must be no more than 63 characters"),
        "services" => {
            let letter_first = name.starts_with(|c: char| c.is_ascii_lowercase());
            (!(is_label(name) && letter_first)).then_some(LABEL_1035)
        }
        other if other.ends_with("rbac.authorization.k8s.io") => {
            let bad = name == "." || name == ".." || name.contains(['/', '%']);
            bad.then_some("may not be '.' or '..' and may not contain '/' or '%'")
        }
        _ if name.len() > 253 => Some("must be no more than 253 characters"),
        _ => (!name.split('.').all(is_label)).then_some(SUBDOMAIN),
    }
}

fn key_problem(key: &str) -> Option<&'static str> {
    let (prefix, last) = key
        .rsplit_once('/')
        .map_or((None, key), |(prefix, last)| (Some(prefix), last));
    if let Some(prefix) = prefix
        && !(prefix.len() <= 253 && prefix.split('.').all(is_label))
    {
        return Some(SUBDOMAIN);
    }
    if last.len() > 63 {
        return Some("name part must be no more than 63 bytes");
    }
    (!is_word(last)).then_some(QUALIFIED)
}

fn label_problem(value: &str) -> Option<&'static str> {
    if value.len() > 63 {
        return Some("must be no more than 63 bytes");
    }
    (!value.is_empty() && !is_word(value)).then_some(VALUE)
}

fn is_word(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(edge) && text.ends_with(edge) && text.chars().all(|c| edge(c) || "-_.".contains(c))
}

fn required(value: &Value, node: &Node, path: String, causes: &mut Vec<Cause>, depth: usize) {
    // What controllers write into `status` need not be complete.
    if depth > MAX_DEPTH || path == "status" || path == "metadata" {
        return;
    }
    match value {
        Value::Object(map) => {
            for field in node.required() {
                let absent = map.get(field).is_none_or(Value::is_null);
                let empty_list =
                    map.get(field).and_then(Value::as_array).is_some_and(Vec::is_empty) && field == "containers";
                if absent || empty_list {
                    causes.push(Cause::required(&join(&path, field), ""));
                }
            }
            for (name, child) in map.iter().filter(|(_, child)| !child.is_null()) {
                required(child, &node.member(name), join(&path, name), causes, depth + 1);
            }
        }
        Value::Array(list) => {
            let inner = node.item();
            for (index, child) in list.iter().enumerate() {
                required(child, &inner, format!("{path}[{index}]"), causes, depth + 1);
            }
        }
        _ => {}
    }
}

fn allowed(value: &Value, node: &Node, path: String, causes: &mut Vec<Cause>, depth: usize) {
    if depth > MAX_DEPTH || path == "metadata" || value.is_null() {
        return;
    }
    if let Node::Custom(structural) = node
        && !structural.allowed.is_empty()
        && !structural.allowed.contains(value)
    {
        let words: Vec<&str> = structural.allowed.iter().filter_map(Value::as_str).collect();
        causes.push(Cause::unsupported(&path, value.as_str().unwrap_or_default(), &words));
    }
    match value {
        Value::Object(map) => {
            map.iter()
                .for_each(|(name, child)| allowed(child, &node.member(name), join(&path, name), causes, depth + 1));
        }
        Value::Array(list) => {
            let inner = node.item();
            for (index, child) in list.iter().enumerate() {
                allowed(child, &inner, format!("{path}[{index}]"), causes, depth + 1);
            }
        }
        _ => {}
    }
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() {
        field.to_owned()
    } else {
        format!("{path}.{field}")
    }
}

fn kind_rules(resource: &Resource, old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    match resource.collection.as_str() {
        "deployments.apps" | "replicasets.apps" | "statefulsets.apps" | "daemonsets.apps" => {
            selector_fits(new, causes);
            let spec = at(new, &["spec", "template", "spec"]).unwrap_or(&Value::Null);
            if let policy @ ("Never" | "OnFailure") = text(spec, &["restartPolicy"]) {
                causes.push(Cause::unsupported(
                    "spec.template.spec.restartPolicy",
                    policy,
                    &["Always"],
                ));
            }
            pod_spec(spec, "spec.template.spec", causes);
        }
        "jobs.batch" => {
            let spec = at(new, &["spec", "template", "spec"]).unwrap_or(&Value::Null);
            job_policy(spec, "spec.template.spec", causes);
            pod_spec(spec, "spec.template.spec", causes);
        }
        "cronjobs.batch" => {
            let path = "spec.jobTemplate.spec.template.spec";
            let spec = at(new, &["spec", "jobTemplate", "spec", "template", "spec"]).unwrap_or(&Value::Null);
            job_policy(spec, path, causes);
            pod_spec(spec, path, causes);
        }
        "pods" => pod_spec(at(new, &["spec"]).unwrap_or(&Value::Null), "spec", causes),
        "services" => service(new, causes),
        "configmaps" | "secrets" => {
            if old.is_some_and(|old| flag(old, &["immutable"])) {
                return;
            }
            let mut size = 0;
            for (key, value) in members(new, &["data"]).chain(members(new, &["binaryData"])) {
                size += key.len() + value.as_str().map_or(0, str::len);
                if !is_word(key.trim_start_matches(['.', '_', '-'])) {
                    let why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
                    causes.push(Cause::invalid(&format!("data[{key}]"), &format!("\"{key}\""), why));
                }
            }
            if size > 1024 * 1024 {
                causes.push(Cause {
                    reason: "FieldValueTooLong".to_owned(),
                    message: "Too long: may not be more than 1048576 bytes".to_owned(),
                    field: String::new(),
                });
            }
        }
        "customresourcedefinitions.apiextensions.k8s.io" => definition(new, causes),
        _ => {}
    }
    for path in [
        "replicas",
        "parallelism",
        "completions",
        "backoffLimit",
        "minReadySeconds",
    ] {
        if let Some(number) = int(new, &["spec", path]).filter(|number| *number < 0) {
            let why = "must be greater than or equal to 0";
            causes.push(Cause::invalid(&format!("spec.{path}"), &number.to_string(), why));
        }
    }
}

fn selector_fits(new: &Value, causes: &mut Vec<Cause>) {
    let Some(selector) = at(new, &["spec", "selector"]) else {
        return;
    };
    let none = Value::Null;
    let template = at(new, &["spec", "template"]).unwrap_or(&none);
    let empty =
        members(selector, &["matchLabels"]).next().is_none() && items(selector, &["matchExpressions"]).is_empty();
    if empty {
        let why = "empty selector is invalid for deployment";
        causes.push(Cause::invalid("spec.selector", "{}", why));
    } else if Selector::of_workload(selector).is_some_and(|selector| !selector.matches_labels(template)) {
        let labels = at(template, &["metadata", "labels"]).map_or("null".to_owned(), Value::to_string);
        let why = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", &labels, why));
    }
}

fn job_policy(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    // The default of pods, `Always`, is what a Job that says nothing ends up with, and is refused.
    if text(spec, &["restartPolicy"]) == "Always" {
        let path = format!("{path}.restartPolicy");
        causes.push(Cause::unsupported(&path, "Always", &["OnFailure", "Never"]));
    }
}

fn pod_spec(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let mut names = std::collections::BTreeSet::new();
    let volumes: Vec<&str> = items(spec, &["volumes"])
        .iter()
        .map(|volume| text(volume, &["name"]))
        .collect();
    for kind in ["initContainers", "containers"] {
        for (index, container) in items(spec, &[kind]).iter().enumerate() {
            let path = format!("{path}.{kind}[{index}]");
            let name = text(container, &["name"]);
            if !names.insert(name) {
                causes.push(Cause::duplicate(&format!("{path}.name"), &format!("\"{name}\"")));
            } else if !name.is_empty() && !is_label(name) {
                causes.push(Cause::invalid(&format!("{path}.name"), &format!("\"{name}\""), LABEL));
            }
            if text(container, &["image"]).is_empty() {
                causes.push(Cause::required(&format!("{path}.image"), ""));
            }
            for (mount, entry) in items(container, &["volumeMounts"]).iter().enumerate() {
                let name = text(entry, &["name"]);
                if !volumes.contains(&name) {
                    // Claims of a StatefulSet become volumes later.
                    if path.starts_with("spec.template.spec") {
                        continue;
                    }
                    causes.push(Cause {
                        reason: "FieldValueNotFound".to_owned(),
                        message: format!("Not found: \"{name}\""),
                        field: format!("{path}.volumeMounts[{mount}].name"),
                    });
                }
            }
        }
    }
}

fn service(new: &Value, causes: &mut Vec<Cause>) {
    let kind = text(new, &["spec", "type"]);
    let known = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !known.contains(&kind) {
        causes.push(Cause::unsupported("spec.type", kind, &known));
    }
    let ports = items(new, &["spec", "ports"]);
    let headless = text(new, &["spec", "clusterIP"]) == "None";
    if ports.is_empty() && kind != "ExternalName" && !headless {
        causes.push(Cause::required("spec.ports", ""));
    }
    for (index, port) in ports.iter().enumerate() {
        let number = int(port, &["port"]).unwrap_or_default();
        if !(1..=65535).contains(&number) {
            let path = format!("spec.ports[{index}].port");
            causes.push(Cause::invalid(
                &path,
                &number.to_string(),
                "must be between 1 and 65535, inclusive",
            ));
        }
        if ports.len() > 1 && text(port, &["name"]).is_empty() {
            causes.push(Cause::required(&format!("spec.ports[{index}].name"), ""));
        }
    }
}

fn definition(new: &Value, causes: &mut Vec<Cause>) {
    let (group, plural) = (text(new, &["spec", "group"]), text(new, &["spec", "names", "plural"]));
    let wanted = format!("{plural}.{group}");
    if name(new) != wanted {
        let why = "must be spec.names.plural+\".\"+spec.group";
        causes.push(Cause::invalid("metadata.name", &format!("\"{}\"", name(new)), why));
    }
    let versions = items(new, &["spec", "versions"]);
    if versions.iter().filter(|version| flag(version, &["storage"])).count() != 1 {
        let why = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid("spec.versions", "[]", why));
    }
    for (index, version) in versions.iter().enumerate() {
        if at(version, &["schema", "openAPIV3Schema"]).is_none() {
            causes.push(Cause::required(
                &format!("spec.versions[{index}].schema.openAPIV3Schema"),
                "schemas are required",
            ));
        }
    }
}

/// Compares what may not change, by the table of immutable fields.
fn immutable(resource: &Resource, old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let Some(kind) = ktl_schema::kind(&resource.api_version(), &resource.kind) else {
        return;
    };
    for rule in kind.immutable_fields() {
        let path_at = |value: &Value, path: &str| at(value, &path.split('.').collect::<Vec<_>>()).cloned();
        let holds = match rule.condition {
            Condition::Always => true,
            Condition::While(path) => path_at(old, path) == Some(Value::Bool(true)),
            Condition::Unless(path) => path_at(old, path) != Some(Value::Bool(true)),
            Condition::UnlessEqual(path, word) => [old, new]
                .iter()
                .all(|value| path_at(value, path).as_ref().and_then(Value::as_str) != Some(word)),
        };
        if !holds {
            continue;
        }
        let (before, after) = (select(old, rule.path, rule.except), select(new, rule.path, rule.except));
        let sealed = matches!(rule.condition, Condition::While(_));
        // What was never set may be set once.
        if before == after || (!sealed && before.is_null()) {
            continue;
        }
        causes.push(match resource.collection.as_str() {
            _ if sealed => Cause::forbidden(rule.path, "field is immutable when `immutable` is set"),
            "statefulsets.apps" => Cause::forbidden("spec", STATEFUL),
            "pods" => Cause::forbidden("spec", POD),
            "persistentvolumeclaims" => Cause::forbidden("spec", CLAIM),
            _ => Cause::invalid(rule.path, &after.to_string(), "field is immutable"),
        });
    }
    causes.dedup();
}

const STATEFUL: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const POD: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
const CLAIM: &str =
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";

/// The values at a path that looks through lists, without those at `except` paths.
fn select(value: &Value, path: &str, except: &[&str]) -> Value {
    let mut out = project(value, path);
    for except in except {
        if let Some(rest) = except.strip_prefix(path).and_then(|rest| rest.strip_prefix('.')) {
            erase(&mut out, rest);
        }
    }
    out
}

fn project(value: &Value, path: &str) -> Value {
    if let Value::Array(list) = value {
        return Value::Array(list.iter().map(|item| project(item, path)).collect());
    }
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(first, rest)| (first, Some(rest)));
    let Some(inner) = value.get(first) else {
        return Value::Null;
    };
    rest.map_or_else(|| inner.clone(), |rest| project(inner, rest))
}

fn erase(value: &mut Value, path: &str) {
    if let Value::Array(list) = value {
        list.iter_mut().for_each(|item| erase(item, path));
        return;
    }
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(first, rest)| (first, Some(rest)));
    let Some(map) = value.as_object_mut() else { return };
    match rest {
        None => {
            map.remove(first);
        }
        Some(rest) => {
            if let Some(inner) = map.get_mut(first) {
                erase(inner, rest);
            }
        }
    }
}
