//! The structural schema of a custom resource (`openAPIV3Schema`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Key, Node, Shape};
use crate::value::{at, flag, items, members, text};

/// How deep a schema is read. Deeper parts accept anything.
const MAX_DEPTH: usize = 64;

/// One level of a structural schema.
#[derive(Clone, Debug, Default)]
pub struct Structural {
    /// `type`; empty when the schema does not say.
    pub ty: String,
    /// `x-kubernetes-int-or-string`.
    pub int_or_string: bool,
    /// `nullable`.
    pub nullable: bool,
    /// `enum`.
    pub allowed: Vec<Value>,
    properties: BTreeMap<String, Node>,
    additional: Option<Node>,
    items: Option<Node>,
    required: Vec<String>,
    default: Option<Value>,
    preserve_unknown: bool,
    list_type: String,
    list_keys: Vec<Key>,
    atomic_map: bool,
}

impl Structural {
    /// Reads the schema of whole objects; `metadata`, `apiVersion` and `kind` are those of every object.
    pub fn root(schema: &Value) -> Node {
        let mut root = Self::read(schema, 0);
        root.ty = "object".to_owned();
        let meta = ktl_schema::record("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
        let meta = meta.map_or(Node::Any, |record| {
            Node::Known(ktl_schema::Type::Record { record, atomic: false })
        });
        root.properties.insert("metadata".to_owned(), meta);
        for field in ["apiVersion", "kind"] {
            root.properties
                .insert(field.to_owned(), Node::Known(ktl_schema::Type::String));
        }
        Node::Custom(Arc::new(root))
    }

    fn read(schema: &Value, depth: usize) -> Self {
        if depth > MAX_DEPTH {
            return Self {
                preserve_unknown: true,
                ..Self::default()
            };
        }
        let nested = |schema: &Value| Node::Custom(Arc::new(Self::read(schema, depth + 1)));
        let mut properties: BTreeMap<String, Node> = members(schema, &["properties"])
            .map(|(name, schema)| (name.clone(), nested(schema)))
            .collect();
        if flag(schema, &["x-kubernetes-embedded-resource"]) {
            for field in ["apiVersion", "kind", "metadata"] {
                properties.entry(field.to_owned()).or_insert(Node::Any);
            }
        }
        let item = at(schema, &["items"]);
        let list_keys = items(schema, &["x-kubernetes-list-map-keys"])
            .iter()
            .filter_map(Value::as_str)
            .map(|name| Key {
                name: name.to_owned(),
                default: item
                    .and_then(|item| at(item, &["properties", name, "default"]))
                    .cloned(),
            })
            .collect();
        Self {
            ty: text(schema, &["type"]).to_owned(),
            int_or_string: flag(schema, &["x-kubernetes-int-or-string"]),
            nullable: flag(schema, &["nullable"]),
            allowed: items(schema, &["enum"]).to_vec(),
            properties,
            additional: match at(schema, &["additionalProperties"]) {
                Some(Value::Object(_)) => at(schema, &["additionalProperties"]).map(nested),
                Some(Value::Bool(true)) => Some(Node::Any),
                _ => None,
            },
            items: item.map(nested),
            required: items(schema, &["required"])
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            default: at(schema, &["default"]).filter(|value| !value.is_null()).cloned(),
            preserve_unknown: flag(schema, &["x-kubernetes-preserve-unknown-fields"]),
            list_type: text(schema, &["x-kubernetes-list-type"]).to_owned(),
            list_keys,
            atomic_map: text(schema, &["x-kubernetes-map-type"]) == "atomic",
        }
    }

    /// How values merge; the type is not looked at.
    pub fn shape(&self) -> Shape {
        match self.ty.as_str() {
            "object" if self.atomic_map => Shape::Leaf,
            "object" => Shape::Object,
            "array" if self.list_type == "map" => Shape::Keyed(self.list_keys.clone()),
            "array" if self.list_type == "set" => Shape::Set,
            "" if self.preserve_unknown => Shape::Object,
            _ => Shape::Leaf,
        }
    }

    /// The schema of a member, or none when the schema prunes it.
    pub fn member(&self, name: &str) -> Option<Node> {
        if let Some(node) = self.properties.get(name).or(self.additional.as_ref()) {
            return Some(node.clone());
        }
        (self.preserve_unknown || self.ty != "object").then_some(Node::Any)
    }

    /// Whether `name` is under `properties`.
    pub fn is_property(&self, name: &str) -> bool {
        self.properties.contains_key(name)
    }

    /// The schema of items.
    pub fn item(&self) -> Node {
        self.items.clone().unwrap_or(Node::Any)
    }

    /// The names under `required`.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        self.required.iter().map(String::as_str)
    }

    /// Writes defaults into `value`.
    pub fn fill(&self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (name, node) in &self.properties {
                    if let Node::Custom(inner) = node
                        && let Some(default) = &inner.default
                        && map.get(name).is_none_or(|value| value.is_null() && !inner.nullable)
                    {
                        map.insert(name.clone(), default.clone());
                    }
                    if name != "metadata"
                        && let Some(value) = map.get_mut(name)
                    {
                        node.fill(value);
                    }
                }
                if let Some(node) = &self.additional {
                    let free = map.iter_mut().filter(|(name, _)| !self.properties.contains_key(*name));
                    free.for_each(|(_, value)| node.fill(value));
                }
            }
            Value::Array(list) => {
                if let Some(node) = &self.items {
                    list.iter_mut().for_each(|value| node.fill(value));
                }
            }
            _ => {}
        }
    }
}
