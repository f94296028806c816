//! The parameter types of functions and methods, checked before a call as Go's reflection does.

use crate::value::{IntKind, MapKind, Value};

/// What a parameter accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`.
    Any,
    /// `string`.
    Str,
    /// `int`.
    Int,
    /// `float64`.
    Float,
    /// `bool`.
    Bool,
    /// `map[string]interface {}`.
    Map,
}

impl Type {
    /// The type's name in Go.
    pub fn name(self) -> &'static str {
        match self {
            Type::Any => "interface {}",
            Type::Str => "string",
            Type::Int => "int",
            Type::Float => "float64",
            Type::Bool => "bool",
            Type::Map => "map[string]interface {}",
        }
    }

    /// Whether Go can assign nil to it.
    pub fn is_nillable(self) -> bool {
        matches!(self, Type::Any | Type::Map)
    }

    /// Whether Go can assign this non-nil value to it.
    pub fn accepts(self, value: &Value) -> bool {
        match (self, value) {
            (Type::Any, _)
            | (Type::Str, Value::Str(_))
            | (Type::Int, Value::Int(_, IntKind::Int))
            | (Type::Float, Value::Float(_))
            | (Type::Bool, Value::Bool(_)) => true,
            (Type::Str, Value::Bytes(bytes)) => !bytes.slice,
            (Type::Map, Value::Map(map)) => map.kind() != MapKind::Str,
            _ => false,
        }
    }
}
