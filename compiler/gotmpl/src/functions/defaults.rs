//! Empty values and what to put in their place.

use super::{Function, fixed, variadic};
use crate::types::Type::{Any, Bool};
use crate::value::Value;

pub(super) static TABLE: &[Function] = &[
    variadic("default", &[Any], Any, |_, args| match args.rest(1).first() {
        Some(given) if given.truth() => Ok(given.clone()),
        _ => Ok(args.get(0).clone()),
    }),
    fixed("empty", &[Any], |_, args| Ok(Value::Bool(!args.get(0).truth()))),
    variadic("coalesce", &[], Any, |_, args| {
        Ok(args.0.iter().find(|value| value.truth()).cloned().unwrap_or(Value::Nil))
    }),
    variadic("all", &[], Any, |_, args| {
        Ok(Value::Bool(args.0.iter().all(Value::truth)))
    }),
    variadic("any", &[], Any, |_, args| {
        Ok(Value::Bool(args.0.iter().any(Value::truth)))
    }),
    fixed("ternary", &[Any, Any, Bool], |_, args| {
        Ok(args.get(if args.truth(2) { 0 } else { 1 }).clone())
    }),
];
