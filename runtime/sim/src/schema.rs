//! What a value may look like: one view of built-in kinds and of custom resources.

mod structural;

use std::sync::Arc;

use ktl_schema::{ListMerge, Type};
use serde_json::Value;

pub use structural::Structural;

/// The schema at one place of an object.
#[derive(Clone, Debug)]
pub enum Node {
    /// Part of a built-in kind.
    Known(Type),
    /// Part of a custom resource.
    Custom(Arc<Structural>),
    /// Anything goes; objects merge key by key, everything else is replaced as a whole.
    Any,
}

/// How server-side apply sees a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Owned and replaced as a whole.
    Leaf,
    /// An object with named fields or free keys.
    Object,
    /// A list of scalars that occur once.
    Set,
    /// A list of objects that these fields identify.
    Keyed(Vec<Key>),
}

/// A field that identifies list items, and what it is when an item leaves it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The field's name.
    pub name: String,
    /// Its value when absent.
    pub default: Option<Value>,
}

impl Node {
    /// How `value` merges here. A value of the wrong type is a leaf.
    pub fn shape(&self, value: &Value) -> Shape {
        let shape = match self {
            Node::Known(ty) => known_shape(ty),
            Node::Custom(structural) => structural.shape(),
            Node::Any => Shape::Object,
        };
        let fits = match shape {
            Shape::Leaf => true,
            Shape::Object => value.is_object(),
            Shape::Set | Shape::Keyed(_) => value.is_array(),
        };
        if fits { shape } else { Shape::Leaf }
    }

    /// The schema of member `name`; `Any` when the schema does not know it.
    pub fn member(&self, name: &str) -> Node {
        self.declared(name).unwrap_or(Node::Any)
    }

    /// The schema of member `name`, or none where the schema has fields and this is not one of them.
    pub fn declared(&self, name: &str) -> Option<Node> {
        match self {
            Node::Known(Type::Record { record, .. }) => record.field(name).map(|field| Node::Known(field.ty)),
            Node::Known(Type::Map { values, .. }) => Some(Node::Known(**values)),
            Node::Known(_) | Node::Any => Some(Node::Any),
            Node::Custom(structural) => structural.member(name),
        }
    }

    /// Whether `name` is a field of a fixed set, as opposed to a key that a user made up.
    pub fn is_field(&self, name: &str) -> bool {
        match self {
            Node::Known(Type::Record { .. }) => true,
            Node::Custom(structural) => structural.is_property(name),
            _ => false,
        }
    }

    /// The schema of list items.
    pub fn item(&self) -> Node {
        match self {
            Node::Known(Type::List { items, .. }) => Node::Known(**items),
            Node::Custom(structural) => structural.item(),
            _ => Node::Any,
        }
    }

    /// The fields that must be present.
    pub fn required(&self) -> Vec<&str> {
        match self {
            Node::Known(Type::Record { record, .. }) => record
                .fields
                .iter()
                .filter(|field| field.required)
                .map(|field| field.name)
                .collect(),
            Node::Custom(structural) => structural.required().collect(),
            _ => Vec::new(),
        }
    }

    /// Strategic merge patch: how the list at member `name` merges, as (strategy, merge key).
    pub fn patch(&self, name: &str) -> (&'static str, Option<&'static str>) {
        match self {
            Node::Known(Type::Record { record, .. }) => record.field(name).map_or(("", None), |field| {
                (field.patch_strategy.unwrap_or_default(), field.patch_merge_key)
            }),
            _ => ("", None),
        }
    }

    /// Writes the defaults that the schema states into `value`.
    pub fn fill(&self, value: &mut Value) {
        match (self, value) {
            (Node::Known(Type::Record { record, .. }), Value::Object(map)) => {
                for field in record.fields {
                    if let Some(default) = field.default
                        && map.get(field.name).is_none_or(Value::is_null)
                        && let Ok(default) = serde_json::from_str(default)
                    {
                        map.insert(field.name.to_owned(), default);
                    }
                    if let Some(inner) = map.get_mut(field.name) {
                        Node::Known(field.ty).fill(inner);
                    }
                }
            }
            (Node::Known(Type::Map { values, .. }), Value::Object(map)) => {
                map.values_mut().for_each(|value| Node::Known(**values).fill(value));
            }
            (Node::Known(Type::List { items, .. }), Value::Array(list)) => {
                list.iter_mut().for_each(|value| Node::Known(**items).fill(value));
            }
            (Node::Custom(structural), value) => structural.fill(value),
            _ => {}
        }
    }
}

fn known_shape(ty: &Type) -> Shape {
    match *ty {
        Type::Record { atomic: false, .. } | Type::Map { atomic: false, .. } => Shape::Object,
        Type::List {
            merge: ListMerge::Set, ..
        } => Shape::Set,
        Type::List {
            merge: ListMerge::Map(keys),
            items,
        } => {
            let record = items.record();
            let default = |name: &str| {
                let text = record
                    .and_then(|record| record.field(name))
                    .and_then(|field| field.default);
                text.and_then(|text| serde_json::from_str(text).ok())
            };
            Shape::Keyed(
                keys.iter()
                    .map(|&name| Key {
                        name: name.to_owned(),
                        default: default(name),
                    })
                    .collect(),
            )
        }
        _ => Shape::Leaf,
    }
}
