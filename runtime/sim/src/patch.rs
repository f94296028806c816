//! JSON patch, JSON merge patch and strategic merge patch.

use serde_json::{Map, Value};

use crate::schema::Node;
use crate::status::Failure;
use crate::value::{items, take, text};

/// How deep a patch may nest.
const MAX_DEPTH: usize = 128;

/// Applies a JSON patch (RFC 6902).
pub fn json(current: &Value, patch: &Value) -> Result<Value, Failure> {
    let patch: json_patch::Patch = serde_json::from_value(patch.clone())
        .map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))?;
    if patch.0.len() > 10_000 {
        let message = "The allowed maximum operations in a JSON patch is 10000";
        return Err(Failure::new(413, "RequestEntityTooLarge", message));
    }
    let mut out = current.clone();
    json_patch::patch(&mut out, &patch).map_err(|error| {
        Failure::new(
            422,
            "Invalid",
            format!("the server rejected our request due to an error in our request: {error}"),
        )
    })?;
    Ok(out)
}

/// Applies a JSON merge patch (RFC 7386).
pub fn merge(current: &Value, patch: &Value) -> Result<Value, Failure> {
    if !patch.is_object() {
        return Err(Failure::bad_request(
            "error decoding patch: a merge patch is a JSON object",
        ));
    }
    let mut out = current.clone();
    json_patch::merge(&mut out, patch);
    Ok(out)
}

/// Applies a strategic merge patch with the patch strategies of the built-in kinds.
pub fn strategic(current: &Value, patch: &Value, node: &Node) -> Result<Value, Failure> {
    if !patch.is_object() {
        return Err(Failure::bad_request(
            "error decoding patch: a strategic merge patch is a JSON object",
        ));
    }
    let mut out = current.clone();
    merge_object(&mut out, patch, node, 0)?;
    Ok(out)
}

fn merge_object(current: &mut Value, patch: &Value, node: &Node, depth: usize) -> Result<(), Failure> {
    if depth > MAX_DEPTH {
        return Err(Failure::bad_request("error decoding patch: it nests too deeply"));
    }
    let Some(patch) = patch.as_object() else {
        *current = patch.clone();
        return Ok(());
    };
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            *current = Value::Object(plain(patch));
            return Ok(());
        }
        Some("delete") => {
            *current = Value::Object(Map::new());
            return Ok(());
        }
        _ => {}
    }
    let target = crate::value::object(current);
    if let Some(retained) = patch.get("$retainKeys").and_then(Value::as_array) {
        target.retain(|key, _| retained.iter().any(|retained| retained.as_str() == Some(key)));
    }
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(have)), Some(gone)) = (target.get_mut(list), value.as_array()) {
                have.retain(|item| !gone.contains(item));
            }
            continue;
        }
        if key.starts_with('$') {
            continue;
        }
        let inner = node.member(key);
        match value {
            Value::Null => {
                target.remove(key);
            }
            Value::Object(_) => {
                // A map whose patch says `$patch: delete` goes as a whole.
                if value.get("$patch").and_then(Value::as_str) == Some("delete") {
                    target.remove(key);
                } else {
                    merge_object(
                        target.entry(key.clone()).or_insert(Value::Null),
                        value,
                        &inner,
                        depth + 1,
                    )?;
                }
            }
            Value::Array(list) => {
                let (strategy, merge_key) = node.patch(key);
                let have = target.entry(key.clone()).or_insert(Value::Null);
                if !strategy.contains("merge") {
                    *have = value.clone();
                } else if let Some(merge_key) = merge_key {
                    merge_list(have, list, merge_key, &inner.item(), depth)?;
                } else {
                    merge_scalars(have, list);
                }
            }
            scalar => {
                target.insert(key.clone(), scalar.clone());
            }
        }
    }
    for (key, order) in patch {
        if let Some(list) = key.strip_prefix("$setElementOrder/")
            && let Some(Value::Array(have)) = target.get_mut(list)
        {
            let merge_key = node.patch(list).1;
            reorder(have, items(order, &[]), merge_key);
        }
    }
    Ok(())
}

fn merge_list(have: &mut Value, patch: &[Value], key: &str, node: &Node, depth: usize) -> Result<(), Failure> {
    let mut list = match have.take() {
        Value::Array(list) => list,
        _ => Vec::new(),
    };
    if patch.iter().any(|item| text(item, &["$patch"]) == "replace") {
        let rest = patch.iter().filter(|item| item.get("$patch").is_none());
        *have = Value::Array(rest.cloned().collect());
        return Ok(());
    }
    for item in patch {
        let id = item
            .get(key)
            .ok_or_else(|| Failure::bad_request(format!("map: {item} does not contain declared merge key: {key}")))?;
        if text(item, &["$patch"]) == "delete" {
            list.retain(|old| old.get(key) != Some(id));
            continue;
        }
        match list.iter_mut().find(|old| old.get(key) == Some(id)) {
            Some(old) => merge_object(old, item, node, depth + 1)?,
            None => {
                let mut fresh = Value::Null;
                merge_object(&mut fresh, item, node, depth + 1)?;
                list.push(fresh);
            }
        }
    }
    *have = Value::Array(list);
    Ok(())
}

fn merge_scalars(have: &mut Value, patch: &[Value]) {
    if !have.is_array() {
        *have = Value::Array(Vec::new());
    }
    if let Value::Array(list) = have {
        for item in patch {
            if !list.contains(item) {
                list.push(item.clone());
            }
        }
    }
}

/// Puts the named items in the given order; others keep their place relative to the item before them.
fn reorder(list: &mut [Value], order: &[Value], key: Option<&str>) {
    let id = |item: &Value| key.map_or_else(|| item.clone(), |key| item.get(key).cloned().unwrap_or_default());
    let wanted: Vec<Value> = order.iter().map(id).collect();
    let mut rank = 0;
    let mut ranks: Vec<(usize, Value)> = list
        .iter()
        .map(|item| {
            rank = wanted.iter().position(|wanted| *wanted == id(item)).unwrap_or(rank);
            (rank, item.clone())
        })
        .collect();
    ranks.sort_by_key(|(rank, _)| *rank);
    for (slot, (_, item)) in list.iter_mut().zip(ranks) {
        *slot = item;
    }
}

/// A patch object without its directives.
fn plain(patch: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Value::Object(patch.clone());
    take(&mut out, &["$patch"]);
    match out {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
