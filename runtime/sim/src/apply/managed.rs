//! `metadata.managedFields`: who owns which field.

use serde_json::{Value, json};

use super::{Comparison, FieldSet, compare, fields_of, merge, prune};
use crate::schema::Node;
use crate::status::Failure;
use crate::value::{items, put, take, text};

/// Who writes, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The field manager's name.
    pub manager: String,
    /// The version written in: `apps/v1`.
    pub api_version: String,
    /// Empty, or such as `status`.
    pub subresource: String,
}

/// The entries of `managedFields`.
#[derive(Clone, Debug, Default)]
pub struct Managers(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    writer: Writer,
    /// Whether the entry comes from server-side apply.
    applies: bool,
    time: String,
    set: FieldSet,
}

impl Entry {
    /// Appliers are the same whatever version they write in.
    fn is_by(&self, writer: &Writer, applies: bool) -> bool {
        self.applies == applies
            && self.writer.manager == writer.manager
            && self.writer.subresource == writer.subresource
            && (applies || self.writer.api_version == writer.api_version)
    }

    /// As conflict messages name the entry.
    fn describe(&self) -> String {
        let mut out = format!("{:?}", self.writer.manager);
        if !self.writer.subresource.is_empty() {
            out.push_str(&format!(" with subresource {:?}", self.writer.subresource));
        }
        if !self.applies {
            out.push_str(&format!(" using {}", self.writer.api_version));
        }
        out
    }
}

impl Managers {
    /// Takes `managedFields` out of an object.
    pub fn take(object: &mut Value) -> Self {
        let list = take(object, &["metadata", "managedFields"]).unwrap_or_default();
        let entry = |entry: &Value| Entry {
            writer: Writer {
                manager: text(entry, &["manager"]).to_owned(),
                api_version: text(entry, &["apiVersion"]).to_owned(),
                subresource: text(entry, &["subresource"]).to_owned(),
            },
            applies: text(entry, &["operation"]) == "Apply",
            time: text(entry, &["time"]).to_owned(),
            set: FieldSet::from_json(entry.get("fieldsV1").unwrap_or(&Value::Null)),
        };
        Self(items(&list, &[]).iter().map(entry).collect())
    }

    /// Puts them back.
    pub fn store(mut self, object: &mut Value) {
        self.0.retain(|entry| !entry.set.is_empty());
        // Appliers come first, then updaters by time, as the real server sorts them.
        self.0.sort_by(|a, b| {
            let key = |entry: &Entry| {
                (
                    !entry.applies,
                    entry.time.clone(),
                    entry.writer.manager.clone(),
                    entry.writer.subresource.clone(),
                )
            };
            key(a).cmp(&key(b))
        });
        if self.0.is_empty() {
            take(object, &["metadata", "managedFields"]);
            return;
        }
        let entries: Vec<Value> = self
            .0
            .iter()
            .map(|entry| {
                let mut out = json!({
                    "manager": entry.writer.manager,
                    "operation": if entry.applies { "Apply" } else { "Update" },
                    "apiVersion": entry.writer.api_version,
                    "time": entry.time,
                    "fieldsType": "FieldsV1",
                    "fieldsV1": entry.set.to_json(),
                });
                if !entry.writer.subresource.is_empty() {
                    put(&mut out, &["subresource"], entry.writer.subresource.as_str());
                }
                out
            })
            .collect();
        put(object, &["metadata", "managedFields"], entries);
    }

    /// Whether nobody owns anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Records that `writer` changed `old` into `new` by an update. Both without `managedFields`.
    pub fn updated(&mut self, old: Option<&Value>, new: &Value, node: &Node, writer: &Writer, now: &str) {
        let mut change = compare(old, Some(new), node);
        change.added.member = false;
        strip(&mut change, &writer.subresource);
        self.yield_fields(&change, writer, false);
        let written = change.written();
        let index = self.0.iter().position(|entry| entry.is_by(writer, false));
        match index.and_then(|index| self.0.get_mut(index)) {
            Some(entry) => {
                let before = entry.set.clone();
                entry.set.union(&written);
                entry.set.subtract(&change.removed);
                if entry.set != before || !written.is_empty() {
                    entry.time = now.to_owned();
                }
            }
            None if !written.is_empty() => {
                self.0.push(Entry {
                    writer: writer.clone(),
                    applies: false,
                    time: now.to_owned(),
                    set: written,
                });
            }
            None => {}
        }
    }

    /// Applies `config` to `live` for `writer`. Both without `managedFields`. Gives the new object.
    ///
    /// Fails when other managers own fields that would change, unless `force`.
    pub fn applied(
        &mut self,
        live: Option<&Value>,
        config: &Value,
        node: &Node,
        writer: &Writer,
        force: bool,
        now: &str,
    ) -> Result<Value, Failure> {
        if let Some(live) = live.filter(|_| self.is_empty()) {
            // An object from before anybody tracked fields: its fields get an owner to conflict with.
            let before = Writer {
                manager: "before-first-apply".to_owned(),
                ..writer.clone()
            };
            self.updated(None, live, node, &before, now);
        }
        let mut set = fields_of(config, node);
        set.member = false;
        strip_set(&mut set, &writer.subresource);
        let index = self.0.iter().position(|entry| entry.is_by(writer, true));
        let last = index
            .and_then(|index| self.0.get(index))
            .map(|entry| (entry.set.clone(), entry.time.clone()));

        let mut merged = merge(live, config, node);
        let mut owned = set.clone();
        for entry in self.0.iter().filter(|entry| !entry.is_by(writer, true)) {
            owned.union(&entry.set);
        }
        if let Some((last, _)) = &last {
            prune(&mut merged, last, &owned, node);
        }
        let mut change = compare(live, Some(&merged), node);
        change.added.member = false;
        if !force {
            let written = change.written();
            let conflicts: Vec<(String, String)> = self
                .0
                .iter()
                .filter(|entry| !entry.is_by(writer, true))
                .flat_map(|entry| {
                    let paths = entry.set.intersection(&written).paths();
                    paths.into_iter().map(|path| (entry.describe(), path))
                })
                .collect();
            if !conflicts.is_empty() {
                return Err(Failure::managers(&conflicts));
            }
        }
        self.yield_fields(&change, writer, true);
        let changed = live.is_none_or(|live| *live != merged);
        let time = match &last {
            Some((last, time)) if !changed && *last == set => time.clone(),
            _ => now.to_owned(),
        };
        let fresh = Entry {
            writer: writer.clone(),
            applies: true,
            time,
            set,
        };
        match index.and_then(|index| self.0.get_mut(index)) {
            Some(entry) => *entry = fresh,
            None => self.0.push(fresh),
        }
        Ok(merged)
    }

    /// Everybody but the writer loses what the writer changed or removed.
    fn yield_fields(&mut self, change: &Comparison, writer: &Writer, applies: bool) {
        let written = change.written();
        for entry in self.0.iter_mut().filter(|entry| !entry.is_by(writer, applies)) {
            entry.set.subtract(&written);
            entry.set.subtract(&change.removed);
        }
        self.0
            .retain(|entry| entry.is_by(writer, applies) || !entry.set.is_empty());
    }
}

/// What nobody owns: identity, and what the server itself writes.
const NOBODYS: &[&[&str]] = &[
    &["f:apiVersion"],
    &["f:kind"],
    &["f:metadata", "f:name"],
    &["f:metadata", "f:namespace"],
    &["f:metadata", "f:creationTimestamp"],
    &["f:metadata", "f:selfLink"],
    &["f:metadata", "f:uid"],
    &["f:metadata", "f:generation"],
    &["f:metadata", "f:resourceVersion"],
    &["f:metadata", "f:deletionTimestamp"],
    &["f:metadata", "f:deletionGracePeriodSeconds"],
    &["f:metadata", "f:managedFields"],
];

fn strip(change: &mut Comparison, subresource: &str) {
    for set in [&mut change.added, &mut change.modified, &mut change.removed] {
        strip_set(set, subresource);
    }
}

fn strip_set(set: &mut FieldSet, subresource: &str) {
    NOBODYS.iter().for_each(|path| set.remove_below(path));
    if let Some(metadata) = set.children.get_mut("f:metadata") {
        metadata.member = false;
        if metadata.is_empty() {
            set.children.remove("f:metadata");
        }
    }
    if subresource == "status" {
        set.retain(&["f:status"]);
    }
}
