//! Server-side apply: merging, comparing and pruning values, and who owns which field.
//!
//! The rules follow sigs.k8s.io/structured-merge-diff: a writer owns leaves, list items by key, and the keys of free maps.

mod compare;
mod fields;
mod managed;
mod merge;

use serde_json::Value;

pub use compare::{Comparison, compare};
pub use fields::FieldSet;
pub use managed::{Managers, Writer};
pub use merge::{fields_of, merge, prune};

use crate::schema::Key;

/// How a list item is called in a field set: `k:{…}`. None when a key is missing and has no default.
fn item_step(item: &Value, keys: &[Key]) -> Option<String> {
    let mut named = std::collections::BTreeMap::new();
    for key in keys {
        let value = item
            .get(&key.name)
            .filter(|value| !value.is_null())
            .or(key.default.as_ref())?;
        named.insert(key.name.as_str(), value);
    }
    serde_json::to_string(&named).ok().map(|text| format!("k:{text}"))
}

/// How an element of a set is called in a field set: `v:…`.
fn value_step(value: &Value) -> String {
    format!("v:{value}")
}
