//! Types of Kubernetes kinds, from the published schemas and from custom resource definitions.

use std::sync::{Arc, OnceLock};

use ktl_schema::ListMerge;

use super::{Bounds, Checked, Field, ListType, Number, ObjectKind, Pattern, Presence, RecordType, Text, Type};
use crate::number::Dimension;

/// Deeper than any real schema; what is below is untyped.
const DEPTH: usize = 48;

/// A string as schemas mean it: units are welcome and spelt out.
fn schema_string() -> Type {
    static STRING: OnceLock<Arc<Text>> = OnceLock::new();
    let text = STRING.get_or_init(|| {
        Arc::new(Text {
            min: None,
            max: None,
            pattern: None,
            units: true,
            span: None,
        })
    });
    Type::String(Some(text.clone()))
}

fn int_or_string() -> Type {
    Type::Union(Arc::from([Type::INT, schema_string()]))
}

/// The fields of a published record. Of an object, what the constructor or the cluster fills in is left out.
pub(super) fn fields(record: &'static ktl_schema::Record, object: bool) -> Vec<Field> {
    let hidden = |name: &str| object && matches!(name, "apiVersion" | "kind" | "status");
    record
        .fields
        .iter()
        .filter(|field| !hidden(field.name))
        .map(|field| {
            // A service name, a schedule and the like are strings in the schemas; the language stays as open as they are.
            let required = field.required && field.default.is_none();
            Field {
                name: field.name.into(),
                ty: schema_type(&field.ty),
                presence: if required {
                    Presence::Required
                } else {
                    Presence::Optional
                },
                span: None,
            }
        })
        .collect()
}

fn schema_type(ty: &ktl_schema::Type) -> Type {
    match *ty {
        ktl_schema::Type::Record { record, .. } => Type::Record(Arc::new(schema_record(record, None))),
        ktl_schema::Type::List { items, merge } => {
            let key = match merge {
                ListMerge::Map([key]) => Some(Arc::from(*key)),
                _ => None,
            };
            Type::List(Arc::new(ListType {
                item: schema_type(items),
                min: None,
                max: None,
                unique: false,
                key,
                span: None,
            }))
        }
        ktl_schema::Type::Map { values, .. } => Type::map(Type::STRING, schema_type(values)),
        ktl_schema::Type::Enum(texts) => Type::union(texts.iter().map(|text| Type::Literal((*text).into()))),
        ktl_schema::Type::Boolean => Type::Bool,
        ktl_schema::Type::Int32 => bounded(i64::from(i32::MIN), i64::from(i32::MAX), "32 bit"),
        ktl_schema::Type::Int64 => Type::INT,
        ktl_schema::Type::Number => Type::DECIMAL,
        ktl_schema::Type::IntOrString => int_or_string(),
        ktl_schema::Type::Quantity => Type::Amount,
        ktl_schema::Type::String | ktl_schema::Type::Time | ktl_schema::Type::MicroTime | ktl_schema::Type::Base64 => {
            schema_string()
        }
        ktl_schema::Type::Json => Type::Json,
    }
}

fn bounded(min: i64, max: i64, text: &str) -> Type {
    let bounds = Bounds {
        min: Some(min.into()),
        max: Some(max.into()),
        above_min: false,
        below_max: false,
        text: text.into(),
        span: None,
    };
    Type::Number(Number::Int, Some(Arc::new(bounds)))
}

/// A published record as a type; its fields are made when first looked at.
pub(crate) fn schema_record(record: &'static ktl_schema::Record, object: Option<ObjectKind>) -> RecordType {
    RecordType {
        name: Some(format!("k8s.{}", record.short_name()).into()),
        object: object.map(Arc::new),
        fields: OnceLock::new(),
        source: Some(record),
        weight: 1,
        depth: 1,
    }
}

/// The type that constructs a built-in kind.
pub(crate) fn kind_type(kind: &'static ktl_schema::Kind) -> Type {
    let object = ObjectKind {
        api_version: kind.api_version().into(),
        kind: kind.kind.into(),
        namespaced: kind.namespaced,
    };
    Type::Record(Arc::new(schema_record(kind.record, Some(object))))
}

/// The kinds that a custom resource definition declares, with the type that constructs each: its storage version, else
/// the first one that is served. An error is a sentence without a full stop.
pub(crate) fn crd_kinds(crd: &serde_json::Value) -> Result<(Arc<str>, Type), String> {
    let text = |path: &str| crd.pointer(path).and_then(|value| value.as_str());
    if text("/kind") != Some("CustomResourceDefinition") {
        return Err(format!(
            "expected a CustomResourceDefinition, found {}",
            text("/kind").unwrap_or("something else")
        ));
    }
    let group = text("/spec/group").ok_or("`spec.group` is missing")?;
    let kind = text("/spec/names/kind").ok_or("`spec.names.kind` is missing")?;
    let namespaced = text("/spec/scope") != Some("Cluster");
    let versions = crd
        .pointer("/spec/versions")
        .and_then(|value| value.as_array())
        .ok_or("`spec.versions` is missing")?;
    let flag =
        |version: &serde_json::Value, name: &str| version.get(name).and_then(|flag| flag.as_bool()) == Some(true);
    let version = versions
        .iter()
        .find(|version| flag(version, "storage") && flag(version, "served"))
        .or_else(|| versions.iter().find(|version| flag(version, "served")))
        .ok_or_else(|| format!("no version of {kind} is served"))?;
    let name = version
        .get("name")
        .and_then(|name| name.as_str())
        .ok_or("a version has no name")?;
    let schema = version
        .pointer("/schema/openAPIV3Schema")
        .ok_or_else(|| format!("{kind} {name} has no schema"))?;

    let metadata = ktl_schema::record("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
        .map_or(Type::Json, |record| Type::Record(Arc::new(schema_record(record, None))));
    let mut fields = match json_schema(schema, 0) {
        Type::Record(record) => record.fields().to_vec(),
        _ => Vec::new(),
    };
    fields.retain(|field| !matches!(&*field.name, "apiVersion" | "kind" | "metadata" | "status"));
    fields.push(Field {
        name: "metadata".into(),
        ty: metadata,
        presence: Presence::Optional,
        span: None,
    });
    let object = ObjectKind {
        api_version: format!("{group}/{name}").into(),
        kind: kind.into(),
        namespaced,
    };
    let record = RecordType {
        object: Some(Arc::new(object)),
        ..RecordType::new(Some(kind.into()), fields)
    };
    Ok((kind.into(), Type::Record(Arc::new(record))))
}

/// A structural schema as a type. What the language cannot say is left open, never closed by mistake.
fn json_schema(schema: &serde_json::Value, depth: usize) -> Type {
    let flag = |name: &str| schema.get(name).and_then(|flag| flag.as_bool()) == Some(true);
    let inner = || -> Type {
        if depth > DEPTH || flag("x-kubernetes-preserve-unknown-fields") || flag("x-kubernetes-embedded-resource") {
            return Type::Json;
        }
        if flag("x-kubernetes-int-or-string") {
            return int_or_string();
        }
        let number = |name: &str| schema.get(name).and_then(|value| value.to_string().parse().ok());
        let size = |name: &str| schema.get(name).and_then(|value| value.as_u64());
        if let Some(texts) = schema.get("enum").and_then(|value| value.as_array()) {
            let literals: Option<Vec<Type>> = texts
                .iter()
                .map(|text| text.as_str().map(|text| Type::Literal(text.into())))
                .collect();
            if let Some(literals) = literals.filter(|literals| !literals.is_empty()) {
                return Type::union(literals);
            }
        }
        let bounds = || {
            let (min, max) = (number("minimum"), number("maximum"));
            let text = match (min, max) {
                (Some(min), Some(max)) => format!("{min}..{max}"),
                (Some(min), None) => format!(">= {min}"),
                (None, Some(max)) => format!("<= {max}"),
                (None, None) => return None,
            };
            let (above_min, below_max) = (flag("exclusiveMinimum"), flag("exclusiveMaximum"));
            Some(Arc::new(Bounds {
                min,
                max,
                above_min,
                below_max,
                text: text.into(),
                span: None,
            }))
        };
        match schema.get("type").and_then(|ty| ty.as_str()) {
            Some("boolean") => Type::Bool,
            Some("integer") => Type::Number(Number::Int, bounds()),
            Some("number") => Type::Number(Number::Decimal, bounds()),
            Some("string") => {
                // Lengths and patterns are checked here where they are plain; unknown syntax is left to the API server.
                let pattern = schema
                    .get("pattern")
                    .and_then(|pattern| pattern.as_str())
                    .and_then(unanchored);
                let (min, max) = (size("minLength"), size("maxLength"));
                Type::String(Some(Arc::new(Text {
                    min,
                    max,
                    pattern,
                    units: true,
                    span: None,
                })))
            }
            Some("array") => {
                let item = schema
                    .get("items")
                    .map_or(Type::Json, |items| json_schema(items, depth + 1));
                let keys = schema
                    .get("x-kubernetes-list-map-keys")
                    .and_then(|keys| keys.as_array());
                let key = keys
                    .filter(|keys| keys.len() == 1)
                    .and_then(|keys| keys.first()?.as_str())
                    .map(Arc::from);
                let (min, max) = (size("minItems"), size("maxItems"));
                let unique = schema.get("x-kubernetes-list-type").and_then(|kind| kind.as_str()) == Some("set");
                Type::List(Arc::new(ListType {
                    item,
                    min,
                    max,
                    unique,
                    key,
                    span: None,
                }))
            }
            Some("object") => object(schema, depth),
            _ => Type::Json,
        }
    };
    let ty = inner();
    if flag("nullable") { ty.optional() } else { ty }
}

fn object(schema: &serde_json::Value, depth: usize) -> Type {
    let Some(properties) = schema.get("properties").and_then(|properties| properties.as_object()) else {
        return match schema.get("additionalProperties") {
            Some(value) if value.is_object() => Type::map(Type::STRING, json_schema(value, depth + 1)),
            _ => Type::Json,
        };
    };
    let required = schema.get("required").and_then(|required| required.as_array());
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|other| other.as_str() == Some(name)));
    let fields = properties
        .iter()
        .map(|(name, property)| Field {
            name: name.as_str().into(),
            ty: json_schema(property, depth + 1),
            // The API server fills in defaults before it asks for what is required.
            presence: if is_required(name) && property.get("default").is_none() {
                Presence::Required
            } else {
                Presence::Optional
            },
            span: None,
        })
        .collect();
    Type::record(fields)
}

/// A pattern of a JSON schema, which may match anywhere in the text.
fn unanchored(source: &str) -> Option<Arc<Pattern>> {
    let regex = regex::RegexBuilder::new(source).size_limit(1 << 20).build().ok()?;
    Some(Arc::new(Pattern {
        source: source.into(),
        regex,
    }))
}

/// The types that names without a module mean.
pub(crate) fn builtin_type(name: &str) -> Option<Type> {
    Some(match name {
        "bool" => Type::Bool,
        "int" => Type::INT,
        "decimal" => Type::DECIMAL,
        "string" => Type::STRING,
        "duration" => Type::quantity(Dimension::Duration),
        "bytes" => Type::quantity(Dimension::Bytes),
        "cpu" => Type::quantity(Dimension::Cpu),
        "percent" => Type::quantity(Dimension::Percent),
        "image" => Type::Image(None),
        "port" => bounded(1, 65535, "1..65535"),
        "json" => Type::Json,
        "cluster" => Type::Cluster,
        "zone" => Type::Zone,
        "release" => Type::Release(None),
        "quantity" => Type::Amount,
        "null" => Type::Null,
        name => Type::Checked(*Checked::ALL.iter().find(|checked| checked.name() == name)?),
    })
}

/// Names of built-in types, for suggestions.
pub(crate) const BUILTIN_TYPES: &[&str] = &[
    "bool", "bytes", "cidr", "cluster", "cpu", "cron", "decimal", "digest", "duration", "host", "image", "int", "json",
    "map", "name", "path", "percent", "port", "quantity", "range", "release", "semver", "string", "url", "zone",
];
