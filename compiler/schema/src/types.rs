//! The shapes of values: records, their fields, and how two writers' values merge.

use std::fmt;

use crate::data::RECORDS;

/// The shape of one value. Cheap to copy; recursive shapes (`JSONSchemaProps`) are references to themselves.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// An object with known fields. An atomic one is replaced and owned as a whole by server-side apply
    /// (`x-kubernetes-map-type: atomic`).
    Record {
        /// The fields and their documentation.
        record: &'static Record,
        /// Whether server-side apply treats the value as one leaf.
        atomic: bool,
    },
    /// An array.
    List {
        /// The shape of every element.
        items: &'static Type,
        /// How server-side apply merges two writers' elements.
        merge: ListMerge,
    },
    /// An object with arbitrary keys.
    Map {
        /// The shape of every value.
        values: &'static Type,
        /// Whether server-side apply treats the map as one leaf.
        atomic: bool,
    },
    /// Any text.
    String,
    /// One of these texts, sorted.
    Enum(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A signed 32-bit integer.
    Int32,
    /// A signed 64-bit integer.
    Int64,
    /// A floating-point number.
    Number,
    /// An integer or a text, such as a port number or a port's name, a count or a percentage.
    IntOrString,
    /// A resource quantity such as `500m` or `1Gi`; a plain number is allowed.
    Quantity,
    /// An RFC 3339 timestamp in seconds.
    Time,
    /// An RFC 3339 timestamp with microseconds.
    MicroTime,
    /// Bytes, written as base64.
    Base64,
    /// Any JSON value: raw extensions, JSON schema defaults, managed field sets.
    Json,
}

impl Type {
    /// The record behind this type, looking through lists and maps: the shape that a field's path goes on in.
    pub fn record(&self) -> Option<&'static Record> {
        match *self {
            Type::Record { record, .. } => Some(record),
            Type::List { items, .. } => items.record(),
            Type::Map { values, .. } => values.record(),
            _ => None,
        }
    }

    /// Whether server-side apply owns the value as a whole, without looking inside.
    pub fn is_atomic(&self) -> bool {
        match *self {
            Type::Record { atomic, .. } | Type::Map { atomic, .. } => atomic,
            Type::List { merge, .. } => matches!(merge, ListMerge::Atomic),
            _ => true,
        }
    }
}

/// How server-side apply merges a list (`x-kubernetes-list-type`). A list that says nothing is atomic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListMerge {
    /// The last writer's list replaces the other one.
    Atomic,
    /// Scalars that occur once; writers own elements.
    Set,
    /// Records identified by these fields, in this order; writers own fields of elements.
    Map(&'static [&'static str]),
}

/// An object type of the published OpenAPI.
pub struct Record {
    /// Its name in the OpenAPI documents, such as `io.k8s.api.apps.v1.DeploymentSpec`. Unique.
    pub name: &'static str,
    /// Its documentation: plain text with line breaks, possibly empty.
    pub doc: &'static str,
    /// Its fields, sorted by name.
    pub fields: &'static [Field],
}

impl Record {
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        let at = self.fields.binary_search_by(|field| field.name.cmp(name)).ok()?;
        self.fields.get(at)
    }

    /// The last part of the name, such as `DeploymentSpec`.
    pub fn short_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}

/// Prints the name alone, because records may contain themselves.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({})", self.name)
    }
}

/// One field of a record.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in JSON and YAML.
    pub name: &'static str,
    /// The shape of its value.
    pub ty: Type,
    /// Whether the newest version's OpenAPI requires it.
    pub required: bool,
    /// Its documentation: plain text with line breaks, possibly empty.
    pub doc: &'static str,
    /// The value that the OpenAPI says the API server fills in, as JSON text. Go's zero values, which the documents also
    /// list for every field that is never absent, are left out; so are the defaults that only the server's code knows.
    pub default: Option<&'static str>,
    /// `x-kubernetes-patch-strategy` of strategic merge patches: `merge`, `retainKeys` or `merge,retainKeys`.
    pub patch_strategy: Option<&'static str>,
    /// `x-kubernetes-patch-merge-key`: the element field that strategic merge patches match list elements by.
    pub patch_merge_key: Option<&'static str>,
    /// The first supported minor version that has the field: `36` is Kubernetes 1.36.
    pub since: u8,
}

impl Field {
    /// The rest of every generated field literal.
    pub(crate) const REST: Field = Field {
        name: "",
        ty: Type::Json,
        required: false,
        doc: "",
        default: None,
        patch_strategy: None,
        patch_merge_key: None,
        since: crate::OLDEST_MINOR,
    };
}

/// Every record, sorted by name.
pub fn records() -> impl Iterator<Item = &'static Record> {
    RECORDS.iter().copied()
}

/// The record of that OpenAPI name, such as `io.k8s.api.core.v1.PodSpec`.
pub fn record(name: &str) -> Option<&'static Record> {
    let at = RECORDS.binary_search_by(|record| record.name.cmp(name)).ok()?;
    RECORDS.get(at).copied()
}
