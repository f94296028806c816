//! Identity and other metadata that the server alone decides.

use serde_json::Value;

use super::Target;
use crate::cluster::State;
use crate::resources::Resource;
use crate::status::Failure;
use crate::value::{at, put, take, text};

/// Refuses a body of another kind or version than the path's.
pub fn check_kind(resource: &Resource, body: &Value) -> Result<(), Failure> {
    if !body.is_object() {
        return Err(Failure::bad_request(
            "the object provided is unrecognized (must be of type object)",
        ));
    }
    let (version, kind) = (text(body, &["apiVersion"]), text(body, &["kind"]));
    if kind.is_empty() {
        return Err(Failure::bad_request(format!(
            "Object 'Kind' is missing in '{}'",
            short(body)
        )));
    }
    let wanted = resource.api_version();
    if version != wanted {
        let why = format!("the API version in the data ({version}) does not match the expected API version ({wanted})");
        return Err(Failure::bad_request(why));
    }
    if kind != resource.kind {
        let (group, expected) = (&resource.group, &resource.kind);
        let why = format!(
            "{kind} in version \"{version}\" cannot be handled as a {expected}: converting ({group}.{kind}) to ({group}.{expected}): unknown conversion"
        );
        return Err(Failure::bad_request(why));
    }
    Ok(())
}

fn short(body: &Value) -> String {
    body.to_string().chars().take(120).collect()
}

/// Gives the body the namespace of the path.
pub fn place(target: &Target, body: &mut Value) -> Result<(), Failure> {
    let given = crate::value::namespace(body);
    if target.resource.namespaced {
        if given.is_empty() {
            put(body, &["metadata", "namespace"], target.namespace.as_str());
        } else if given != target.namespace {
            let why = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Failure::bad_request(why));
        }
    } else {
        take(body, &["metadata", "namespace"]);
    }
    Ok(())
}

/// Gives a new object its identity.
pub fn stamp(state: &mut State, resource: &Resource, object: &mut Value) {
    let number = state.next("uid").to_string();
    let uid = state.seed.uuid(&["uid", &number]);
    put(object, &["metadata", "uid"], uid);
    put(object, &["metadata", "creationTimestamp"], state.clock.stamp());
    for field in [
        "resourceVersion",
        "selfLink",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
    ] {
        take(object, &["metadata", field]);
    }
    if resource.counts_generations() {
        put(object, &["metadata", "generation"], 1);
    }
}

/// Gives a changed object the identity of the old one.
pub fn keep(old: &Value, new: &mut Value) {
    const KEPT: &[&str] = &[
        "uid",
        "name",
        "namespace",
        "generateName",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "resourceVersion",
        "selfLink",
    ];
    for field in KEPT {
        match at(old, &["metadata", field]) {
            Some(value) => put(new, &["metadata", field], value.clone()),
            None => {
                take(new, &["metadata", field]);
            }
        }
    }
}

/// The object in the version of `resource`.
pub fn shown(resource: &Resource, object: &Value) -> Value {
    let mut out = object.clone();
    put(&mut out, &["apiVersion"], resource.api_version());
    out
}

/// `metadata.resourceVersion`.
pub fn version(object: &Value) -> &str {
    text(object, &["metadata", "resourceVersion"])
}

/// What the object asks for: everything but metadata and status.
pub fn wants(resource: &Resource, object: &Value) -> Value {
    let mut out = object.clone();
    take(&mut out, &["metadata"]);
    if resource.custom.is_none() || resource.has("status") {
        take(&mut out, &["status"]);
    }
    out
}
