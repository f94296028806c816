//! OpenAPI: version 3 by group and version, and a version 2 that is valid and empty.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::resources::{Registry, Resource};
use crate::seed::Seed;
use crate::value::put;

/// What was written once: documents of built-in groups never change.
static WRITTEN: Mutex<BTreeMap<(String, String), Bytes>> = Mutex::new(BTreeMap::new());

/// `/openapi/v3`
pub fn index(registry: &Registry) -> Value {
    let mut paths = Map::new();
    for (group, versions) in registry.groups() {
        for version in versions {
            let path = if group.is_empty() {
                format!("api/{version}")
            } else {
                format!("apis/{group}/{version}")
            };
            // The hash lets clients keep a document until it changes.
            let custom = registry
                .version(group, version)
                .filter_map(|resource| resource.custom.as_ref());
            let text: String = custom.map(|custom| custom.schema.to_string()).collect();
            let hash = Seed(0).draw(&[&crate::discovery::version(), &path, &text]);
            let url = format!("/openapi/v3/{path}?hash={hash:016X}");
            paths.insert(path, json!({ "serverRelativeURL": url }));
        }
    }
    json!({ "paths": paths })
}

/// `/openapi/v3/apis/GROUP/VERSION`
pub fn group(registry: &Registry, group: &str, version: &str) -> Option<Bytes> {
    if registry
        .version(group, version)
        .any(|resource| resource.custom.is_some())
    {
        return Some(Bytes::from(custom(registry, group, version).to_string()));
    }
    if !registry.has_version(group, version) {
        return None;
    }
    let key = (group.to_owned(), version.to_owned());
    let mut written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(text) = written.get(&key) {
        return Some(text.clone());
    }
    let text = Bytes::from(ktl_schema::openapi_v3(group, version)?);
    written.insert(key, text.clone());
    Some(text)
}

fn custom(registry: &Registry, group: &str, version: &str) -> Value {
    let mut schemas = Map::new();
    let mut paths = Map::new();
    for resource in registry.version(group, version) {
        let Some(custom) = &resource.custom else { continue };
        let mut schema = custom.schema.clone();
        let gvk = json!({ "group": group, "version": version, "kind": resource.kind });
        put(&mut schema, &["x-kubernetes-group-version-kind"], json!([gvk]));
        for field in ["apiVersion", "kind"] {
            put(&mut schema, &["properties", field, "type"], "string");
        }
        put(&mut schema, &["properties", "metadata", "type"], "object");
        let reversed: Vec<&str> = group.split('.').rev().collect();
        let name = format!("{}.{version}.{}", reversed.join("."), resource.kind);
        schemas.insert(name.clone(), schema);
        paths.extend(custom_paths(resource, &name, &gvk));
    }
    json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes CRD Swagger", "version": "v0.1.0" },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn custom_paths(resource: &Resource, schema: &str, gvk: &Value) -> Vec<(String, Value)> {
    let base = format!("/apis/{}/{}", resource.group, resource.version);
    let base = if resource.namespaced {
        format!("{base}/namespaces/{{namespace}}")
    } else {
        base
    };
    let content = json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } });
    let parameters: Vec<Value> = ["dryRun", "fieldManager", "fieldValidation"]
        .iter()
        .map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } }))
        .collect();
    let operation = |action: &str| {
        json!({
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": gvk,
            "parameters": parameters,
            "responses": { "200": { "description": "OK", "content": content } },
        })
    };
    let mut patch = operation("patch");
    for kind in [
        "application/apply-patch+yaml",
        "application/json-patch+json",
        "application/merge-patch+json",
    ] {
        put(
            &mut patch,
            &["requestBody", "content", kind, "schema", "type"],
            "object",
        );
    }
    vec![
        (
            format!("{base}/{}", resource.plural),
            json!({ "get": operation("list"), "post": operation("post") }),
        ),
        (
            format!("{base}/{}/{{name}}", resource.plural),
            json!({
                "get": operation("get"), "put": operation("put"), "patch": patch, "delete": operation("delete"),
            }),
        ),
    ]
}

/// `/openapi/v2`: valid, and empty, because every client that knows version 3 asks for that.
pub fn v2(protobuf: bool) -> (&'static str, Bytes) {
    if !protobuf {
        let document = json!({
            "swagger": "2.0",
            "info": { "title": "Kubernetes", "version": crate::discovery::version() },
            "paths": {},
            "definitions": {},
        });
        return ("application/json", Bytes::from(document.to_string()));
    }
    // `openapi.v2.Document`: field 1 is `swagger`, field 2 is `info` with title (1) and version (2).
    let field = |number: u8, bytes: &[u8]| {
        let length = u8::try_from(bytes.len()).unwrap_or_default();
        [&[number << 3 | 2, length], bytes].concat()
    };
    let info = [
        field(1, b"Kubernetes"),
        field(2, crate::discovery::version().as_bytes()),
    ]
    .concat();
    let document = [field(1, b"2.0"), field(2, &info)].concat();
    (
        "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
        Bytes::from(document),
    )
}
