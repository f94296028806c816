//! The functions that reach back into the engine, and those that stop it.

use std::sync::Arc;

use super::{Function, fixed};
use crate::error::Fault;
use crate::types::Type::{Any, Str};
use crate::value::{Map, Value};

pub(super) static TABLE: &[Function] = &[
    fixed("include", &[Str, Any], |context, args| {
        context.include(&args.text(0), args.get(1).clone())
    }),
    fixed("tpl", &[Str, Any], |context, args| {
        let text: Arc<str> = args.text(0);
        context.tpl(&text, args.get(1).clone())
    }),
    fixed("fail", &[Str], |_, args| Err(Fault::Raised(args.text(0).to_string()))),
    fixed("required", &[Str, Any], |_, args| match args.get(1) {
        Value::Nil => Err(Fault::Raised(args.text(0).to_string())),
        Value::Str(text) if text.is_empty() => Err(Fault::Raised(args.text(0).to_string())),
        other => Ok(other.clone()),
    }),
    // Rendering sees no cluster, and Helm answers the same without one.
    fixed("lookup", &[Str, Str, Str, Str], |_, _| Ok(Value::Map(Map::default()))),
    fixed("getHostByName", &[Str], |_, _| Ok("".into())),
];
