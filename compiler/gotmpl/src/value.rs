//! The values a template works on: what Go code would hold in an `interface{}`.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::types::Type;

/// One Go value. Cloning is cheap: maps and lists are shared, so that a change made through one name shows through
/// every other, as in Go.
#[derive(Clone, Debug)]
pub enum Value {
    /// A nil interface.
    Nil,
    /// `bool`.
    Bool(bool),
    /// Any of Go's integer types.
    Int(i64, IntKind),
    /// `float64`, the type of every number that comes from a values file.
    Float(f64),
    /// A `string` that is valid UTF-8.
    Str(Arc<str>),
    /// A `string` that is not UTF-8, or a `[]byte`.
    Bytes(Bytes),
    /// A slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// A Go value with methods, supplied by the host.
    Object(Rc<dyn Object>),
}

/// Which Go integer type a number has: Go compares them alike, but names them and accepts them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntKind {
    /// `int`, the type of literals.
    Int,
    /// `int64`, the type that arithmetic functions give.
    Int64,
    /// `uint8`, the type of a string's bytes.
    Uint8,
    /// `uint64`, the type of the parts of a semantic version.
    Uint64,
}

impl IntKind {
    /// The type's name in Go.
    pub fn name(self) -> &'static str {
        match self {
            IntKind::Int => "int",
            IntKind::Int64 => "int64",
            IntKind::Uint8 => "uint8",
            IntKind::Uint64 => "uint64",
        }
    }

    /// Whether the type is one of the unsigned ones.
    pub fn is_unsigned(self) -> bool {
        matches!(self, IntKind::Uint8 | IntKind::Uint64)
    }
}

/// Bytes that are not text: a Go `string` holding something else than UTF-8, or a `[]byte`.
#[derive(Clone, Debug)]
pub struct Bytes {
    /// The bytes themselves.
    pub data: Rc<[u8]>,
    /// True for `[]byte`, false for `string`.
    pub slice: bool,
}

/// A Go slice. No function changes one in place, so sharing is invisible.
#[derive(Clone, Debug)]
pub struct List {
    /// The elements in order.
    pub items: Rc<Vec<Value>>,
    /// The element type.
    pub elem: Elem,
    /// Whether this is Go's nil slice, which prints as `[]` and encodes as `null`.
    pub nil: bool,
}

/// The element type of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elem {
    /// `interface{}`.
    Any,
    /// `string`.
    Str,
    /// `int`.
    Int,
    /// `[]interface{}`.
    List,
}

impl List {
    /// A list of anything.
    pub fn new(items: Vec<Value>) -> List {
        List {
            items: Rc::new(items),
            elem: Elem::Any,
            nil: false,
        }
    }

    /// A list whose elements have one type.
    pub fn of(elem: Elem, items: Vec<Value>) -> List {
        List {
            items: Rc::new(items),
            elem,
            nil: false,
        }
    }

    /// Go's nil slice.
    pub fn nil() -> List {
        List {
            items: Rc::new(Vec::new()),
            elem: Elem::Any,
            nil: true,
        }
    }

    fn type_name(&self) -> &'static str {
        match self.elem {
            Elem::Any => "[]interface {}",
            Elem::Str => "[]string",
            Elem::Int => "[]int",
            Elem::List => "[][]interface {}",
        }
    }
}

/// A Go map with string keys, shared by everyone who holds it and iterated in key order.
#[derive(Clone, Debug)]
pub struct Map {
    entries: Rc<RefCell<BTreeMap<Arc<str>, Value>>>,
    kind: MapKind,
}

/// The Go type of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKind {
    /// `map[string]interface {}`.
    Any,
    /// `map[string]string`.
    Str,
    /// `common.Values`, a chart's values.
    Values,
}

impl Default for Map {
    fn default() -> Self {
        Map::new(MapKind::Any)
    }
}

impl Map {
    /// An empty map of the given type.
    pub fn new(kind: MapKind) -> Map {
        Map {
            entries: Rc::default(),
            kind,
        }
    }

    /// The Go type.
    pub fn kind(&self) -> MapKind {
        self.kind
    }

    /// The same entries under another Go type.
    pub fn as_kind(&self, kind: MapKind) -> Map {
        Map {
            entries: Rc::clone(&self.entries),
            kind,
        }
    }

    /// The value at `key`.
    pub fn get(&self, key: &str) -> Option<Value> {
        self.entries.borrow().get(key).cloned()
    }

    /// Whether `key` is present, whatever its value.
    pub fn contains(&self, key: &str) -> bool {
        self.entries.borrow().contains_key(key)
    }

    /// Sets `key`, for everyone who holds this map.
    pub fn insert(&self, key: impl Into<Arc<str>>, value: Value) {
        self.entries.borrow_mut().insert(key.into(), value);
    }

    /// Removes `key`, for everyone who holds this map.
    pub fn remove(&self, key: &str) {
        self.entries.borrow_mut().remove(key);
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A snapshot of the entries in key order, so that a loop may change the map.
    pub fn entries(&self) -> Vec<(Arc<str>, Value)> {
        self.entries
            .borrow()
            .iter()
            .map(|(key, value)| (Arc::clone(key), value.clone()))
            .collect()
    }

    /// Whether both names hold one map.
    pub fn same(&self, other: &Map) -> bool {
        Rc::ptr_eq(&self.entries, &other.entries)
    }

    /// What Go gives for a key that is absent: the zero value of the element type.
    pub fn zero(&self) -> Value {
        match self.kind {
            MapKind::Str => Value::from(""),
            MapKind::Any | MapKind::Values => Value::Nil,
        }
    }

    fn type_name(&self) -> &'static str {
        match self.kind {
            MapKind::Any => "map[string]interface {}",
            MapKind::Str => "map[string]string",
            MapKind::Values => "common.Values",
        }
    }
}

impl<K: Into<Arc<str>>> FromIterator<(K, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        let map = Map::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

/// A Go value with fields or methods that is no plain map, such as a chart's files.
pub trait Object: fmt::Debug {
    /// The type's name in Go, as `typeOf` and error messages give it.
    fn type_name(&self) -> &str;
    /// The kind's name in Go's `reflect`: `struct`, `ptr`, `map` or `slice`.
    fn kind(&self) -> &'static str;
    /// The field `name`, if there is one.
    fn field(&self, name: &str) -> Option<Value>;
    /// The parameter types of the method `name`, if there is one.
    fn method(&self, name: &str) -> Option<&'static [Type]>;
    /// Calls a method; the arguments fit what [`Object::method`] said. The error is Go's message.
    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String>;
    /// The text that printing gives, for types with a `String` method.
    fn show(&self) -> Option<String>;
    /// The plain value that loops, `index`, `len` and the encoders see.
    fn plain(&self) -> Value;
    /// For functions that know the type.
    fn as_any(&self) -> &dyn Any;
}

impl Value {
    /// An `int`.
    pub fn int(value: i64) -> Value {
        Value::Int(value, IntKind::Int)
    }

    /// An `int64`.
    pub fn int64(value: i64) -> Value {
        Value::Int(value, IntKind::Int64)
    }

    /// A list of anything.
    pub fn list(items: Vec<Value>) -> Value {
        Value::List(List::new(items))
    }

    /// A `[]string`.
    pub fn strings<S: Into<Arc<str>>>(items: impl IntoIterator<Item = S>) -> Value {
        Value::List(List::of(
            Elem::Str,
            items.into_iter().map(|item| Value::Str(item.into())).collect(),
        ))
    }

    /// A Go `string` of these bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Value {
        match String::from_utf8(bytes) {
            Ok(text) => Value::from(text),
            Err(error) => Value::Bytes(Bytes {
                data: error.into_bytes().into(),
                slice: false,
            }),
        }
    }

    /// The value that JSON text stands for in Go: every number is a `float64`.
    pub fn from_json(json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Nil,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Value::from(text.as_str()),
            serde_json::Value::Array(items) => Value::list(items.iter().map(Value::from_json).collect()),
            serde_json::Value::Object(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, value)| (key.as_str(), Value::from_json(value)))
                    .collect(),
            ),
        }
    }

    /// Go's `isTrue`: not the zero value of its type.
    pub fn truth(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(value) => *value,
            Value::Int(value, _) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::Bytes(bytes) => !bytes.data.is_empty(),
            Value::List(list) => !list.items.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Object(object) => match object.kind() {
                "map" | "slice" => object.plain().truth(),
                _ => true,
            },
        }
    }

    /// The Go type's name, as `%T` gives it.
    pub fn type_name(&self) -> &str {
        match self {
            Value::Nil => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_, kind) => kind.name(),
            Value::Float(_) => "float64",
            Value::Str(_) => "string",
            Value::Bytes(bytes) if bytes.slice => "[]uint8",
            Value::Bytes(_) => "string",
            Value::List(list) => list.type_name(),
            Value::Map(map) => map.type_name(),
            Value::Object(object) => object.type_name(),
        }
    }

    /// The name of Go's `reflect.Kind`.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Value::Nil => "invalid",
            Value::Bool(_) => "bool",
            Value::Int(_, kind) => kind.name(),
            Value::Float(_) => "float64",
            Value::Str(_) => "string",
            Value::Bytes(bytes) if bytes.slice => "slice",
            Value::Bytes(_) => "string",
            Value::List(_) => "slice",
            Value::Map(_) => "map",
            Value::Object(object) => object.kind(),
        }
    }

    /// The text of a `string`; bytes that are not UTF-8 are replaced.
    pub fn as_text(&self) -> Option<Arc<str>> {
        match self {
            Value::Str(text) => Some(Arc::clone(text)),
            Value::Bytes(bytes) if !bytes.slice => Some(String::from_utf8_lossy(&bytes.data).as_ref().into()),
            _ => None,
        }
    }

    /// The value under an object that stands for a map or a list; any other value is itself.
    pub fn plain(&self) -> Value {
        match self {
            Value::Object(object) => object.plain(),
            other => other.clone(),
        }
    }

    /// The elements, if this is a slice of any type.
    pub fn as_items(&self) -> Option<Rc<Vec<Value>>> {
        match self {
            Value::List(list) => Some(Rc::clone(&list.items)),
            Value::Bytes(bytes) if bytes.slice => Some(Rc::new(
                bytes
                    .data
                    .iter()
                    .map(|byte| Value::Int(i64::from(*byte), IntKind::Uint8))
                    .collect(),
            )),
            Value::Object(object) if object.kind() == "slice" => object.plain().as_items(),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Str(text.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Value::Map(map)
    }
}
