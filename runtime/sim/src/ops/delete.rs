//! Deleting: preconditions, finalizers, propagation, grace.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Target;
use crate::cluster::State;
use crate::status::Failure;
use crate::store::Place;
use crate::value::{int, is_terminating, items, object, put, slot, text, uid};

/// What becomes of the objects that the deleted one owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// They go afterwards.
    Background,
    /// They go first.
    Foreground,
    /// They stay.
    Orphan,
}

/// What must hold for a deletion to happen.
#[derive(Clone, Debug, Default)]
pub struct Preconditions {
    /// The identity; empty when any will do.
    pub uid: String,
    /// The version; empty when any will do.
    pub version: String,
}

/// The options of a deletion.
#[derive(Clone, Debug)]
pub struct Deletion {
    /// See [`Propagation`].
    pub propagation: Propagation,
    /// See [`Preconditions`].
    pub preconditions: Preconditions,
    /// Seconds that pods get; none for what they ask for themselves.
    pub grace: Option<i64>,
    /// Do everything but delete.
    pub dry_run: bool,
}

impl Default for Deletion {
    fn default() -> Self {
        Self {
            propagation: Propagation::Background,
            preconditions: Preconditions::default(),
            grace: None,
            dry_run: false,
        }
    }
}

/// Deletes an object. Gives it back, and whether it is gone already (or only on its way out).
pub fn delete(state: &mut State, target: &Target, options: &Deletion) -> Result<(Arc<Value>, bool), Failure> {
    let resource = &target.resource;
    let place = target.place();
    let old = state.read(target)?;
    let conflict = |what: &str, given: &str, found: &str| {
        let why = format!("Precondition failed: {what} in precondition: {given}, {what} in object meta: {found}");
        Failure::conflict(&resource.group, &resource.plural, &target.name, &why)
    };
    let (wanted, version) = (&options.preconditions.uid, &options.preconditions.version);
    if !wanted.is_empty() && wanted != uid(&old) {
        return Err(conflict("UID", wanted, uid(&old)));
    }
    let found = text(&old, &["metadata", "resourceVersion"]);
    if !version.is_empty() && version != found {
        return Err(conflict("ResourceVersion", version, found));
    }
    if is_protected(&place) {
        let why = "this namespace may not be deleted";
        return Err(Failure::forbidden(&resource.group, &resource.plural, &target.name, why));
    }
    if options.dry_run {
        return Ok((old, true));
    }
    let mut new = Value::clone(&old);
    let finalizer = match options.propagation {
        Propagation::Background => None,
        Propagation::Foreground => Some("foregroundDeletion"),
        Propagation::Orphan => Some("orphan"),
    };
    if let Some(finalizer) = finalizer {
        add_finalizer(&mut new, finalizer);
    }
    let grace = grace(&place, &old, options);
    let waits = grace > 0 || has_finalizers(&place, &new);
    if !waits {
        let gone = state.write(&place, None).unwrap_or(old);
        return Ok((gone, true));
    }
    if is_terminating(&old) {
        // A second deletion can shorten the grace of the first, nothing else.
        if grace == 0 && int(&old, &["metadata", "deletionGracePeriodSeconds"]).unwrap_or_default() > 0 {
            put(&mut new, &["metadata", "deletionGracePeriodSeconds"], 0);
        }
    } else {
        let seconds = u64::try_from(grace).unwrap_or_default();
        let at = state.clock.elapsed() + std::time::Duration::from_secs(seconds);
        put(&mut new, &["metadata", "deletionTimestamp"], state.clock.stamp_at(at));
        put(&mut new, &["metadata", "deletionGracePeriodSeconds"], grace);
        if let Some(generation) = int(&old, &["metadata", "generation"]) {
            put(&mut new, &["metadata", "generation"], generation + 1);
        }
        if place.collection == "namespaces" {
            put(&mut new, &["status", "phase"], "Terminating");
        }
    }
    if new == *old {
        return Ok((old, false));
    }
    let stored = state.write(&place, Some(new)).unwrap_or(old);
    finish(state, &place);
    Ok((stored, false))
}

/// Removes an object that is on its way out when nothing holds it any more.
pub fn finish(state: &mut State, place: &Place) {
    let Some(object) = state.store.at(place) else { return };
    let grace = int(object, &["metadata", "deletionGracePeriodSeconds"]).unwrap_or_default();
    if is_terminating(object) && grace == 0 && !has_finalizers(place, object) {
        state.write(place, None);
    }
}

/// Deletes on behalf of a controller: no preconditions, and nothing to report.
pub fn remove(state: &mut State, place: &Place) {
    let Some(resource) = state.registry.collection(&place.collection).cloned() else {
        state.write(place, None);
        return;
    };
    let target = Target {
        resource,
        namespace: place.namespace.clone(),
        name: place.name.clone(),
        subresource: String::new(),
    };
    // It is gone already when this fails, and that is what was wanted.
    let _ = delete(state, &target, &Deletion::default());
}

fn is_protected(place: &Place) -> bool {
    place.collection == "namespaces" && ["default", "kube-system", "kube-public"].contains(&place.name.as_str())
}

fn has_finalizers(place: &Place, object: &Value) -> bool {
    !items(object, &["metadata", "finalizers"]).is_empty()
        || (place.collection == "namespaces" && !items(object, &["spec", "finalizers"]).is_empty())
}

fn add_finalizer(value: &mut Value, finalizer: &str) {
    object(slot(value, &["metadata"]));
    let list = slot(value, &["metadata", "finalizers"]);
    if !list.is_array() {
        *list = json!([]);
    }
    if let Value::Array(list) = list
        && !list.iter().any(|item| item == finalizer)
    {
        list.push(Value::from(finalizer));
    }
}

/// The seconds a pod has to stop; other objects have none.
fn grace(place: &Place, object: &Value, options: &Deletion) -> i64 {
    if place.collection != "pods" {
        return 0;
    }
    let unscheduled = text(object, &["spec", "nodeName"]).is_empty();
    let finished = matches!(text(object, &["status", "phase"]), "Succeeded" | "Failed");
    if unscheduled || finished {
        return 0;
    }
    let own = int(object, &["spec", "terminationGracePeriodSeconds"]).unwrap_or(30);
    options.grace.unwrap_or(own).max(0)
}
