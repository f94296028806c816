//! Lists, which are never changed in place.

use std::rc::Rc;

use super::{Args, COMPARISONS, Function, deep_equal, fixed, items_of, texts_of, variadic};
use crate::error::Fault;
use crate::functions::math::to_int;
use crate::types::Type::{self, Any, Int};
use crate::value::{Elem, List, Value};

pub(super) static TABLE: &[Function] = &[
    variadic("list", &[], Any, |_, args| Ok(Value::list(args.0.to_vec()))),
    variadic("tuple", &[], Any, |_, args| Ok(Value::list(args.0.to_vec()))),
    fixed("append", PAIR, append),
    fixed("push", PAIR, append),
    fixed("mustAppend", PAIR, append),
    fixed("mustPush", PAIR, append),
    fixed("prepend", PAIR, prepend),
    fixed("mustPrepend", PAIR, prepend),
    fixed("first", ONE, first),
    fixed("mustFirst", ONE, first),
    fixed("last", ONE, last),
    fixed("mustLast", ONE, last),
    fixed("rest", ONE, rest),
    fixed("mustRest", ONE, rest),
    fixed("initial", ONE, initial),
    fixed("mustInitial", ONE, initial),
    fixed("reverse", ONE, reverse),
    fixed("mustReverse", ONE, reverse),
    fixed("compact", ONE, compact),
    fixed("mustCompact", ONE, compact),
    fixed("uniq", ONE, uniq),
    fixed("mustUniq", ONE, uniq),
    variadic("without", ONE, Any, without),
    variadic("mustWithout", ONE, Any, without),
    fixed("has", PAIR, has),
    fixed("mustHas", PAIR, has),
    variadic("slice", ONE, Any, slice),
    variadic("mustSlice", ONE, Any, slice),
    variadic("concat", &[], Any, concat),
    fixed("chunk", &[Int, Any], chunk),
    fixed("mustChunk", &[Int, Any], chunk),
    fixed("sortAlpha", ONE, |context, args| {
        let mut texts = texts_of(args.get(0), context);
        texts.sort();
        Ok(Value::strings(texts))
    }),
];

const ONE: &[Type] = &[Any];
const PAIR: &[Type] = &[Any, Any];

type Context<'c> = crate::engine::Context<'c>;

fn append(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let mut items = checked(args.get(0), "push on")?.to_vec();
    items.push(args.get(1).clone());
    Ok(Value::list(items))
}

fn prepend(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let mut items = vec![args.get(1).clone()];
    items.extend(checked(args.get(0), "prepend on")?.iter().cloned());
    Ok(Value::list(items))
}

/// The elements, or the message of those functions that say `Cannot … type …`.
fn checked(value: &Value, doing: &str) -> Result<Rc<Vec<Value>>, Fault> {
    items_of(value, doing)
}

fn first(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    Ok(args.items(0, "find first on")?.first().cloned().unwrap_or(Value::Nil))
}

fn last(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    Ok(args.items(0, "find last on")?.last().cloned().unwrap_or(Value::Nil))
}

fn rest(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    Ok(match args.items(0, "find rest on")?.split_first() {
        Some((_, rest)) => Value::list(rest.to_vec()),
        None => Value::List(List::nil()),
    })
}

fn initial(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    Ok(match args.items(0, "find initial on")?.split_last() {
        Some((_, initial)) => Value::list(initial.to_vec()),
        None => Value::List(List::nil()),
    })
}

fn reverse(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    Ok(Value::list(
        args.items(0, "find reverse on")?.iter().rev().cloned().collect(),
    ))
}

fn compact(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    Ok(Value::list(
        args.items(0, "compact on")?
            .iter()
            .filter(|item| item.truth())
            .cloned()
            .collect(),
    ))
}

fn contains(context: &mut Context<'_>, items: &[Value], wanted: &Value) -> Result<bool, Fault> {
    context.machine.step(items.len() as u64 / 4)?;
    Ok(items.iter().any(|item| deep_equal(item, wanted, &mut { COMPARISONS })))
}

fn uniq(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let mut kept: Vec<Value> = Vec::new();
    for item in args.items(0, "find uniq on")?.iter() {
        if !contains(context, &kept, item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn without(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let mut kept = Vec::new();
    for item in args.items(0, "find without on")?.iter() {
        if !contains(context, args.rest(1), item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn has(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    if matches!(args.get(1), Value::Nil) {
        return Ok(Value::Bool(false));
    }
    let items = args.items(1, "find has on")?;
    Ok(Value::Bool(contains(context, &items, args.get(0))?))
}

fn slice(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let list = args.get(0);
    let items = match (list.as_items(), list) {
        (Some(items), _) => items,
        (None, Value::Nil) => return Err(super::NIL_TYPE.into()),
        (None, other) => return Err(format!("list should be type of slice or array but {}", other.kind_name()).into()),
    };
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = args.rest(1).first().map_or(0, to_int);
    let end = match args.rest(2).first() {
        Some(end) => to_int(end),
        None => i64::try_from(items.len()).unwrap_or(i64::MAX),
    };
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let elem = match list {
        Value::List(list) => list.elem,
        _ => Elem::Any,
    };
    match range.and_then(|(start, end)| items.get(start..end)) {
        Some(part) => Ok(Value::List(List::of(elem, part.to_vec()))),
        None => Err("reflect.Value.Slice: slice index out of bounds".into()),
    }
}

fn concat(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let mut all = Vec::new();
    for list in args.0 {
        match (list.as_items(), list) {
            (Some(items), _) => all.extend(items.iter().cloned()),
            (None, Value::Nil) => return Err(super::NIL_TYPE.into()),
            (None, other) => return Err(format!("Cannot concat type {} as list", other.kind_name()).into()),
        }
    }
    Ok(if all.is_empty() {
        Value::List(List::nil())
    } else {
        Value::list(all)
    })
}

fn chunk(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let size = usize::try_from(args.int(0)).ok().filter(|size| *size > 0);
    let Some(size) = size else {
        return Err("runtime error: makeslice: len out of range".into());
    };
    let items = args.items(1, "chunk")?;
    Ok(Value::List(List::of(
        Elem::List,
        items.chunks(size).map(|part| Value::list(part.to_vec())).collect(),
    )))
}
