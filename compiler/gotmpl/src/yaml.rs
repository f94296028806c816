//! YAML as Go's libraries read and write it: YAML 1.1 scalars on the way in, Helm's layout on the way out.

mod emit;
mod lenient;
mod read;
mod resolve;
mod sort;
mod write;

use std::fmt;
use std::sync::Arc;

use crate::value::{Map, Value};

pub use read::parse_documents;
pub(crate) use write::{Dialect, encode};

/// How deep collections may nest; what is deeper could not be read back as JSON.
pub const MAX_DEPTH: usize = 100;
/// How many nodes one text may hold once its aliases are expanded.
pub const MAX_NODES: usize = 1_000_000;

/// One document of a YAML stream.
#[derive(Clone, Debug)]
pub struct Document {
    /// The top-level node.
    pub root: Node,
}

/// A node, with the place where it starts.
#[derive(Clone, Debug)]
pub struct Node {
    /// What the node holds.
    pub content: Content,
    /// The line from 1.
    pub line: u32,
    /// The column from 1, in characters.
    pub column: u32,
}

/// What a [`Node`] holds. Aliases and merge keys are already expanded.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `yes`, `on` and their opposites.
    Bool(bool),
    /// An integer in any of the notations of YAML 1.1.
    Int(i64),
    /// An integer above the range of `i64`.
    Uint(u64),
    /// A number with a fraction, an exponent, or too large for an integer.
    Float(f64),
    /// Anything else that is no collection; dates too.
    Str(Arc<str>),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the text; of a key that comes twice, the last value.
    Map(Vec<Entry>),
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value == other.value
    }
}

/// One entry of a mapping.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key as text; numbers and booleans are spelled as Go spells them.
    pub key: Arc<str>,
    /// The line of the key, from 1.
    pub line: u32,
    /// The column of the key, from 1, in characters.
    pub column: u32,
    /// The value.
    pub value: Node,
}

/// Why a text is no YAML, or more than is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlError {
    /// The line from 1.
    pub line: u32,
    /// The column from 1, in characters.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for YamlError {}

impl Node {
    /// The value under `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.content {
            Content::Map(entries) => entries
                .iter()
                .find(|entry| entry.key.as_ref() == key)
                .map(|entry| &entry.value),
            _ => None,
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The node as JSON. Whole floats become integers, as when Go converts YAML to JSON; what JSON has no number for
    /// becomes null.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.content {
            Content::Null => Json::Null,
            Content::Bool(value) => Json::Bool(*value),
            Content::Int(value) => Json::from(*value),
            Content::Uint(value) => Json::from(*value),
            Content::Float(value) => json_number(*value),
            Content::Str(text) => Json::from(text.as_ref()),
            Content::List(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Content::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.to_string(), entry.value.to_json()))
                    .collect(),
            ),
        }
    }

    /// The node as templates see it: every number is a `float64`.
    pub fn to_value(&self) -> Value {
        match &self.content {
            Content::Null => Value::Nil,
            Content::Bool(value) => Value::Bool(*value),
            #[expect(clippy::cast_precision_loss, reason = "Helm reads every number as a float")]
            Content::Int(value) => Value::Float(*value as f64),
            #[expect(clippy::cast_precision_loss, reason = "Helm reads every number as a float")]
            Content::Uint(value) => Value::Float(*value as f64),
            Content::Float(value) => Value::Float(*value),
            Content::Str(text) => Value::Str(Arc::clone(text)),
            Content::List(items) => Value::list(items.iter().map(Node::to_value).collect()),
            Content::Map(entries) => Value::Map(
                entries
                    .iter()
                    .map(|entry| (Arc::clone(&entry.key), entry.value.to_value()))
                    .collect::<Map>(),
            ),
        }
    }
}

/// A float as the JSON number that Go writes for it.
pub fn json_number(value: f64) -> serde_json::Value {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
    if value.fract() == 0.0 && value.abs() < 9.2e18 {
        return serde_json::Value::from(value as i64);
    }
    serde_json::Number::from_f64(value).map_or(serde_json::Value::Null, serde_json::Value::Number)
}

/// The value as Helm's `toYaml` writes it, with a line break at the end. The error is Go's message.
pub fn to_yaml(value: &Value) -> Result<String, String> {
    encode(value, Dialect::Plain, 256 << 20)
}
