//! What the tables hold, worked out from the documents of every version.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::enums;
use crate::source::{Release, array, members, text, texts};

/// Everything that is written out.
pub struct Model {
    pub versions: Vec<String>,
    pub oldest: u8,
    pub newest: u8,
    pub groups: Vec<(String, Vec<String>)>,
    pub kinds: Vec<Kind>,
    pub records: BTreeMap<String, Record>,
    /// What a bare kind name means, as an index into `kinds`.
    pub preferred: BTreeMap<String, usize>,
}

pub struct Kind {
    pub group: String,
    pub version: String,
    pub resource: Value,
    pub subresources: Vec<Subresource>,
    pub record: String,
    pub since: u8,
}

pub struct Subresource {
    pub name: String,
    pub resource: Value,
    /// The group, version and kind of what is read and written there.
    pub of: GroupVersionKind,
    /// The definition of that kind, where it has one.
    pub record: Option<String>,
}

pub type GroupVersionKind = (String, String, String);

pub struct Record {
    pub doc: String,
    pub fields: BTreeMap<String, Field>,
}

pub struct Field {
    pub ty: Type,
    pub required: bool,
    pub doc: String,
    pub default: Option<String>,
    pub patch_strategy: Option<String>,
    pub patch_merge_key: Option<String>,
    pub since: u8,
}

pub enum Type {
    Record {
        name: String,
        atomic: bool,
    },
    List {
        items: Box<Type>,
        merge: Merge,
    },
    Map {
        values: Box<Type>,
        atomic: bool,
    },
    Enum(Vec<String>),
    /// A variant of `ktl_schema::Type` without contents.
    Plain(&'static str),
}

pub enum Merge {
    Atomic,
    Set,
    Map(Vec<String>),
}

/// Records that no kind reaches, but that API servers send and receive.
const PROTOCOL: [&str; 3] = ["DeleteOptions", "ListMeta", "Status"];

/// Definitions that have a meaning of their own, or allow anything.
const SPECIAL: [(&str, &str); 12] = [
    ("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON", "Json"),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray",
        "Json",
    ),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
        "Json",
    ),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray",
        "Json",
    ),
    ("io.k8s.apimachinery.pkg.api.resource.Quantity", "Quantity"),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.Duration", "String"),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1", "Json"),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime", "MicroTime"),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.Patch", "Json"),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.Time", "Time"),
    ("io.k8s.apimachinery.pkg.runtime.RawExtension", "Json"),
    ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", "IntOrString"),
];

/// Works the tables out; the last release is the base.
pub fn build(releases: Vec<Release>) -> Result<Model, String> {
    if !releases.is_sorted_by(|earlier, later| earlier.minor < later.minor) {
        return Err("name the versions with `--from` oldest first, one per minor version".to_owned());
    }
    let base = releases.last().ok_or("no version")?;
    let by_kind = definitions_by_kind(base);
    let kinds = kinds(base, &releases, &by_kind)?;
    let mut roots: BTreeSet<String> = kinds.iter().map(|kind| kind.record.clone()).collect();
    roots.extend(
        kinds
            .iter()
            .flat_map(|kind| &kind.subresources)
            .filter_map(|part| part.record.clone()),
    );
    roots.extend(PROTOCOL.map(|name| format!("io.k8s.apimachinery.pkg.apis.meta.v1.{name}")));
    Ok(Model {
        versions: releases.iter().map(|release| release.version.clone()).collect(),
        oldest: releases.first().map_or(base.minor, |release| release.minor),
        newest: base.minor,
        groups: base.groups.clone(),
        preferred: preferred(base, &kinds),
        kinds,
        records: records(base, &releases, roots)?,
    })
}

type DefinitionsByKind = BTreeMap<GroupVersionKind, String>;

fn definitions_by_kind(release: &Release) -> DefinitionsByKind {
    let mut by_kind = BTreeMap::new();
    for (name, schema) in &release.definitions {
        // Definitions such as `DeleteOptions` name every group: they are no kind of their own.
        if let [only] = array(schema, "x-kubernetes-group-version-kind") {
            let key = ["group", "version", "kind"].map(|member| text(only, member).to_owned());
            by_kind.insert(key.into(), name.clone());
        }
    }
    by_kind
}

fn kinds(base: &Release, releases: &[Release], by_kind: &DefinitionsByKind) -> Result<Vec<Kind>, String> {
    let mut kinds = Vec::new();
    for ((group, version), resources) in &base.resources {
        for resource in resources
            .iter()
            .filter(|resource| !text(resource, "name").contains('/'))
        {
            let (kind, plural) = (text(resource, "kind"), text(resource, "name"));
            let key = (group.clone(), version.clone(), kind.to_owned());
            let record = by_kind
                .get(&key)
                .ok_or_else(|| format!("`{group}/{version}` `{kind}` has no definition"))?;
            let mut subresources: Vec<Subresource> = resources
                .iter()
                .filter_map(|part| subresource(part, &key, by_kind))
                .filter(|(parent, _)| parent == plural)
                .map(|(_, part)| part)
                .collect();
            subresources.sort_by(|one, other| one.name.cmp(&other.name));
            let served = |release: &Release| {
                let there = release.resources.get(&(group.clone(), version.clone()));
                there.is_some_and(|resources| resources.iter().any(|other| text(other, "name") == plural))
            };
            kinds.push(Kind {
                group: group.clone(),
                version: version.clone(),
                resource: resource.clone(),
                subresources,
                record: record.clone(),
                since: first(releases, served),
            });
        }
    }
    kinds.sort_by_key(|kind| {
        (
            kind.group.clone(),
            kind.version.clone(),
            text(&kind.resource, "kind").to_owned(),
        )
    });
    Ok(kinds)
}

/// The resource that `part` belongs to, and `part` as a subresource; none for a resource of its own.
fn subresource(part: &Value, parent: &GroupVersionKind, by_kind: &DefinitionsByKind) -> Option<(String, Subresource)> {
    let (resource, name) = text(part, "name").split_once('/')?;
    let kind = text(part, "kind").to_owned();
    // A subresource says its group and version only where they are not its parent's.
    let of = match (text(part, "group"), text(part, "version")) {
        ("", "") => (parent.0.clone(), parent.1.clone(), kind),
        (group, version) => (group.to_owned(), version.to_owned(), kind),
    };
    let record = by_kind.get(&of).cloned();
    Some((
        resource.to_owned(),
        Subresource {
            name: name.to_owned(),
            resource: part.clone(),
            of,
            record,
        },
    ))
}

fn preferred(base: &Release, kinds: &[Kind]) -> BTreeMap<String, usize> {
    let rank = |kind: &Kind| {
        let unstable = [kind.version.contains("beta"), kind.version.contains("alpha")];
        let group = base.groups.iter().position(|(name, _)| *name == kind.group);
        let versions = group
            .and_then(|group| base.groups.get(group))
            .map(|(_, versions)| versions.as_slice());
        let version = versions
            .unwrap_or_default()
            .iter()
            .position(|version| *version == kind.version);
        (
            unstable.map(u8::from).into_iter().rev().collect::<Vec<_>>(),
            group,
            version,
        )
    };
    let mut preferred: BTreeMap<String, usize> = BTreeMap::new();
    for (index, kind) in kinds.iter().enumerate() {
        let best = preferred
            .entry(text(&kind.resource, "kind").to_owned())
            .or_insert(index);
        if kinds.get(*best).is_some_and(|other| rank(kind) < rank(other)) {
            *best = index;
        }
    }
    preferred
}

/// Every record that the roots reach.
fn records(base: &Release, releases: &[Release], roots: BTreeSet<String>) -> Result<BTreeMap<String, Record>, String> {
    let mut records = BTreeMap::new();
    let mut open: Vec<String> = roots.into_iter().collect();
    while let Some(name) = open.pop() {
        if records.contains_key(&name) {
            continue;
        }
        let definition = base
            .definitions
            .get(&name)
            .ok_or_else(|| format!("no definition `{name}`"))?;
        let required = texts(definition, "required");
        let mut fields = BTreeMap::new();
        for (field, schema) in members(definition, "properties") {
            let allowed = base.enums.get(&(enums::function(&name), field.clone()));
            let ty = field_type(base, schema, allowed).map_err(|error| format!("`{name}.{field}`: {error}"))?;
            reached(&ty, &mut open);
            let has = |release: &Release| {
                let definition = release.definitions.get(&name);
                definition.is_some_and(|definition| members(definition, "properties").any(|(other, _)| other == field))
            };
            let extension = |name| {
                Some(text(schema, name))
                    .filter(|value| !value.is_empty())
                    .map(str::to_owned)
            };
            let doc = allowed.and_then(|allowed| allowed.doc.clone());
            fields.insert(
                field.clone(),
                Field {
                    ty,
                    required: required.contains(field),
                    doc: doc.unwrap_or_else(|| text(schema, "description").to_owned()),
                    default: schema
                        .get("default")
                        .filter(|value| !is_zero(value))
                        .map(Value::to_string),
                    patch_strategy: extension("x-kubernetes-patch-strategy"),
                    patch_merge_key: extension("x-kubernetes-patch-merge-key"),
                    since: first(releases, has),
                },
            );
        }
        records.insert(
            name,
            Record {
                doc: text(definition, "description").to_owned(),
                fields,
            },
        );
    }
    Ok(records)
}

fn field_type(base: &Release, schema: &Value, allowed: Option<&enums::Enum>) -> Result<Type, String> {
    let ty = shape(base, schema)?;
    Ok(match (ty, allowed) {
        (Type::Plain("String"), Some(allowed)) if !allowed.of_items => Type::Enum(allowed.values.clone()),
        (Type::List { items, merge }, Some(allowed)) if matches!(*items, Type::Plain("String")) => Type::List {
            items: Box::new(Type::Enum(allowed.values.clone())),
            merge,
        },
        (Type::Map { values, atomic }, Some(allowed)) if matches!(*values, Type::Plain("String")) => Type::Map {
            values: Box::new(Type::Enum(allowed.values.clone())),
            atomic,
        },
        (ty, None) => ty,
        (_, Some(allowed)) => return Err(format!("cannot place the allowed values {:?}", allowed.values)),
    })
}

fn shape(base: &Release, schema: &Value) -> Result<Type, String> {
    if let Some(reference) = reference(schema) {
        if let Some((_, plain)) = SPECIAL.iter().find(|(name, _)| *name == reference) {
            return Ok(Type::Plain(plain));
        }
        let definition = base
            .definitions
            .get(reference)
            .ok_or_else(|| format!("no definition `{reference}`"))?;
        let own = text(schema, "x-kubernetes-map-type");
        let atomic = if own.is_empty() {
            text(definition, "x-kubernetes-map-type")
        } else {
            own
        } == "atomic";
        return Ok(Type::Record {
            name: reference.to_owned(),
            atomic,
        });
    }
    Ok(match (text(schema, "type"), text(schema, "format")) {
        ("string", "") => Type::Plain("String"),
        ("string", "byte") => Type::Plain("Base64"),
        ("boolean", _) => Type::Plain("Boolean"),
        ("integer", "int32") => Type::Plain("Int32"),
        ("integer", "int64") => Type::Plain("Int64"),
        ("number", _) => Type::Plain("Number"),
        ("array", _) => {
            let items = schema.get("items").ok_or("an array without items")?;
            let merge = match text(schema, "x-kubernetes-list-type") {
                "map" => Merge::Map(texts(schema, "x-kubernetes-list-map-keys")),
                "set" => Merge::Set,
                "atomic" | "" => Merge::Atomic,
                other => return Err(format!("unknown list type `{other}`")),
            };
            Type::List {
                items: Box::new(shape(base, items)?),
                merge,
            }
        }
        ("object", _) => match schema.get("additionalProperties") {
            Some(values) => Type::Map {
                values: Box::new(shape(base, values)?),
                atomic: text(schema, "x-kubernetes-map-type") == "atomic",
            },
            None => Type::Plain("Json"),
        },
        (ty, format) => return Err(format!("unknown type `{ty}` with format `{format}`")),
    })
}

fn reference(schema: &Value) -> Option<&str> {
    let own = schema
        .get("$ref")
        .or_else(|| array(schema, "allOf").first()?.get("$ref"))?;
    own.as_str()?.strip_prefix("#/components/schemas/")
}

/// The names of the records that a type names.
fn reached(ty: &Type, names: &mut Vec<String>) {
    match ty {
        Type::Record { name, .. } => names.push(name.clone()),
        Type::List { items, .. } => reached(items, names),
        Type::Map { values, .. } => reached(values, names),
        Type::Enum(_) | Type::Plain(_) => {}
    }
}

/// Go's zero values stand for every field that is never absent: they are no defaults of the API.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) | Value::Array(_) => false,
    }
}

/// The minor version that something appeared in.
fn first(releases: &[Release], has: impl Fn(&Release) -> bool) -> u8 {
    releases
        .iter()
        .find(|release| has(release))
        .map_or(0, |release| release.minor)
}
