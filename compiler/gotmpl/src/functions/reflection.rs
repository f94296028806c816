//! Types, kinds and copies.

use super::{COMPARISONS, Function, deep_equal, fixed};
use crate::engine::Context;
use crate::error::Fault;
use crate::types::Type::{Any, Str};
use crate::value::{List, Map, Value};

pub(super) static TABLE: &[Function] = &[
    fixed("typeOf", &[Any], |_, args| Ok(args.get(0).type_name().into())),
    fixed("typeIs", &[Str, Any], |_, args| {
        Ok(Value::Bool(args.text(0).as_ref() == args.get(1).type_name()))
    }),
    fixed("typeIsLike", &[Str, Any], |_, args| {
        let (wanted, found) = (args.text(0), args.get(1).type_name());
        Ok(Value::Bool(wanted.as_ref() == found || format!("*{wanted}") == found))
    }),
    fixed("kindOf", &[Any], |_, args| Ok(args.get(0).kind_name().into())),
    fixed("kindIs", &[Str, Any], |_, args| {
        Ok(Value::Bool(args.text(0).as_ref() == args.get(1).kind_name()))
    }),
    fixed("deepEqual", &[Any, Any], |_, args| {
        Ok(Value::Bool(deep_equal(args.get(0), args.get(1), &mut { COMPARISONS })))
    }),
    fixed("deepCopy", &[Any], |context, args| deep_copy(context, args.get(0), 0)),
    fixed("mustDeepCopy", &[Any], |context, args| {
        deep_copy(context, args.get(0), 0)
    }),
];

/// How deep a copied value may nest.
const DEPTH: usize = 200;

/// A copy that shares nothing that can change.
pub(super) fn deep_copy(context: &mut Context<'_>, value: &Value, depth: usize) -> Result<Value, Fault> {
    if depth > DEPTH {
        return Err(Fault::Limit(format!(
            "a value nested more than {DEPTH} deep cannot be copied"
        )));
    }
    context.machine.step(1)?;
    Ok(match value {
        Value::Map(map) => {
            let copy = Map::new(map.kind());
            let entries = map.entries();
            context.machine.cells(entries.len())?;
            for (key, element) in entries {
                copy.insert(key, deep_copy(context, &element, depth + 1)?);
            }
            Value::Map(copy)
        }
        Value::List(list) => {
            context.machine.cells(list.items.len())?;
            let items: Result<Vec<_>, _> = list
                .items
                .iter()
                .map(|item| deep_copy(context, item, depth + 1))
                .collect();
            Value::List(List {
                items: items?.into(),
                elem: list.elem,
                nil: list.nil,
            })
        }
        other => other.clone(),
    })
}
