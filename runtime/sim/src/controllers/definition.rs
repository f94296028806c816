//! Custom resource definitions: established after a moment, served a moment later.

use std::time::Duration;

use serde_json::{Value, json};

use super::hand;
use crate::cluster::State;
use crate::defaults::CLEANUP;
use crate::ops;
use crate::status::qualified;
use crate::store::Place;
use crate::value::{
    at, condition, condition_is_true, flag, int, is_terminating, items, put, set_condition, slot, take, text,
};

const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";
const MANAGER: &str = "kube-apiserver";
/// From the definition to `Established`.
const ESTABLISHING: Duration = Duration::from_millis(60);
/// From `Established` to being served.
const DISCOVERY_LAG: Duration = Duration::from_millis(120);

/// The definition behind a custom resource's place.
pub fn of(state: &State, place: &Place) -> Option<Place> {
    let definition = Place::new(DEFINITIONS, "", &place.collection);
    state.store.at(&definition).is_some().then_some(definition)
}

/// Establishes a definition, serves its resources, and removes them when it goes.
pub fn step(state: &mut State, place: &Place) -> Option<Duration> {
    let now = state.clock.elapsed();
    let Some(definition) = state.store.at(place).cloned() else {
        state.served.remove(&place.name);
        serve(state);
        return None;
    };
    if is_terminating(&definition) {
        finalize(state, place, &definition);
        return None;
    }
    if !condition_is_true(&definition, "Established") {
        let asked = *state.definitions.entry(place.name.clone()).or_insert(now);
        let due = asked + state.clock.scaled(ESTABLISHING);
        if now < due {
            return Some(due);
        }
        establish(state, place, &definition);
        let due = now + state.clock.scaled(DISCOVERY_LAG);
        state.definitions.insert(place.name.clone(), due);
        return Some(due);
    }
    let due = state.definitions.get(&place.name).copied().unwrap_or_default();
    if now < due {
        return Some(due);
    }
    let generation = int(&definition, &["metadata", "generation"]).unwrap_or_default();
    let names = at(&definition, &["status", "acceptedNames"]);
    if names != at(&definition, &["spec", "names"]) {
        establish(state, place, &definition);
    }
    if state.served.insert(place.name.clone(), generation) != Some(generation) {
        serve(state);
    }
    None
}

fn establish(state: &mut State, place: &Place, definition: &Value) {
    let now = state.clock.stamp();
    let names = at(definition, &["spec", "names"]).cloned().unwrap_or_default();
    let kind = text(&names, &["kind"]).to_owned();
    let group = text(definition, &["spec", "group"]).to_owned();
    let others = state.store.list(DEFINITIONS, "");
    let taken = others.iter().find(|other| {
        crate::value::name(other) != place.name
            && text(other, &["spec", "group"]) == group
            && text(other, &["status", "acceptedNames", "kind"]) == kind
    });
    let taken = taken.map(|_| format!("\"{kind}\" is already in use"));
    let versions = items(definition, &["spec", "versions"]);
    let stored = versions.iter().find(|version| flag(version, &["storage"]));
    let stored = stored
        .map(|version| text(version, &["name"]).to_owned())
        .unwrap_or_default();
    hand::update_status(state, place, MANAGER, |definition| match taken {
        Some(why) => {
            set_condition(definition, "NamesAccepted", "False", "KindConflict", &why, &now);
            let why = "not all names are accepted";
            set_condition(definition, "Established", "False", "NotAccepted", why, &now);
            put(
                definition,
                &["status", "acceptedNames"],
                json!({ "plural": "", "kind": "" }),
            );
        }
        None => {
            set_condition(
                definition,
                "NamesAccepted",
                "True",
                "NoConflicts",
                "no conflicts found",
                &now,
            );
            if condition(definition, "Established").is_none_or(|old| text(old, &["status"]) != "True") {
                let why = "the initial names have been accepted";
                set_condition(definition, "Established", "True", "InitialNamesAccepted", why, &now);
            }
            put(definition, &["status", "acceptedNames"], names);
            let list = slot(definition, &["status", "storedVersions"]);
            if !list.is_array() {
                *list = json!([]);
            }
            if let Value::Array(list) = list
                && !list.iter().any(|version| *version == stored)
            {
                list.push(Value::from(stored));
            }
        }
    });
}

fn finalize(state: &mut State, place: &Place, definition: &Value) {
    let collection = qualified(
        text(definition, &["spec", "group"]),
        text(definition, &["spec", "names", "plural"]),
    );
    for object in state.store.list(&collection, "") {
        if !is_terminating(&object) {
            let (namespace, name) = (crate::value::namespace(&object), crate::value::name(&object));
            ops::remove(state, &Place::new(&collection, namespace, name));
        }
    }
    if state.store.list(&collection, "").is_empty() {
        state.served.remove(&place.name);
        state.definitions.remove(&place.name);
        hand::update(state, place, MANAGER, |definition| {
            let left = items(definition, &["metadata", "finalizers"]).iter();
            let left: Vec<Value> = left.filter(|item| *item != CLEANUP).cloned().collect();
            if left.is_empty() {
                take(definition, &["metadata", "finalizers"]);
            } else {
                put(definition, &["metadata", "finalizers"], left);
            }
        });
        ops::finish(state, place);
        serve(state);
    }
}

/// Serves what established definitions define.
fn serve(state: &mut State) {
    let all = state.store.list(DEFINITIONS, "");
    let served = all
        .iter()
        .filter(|definition| state.served.contains_key(crate::value::name(definition)));
    let served: Vec<_> = served.cloned().collect();
    state.registry.set_custom(served.iter().map(|definition| &**definition));
}
