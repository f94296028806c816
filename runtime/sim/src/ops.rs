//! What the verbs do to the store: create, replace, patch, apply, delete.

mod delete;
mod meta;

use std::sync::Arc;

use serde_json::Value;

pub use delete::{Deletion, Preconditions, Propagation, delete, finish, remove};

use crate::apply::{Managers, Writer};
use crate::cluster::State;
use crate::controllers;
use crate::defaults;
use crate::resources::Resource;
use crate::status::{Cause, Failure};
use crate::store::Place;
use crate::value::{at, put, take, text};
use crate::{patch, validate};

/// What to do about fields that the schema does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Drop them.
    Ignore,
    /// Drop them and warn.
    Warn,
    /// Refuse the object.
    Strict,
}

/// How a write is meant.
#[derive(Clone, Debug)]
pub struct How {
    /// The field manager.
    pub manager: String,
    /// Take fields over from other appliers.
    pub force: bool,
    /// Do everything but store.
    pub dry_run: bool,
    /// About unknown fields.
    pub strictness: Strictness,
    /// Problems found while reading the body, such as duplicate fields.
    pub findings: Vec<String>,
    /// Warnings to send back.
    pub warnings: Vec<String>,
}

/// What a write aims at.
#[derive(Clone, Debug)]
pub struct Target {
    /// The resource, in the version of the request.
    pub resource: Arc<Resource>,
    /// Empty for cluster-wide objects.
    pub namespace: String,
    /// The object's name; empty when the server makes one up.
    pub name: String,
    /// Empty, or `status`.
    pub subresource: String,
}

/// The kinds of patch, with their bodies read.
#[derive(Clone, Debug)]
pub enum Patch {
    /// `application/json-patch+json`
    Json(Value),
    /// `application/merge-patch+json`
    Merge(Value),
    /// `application/strategic-merge-patch+json`
    Strategic(Value),
    /// `application/apply-patch+yaml`
    Apply(Value),
}

impl Target {
    /// Where the object is stored.
    pub fn place(&self) -> Place {
        Place::new(&self.resource.collection, &self.namespace, &self.name)
    }

    fn writer(&self, how: &How) -> Writer {
        Writer {
            manager: how.manager.clone(),
            api_version: self.resource.api_version(),
            subresource: self.subresource.clone(),
        }
    }

    fn not_found(&self) -> Failure {
        Failure::not_found(&self.resource.group, &self.resource.plural, &self.name)
    }
}

impl State {
    /// Stores an object, or removes it, and tells the controllers. Gives what was stored or removed.
    pub fn write(&mut self, place: &Place, object: Option<Value>) -> Option<Arc<Value>> {
        let change = self.store.write(place, object)?;
        controllers::observe(self, place, &change);
        change.new.or(change.last)
    }

    /// A stored object as the version of `resource` shows it.
    pub fn read(&self, target: &Target) -> Result<Arc<Value>, Failure> {
        self.store
            .at(&target.place())
            .cloned()
            .ok_or_else(|| target.not_found())
    }
}

/// Creates an object.
pub fn create(state: &mut State, target: &Target, mut body: Value, how: &mut How) -> Result<Arc<Value>, Failure> {
    let resource = &target.resource;
    meta::check_kind(resource, &body)?;
    meta::place(target, &mut body)?;
    decode(resource, &mut body, how)?;
    if text(&body, &["metadata", "name"]).is_empty() {
        let prefix = text(&body, &["metadata", "generateName"]).to_owned();
        if prefix.is_empty() {
            let cause = Cause::required("metadata.name", "name or generateName is required");
            return Err(Failure::invalid(&resource.group, &resource.kind, "", &[cause]));
        }
        let number = state.next("generated name").to_string();
        let prefix: String = prefix.chars().take(58).collect();
        put(
            &mut body,
            &["metadata", "name"],
            format!("{prefix}{}", state.seed.letters(5, &["name", &number])),
        );
    }
    if !text(&body, &["metadata", "resourceVersion"]).is_empty() {
        return Err(Failure::new(
            400,
            "",
            "resourceVersion should not be set on objects to be created",
        ));
    }
    take(&mut body, &["metadata", "managedFields"]);
    let target = Target {
        name: crate::value::name(&body).to_owned(),
        ..target.clone()
    };
    admit(state, &target)?;
    if state.store.at(&target.place()).is_some() {
        return Err(Failure::already_exists(&resource.group, &resource.plural, &target.name));
    }
    let writer = target.writer(how);
    let mut managers = Managers::default();
    prune_status(resource, &mut body);
    // Owned is what was sent and what its version's defaults add, but not what the server decides: addresses, generated
    // selectors, the first status.
    let mut owned = body.clone();
    defaults::fill(resource, &mut owned);
    let fresh = complete_new(state, &target, body)?;
    let now = state.clock.stamp();
    managers.updated(None, &owned, &resource.node, &writer, &now);
    Ok(store_new(state, &target, fresh, managers, how))
}

/// Replaces an object, or its status.
pub fn replace(state: &mut State, target: &Target, mut body: Value, how: &mut How) -> Result<Arc<Value>, Failure> {
    let resource = &target.resource;
    meta::check_kind(resource, &body)?;
    meta::place(target, &mut body)?;
    decode(resource, &mut body, how)?;
    let given = text(&body, &["metadata", "name"]);
    if given != target.name {
        let why = format!(
            "the name of the object ({given}) does not match the name on the URL ({})",
            target.name
        );
        return Err(Failure::bad_request(why));
    }
    let Some(old) = state.store.at(&target.place()).cloned() else {
        return Err(target.not_found());
    };
    change(state, target, &old, body, how)
}

/// Patches an object, or its status. Server-side apply creates what does not exist; the flag says so.
pub fn patch(state: &mut State, target: &Target, patch: Patch, how: &mut How) -> Result<(Arc<Value>, bool), Failure> {
    let resource = Arc::clone(&target.resource);
    let old = state.store.at(&target.place()).cloned();
    if let Patch::Apply(config) = patch {
        return apply(state, target, old, config, how);
    }
    let old = old.ok_or_else(|| target.not_found())?;
    let current = meta::shown(&resource, &old);
    let mut new = match &patch {
        Patch::Json(patch) => patch::json(&current, patch)?,
        Patch::Merge(patch) => patch::merge(&current, patch)?,
        Patch::Strategic(_) if resource.custom.is_some() => {
            let message = "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor";
            return Err(Failure::new(415, "UnsupportedMediaType", message));
        }
        Patch::Strategic(patch) => patch::strategic(&current, patch, &resource.node)?,
        Patch::Apply(_) => current,
    };
    meta::check_kind(&resource, &new)?;
    if crate::value::name(&new) != target.name {
        let cause = Cause::invalid(
            "metadata.name",
            &format!("{:?}", crate::value::name(&new)),
            "field is immutable",
        );
        return Err(Failure::invalid(
            &resource.group,
            &resource.kind,
            &target.name,
            &[cause],
        ));
    }
    meta::place(target, &mut new)?;
    decode(&resource, &mut new, how)?;
    Ok((change(state, target, &old, new, how)?, false))
}

fn apply(
    state: &mut State,
    target: &Target,
    old: Option<Arc<Value>>,
    mut config: Value,
    how: &mut How,
) -> Result<(Arc<Value>, bool), Failure> {
    let resource = Arc::clone(&target.resource);
    meta::check_kind(&resource, &config)?;
    meta::place(target, &mut config)?;
    if at(&config, &["metadata", "managedFields"]).is_some_and(|fields| !fields.is_null()) {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    if text(&config, &["metadata", "name"]).is_empty() {
        put(&mut config, &["metadata", "name"], target.name.as_str());
    }
    if crate::value::name(&config) != target.name {
        let given = crate::value::name(&config);
        let why = format!(
            "the name of the object ({given}) does not match the name on the URL ({})",
            target.name
        );
        return Err(Failure::bad_request(why));
    }
    findings(&resource, how, Vec::new())?;
    validate::typed(&resource, &target.namespace, &config)?;
    let unknown = validate::decode(&resource, &mut config)?;
    findings(&resource, how, unknown)?;
    if target.subresource.is_empty() {
        prune_status(&resource, &mut config);
    }
    let given_version = take(&mut config, &["metadata", "resourceVersion"]);
    let given_uid = take(&mut config, &["metadata", "uid"]);
    for field in [
        "creationTimestamp",
        "generation",
        "selfLink",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        take(&mut config, &["metadata", field]);
    }
    let writer = target.writer(how);
    let now = state.clock.stamp();
    let Some(old) = old else {
        if !target.subresource.is_empty() {
            return Err(target.not_found());
        }
        admit(state, target)?;
        if given_uid.is_some() {
            let why = "uid mismatch: the provided object specified uid, but no object was found";
            return Err(Failure::conflict(&resource.group, &resource.plural, &target.name, why));
        }
        let mut managers = Managers::default();
        let merged = managers.applied(None, &config, &resource.node, &writer, how.force, &now)?;
        let fresh = complete_new(state, target, merged)?;
        return Ok((store_new(state, target, fresh, managers, how), true));
    };
    let current = meta::shown(&resource, &old);
    if given_version
        .as_ref()
        .and_then(Value::as_str)
        .is_some_and(|given| given != meta::version(&old))
    {
        return Err(Failure::modified(&resource.group, &resource.plural, &target.name));
    }
    let mut live = current;
    let mut managers = Managers::take(&mut live);
    let merged = managers.applied(Some(&live), &config, &resource.node, &writer, how.force, &now)?;
    let changed = complete_changed(state, target, &old, merged)?;
    Ok((store_changed(state, target, &old, changed, managers, how), false))
}

/// A write of a whole new version of an object.
fn change(
    state: &mut State,
    target: &Target,
    old: &Arc<Value>,
    mut new: Value,
    how: &mut How,
) -> Result<Arc<Value>, Failure> {
    let resource = &target.resource;
    let version = text(&new, &["metadata", "resourceVersion"]);
    if !version.is_empty() && version != meta::version(old) {
        return Err(Failure::modified(&resource.group, &resource.plural, &target.name));
    }
    let id = text(&new, &["metadata", "uid"]);
    if !id.is_empty() && id != crate::value::uid(old) {
        let why = format!(
            "Precondition failed: UID in precondition: {id}, UID in object meta: {}",
            crate::value::uid(old)
        );
        return Err(Failure::conflict(&resource.group, &resource.plural, &target.name, &why));
    }
    let mut live = meta::shown(resource, old);
    let live_managers = Managers::take(&mut live);
    // Sending `managedFields` is allowed: `[{}]` resets them, an empty list leaves them alone.
    let sent = at(&new, &["metadata", "managedFields"]).cloned().unwrap_or_default();
    let sent_managers = Managers::take(&mut new);
    let mut managers = if crate::value::items(&sent, &[]).is_empty() {
        live_managers
    } else {
        sent_managers
    };
    let changed = complete_changed(state, target, old, new)?;
    let now = state.clock.stamp();
    managers.updated(Some(&live), &changed, &resource.node, &target.writer(how), &now);
    Ok(store_changed(state, target, old, changed, managers, how))
}

fn decode(resource: &Resource, body: &mut Value, how: &mut How) -> Result<(), Failure> {
    let unknown = validate::decode(resource, body)?;
    findings(resource, how, unknown)
}

/// Refuses or warns of unknown and duplicate fields.
fn findings(resource: &Resource, how: &mut How, unknown: Vec<String>) -> Result<(), Failure> {
    let mut all = std::mem::take(&mut how.findings);
    all.extend(unknown.iter().map(|path| format!("unknown field \"{path}\"")));
    if all.is_empty() {
        return Ok(());
    }
    match how.strictness {
        Strictness::Ignore => {}
        Strictness::Warn => how.warnings.extend(all),
        Strictness::Strict => {
            let (kind, version) = (&resource.kind, &resource.version);
            let all = all.join(", ");
            let what =
                format!("{kind} in version \"{version}\" cannot be handled as a {kind}: strict decoding error: {all}");
            return Err(Failure::bad_request(what));
        }
    }
    Ok(())
}

/// Whether something new may be made there.
fn admit(state: &State, target: &Target) -> Result<(), Failure> {
    if !target.resource.namespaced {
        return Ok(());
    }
    let Some(namespace) = state.store.get("namespaces", "", &target.namespace) else {
        return Err(Failure::not_found("", "namespaces", &target.namespace));
    };
    if crate::value::is_terminating(namespace) {
        let (resource, namespace) = (&target.resource, &target.namespace);
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut failure = Failure::forbidden(&resource.group, &resource.plural, &target.name, &why);
        let cause = serde_json::json!([{
            "reason": "NamespaceTerminating",
            "message": format!("namespace {namespace} is being terminated"),
            "field": "metadata.namespace",
        }]);
        put(&mut failure.details, &["causes"], cause);
        return Err(failure);
    }
    Ok(())
}

/// The status is written through its own path, except for nodes, which register themselves with one.
fn prune_status(resource: &Resource, body: &mut Value) {
    if resource.has("status") && resource.collection != "nodes" {
        take(body, &["status"]);
    }
}

fn complete_new(state: &mut State, target: &Target, mut object: Value) -> Result<Value, Failure> {
    let resource = &target.resource;
    meta::stamp(state, resource, &mut object);
    defaults::fill(resource, &mut object);
    defaults::fill_new(state, resource, &mut object);
    validate::check(resource, None, &object)?;
    Ok(object)
}

/// `new` with what the writer may not touch taken from `old`, defaults filled in, and checked.
fn complete_changed(state: &mut State, target: &Target, old: &Value, mut new: Value) -> Result<Value, Failure> {
    let resource = &target.resource;
    let live = meta::shown(resource, old);
    if target.subresource == "status" {
        let status = new.get("status").cloned();
        let annotations = at(&new, &["metadata", "annotations"]).cloned();
        new = live.clone();
        take(&mut new, &["metadata", "managedFields"]);
        if let Some(status) = status {
            put(&mut new, &["status"], status);
        }
        if let Some(annotations) = annotations.filter(|_| resource.custom.is_none()) {
            put(&mut new, &["metadata", "annotations"], annotations);
        }
        return Ok(new);
    }
    meta::keep(&live, &mut new);
    if resource.has("status") {
        take(&mut new, &["status"]);
        if let Some(status) = live.get("status") {
            put(&mut new, &["status"], status.clone());
        }
    }
    defaults::fill(resource, &mut new);
    if resource.collection == "services" {
        let address = at(&live, &["spec", "clusterIP"]).cloned();
        if let (Some(address), true) = (address, text(&new, &["spec", "clusterIP"]).is_empty()) {
            put(&mut new, &["spec", "clusterIP"], address);
        }
        defaults::allocate_address(state, &mut new);
    }
    validate::check(resource, Some(&live), &new)?;
    if resource.counts_generations() && meta::wants(resource, &live) != meta::wants(resource, &new) {
        let generation = crate::value::int(&live, &["metadata", "generation"]).unwrap_or_default() + 1;
        put(&mut new, &["metadata", "generation"], generation);
    }
    Ok(new)
}

fn store_new(state: &mut State, target: &Target, mut object: Value, managers: Managers, how: &How) -> Arc<Value> {
    managers.store(&mut object);
    put(&mut object, &["apiVersion"], target.resource.storage_api_version());
    if how.dry_run {
        return Arc::new(object);
    }
    state.write(&target.place(), Some(object)).unwrap_or_default()
}

fn store_changed(
    state: &mut State,
    target: &Target,
    old: &Arc<Value>,
    mut object: Value,
    managers: Managers,
    how: &How,
) -> Arc<Value> {
    managers.store(&mut object);
    put(&mut object, &["apiVersion"], target.resource.storage_api_version());
    put(&mut object, &["metadata", "resourceVersion"], meta::version(old));
    if how.dry_run {
        return Arc::new(object);
    }
    if same(&object, old) {
        return Arc::clone(old);
    }
    let stored = state.write(&target.place(), Some(object)).unwrap_or_default();
    finish(state, &target.place());
    stored
}

/// Whether nothing differs but the times of `managedFields`. The real server writes nothing then: a configuration without
/// its defaults changes the object until they are filled in again.
fn same(new: &Value, old: &Value) -> bool {
    let timeless = |value: &Value| {
        let mut value = value.clone();
        if let Some(Value::Array(managers)) = value.pointer_mut("/metadata/managedFields") {
            for manager in managers {
                take(manager, &["time"]);
            }
        }
        value
    };
    // Most writes end here, without a copy.
    let parts = ["spec", "status"];
    parts.iter().all(|part| new.get(part) == old.get(part)) && timeless(new) == timeless(old)
}
