//! The functions that templates may call: one module per family, each a table of names, parameter types and code.

mod builtins;
mod cases;
mod convert;
mod crypto;
mod dates;
mod defaults;
mod dicts;
mod encoding;
mod lists;
mod math;
mod paths;
mod reflection;
pub(crate) mod regex;
mod secrets;
pub(crate) mod semver;
mod strings;
mod templates;
mod urls;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use crate::engine::Context;
use crate::error::Fault;
use crate::go::format;
use crate::types::Type;
use crate::value::{Map, Value};

/// A function's code. Its arguments fit the types that its [`Function`] declares.
type Run = fn(&mut Context<'_>, Args<'_>) -> Result<Value, Fault>;

/// A function that templates may call.
#[derive(Debug)]
pub(crate) struct Function {
    /// The name in templates.
    pub(crate) name: &'static str,
    /// The types of the parameters that must be there.
    pub(crate) takes: &'static [Type],
    /// The type of any number of further parameters.
    pub(crate) rest: Option<Type>,
    pub(crate) run: Run,
}

/// The table entry of a function with a fixed number of parameters.
const fn fixed(name: &'static str, takes: &'static [Type], run: Run) -> Function {
    Function {
        name,
        takes,
        rest: None,
        run,
    }
}

/// The table entry of a function that takes any number of further arguments.
const fn variadic(name: &'static str, takes: &'static [Type], rest: Type, run: Run) -> Function {
    Function {
        name,
        takes,
        rest: Some(rest),
        run,
    }
}

static TABLES: &[&[Function]] = &[
    builtins::TABLE,
    cases::TABLE,
    convert::TABLE,
    crypto::TABLE,
    dates::TABLE,
    defaults::TABLE,
    dicts::TABLE,
    encoding::TABLE,
    lists::TABLE,
    math::TABLE,
    paths::TABLE,
    reflection::TABLE,
    regex::TABLE,
    secrets::TABLE,
    semver::TABLE,
    strings::TABLE,
    templates::TABLE,
    urls::TABLE,
];

static BY_NAME: LazyLock<BTreeMap<&'static str, &'static Function>> = LazyLock::new(|| {
    TABLES
        .iter()
        .flat_map(|table| table.iter())
        .map(|function| (function.name, function))
        .collect()
});

/// The function `name`, if there is one.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

/// The names of every function that templates may call, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    BY_NAME.keys().copied()
}

/// Arguments whose number and types were checked, so that each accessor is given what it expects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args<'a>(pub(crate) &'a [Value]);

impl<'a> Args<'a> {
    fn get(self, position: usize) -> &'a Value {
        self.0.get(position).unwrap_or(&Value::Nil)
    }

    /// The arguments from `position` on.
    fn rest(self, position: usize) -> &'a [Value] {
        self.0.get(position..).unwrap_or(&[])
    }

    fn text(self, position: usize) -> Arc<str> {
        self.get(position).as_text().unwrap_or_else(|| "".into())
    }

    fn bytes(self, position: usize) -> Vec<u8> {
        match self.get(position) {
            Value::Bytes(bytes) => bytes.data.to_vec(),
            other => other.as_text().map(|text| text.as_bytes().to_vec()).unwrap_or_default(),
        }
    }

    fn int(self, position: usize) -> i64 {
        match self.get(position) {
            Value::Int(number, _) => *number,
            _ => 0,
        }
    }

    fn truth(self, position: usize) -> bool {
        matches!(self.get(position), Value::Bool(true))
    }

    fn map(self, position: usize) -> Map {
        match self.get(position) {
            Value::Map(map) => map.clone(),
            _ => Map::default(),
        }
    }

    /// The elements of a list argument; anything else is the error that Go's reflection gives.
    fn items(self, position: usize, doing: &str) -> Result<Rc<Vec<Value>>, Fault> {
        items_of(self.get(position), doing)
    }
}

/// What Go says when code asks for the type of nil.
const NIL_TYPE: &str = "runtime error: invalid memory address or nil pointer dereference";

fn items_of(value: &Value, doing: &str) -> Result<Rc<Vec<Value>>, Fault> {
    match (value.as_items(), value) {
        (Some(items), _) => Ok(items),
        (None, Value::Nil) => Err(NIL_TYPE.into()),
        (None, other) => Err(format!("Cannot {doing} type {}", other.kind_name()).into()),
    }
}

/// sprig's `strval`: the text of a value.
fn text_of(value: &Value, context: &Context<'_>) -> Arc<str> {
    match value {
        Value::Bytes(bytes) => String::from_utf8_lossy(&bytes.data).into(),
        other => match other.as_text() {
            Some(text) => text,
            None => format::show(other, context.machine.room()).into(),
        },
    }
}

/// sprig's `strslice`: the texts of a list's elements, without nils; anything else is a list of itself.
fn texts_of(value: &Value, context: &Context<'_>) -> Vec<Arc<str>> {
    match value.as_items() {
        Some(items) => items
            .iter()
            .filter(|item| !matches!(item, Value::Nil))
            .map(|item| text_of(item, context))
            .collect(),
        None if matches!(value, Value::Nil) => Vec::new(),
        None => vec![text_of(value, context)],
    }
}

/// Go's `reflect.DeepEqual`.
fn deep_equal(a: &Value, b: &Value, budget: &mut usize) -> bool {
    *budget = budget.saturating_sub(1);
    if *budget == 0 {
        return false;
    }
    match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a, kind_a), Value::Int(b, kind_b)) => a == b && kind_a == kind_b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a.data == b.data && a.slice == b.slice,
        (Value::List(a), Value::List(b)) => {
            a.elem == b.elem
                && a.nil == b.nil
                && a.items.len() == b.items.len()
                && (Rc::ptr_eq(&a.items, &b.items)
                    || a.items
                        .iter()
                        .zip(b.items.iter())
                        .all(|(a, b)| deep_equal(a, b, budget)))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.kind() == b.kind()
                && a.len() == b.len()
                && (a.same(b)
                    || a.entries()
                        .iter()
                        .all(|(key, value)| b.get(key).is_some_and(|other| deep_equal(value, &other, budget))))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.type_name() == b.type_name() && deep_equal(&a.plain(), &b.plain(), budget)
        }
        _ => false,
    }
}

/// How many comparisons one call may make before two values count as different.
const COMPARISONS: usize = 10_000_000;
