//! Reading and writing fields of JSON objects by path.

use serde_json::{Map, Value};

/// A JSON object.
pub type Object = Map<String, Value>;

/// The value at `path`, if every step exists.
pub fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, step| value.get(*step))
}

/// The text at `path`, or the empty string.
pub fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at `path`.
pub fn int(value: &Value, path: &[&str]) -> Option<i64> {
    at(value, path).and_then(Value::as_i64)
}

/// Whether the value at `path` is `true`.
pub fn flag(value: &Value, path: &[&str]) -> bool {
    at(value, path).and_then(Value::as_bool).unwrap_or_default()
}

/// The items of the list at `path`; none when it is absent.
pub fn items<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The members of the object at `path` in order; none when it is absent.
pub fn members<'a>(value: &'a Value, path: &[&str]) -> impl Iterator<Item = (&'a String, &'a Value)> {
    at(value, path).and_then(Value::as_object).into_iter().flatten()
}

/// The object inside `value`, which becomes one if it is something else.
pub fn object(value: &mut Value) -> &mut Object {
    if !value.is_object() {
        *value = Value::Object(Object::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made an object above"),
    }
}

/// The place at `path`, with the objects on the way created.
pub fn slot<'a>(value: &'a mut Value, path: &[&str]) -> &'a mut Value {
    path.iter()
        .fold(value, |value, step| object(value).entry(*step).or_insert(Value::Null))
}

/// Writes `new` at `path`, creating the objects on the way.
pub fn put(value: &mut Value, path: &[&str], new: impl Into<Value>) {
    *slot(value, path) = new.into();
}

/// Writes `new` at `path` unless something other than `null` is there.
pub fn put_default(value: &mut Value, path: &[&str], new: impl Into<Value>) {
    let slot = slot(value, path);
    if slot.is_null() {
        *slot = new.into();
    }
}

/// Removes and returns the member at `path`.
pub fn take(value: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, parents) = path.split_last()?;
    let parent = parents.iter().try_fold(value, |value, step| value.get_mut(*step))?;
    parent.as_object_mut()?.remove(*last)
}

/// `metadata.name`.
pub fn name(value: &Value) -> &str {
    text(value, &["metadata", "name"])
}

/// `metadata.namespace`, empty for cluster-wide objects.
pub fn namespace(value: &Value) -> &str {
    text(value, &["metadata", "namespace"])
}

/// `metadata.uid`.
pub fn uid(value: &Value) -> &str {
    text(value, &["metadata", "uid"])
}

/// Whether the object is on its way out.
pub fn is_terminating(value: &Value) -> bool {
    at(value, &["metadata", "deletionTimestamp"]).is_some_and(|stamp| !stamp.is_null())
}

/// The value of annotation `key`.
pub fn annotation<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    at(value, &["metadata", "annotations", key]).and_then(Value::as_str)
}

/// The owner reference that is marked as the controller.
pub fn controller(value: &Value) -> Option<&Value> {
    items(value, &["metadata", "ownerReferences"])
        .iter()
        .find(|owner| flag(owner, &["controller"]))
}

/// The condition of type `kind` in `status.conditions`.
pub fn condition<'a>(value: &'a Value, kind: &str) -> Option<&'a Value> {
    items(value, &["status", "conditions"])
        .iter()
        .find(|condition| text(condition, &["type"]) == kind)
}

/// Whether the condition of type `kind` has status `True`.
pub fn condition_is_true(value: &Value, kind: &str) -> bool {
    condition(value, kind).is_some_and(|condition| text(condition, &["status"]) == "True")
}

/// Sets a condition, keeping `lastTransitionTime` while the status stays the same.
pub fn set_condition(object: &mut Value, kind: &str, status: &str, reason: &str, message: &str, now: &str) {
    let list = slot(object, &["status", "conditions"]);
    if !list.is_array() {
        *list = Value::Array(Vec::new());
    }
    let Value::Array(list) = list else { return };
    let since = list
        .iter()
        .find(|condition| text(condition, &["type"]) == kind && text(condition, &["status"]) == status)
        .map_or(now, |condition| text(condition, &["lastTransitionTime"]))
        .to_owned();
    let mut fresh = serde_json::json!({ "type": kind, "status": status, "lastTransitionTime": since });
    if !reason.is_empty() {
        put(&mut fresh, &["reason"], reason);
    }
    if !message.is_empty() {
        put(&mut fresh, &["message"], message);
    }
    match list.iter_mut().find(|condition| text(condition, &["type"]) == kind) {
        Some(old) => {
            // Fields that only some kinds have, such as `lastUpdateTime`, survive.
            for (key, value) in fresh.as_object().into_iter().flatten() {
                put(old, &[key], value.clone());
            }
        }
        None => list.push(fresh),
    }
}
