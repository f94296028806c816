//! What changed between two versions of an object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{FieldSet, item_step, value_step};
use crate::schema::{Key, Node, Shape};

/// The difference between an old and a new value.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Paths that only the new value has.
    pub added: FieldSet,
    /// Leaves that differ.
    pub modified: FieldSet,
    /// Paths that only the old value has.
    pub removed: FieldSet,
}

impl Comparison {
    /// Everything that the writer of the new value changed or added.
    pub fn written(&self) -> FieldSet {
        let mut set = self.added.clone();
        set.union(&self.modified);
        set
    }

    fn push(&mut self, step: String, mut child: Comparison, added: bool, removed: bool) {
        child.added.member |= added;
        child.removed.member |= removed;
        for (mine, theirs) in [
            (&mut self.added, child.added),
            (&mut self.modified, child.modified),
            (&mut self.removed, child.removed),
        ] {
            if !theirs.is_empty() {
                mine.children.insert(step.clone(), theirs);
            }
        }
    }
}

/// Structs that Go writes even when they are empty: nobody comes to own them by adding their fields.
const ALWAYS_THERE: &[&str] = &[
    "metadata",
    "spec",
    "status",
    "template",
    "strategy",
    "updateStrategy",
    "jobTemplate",
    "names",
    "conversion",
];

/// Compares two values of the same schema. The paths are relative to the values.
pub fn compare(old: Option<&Value>, new: Option<&Value>, node: &Node) -> Comparison {
    let old = old.filter(|value| !value.is_null());
    let new = new.filter(|value| !value.is_null());
    let Some(sample) = new.or(old) else {
        return Comparison::default();
    };
    let shape = node.shape(sample);
    let same_shape = old.is_none_or(|old| node.shape(old) == shape);
    let nothing = is_blank(old) && is_blank(new);
    if shape == Shape::Leaf || !same_shape || nothing {
        return leaf(old, new);
    }
    match shape {
        Shape::Leaf => leaf(old, new),
        Shape::Object => objects(old, new, node),
        Shape::Set => {
            let steps = |value: Option<&Value>| -> BTreeMap<String, Value> {
                let list = value.and_then(Value::as_array).into_iter().flatten();
                list.map(|item| (value_step(item), item.clone())).collect()
            };
            lists(&steps(old), &steps(new), &Node::Any)
        }
        Shape::Keyed(keys) => lists(&keyed(old, &keys), &keyed(new, &keys), &node.item()),
    }
}

fn leaf(old: Option<&Value>, new: Option<&Value>) -> Comparison {
    let mut out = Comparison::default();
    match (old, new) {
        (None, Some(_)) => out.added.member = true,
        (Some(_), None) => out.removed.member = true,
        (Some(old), Some(new)) if old != new => out.modified.member = true,
        _ => {}
    }
    out
}

fn objects(old: Option<&Value>, new: Option<&Value>, node: &Node) -> Comparison {
    let mut out = Comparison::default();
    let maps = [old, new].map(|value| value.and_then(Value::as_object));
    let names: BTreeSet<&String> = maps.iter().flatten().flat_map(|map| map.keys()).collect();
    let present = |map: Option<&serde_json::Map<String, Value>>, name: &str| {
        map.and_then(|map| map.get(name))
            .filter(|value| !value.is_null())
            .cloned()
    };
    let [old, new] = maps;
    for name in names {
        let (left, right) = (present(old, name), present(new, name));
        if left == right {
            continue;
        }
        let child = compare(left.as_ref(), right.as_ref(), &node.member(name));
        let counts = !(node.is_field(name) && ALWAYS_THERE.contains(&name.as_str()));
        out.push(
            format!("f:{name}"),
            child,
            counts && left.is_none(),
            counts && right.is_none(),
        );
    }
    out
}

fn lists(old: &BTreeMap<String, Value>, new: &BTreeMap<String, Value>, node: &Node) -> Comparison {
    let mut out = Comparison::default();
    let steps: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for step in steps {
        let (left, right) = (old.get(step), new.get(step));
        if left == right {
            continue;
        }
        out.push(
            step.clone(),
            compare(left, right, node),
            left.is_none(),
            right.is_none(),
        );
    }
    out
}

fn keyed(value: Option<&Value>, keys: &[Key]) -> BTreeMap<String, Value> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|item| Some((item_step(item, keys)?, item.clone())))
        .collect()
}

/// Whether there is nothing to look inside of: the difference between absent and empty is that of a leaf.
fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None => true,
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(_) => false,
    }
}
