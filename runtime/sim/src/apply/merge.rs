//! Laying an applied configuration over a live object, and taking away what is no longer applied.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{FieldSet, item_step, value_step};
use crate::schema::{Node, Shape};

/// The paths that applying `value` claims.
pub fn fields_of(value: &Value, node: &Node) -> FieldSet {
    let mut set = FieldSet::default();
    match (node.shape(value), value) {
        (Shape::Object, Value::Object(map)) => {
            for (name, child) in map {
                let inner = node.member(name);
                let mut below = fields_of(child, &inner);
                let empty = child.is_null() || child.as_object().is_some_and(serde_json::Map::is_empty);
                below.member |= empty || !node.is_field(name);
                if !below.is_empty() {
                    set.children.insert(format!("f:{name}"), below);
                }
            }
        }
        (Shape::Set, Value::Array(list)) => {
            set.children
                .extend(list.iter().map(|item| (value_step(item), FieldSet::leaf())));
        }
        (Shape::Keyed(keys), Value::Array(list)) => {
            for item in list {
                if let Some(step) = item_step(item, &keys) {
                    let mut below = fields_of(item, &node.item());
                    below.member = true;
                    set.children.insert(step, below);
                }
            }
        }
        _ => set.member = true,
    }
    set
}

/// `live` with `config` laid over it. A `null` in `config` counts as absent.
pub fn merge(live: Option<&Value>, config: &Value, node: &Node) -> Value {
    let Some(live) = live.filter(|live| !live.is_null()) else {
        return without_nulls(config);
    };
    let shape = node.shape(config);
    if node.shape(live) != shape {
        return without_nulls(config);
    }
    match (shape, live, config) {
        (Shape::Object, Value::Object(old), Value::Object(new)) => {
            let mut out = old.clone();
            for (name, value) in new.iter().filter(|(_, value)| !value.is_null()) {
                out.insert(name.clone(), merge(old.get(name), value, &node.member(name)));
            }
            Value::Object(out)
        }
        (Shape::Set, Value::Array(old), Value::Array(new)) => {
            interleave(old, new, |item| Some(value_step(item)), |_, new| new.clone())
        }
        (Shape::Keyed(keys), Value::Array(old), Value::Array(new)) => {
            let inner = node.item();
            interleave(
                old,
                new,
                |item| item_step(item, &keys),
                |old, new| merge(old, new, &inner),
            )
        }
        _ => without_nulls(config),
    }
}

/// Merges two lists by step: the new order holds, and items that only the old list has keep their places.
fn interleave(
    old: &[Value],
    new: &[Value],
    step: impl Fn(&Value) -> Option<String>,
    join: impl Fn(Option<&Value>, &Value) -> Value,
) -> Value {
    let by_step: BTreeMap<String, &Value> = old.iter().filter_map(|item| Some((step(item)?, item))).collect();
    let wanted: Vec<String> = new.iter().map(|item| step(item).unwrap_or_default()).collect();
    let mut done = std::collections::BTreeSet::new();
    let mut out = Vec::new();
    let mut left = old.iter().peekable();
    let mut right = new.iter().zip(&wanted).peekable();
    loop {
        if let Some(item) = left.peek() {
            let here = step(item).unwrap_or_default();
            if let Some((new, _)) = right.next_if(|(_, wanted)| **wanted == here) {
                out.push(join(Some(item), new));
                done.insert(here);
                left.next();
                continue;
            }
            if !wanted.contains(&here) {
                out.push((*item).clone());
                left.next();
                continue;
            }
            if done.contains(&here) {
                left.next();
                continue;
            }
        }
        match right.next() {
            Some((new, wanted)) => {
                out.push(join(by_step.get(wanted).copied(), new));
                done.insert(wanted.clone());
            }
            None if left.peek().is_none() => break,
            None => {
                left.next();
            }
        }
    }
    Value::Array(out)
}

/// Removes what `last` claimed and `owned` (everybody's claims now) does not.
pub fn prune(value: &mut Value, last: &FieldSet, owned: &FieldSet, node: &Node) {
    match (node.shape(value), value) {
        (Shape::Object, Value::Object(map)) => {
            for (step, last) in &last.children {
                let Some(name) = step.strip_prefix("f:") else { continue };
                match owned.children.get(step).filter(|owned| !owned.is_empty()) {
                    None => {
                        map.remove(name);
                    }
                    Some(owned) => {
                        if let Some(child) = map.get_mut(name) {
                            prune(child, last, owned, &node.member(name));
                        }
                    }
                }
            }
        }
        (Shape::Set, Value::Array(list)) => {
            list.retain(|item| {
                let step = value_step(item);
                !last.children.contains_key(&step) || owned.children.contains_key(&step)
            });
        }
        (Shape::Keyed(keys), Value::Array(list)) => {
            let inner = node.item();
            list.retain_mut(|item| {
                let Some(step) = item_step(item, &keys) else {
                    return true;
                };
                let Some(last) = last.children.get(&step) else {
                    return true;
                };
                match owned.children.get(&step).filter(|owned| !owned.is_empty()) {
                    None => false,
                    Some(owned) => {
                        prune(item, last, owned, &inner);
                        true
                    }
                }
            });
        }
        _ => {}
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), without_nulls(value)))
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}
