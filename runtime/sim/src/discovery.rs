//! Discovery documents: what is served, legacy and aggregated.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::resources::{Registry, Resource};
use crate::value::put;

/// The version the server says it has.
pub fn version() -> String {
    format!("v1.{}.0", ktl_schema::NEWEST_MINOR)
}

/// `/version`
pub fn version_info() -> Value {
    json!({
        "major": "1",
        "minor": ktl_schema::NEWEST_MINOR.to_string(),
        "gitVersion": version(),
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "go1.25.0",
        "compiler": "gc",
        "platform": "linux/amd64",
    })
}

/// `/`
pub fn paths(registry: &Registry) -> Value {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for (group, versions) in registry.groups().iter().filter(|(group, _)| !group.is_empty()) {
        paths.push(format!("/apis/{group}"));
        paths.extend(versions.iter().map(|version| format!("/apis/{group}/{version}")));
    }
    paths.extend(
        [
            "/healthz",
            "/livez",
            "/openapi/v2",
            "/openapi/v3",
            "/readyz",
            "/version",
        ]
        .map(str::to_owned),
    );
    json!({ "paths": paths })
}

/// `/api`
pub fn core_versions() -> Value {
    json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] })
}

/// `/apis`
pub fn groups(registry: &Registry) -> Value {
    let named = registry.groups().iter().filter(|(group, _)| !group.is_empty());
    let groups: Vec<Value> = named.map(|(group, versions)| group_entry(group, versions)).collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

/// `/apis/GROUP`
pub fn group(registry: &Registry, group: &str) -> Option<Value> {
    let (name, versions) = registry
        .groups()
        .iter()
        .find(|(name, _)| name == group && !name.is_empty())?;
    let mut entry = group_entry(name, versions);
    put(&mut entry, &["kind"], "APIGroup");
    put(&mut entry, &["apiVersion"], "v1");
    Some(entry)
}

fn group_entry(group: &str, versions: &[String]) -> Value {
    let version = |version: &String| json!({ "groupVersion": format!("{group}/{version}"), "version": version });
    let all: Vec<Value> = versions.iter().map(version).collect();
    json!({ "name": group, "versions": all, "preferredVersion": all.first() })
}

/// `/api/v1` and `/apis/GROUP/VERSION`
pub fn resources(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let mut list = Vec::new();
    for resource in registry.version(group, version) {
        let mut entry = json!({
            "name": resource.plural,
            "singularName": resource.singular,
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": resource.verbs,
        });
        for (field, words) in [
            ("shortNames", &resource.short_names),
            ("categories", &resource.categories),
        ] {
            if !words.is_empty() {
                put(&mut entry, &[field], words.clone());
            }
        }
        list.push(entry);
        for part in &resource.subresources {
            let mut entry = json!({
                "name": format!("{}/{}", resource.plural, part.name),
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": part.kind,
                "verbs": part.verbs,
            });
            if (part.group.as_str(), part.version.as_str()) != (group, version) {
                put(&mut entry, &["group"], part.group.as_str());
                put(&mut entry, &["version"], part.version.as_str());
            }
            list.push(entry);
        }
    }
    let title = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    (!list.is_empty())
        .then(|| json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": title, "resources": list }))
}

/// Aggregated discovery of the core group, or of all others, as `v2` or `v2beta1`.
pub fn aggregated(registry: &Registry, core: bool, version: &str) -> Value {
    let chosen = registry.groups().iter().filter(|(group, _)| group.is_empty() == core);
    let items: Vec<Value> = chosen
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|version| {
                    let resources: Vec<Value> = registry.version(group, version).map(entry).collect();
                    json!({ "version": version, "freshness": "Current", "resources": resources })
                })
                .collect();
            let mut item = json!({ "metadata": { "creationTimestamp": null }, "versions": versions });
            if !group.is_empty() {
                put(&mut item, &["metadata", "name"], group.as_str());
            }
            item
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "metadata": {},
        "items": items,
    })
}

fn entry(resource: &Arc<Resource>) -> Value {
    let kind = |group: &str, version: &str, kind: &str| json!({ "group": group, "version": version, "kind": kind });
    let mut entry = json!({
        "resource": resource.plural,
        "responseKind": kind(&resource.group, &resource.version, &resource.kind),
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    });
    for (field, words) in [
        ("shortNames", &resource.short_names),
        ("categories", &resource.categories),
    ] {
        if !words.is_empty() {
            put(&mut entry, &[field], words.clone());
        }
    }
    if !resource.subresources.is_empty() {
        let parts = resource.subresources.iter().map(|part| {
            json!({
                "subresource": part.name,
                "responseKind": kind(&part.group, &part.version, &part.kind),
                "verbs": part.verbs,
            })
        });
        put(&mut entry, &["subresources"], parts.collect::<Vec<Value>>());
    }
    entry
}
