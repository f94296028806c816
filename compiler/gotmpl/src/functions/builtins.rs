//! The functions that Go's template package brings along.

use std::cmp::Ordering;

use super::{Args, Function, fixed, variadic};
use crate::engine::Context;
use crate::error::Fault;
use crate::go::format;
use crate::types::Type::{Any, Str};
use crate::value::{IntKind, Value};

pub(super) static TABLE: &[Function] = &[
    // `and` and `or` short-circuit, so the evaluator handles them itself.
    variadic("and", &[Any], Any, |_, args| Ok(args.get(0).clone())),
    variadic("or", &[Any], Any, |_, args| Ok(args.get(0).clone())),
    fixed("not", &[Any], |_, args| Ok(Value::Bool(!args.get(0).truth()))),
    fixed("len", &[Any], |_, args| len(args.get(0))),
    variadic("index", &[Any], Any, |_, args| index(args.get(0), args.rest(1))),
    variadic("print", &[], Any, |context, args| {
        Ok(format::sprint(args.0, context.machine.room()).into())
    }),
    variadic("println", &[], Any, |context, args| {
        Ok(format::sprintln(args.0, context.machine.room()).into())
    }),
    variadic("printf", &[Str], Any, |context, args| {
        Ok(format::sprintf(&args.text(0), args.rest(1), context.machine.room()).into())
    }),
    variadic(
        "html",
        &[],
        Any,
        |context, args| Ok(html(&joined(context, args)).into()),
    ),
    variadic("js", &[], Any, |context, args| Ok(js(&joined(context, args)).into())),
    variadic("urlquery", &[], Any, |context, args| {
        Ok(super::urls::query_escape(&joined(context, args)).into())
    }),
    // No value is a function; the evaluator names what was called instead.
    variadic("call", &[Any], Any, |_, _| Err("call of nil".into())),
    variadic("eq", &[Any], Any, |_, args| {
        if args.rest(1).is_empty() {
            return Err("missing argument for comparison".into());
        }
        for other in args.rest(1) {
            if equal(args.get(0), other)? {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }),
    fixed("ne", &[Any, Any], |_, args| {
        Ok(Value::Bool(!equal(args.get(0), args.get(1))?))
    }),
    fixed("lt", &[Any, Any], |_, args| {
        Ok(Value::Bool(less(args.get(0), args.get(1))?))
    }),
    fixed("le", &[Any, Any], |_, args| {
        Ok(Value::Bool(less_or_equal(args.get(0), args.get(1))?))
    }),
    fixed("gt", &[Any, Any], |_, args| {
        Ok(Value::Bool(!less_or_equal(args.get(0), args.get(1))?))
    }),
    fixed("ge", &[Any, Any], |_, args| {
        Ok(Value::Bool(!less(args.get(0), args.get(1))?))
    }),
];

fn joined(context: &Context<'_>, args: Args<'_>) -> String {
    format::sprint(args.0, context.machine.room())
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Str(text) => Some(text.len()),
        Value::Bytes(bytes) => Some(bytes.data.len()),
        Value::Map(map) => Some(map.len()),
        Value::Object(object) if matches!(object.kind(), "map" | "slice") => length(&object.plain()),
        other => other.as_items().map(|items| items.len()),
    }
}

fn len(value: &Value) -> Result<Value, Fault> {
    match (length(value), value) {
        (Some(length), _) => Ok(Value::int(i64::try_from(length).unwrap_or(i64::MAX))),
        (None, Value::Nil) => Err("len of nil pointer".into()),
        (None, other) => Err(format!("len of type {}", other.type_name()).into()),
    }
}

fn index(item: &Value, indexes: &[Value]) -> Result<Value, Fault> {
    if matches!(item, Value::Nil) {
        return Err("index of untyped nil".into());
    }
    let mut item = item.plain();
    for index in indexes {
        item = match &item {
            Value::Nil => return Err("index of nil pointer".into()),
            Value::Map(map) => match index {
                Value::Nil => return Err("value is nil; should be of type string".into()),
                other => match other.as_text() {
                    Some(key) => map.get(&key).unwrap_or_else(|| map.zero()),
                    None => return Err(format!("value has type {}; should be string", other.type_name()).into()),
                },
            },
            Value::Str(text) => {
                let at = position(index, text.len())?;
                match text.as_bytes().get(at) {
                    Some(byte) => Value::Int(i64::from(*byte), IntKind::Uint8),
                    None => return Err("reflect: string index out of range".into()),
                }
            }
            other => match other.as_items() {
                Some(items) => {
                    let at = position(index, items.len())?;
                    match items.get(at) {
                        Some(found) => found.clone(),
                        None => return Err("reflect: slice index out of range".into()),
                    }
                }
                None => return Err(format!("can't index item of type {}", other.type_name()).into()),
            },
        }
        .plain();
    }
    Ok(item)
}

fn position(index: &Value, length: usize) -> Result<usize, Fault> {
    match index {
        Value::Int(number, _) => usize::try_from(*number)
            .ok()
            .filter(|at| *at <= length)
            .ok_or_else(|| format!("index out of range: {number}").into()),
        Value::Nil => Err("cannot index slice/array with nil".into()),
        other => Err(format!("cannot index slice/array with type {}", other.type_name()).into()),
    }
}

fn incompatible(a: &Value, b: &Value) -> Fault {
    format!(
        "incompatible types for comparison: {} and {}",
        a.type_name(),
        b.type_name()
    )
    .into()
}

fn equal(a: &Value, b: &Value) -> Result<bool, Fault> {
    Ok(match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Nil, _) | (_, Value::Nil) => false,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a, _), Value::Int(b, _)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        _ => match (bytes(a), bytes(b)) {
            (Some(a), Some(b)) => a == b,
            (None, None) if !is_basic(a) && !is_basic(b) => return Err(not_comparable(a, b)),
            _ => return Err(incompatible(a, b)),
        },
    })
}

fn not_comparable(a: &Value, b: &Value) -> Fault {
    let limit = 1 << 16;
    let as_text = |value: &Value| format::sprintf("%s", std::slice::from_ref(value), limit);
    if a.kind_name() == b.kind_name() {
        return format!("non-comparable type {}: {}", as_text(b), b.type_name()).into();
    }
    let (left, right) = (as_text(a), format::show(b, limit));
    format!(
        "non-comparable types {left}: {}, {}: {right}",
        a.type_name(),
        b.type_name()
    )
    .into()
}

fn is_basic(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Int(..) | Value::Float(_)) || bytes(value).is_some()
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Str(text) => Some(text.as_bytes()),
        Value::Bytes(bytes) if !bytes.slice => Some(&bytes.data),
        _ => None,
    }
}

fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, Fault> {
    let invalid = || Fault::from("invalid type for comparison");
    if !is_basic(a) || !is_basic(b) {
        return Err(invalid());
    }
    match (a, b) {
        (Value::Bool(_), Value::Bool(_)) => Err(invalid()),
        (Value::Int(a, _), Value::Int(b, _)) => Ok(Some(a.cmp(b))),
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b)),
        _ => match (bytes(a), bytes(b)) {
            (Some(a), Some(b)) => Ok(Some(a.cmp(b))),
            _ => Err(incompatible(a, b)),
        },
    }
}

fn less(a: &Value, b: &Value) -> Result<bool, Fault> {
    Ok(order(a, b)? == Some(Ordering::Less))
}

fn less_or_equal(a: &Value, b: &Value) -> Result<bool, Fault> {
    Ok(matches!(order(a, b)?, Some(Ordering::Less | Ordering::Equal)))
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
    out
}

fn js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", u32::from(character))),
            _ if character < ' ' => out.push_str(&format!("\\u{:04X}", u32::from(character))),
            _ if crate::go::quote::is_printable(character) => out.push(character),
            _ => out.push_str(&format!("\\u{:04X}", u32::from(character))),
        }
    }
    out
}
