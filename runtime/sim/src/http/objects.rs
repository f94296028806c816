//! Collections and objects: the verbs.

use std::sync::Arc;

use ::http::Method;
use serde_json::{Value, json};

use super::query::Format;
use super::route::ObjectPath;
use super::{Call, Reply, input, list, parts, reviews, watch};
use crate::cluster::{Cluster, State};
use crate::ops::{self, Deletion, How, Patch, Preconditions, Propagation, Target};
use crate::resources::Resource;
use crate::select::Selector;
use crate::status::Failure;
use crate::table;
use crate::value::{at, int, put, text};

/// Answers a request about resources.
pub fn answer(cluster: &Cluster, call: &Call, path: ObjectPath) -> Result<Reply, Failure> {
    let mut state = cluster.inner.lock();
    let resource = state.registry.find(&path.group, &path.version, &path.resource).cloned();
    let resource = resource.ok_or_else(Failure::no_path)?;
    let target = Target {
        resource: Arc::clone(&resource),
        namespace: path.namespace.clone(),
        name: path.name.clone(),
        subresource: path.subresource.clone(),
    };
    if !resource.namespaced && !path.namespace.is_empty() {
        return Err(Failure::no_path());
    }
    if !matches!(path.subresource.as_str(), "" | "status") {
        return parts::answer(&mut state, call, &target);
    }
    if path.subresource == "status" && !resource.has("status") {
        return Err(Failure::no_path());
    }
    let verb = verb(call, &path)?;
    if reviews::is_review(&resource) && verb == "create" {
        let body = input::read(&call.query.content_type, &call.body)?.0;
        return Ok(Reply::json(201, &reviews::answer(&resource, body)));
    }
    if path.subresource.is_empty() && !resource.allows(verb) {
        return Err(Failure::method_not_allowed());
    }
    if resource.namespaced && path.namespace.is_empty() && !matches!(verb, "list" | "watch") {
        return Err(Failure::method_not_allowed());
    }
    match verb {
        "get" => {
            let format = call.query.try_format()?;
            let object = state.read(&target)?;
            Ok(Reply::formatted(
                200,
                &present(&state, &resource, &object, &format, &call.query),
                &format,
            ))
        }
        "list" => list::answer(&state, call, &target),
        "watch" => watch::answer(cluster, &mut state, call, &target),
        "create" => {
            let mut how = call.query.how(false)?;
            let body = read(call, &mut how)?;
            let object = ops::create(&mut state, &target, body, &mut how)?;
            written(&state, call, &resource, &object, how, 201)
        }
        "update" => {
            let mut how = call.query.how(false)?;
            let body = read(call, &mut how)?;
            let object = ops::replace(&mut state, &target, body, &mut how)?;
            written(&state, call, &resource, &object, how, 200)
        }
        "patch" => {
            let (patch, mut how) = read_patch(call)?;
            let (object, created) = ops::patch(&mut state, &target, patch, &mut how)?;
            written(&state, call, &resource, &object, how, if created { 201 } else { 200 })
        }
        "delete" => {
            let options = deletion(call)?;
            let (object, gone) = ops::delete(&mut state, &target, &options)?;
            if !gone || resource.collection == "pods" {
                return Ok(Reply::json(200, &shown(&resource, &object)));
            }
            let mut details =
                json!({ "name": target.name, "kind": resource.plural, "uid": crate::value::uid(&object) });
            if !resource.group.is_empty() {
                put(&mut details, &["group"], resource.group.as_str());
            }
            let status = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
            });
            Ok(Reply::json(200, &status))
        }
        _ => delete_all(&mut state, call, &target),
    }
}

fn verb(call: &Call, path: &ObjectPath) -> Result<&'static str, Failure> {
    let one = !path.name.is_empty();
    Ok(match (&call.method, one) {
        (&Method::GET | &Method::HEAD, true) => "get",
        (&Method::GET | &Method::HEAD, false) if call.query.is_on("watch") => "watch",
        (&Method::GET | &Method::HEAD, false) => "list",
        (&Method::POST, false) => "create",
        (&Method::PUT, true) => "update",
        (&Method::PATCH, true) => "patch",
        (&Method::DELETE, true) => "delete",
        (&Method::DELETE, false) => "deletecollection",
        _ => return Err(Failure::method_not_allowed()),
    })
}

/// Reads the body of a write.
pub fn read(call: &Call, how: &mut How) -> Result<Value, Failure> {
    let (body, duplicates) = input::read(&call.query.content_type, &call.body)?;
    how.findings = duplicates;
    Ok(body)
}

/// Reads the body of a patch.
pub fn read_patch(call: &Call) -> Result<(Patch, How), Failure> {
    let kind = call.query.content_type.as_str();
    let applying = kind == "application/apply-patch+yaml";
    let wrap: fn(Value) -> Patch = match kind {
        "application/json-patch+json" => Patch::Json,
        "application/merge-patch+json" => Patch::Merge,
        "application/strategic-merge-patch+json" => Patch::Strategic,
        "application/apply-patch+yaml" => Patch::Apply,
        _ => {
            let why = "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml";
            return Err(Failure::new(415, "UnsupportedMediaType", why));
        }
    };
    let mut how = call.query.how(applying)?;
    let body = read(call, &mut how)?;
    Ok((wrap(body), how))
}

/// The reply to a write.
pub fn written(
    state: &State,
    call: &Call,
    resource: &Resource,
    object: &Value,
    how: How,
    code: u16,
) -> Result<Reply, Failure> {
    let format = call.query.try_format()?;
    let mut reply = Reply::formatted(code, &present(state, resource, object, &format, &call.query), &format);
    reply.warnings = how.warnings;
    Ok(reply)
}

/// An object in the version of the request.
pub fn shown(resource: &Resource, object: &Value) -> Value {
    let mut out = object.clone();
    put(&mut out, &["apiVersion"], resource.api_version());
    out
}

/// An object in the format of the request.
fn present(state: &State, resource: &Resource, object: &Value, format: &Format, query: &super::query::Query) -> Value {
    match format {
        Format::Table => {
            let version = text(object, &["metadata", "resourceVersion"]);
            table::of(state, resource, &[object], version, query.get("includeObject"), true)
        }
        Format::Metadata => metadata(object),
        _ => shown(resource, object),
    }
}

/// `PartialObjectMetadata` of an object.
pub fn metadata(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object.get("metadata"),
    })
}

fn deletion(call: &Call) -> Result<Deletion, Failure> {
    let body = if call.body.is_empty() {
        Value::Null
    } else {
        input::read(&call.query.content_type, &call.body)?.0
    };
    let given = |name: &str| match call.query.get(name) {
        "" => text(&body, &[name]).to_owned(),
        given => given.to_owned(),
    };
    let orphans = at(&body, &["orphanDependents"]).and_then(Value::as_bool);
    let propagation = match (given("propagationPolicy").as_str(), orphans) {
        ("Foreground", _) => Propagation::Foreground,
        ("Orphan", _) | ("", Some(true)) => Propagation::Orphan,
        ("" | "Background", _) => Propagation::Background,
        (other, _) => {
            let why = format!(
                "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"{other}\": supported values: \"Background\", \"Foreground\", \"Orphan\""
            );
            return Err(Failure::new(422, "Invalid", why));
        }
    };
    let dry = at(&body, &["dryRun"])
        .and_then(Value::as_array)
        .is_some_and(|list| list.iter().any(|item| item == "All"));
    let grace = match call.query.number("gracePeriodSeconds")? {
        Some(seconds) => i64::try_from(seconds).ok(),
        None => int(&body, &["gracePeriodSeconds"]),
    };
    Ok(Deletion {
        propagation,
        preconditions: Preconditions {
            uid: text(&body, &["preconditions", "uid"]).to_owned(),
            version: text(&body, &["preconditions", "resourceVersion"]).to_owned(),
        },
        grace,
        dry_run: dry || call.query.get("dryRun") == "All",
    })
}

fn delete_all(state: &mut State, call: &Call, target: &Target) -> Result<Reply, Failure> {
    let options = deletion(call)?;
    let selector = Selector::parse(
        call.query.get("labelSelector"),
        call.query.get("fieldSelector"),
        &target.resource.collection,
    )?;
    let mut removed = Vec::new();
    for object in state.store.list(&target.resource.collection, &target.namespace) {
        if !selector.matches(&object) {
            continue;
        }
        let one = Target {
            name: crate::value::name(&object).to_owned(),
            namespace: crate::value::namespace(&object).to_owned(),
            ..target.clone()
        };
        let (object, _) = ops::delete(state, &one, &options)?;
        removed.push(shown(&target.resource, &object));
    }
    let resource = &target.resource;
    Ok(Reply::json(
        200,
        &json!({
            "kind": format!("{}List", resource.kind),
            "apiVersion": resource.api_version(),
            "metadata": { "resourceVersion": state.store.version().to_string() },
            "items": removed,
        }),
    ))
}
