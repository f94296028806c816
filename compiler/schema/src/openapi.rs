//! OpenAPI v3 documents, written from the tables: what an API server publishes per group and version, with everything
//! that kubectl reads (kinds, fields, documentation, merge keys, query parameters). Descriptions of parameters and
//! responses other than success are left out.

mod json;
mod paths;

use std::collections::BTreeMap;

use crate::kind::{Kind, Subresource, kinds};
use crate::types::{Field, ListMerge, Record, Type, record};
use json::Writer;

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// The document that an API server publishes at `/openapi/v3/apis/GROUP/VERSION` (`/openapi/v3/api/v1` for the core
/// group, whose name is empty), as JSON. None when no built-in kind is served there.
///
/// Every call writes the document anew, up to a megabyte of it: a server keeps what it has written.
pub fn openapi_v3(group: &str, version: &str) -> Option<String> {
    let kinds: Vec<&Kind> = kinds()
        .filter(|kind| kind.group == group && kind.version == version)
        .collect();
    if kinds.is_empty() {
        return None;
    }
    let mut w = Writer::default();
    w.object(|w| {
        w.text("openapi", "3.0.0");
        w.member("info").object(|w| {
            w.text("title", "Kubernetes");
            w.text("version", &format!("v1.{}.0", crate::NEWEST_MINOR));
        });
        w.member("paths")
            .object(|w| kinds.iter().for_each(|kind| paths::write(w, kind)));
        w.member("components").object(|w| {
            w.member("schemas").object(|w| schemas(w, &kinds));
        });
    });
    Some(w.finish())
}

fn schemas(w: &mut Writer, kinds: &[&Kind]) {
    let mut reached = Reached::default();
    for kind in kinds {
        reached.add(kind.record);
        kind.subresources
            .iter()
            .filter_map(|part| part.record)
            .for_each(|record| reached.add(record));
    }
    ["DeleteOptions", "ListMeta", "Status"]
        .iter()
        .filter_map(|name| record(&format!("{META}{name}")))
        .for_each(|record| reached.add(record));
    for record in reached.records.values() {
        w.member(record.name).object(|w| {
            record_schema(w, record);
            if let Some((group, version, kind)) = own_kind(record) {
                group_version_kinds(w, group, version, kind);
            }
        });
    }
    for kind in kinds.iter().filter(|kind| kind.verbs.contains(&"list")) {
        w.member(&format!("{}List", kind.record.name))
            .object(|w| list_schema(w, kind));
    }
    for (name, write) in SCALARS {
        w.member(name).object(write);
    }
}

/// The group, version and kind whose objects the record describes: a kind of its own, or one such as `Scale` that only
/// a subresource speaks.
fn own_kind(record: &Record) -> Option<(&'static str, &'static str, &'static str)> {
    if let Some(kind) = kinds().find(|kind| kind.record.name == record.name) {
        return Some((kind.group, kind.version, kind.kind));
    }
    let is_own = |part: &&Subresource| part.record.is_some_and(|own| own.name == record.name);
    let part = kinds().flat_map(|kind| kind.subresources).find(is_own)?;
    Some((part.group, part.version, part.kind))
}

/// A scalar that has a definition of its own, and what to write there.
type Scalar = (&'static str, fn(&mut Writer));

const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
const MICRO_TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";

const SCALARS: &[Scalar] = &[
    (QUANTITY, |w| one_of(w, &["string", "number"])),
    (MICRO_TIME, |w| scalar(w, "string", "date-time")),
    (TIME, |w| scalar(w, "string", "date-time")),
    (INT_OR_STRING, |w| {
        w.text("format", "int-or-string");
        one_of(w, &["integer", "string"]);
    }),
];

fn one_of(w: &mut Writer, types: &[&str]) {
    w.member("oneOf").array(types, |w, ty| w.object(|w| w.text("type", ty)));
}

fn scalar(w: &mut Writer, ty: &str, format: &str) {
    w.text("type", ty);
    if !format.is_empty() {
        w.text("format", format);
    }
}

/// The records that a document needs, sorted by name.
#[derive(Default)]
struct Reached {
    records: BTreeMap<&'static str, &'static Record>,
}

impl Reached {
    fn add(&mut self, root: &'static Record) {
        let mut open = vec![root];
        while let Some(record) = open.pop() {
            if self.records.insert(record.name, record).is_none() {
                open.extend(record.fields.iter().filter_map(|field| field.ty.record()));
            }
        }
    }
}

fn record_schema(w: &mut Writer, record: &Record) {
    w.text("description", record.doc);
    w.text("type", "object");
    let required: Vec<&str> = record
        .fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    if !required.is_empty() {
        w.member("required").texts(&required);
    }
    if !record.fields.is_empty() {
        w.member("properties").object(|w| {
            for field in record.fields {
                w.member(field.name).object(|w| field_schema(w, field));
            }
        });
    }
}

fn list_schema(w: &mut Writer, kind: &Kind) {
    w.text("description", &format!("{0}List is a list of {0} objects.", kind.kind));
    w.text("type", "object");
    w.member("required").texts(&["items"]);
    w.member("properties").object(|w| {
        // What these two mean is the same for every kind.
        for field in ["apiVersion", "kind"].iter().filter_map(|name| kind.record.field(name)) {
            w.member(field.name).object(|w| field_schema(w, field));
        }
        w.member("items").object(|w| {
            w.text("type", "array");
            w.member("items").object(|w| reference(w, kind.record.name));
        });
        w.member("metadata")
            .object(|w| reference(w, &format!("{META}ListMeta")));
    });
    group_version_kinds(w, kind.group, kind.version, &format!("{}List", kind.kind));
}

fn field_schema(w: &mut Writer, field: &Field) {
    if !field.doc.is_empty() {
        w.text("description", field.doc);
    }
    type_schema(w, &field.ty);
    if let Some(default) = field.default {
        w.member("default").raw(default);
    }
    if let Some(key) = field.patch_merge_key {
        w.text("x-kubernetes-patch-merge-key", key);
    }
    if let Some(strategy) = field.patch_strategy {
        w.text("x-kubernetes-patch-strategy", strategy);
    }
}

fn type_schema(w: &mut Writer, ty: &Type) {
    // A reference allows no neighbours, so it stands in an `allOf` as API servers write it.
    let referred = |w: &mut Writer, name: &str| {
        w.member("allOf")
            .array(&[name], |w, name| w.object(|w| reference(w, name)));
    };
    match *ty {
        Type::Record { record, atomic } => {
            referred(w, record.name);
            map_type(w, atomic);
        }
        Type::List { items, merge } => {
            w.text("type", "array");
            w.member("items").object(|w| type_schema(w, items));
            match merge {
                ListMerge::Atomic => w.text("x-kubernetes-list-type", "atomic"),
                ListMerge::Set => w.text("x-kubernetes-list-type", "set"),
                ListMerge::Map(keys) => {
                    w.text("x-kubernetes-list-type", "map");
                    w.member("x-kubernetes-list-map-keys").texts(keys);
                }
            }
        }
        Type::Map { values, atomic } => {
            w.text("type", "object");
            w.member("additionalProperties").object(|w| type_schema(w, values));
            map_type(w, atomic);
        }
        Type::Enum(values) => {
            w.text("type", "string");
            w.member("enum").texts(values);
        }
        Type::String => scalar(w, "string", ""),
        Type::Boolean => scalar(w, "boolean", ""),
        Type::Int32 => scalar(w, "integer", "int32"),
        Type::Int64 => scalar(w, "integer", "int64"),
        Type::Number => scalar(w, "number", "double"),
        Type::Base64 => scalar(w, "string", "byte"),
        Type::IntOrString => referred(w, INT_OR_STRING),
        Type::Quantity => referred(w, QUANTITY),
        Type::Time => referred(w, TIME),
        Type::MicroTime => referred(w, MICRO_TIME),
        Type::Json => w.member("x-kubernetes-preserve-unknown-fields").raw("true"),
    }
}

fn map_type(w: &mut Writer, atomic: bool) {
    if atomic {
        w.text("x-kubernetes-map-type", "atomic");
    }
}

fn reference(w: &mut Writer, name: &str) {
    w.text("$ref", &format!("#/components/schemas/{name}"));
}

fn group_version_kinds(w: &mut Writer, group: &str, version: &str, kind: &str) {
    w.member("x-kubernetes-group-version-kind").array(&[kind], |w, kind| {
        w.object(|w| group_version_kind(w, group, version, kind));
    });
}

fn group_version_kind(w: &mut Writer, group: &str, version: &str, kind: &str) {
    w.text("group", group);
    w.text("version", version);
    w.text("kind", kind);
}
