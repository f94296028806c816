//! Sets of field paths, as `managedFields` stores them (`FieldsV1`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// How deep a field set from a client may be.
const MAX_DEPTH: usize = 128;

/// A set of paths. Steps are spelled as in `FieldsV1`: `f:name`, `k:{"name":"x"}`, `v:"x"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Whether the path that leads here is in the set.
    pub member: bool,
    /// What lies below.
    pub children: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    /// The set that holds the path to itself alone.
    pub fn leaf() -> Self {
        Self {
            member: true,
            children: BTreeMap::new(),
        }
    }

    /// Whether no path is in the set.
    pub fn is_empty(&self) -> bool {
        !self.member && self.children.values().all(FieldSet::is_empty)
    }

    /// Adds everything in `other`.
    pub fn union(&mut self, other: &FieldSet) {
        self.member |= other.member;
        for (step, child) in &other.children {
            match self.children.get_mut(step) {
                Some(mine) => mine.union(child),
                None => {
                    self.children.insert(step.clone(), child.clone());
                }
            }
        }
    }

    /// The paths in both.
    pub fn intersection(&self, other: &FieldSet) -> FieldSet {
        let both = |(step, child): (&String, &FieldSet)| {
            let common = child.intersection(other.children.get(step)?);
            (!common.is_empty()).then(|| (step.clone(), common))
        };
        FieldSet {
            member: self.member && other.member,
            children: self.children.iter().filter_map(both).collect(),
        }
    }

    /// Removes every path of `other`.
    pub fn subtract(&mut self, other: &FieldSet) {
        self.member &= !other.member;
        for (step, theirs) in &other.children {
            if let Some(mine) = self.children.get_mut(step) {
                mine.subtract(theirs);
                if mine.is_empty() {
                    self.children.remove(step);
                }
            }
        }
    }

    /// Removes what lies at a path of steps, with everything below it.
    pub fn remove_below(&mut self, path: &[&str]) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        if rest.is_empty() {
            self.children.remove(*first);
        } else if let Some(child) = self.children.get_mut(*first) {
            child.remove_below(rest);
            if child.is_empty() {
                self.children.remove(*first);
            }
        }
    }

    /// Keeps only what lies below the first steps in `names`.
    pub fn retain(&mut self, names: &[&str]) {
        self.children.retain(|step, _| names.contains(&step.as_str()));
    }

    /// Every path in the set, as messages spell it: `.spec.containers[name="app"].image`.
    pub fn paths(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.collect("", &mut out);
        out
    }

    fn collect(&self, prefix: &str, out: &mut Vec<String>) {
        if self.member {
            out.push(prefix.to_owned());
        }
        for (step, child) in &self.children {
            child.collect(&format!("{prefix}{}", spell(step)), out);
        }
    }

    /// As `FieldsV1`.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        if self.member && !self.children.is_empty() {
            map.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for (step, child) in &self.children {
            map.insert(step.clone(), child.to_json());
        }
        Value::Object(map)
    }

    /// Reads `FieldsV1`.
    pub fn from_json(value: &Value) -> Self {
        let mut set = Self::read(value, 0);
        set.member = false;
        set
    }

    fn read(value: &Value, depth: usize) -> Self {
        let Some(map) = value.as_object().filter(|_| depth < MAX_DEPTH) else {
            return Self::leaf();
        };
        let children: BTreeMap<String, FieldSet> = map
            .iter()
            .filter(|(step, _)| step.as_str() != ".")
            .map(|(step, child)| (step.clone(), Self::read(child, depth + 1)))
            .collect();
        Self {
            member: map.contains_key(".") || children.is_empty(),
            children,
        }
    }
}

fn spell(step: &str) -> String {
    let (kind, rest) = step.split_once(':').unwrap_or(("f", step));
    match kind {
        "k" => {
            let keys: BTreeMap<String, Value> = serde_json::from_str(rest).unwrap_or_default();
            let keys: Vec<String> = keys.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("[{}]", keys.join(","))
        }
        "v" => format!("[={rest}]"),
        "i" => format!("[{rest}]"),
        _ => format!(".{rest}"),
    }
}
