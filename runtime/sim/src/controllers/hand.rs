//! How controllers write: as field managers of their own, past validation.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::apply::{Managers, Writer};
use crate::cluster::State;
use crate::ops::{self, How, Strictness, Target};
use crate::status::Failure;
use crate::store::Place;
use crate::value::{int, name, put, text, uid};

/// The field manager of workload controllers.
pub const CONTROLLERS: &str = "kube-controller-manager";
/// The field manager of nodes.
pub const KUBELET: &str = "kubelet";

/// Creates an object.
pub fn create(state: &mut State, collection: &str, manager: &str, body: Value) -> Result<Arc<Value>, Failure> {
    let Some(resource) = state.registry.collection(collection).cloned() else {
        return Err(Failure::no_path());
    };
    let namespace = text(&body, &["metadata", "namespace"]).to_owned();
    let name = name(&body).to_owned();
    let target = Target {
        resource,
        namespace,
        name,
        subresource: String::new(),
    };
    let mut how = How {
        manager: manager.to_owned(),
        force: false,
        dry_run: false,
        strictness: Strictness::Ignore,
        findings: Vec::new(),
        warnings: Vec::new(),
    };
    ops::create(state, &target, body, &mut how)
}

/// Changes an object outside of its status. A changed wish counts as a new generation.
pub fn update(state: &mut State, place: &Place, manager: &str, edit: impl FnOnce(&mut Value)) {
    write(state, place, manager, "", edit);
}

/// Changes the status of an object.
pub fn update_status(state: &mut State, place: &Place, manager: &str, edit: impl FnOnce(&mut Value)) {
    write(state, place, manager, "status", edit);
}

fn write(state: &mut State, place: &Place, manager: &str, part: &str, edit: impl FnOnce(&mut Value)) {
    let Some(old) = state.store.at(place).cloned() else {
        return;
    };
    let mut new = Value::clone(&old);
    edit(&mut new);
    if new == *old {
        return;
    }
    if let Some(resource) = state.registry.collection(&place.collection).cloned() {
        let wanted = new.get("spec") != old.get("spec");
        if part.is_empty() && wanted && resource.counts_generations() {
            let generation = int(&old, &["metadata", "generation"]).unwrap_or_default() + 1;
            put(&mut new, &["metadata", "generation"], generation);
        }
        let mut live = Value::clone(&old);
        Managers::take(&mut live);
        let mut managers = Managers::take(&mut new);
        let writer = Writer {
            manager: manager.to_owned(),
            api_version: resource.api_version(),
            subresource: part.to_owned(),
        };
        let now = state.clock.stamp();
        managers.updated(Some(&live), &new, &resource.node, &writer, &now);
        managers.store(&mut new);
    }
    state.write(place, Some(new));
    ops::finish(state, place);
}

/// The owner reference of an object's controller.
pub fn owned_by(owner: &Value) -> Value {
    json!([{
        "apiVersion": text(owner, &["apiVersion"]),
        "kind": text(owner, &["kind"]),
        "name": name(owner),
        "uid": uid(owner),
        "controller": true,
        "blockOwnerDeletion": true,
    }])
}
