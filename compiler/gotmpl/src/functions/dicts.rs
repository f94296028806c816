//! Maps, which these functions change in place where Go's do.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Args, Function, fixed, text_of, variadic};
use crate::engine::Context;
use crate::error::Fault;
use crate::types::Type::{Any, Map as Dict, Str};
use crate::value::{Map, Value};

pub(super) static TABLE: &[Function] = &[
    variadic("dict", &[], Any, |context, args| {
        let map = Map::default();
        for pair in args.0.chunks(2) {
            if let [key, value] = pair {
                map.insert(text_of(key, context), value.clone());
            } else if let [key] = pair {
                map.insert(text_of(key, context), "".into());
            }
        }
        Ok(map.into())
    }),
    fixed("get", &[Dict, Str], |_, args| {
        Ok(args.map(0).get(&args.text(1)).unwrap_or_else(|| "".into()))
    }),
    fixed("set", &[Dict, Str, Any], |_, args| {
        args.map(0).insert(args.text(1), args.get(2).clone());
        Ok(args.get(0).clone())
    }),
    fixed("unset", &[Dict, Str], |_, args| {
        args.map(0).remove(&args.text(1));
        Ok(args.get(0).clone())
    }),
    fixed("hasKey", &[Dict, Str], |_, args| {
        Ok(Value::Bool(args.map(0).contains(&args.text(1))))
    }),
    variadic("pluck", &[Str], Dict, |_, args| {
        let key = args.text(0);
        Ok(Value::list(
            (1..args.0.len())
                .filter_map(|position| args.map(position).get(&key))
                .collect(),
        ))
    }),
    variadic("keys", &[], Dict, |_, args| {
        let keys: Vec<Arc<str>> = (0..args.0.len())
            .flat_map(|position| args.map(position).entries().into_iter().map(|(key, _)| key))
            .collect();
        Ok(Value::strings(keys))
    }),
    fixed("values", &[Dict], |_, args| {
        Ok(Value::list(
            args.map(0).entries().into_iter().map(|(_, value)| value).collect(),
        ))
    }),
    variadic("pick", &[Dict], Str, |_, args| {
        let map = args.map(0);
        let kept = (1..args.0.len()).map(|position| args.text(position));
        Ok(Value::Map(
            kept.filter_map(|key| map.get(&key).map(|value| (key, value))).collect(),
        ))
    }),
    variadic("omit", &[Dict], Str, |_, args| {
        let dropped: BTreeSet<Arc<str>> = (1..args.0.len()).map(|position| args.text(position)).collect();
        Ok(Value::Map(
            args.map(0)
                .entries()
                .into_iter()
                .filter(|(key, _)| !dropped.contains(key))
                .collect(),
        ))
    }),
    variadic("merge", &[Dict], Dict, |context, args| merge_all(context, args, false)),
    variadic("mustMerge", &[Dict], Dict, |context, args| {
        merge_all(context, args, false)
    }),
    variadic("mergeOverwrite", &[Dict], Dict, |context, args| {
        merge_all(context, args, true)
    }),
    variadic("mustMergeOverwrite", &[Dict], Dict, |context, args| {
        merge_all(context, args, true)
    }),
    variadic("dig", &[], Any, |_, args| dig(args)),
];

/// How deep merged maps may nest.
const DEPTH: usize = 200;

fn merge_all(context: &mut Context<'_>, args: Args<'_>, overwrite: bool) -> Result<Value, Fault> {
    let target = args.map(0);
    for position in 1..args.0.len() {
        merge(context, &target, &args.map(position), overwrite, 0)?;
    }
    Ok(args.get(0).clone())
}

/// mergo's deep merge: without `overwrite` it fills what is empty in `target`; with it, whatever `source` has that is
/// not empty wins.
fn merge(context: &mut Context<'_>, target: &Map, source: &Map, overwrite: bool, depth: usize) -> Result<(), Fault> {
    if target.same(source) {
        return Ok(());
    }
    if depth > DEPTH {
        return Err(Fault::Limit(format!(
            "maps nested more than {DEPTH} deep cannot be merged"
        )));
    }
    let source_is_empty = source.is_empty();
    let target_is_empty = target.is_empty();
    for (key, new) in source.entries() {
        context.machine.step(1)?;
        let old = target.get(&key);
        match (&new, &old) {
            (Value::Nil, _) => {
                if overwrite {
                    target.insert(key, Value::Nil);
                }
                continue;
            }
            (Value::Map(new_map), Some(Value::Map(old_map))) => {
                merge(context, old_map, new_map, overwrite, depth + 1)?;
                // An empty map counts as missing, so it is replaced by the one that was merged into it.
                if old_map.is_empty() {
                    target.insert(key, new.clone());
                }
                continue;
            }
            (Value::List(_), Some(old)) if !matches!(old, Value::Nil) => {
                // Slices are replaced as a whole; mergo looks at the maps around them to decide.
                if !old.truth() || (!source_is_empty && (overwrite || target_is_empty)) {
                    target.insert(key, new.clone());
                }
                continue;
            }
            _ => {}
        }
        let old_is_empty = old.as_ref().is_none_or(|old| !old.truth());
        if overwrite || old_is_empty {
            target.insert(key, new);
        }
    }
    Ok(())
}

fn dig(args: Args<'_>) -> Result<Value, Fault> {
    let count = args.0.len();
    if count < 3 {
        return Err("dig needs at least three arguments".into());
    }
    let conversion = |value: &Value, wanted: &str| -> Fault {
        match value {
            Value::Nil => format!("interface conversion: interface {{}} is nil, not {wanted}").into(),
            other => format!(
                "interface conversion: interface {{}} is {}, not {wanted}",
                other.type_name()
            )
            .into(),
        }
    };
    let mut current = args.get(count - 1).clone();
    for position in 0..count - 2 {
        let Value::Map(map) = &current else {
            return Err(conversion(&current, "map[string]interface {}"));
        };
        let key = args.get(position);
        let Some(key) = key.as_text() else {
            return Err(conversion(key, "string"));
        };
        match map.get(&key) {
            Some(next) => current = next,
            None => return Ok(args.get(count - 2).clone()),
        }
    }
    Ok(current)
}
