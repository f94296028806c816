//! Types: what values may be, how they print, and where one serves as another.

mod fit;
mod print;
mod scalar;
mod schema;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use ktl_syntax::Span;
use rust_decimal::Decimal;

use crate::hir::{self, RelId};
use crate::number::Dimension;

pub(crate) use fit::{Fit, fit, mismatch_detail};
pub(crate) use scalar::{
    ImageParts, Violation, conform_scalar, conform_union, image_parts, is_name, kebab, parse_input, shown,
};
pub(crate) use schema::{BUILTIN_TYPES, builtin_type, crd_kinds, kind_type, schema_record};

/// A type. Cloning shares whatever is large.
#[derive(Clone, Debug)]
pub(crate) enum Type {
    /// Reported already: fits everything, and everything fits it.
    Error,
    Null,
    Bool,
    Number(Number, Option<Arc<Bounds>>),
    String(Option<Arc<Text>>),
    Literal(Arc<str>),
    Checked(Checked),
    Image(Option<Arc<ImageRules>>),
    /// A resource quantity of Kubernetes: `100Gi`, `250m`, `2`.
    Amount,
    List(Arc<ListType>),
    Map(Arc<MapType>),
    Record(Arc<RecordType>),
    /// At least two, no unions among them.
    Union(Arc<[Type]>),
    Range(Arc<Type>),
    Json,
    /// Any Kubernetes object made by a constructor.
    Object,
    Cluster,
    Zone,
    /// A release, with its outputs where it is known which.
    Release(Option<RelId>),
}

/// Kinds of numbers, with and without units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Number {
    Int,
    Decimal,
    Quantity(Dimension),
}

/// Limits of a number, in base units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub min: Option<Decimal>,
    pub max: Option<Decimal>,
    /// Whether the limit itself is outside.
    pub above_min: bool,
    pub below_max: bool,
    /// As written, such as `1..50`.
    pub text: Arc<str>,
    /// Where it is written; imported schemas have no place.
    pub span: Option<Span>,
}

/// Limits of a string.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// Characters.
    pub min: Option<u64>,
    pub max: Option<u64>,
    pub pattern: Option<Arc<Pattern>>,
    /// An imported schema says string, and means units too: they are spelt out.
    pub units: bool,
    pub span: Option<Span>,
}

/// A regular expression over the whole text.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// Without the slashes.
    pub source: Arc<str>,
    pub regex: regex::Regex,
}

/// Strings with a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Checked {
    Name,
    Host,
    Url,
    Cidr,
    Cron,
    Digest,
    Path,
    Semver,
}

/// What an image must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageRules {
    pub digest: bool,
    pub registry: Option<Arc<str>>,
    pub span: Option<Span>,
}

#[derive(Clone, Debug)]
pub(crate) struct ListType {
    pub item: Type,
    pub min: Option<u64>,
    pub max: Option<u64>,
    pub unique: bool,
    /// The field that tells elements apart, by which the list may be written as a map.
    pub key: Option<Arc<str>>,
    pub span: Option<Span>,
}

#[derive(Clone, Debug)]
pub(crate) struct MapType {
    pub key: Type,
    pub value: Type,
}

/// Fields by name. Those of imported schemas are made when they are first looked at, since such types contain themselves.
#[derive(Debug)]
pub(crate) struct RecordType {
    /// What it is called, such as `k8s.Container`.
    pub name: Option<Arc<str>>,
    /// The Kubernetes kind that it constructs.
    pub object: Option<Arc<ObjectKind>>,
    fields: OnceLock<Vec<Field>>,
    source: Option<&'static ktl_schema::Record>,
    /// How many types hang below when shared parts count each time.
    pub weight: u32,
    pub depth: u8,
}

/// A kind of Kubernetes objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectKind {
    pub api_version: Arc<str>,
    pub kind: Arc<str>,
    pub namespaced: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub name: Arc<str>,
    pub ty: Type,
    pub presence: Presence,
    pub span: Option<Span>,
}

#[derive(Clone, Debug)]
pub(crate) enum Presence {
    Required,
    Optional,
    /// Filled in when all types are known.
    Default(Arc<OnceLock<hir::Expr>>),
}

impl Field {
    /// The type as read: an optional field may be absent.
    pub fn read(&self) -> Type {
        match self.presence {
            Presence::Optional => self.ty.clone().optional(),
            _ => self.ty.clone(),
        }
    }
}

impl RecordType {
    pub fn new(name: Option<Arc<str>>, mut fields: Vec<Field>) -> Self {
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        let weight = fields
            .iter()
            .fold(1_u32, |sum, field| sum.saturating_add(field.ty.weight()));
        let depth = fields
            .iter()
            .map(|field| field.ty.depth())
            .max()
            .unwrap_or(0)
            .saturating_add(1);
        RecordType {
            name,
            object: None,
            fields: OnceLock::from(fields),
            source: None,
            weight,
            depth,
        }
    }

    pub fn fields(&self) -> &[Field] {
        self.fields.get_or_init(|| {
            self.source
                .map_or_else(Vec::new, |record| schema::fields(record, self.object.is_some()))
        })
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        let fields = self.fields();
        let at = fields.binary_search_by(|field| (*field.name).cmp(name)).ok()?;
        fields.get(at)
    }

    /// Whether two are the same by construction.
    pub fn same(&self, other: &RecordType) -> bool {
        match (self.source, other.source) {
            (Some(a), Some(b)) => std::ptr::eq(a, b),
            _ => false,
        }
    }

    /// Whether the fields come from a published schema: such types may contain themselves.
    pub fn is_schema(&self) -> bool {
        self.source.is_some()
    }

    /// The same with every field optional: what a spread may add.
    pub fn partial(&self) -> RecordType {
        let fields: Vec<Field> = self
            .fields()
            .iter()
            .cloned()
            .map(|field| Field {
                presence: Presence::Optional,
                ..field
            })
            .collect();
        RecordType {
            name: self.name.clone(),
            object: None,
            fields: OnceLock::from(fields),
            source: None,
            weight: self.weight,
            depth: self.depth,
        }
    }

    /// The same without the key field being required: an element of a list that is written as a map.
    pub fn keyed_by(&self, key: &str) -> RecordType {
        let fields: Vec<Field> = self
            .fields()
            .iter()
            .cloned()
            .map(|field| match &*field.name == key {
                true => Field {
                    presence: Presence::Optional,
                    ..field
                },
                false => field,
            })
            .collect();
        RecordType {
            name: self.name.clone(),
            object: self.object.clone(),
            fields: OnceLock::from(fields),
            source: None,
            weight: self.weight,
            depth: self.depth,
        }
    }
}

impl Type {
    pub const INT: Type = Type::Number(Number::Int, None);
    pub const DECIMAL: Type = Type::Number(Number::Decimal, None);
    pub const STRING: Type = Type::String(None);
    pub const NAME: Type = Type::Checked(Checked::Name);

    pub fn quantity(dimension: Dimension) -> Type {
        Type::Number(Number::Quantity(dimension), None)
    }

    pub fn list(item: Type) -> Type {
        Type::List(Arc::new(ListType {
            item,
            min: None,
            max: None,
            unique: false,
            key: None,
            span: None,
        }))
    }

    pub fn map(key: Type, value: Type) -> Type {
        Type::Map(Arc::new(MapType { key, value }))
    }

    pub fn record(fields: Vec<Field>) -> Type {
        Type::Record(Arc::new(RecordType::new(None, fields)))
    }

    /// The union of types, flat and without repetitions. An `Error` among them wins: it silences.
    pub fn union(members: impl IntoIterator<Item = Type>) -> Type {
        let mut flat: Vec<Type> = Vec::new();
        for member in members {
            match member {
                Type::Error => return Type::Error,
                Type::Union(inner) => {
                    for member in inner.iter() {
                        push_distinct(&mut flat, member.clone());
                    }
                }
                member => push_distinct(&mut flat, member),
            }
        }
        match flat.len() {
            1 => flat.remove(0),
            _ => Type::Union(flat.into()),
        }
    }

    pub fn optional(self) -> Type {
        match self {
            Type::Error | Type::Null | Type::Json => self,
            _ if self.nullable() => self,
            _ => Type::union([self, Type::Null]),
        }
    }

    pub fn is_error(&self) -> bool {
        matches!(self, Type::Error)
    }

    /// Whether null is one of its values.
    pub fn nullable(&self) -> bool {
        match self {
            Type::Null | Type::Json | Type::Error => true,
            Type::Union(members) => members.iter().any(Type::nullable),
            _ => false,
        }
    }

    /// The type without null; `Null` itself stays.
    pub fn non_null(&self) -> Type {
        match self {
            Type::Union(members) => Type::union(members.iter().filter(|member| !matches!(member, Type::Null)).cloned()),
            other => other.clone(),
        }
    }

    /// The members of a union, or the type itself.
    pub fn members(&self) -> &[Type] {
        match self {
            Type::Union(members) => members,
            other => std::slice::from_ref(other),
        }
    }

    /// The literals, if it is nothing but string literals (and null).
    pub fn literals(&self) -> Option<BTreeSet<Arc<str>>> {
        let mut literals = BTreeSet::new();
        for member in self.members() {
            match member {
                Type::Literal(text) => {
                    literals.insert(text.clone());
                }
                Type::Null => {}
                _ => return None,
            }
        }
        (!literals.is_empty()).then_some(literals)
    }

    /// What an unannotated definition of it has: any string, not this one; any list, not one that was written as such.
    pub fn widen(&self) -> Type {
        match self {
            Type::Literal(_) => Type::STRING,
            Type::Union(members) => Type::union(members.iter().map(Type::widen)),
            Type::List(list) => Type::List(Arc::new(ListType {
                item: list.item.widen(),
                ..(**list).clone()
            })),
            Type::Map(map) => Type::map(map.key.clone(), map.value.widen()),
            Type::Record(record) if record.name.is_none() && !record.is_schema() && record.object.is_none() => {
                let fields = record.fields().iter().map(|field| match &field.presence {
                    Presence::Default(_) => field.clone(),
                    _ => Field {
                        ty: field.ty.widen(),
                        ..field.clone()
                    },
                });
                Type::record(fields.collect())
            }
            other => other.clone(),
        }
    }

    pub fn weight(&self) -> u32 {
        match self {
            Type::List(list) => list.item.weight().saturating_add(1),
            Type::Map(map) => map.key.weight().saturating_add(map.value.weight()),
            Type::Record(record) => record.weight,
            Type::Union(members) => members
                .iter()
                .fold(1, |sum: u32, member| sum.saturating_add(member.weight())),
            Type::Range(item) => item.weight(),
            _ => 1,
        }
    }

    pub fn depth(&self) -> u8 {
        match self {
            Type::List(list) => list.item.depth().saturating_add(1),
            Type::Map(map) => map.value.depth().saturating_add(1),
            Type::Record(record) => record.depth,
            Type::Union(members) => members.iter().map(Type::depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// Whether strings, in the widest sense, are its values.
    pub fn is_text(&self) -> bool {
        match self {
            Type::String(_) | Type::Literal(_) | Type::Checked(_) | Type::Image(_) | Type::Error => true,
            Type::Union(members) => members.iter().all(Type::is_text),
            _ => false,
        }
    }
}

fn push_distinct(flat: &mut Vec<Type>, member: Type) {
    if !flat.iter().any(|known| same(known, &member)) {
        flat.push(member);
    }
}

/// Whether two types are written the same. Named and imported types are compared by identity.
pub(crate) fn same(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Error, Type::Error)
        | (Type::Null, Type::Null)
        | (Type::Bool, Type::Bool)
        | (Type::Json, Type::Json)
        | (Type::Object, Type::Object)
        | (Type::Amount, Type::Amount)
        | (Type::Cluster, Type::Cluster)
        | (Type::Zone, Type::Zone) => true,
        (Type::Number(a, x), Type::Number(b, y)) => a == b && x == y,
        (Type::Literal(a), Type::Literal(b)) => a == b,
        (Type::Checked(a), Type::Checked(b)) => a == b,
        (Type::Image(a), Type::Image(b)) => a == b,
        (Type::String(None), Type::String(None)) => true,
        (Type::String(Some(a)), Type::String(Some(b))) => Arc::ptr_eq(a, b),
        (Type::Release(a), Type::Release(b)) => a == b,
        (Type::List(a), Type::List(b)) => {
            Arc::ptr_eq(a, b)
                || (same(&a.item, &b.item) && (a.min, a.max, a.unique, &a.key) == (b.min, b.max, b.unique, &b.key))
        }
        (Type::Map(a), Type::Map(b)) => Arc::ptr_eq(a, b) || (same(&a.key, &b.key) && same(&a.value, &b.value)),
        (Type::Range(a), Type::Range(b)) => same(a, b),
        (Type::Record(a), Type::Record(b)) => {
            Arc::ptr_eq(a, b)
                || a.same(b)
                || (!a.is_schema()
                    && !b.is_schema()
                    && a.name == b.name
                    && a.object == b.object
                    && a.fields().len() == b.fields().len()
                    && a.fields().iter().zip(b.fields()).all(|(a, b)| {
                        a.name == b.name
                            && same(&a.ty, &b.ty)
                            && match (&a.presence, &b.presence) {
                                (Presence::Required, Presence::Required) | (Presence::Optional, Presence::Optional) => {
                                    true
                                }
                                (Presence::Default(a), Presence::Default(b)) => Arc::ptr_eq(a, b),
                                _ => false,
                            }
                    }))
        }
        (Type::Union(a), Type::Union(b)) => {
            Arc::ptr_eq(a, b) || (a.len() == b.len() && a.iter().all(|a| b.iter().any(|b| same(a, b))))
        }
        _ => false,
    }
}

/// The type of whichever of two values: the wider one, records field by field, else a union.
pub(crate) fn join(a: Type, b: Type) -> Type {
    if same(&a, &b) {
        return a;
    }
    match (&a, &b) {
        (Type::Error, _) | (_, Type::Error) => Type::Error,
        (Type::Json, _) | (_, Type::Json) => Type::Json,
        (Type::Null, _) => b.optional(),
        (_, Type::Null) => a.optional(),
        (Type::Union(members), _)
            if matches!(a.non_null(), Type::Record(_) | Type::Map(_) | Type::List(_)) && members.len() == 2 =>
        {
            join(a.non_null(), b).optional()
        }
        (_, Type::Union(members))
            if matches!(b.non_null(), Type::Record(_) | Type::Map(_) | Type::List(_)) && members.len() == 2 =>
        {
            join(a, b.non_null()).optional()
        }
        (Type::Number(Number::Int, _), Type::Number(Number::Decimal, _)) => Type::DECIMAL,
        (Type::Number(Number::Decimal, _), Type::Number(Number::Int, _)) => Type::DECIMAL,
        (Type::Number(x, _), Type::Number(y, _)) if x == y => Type::Number(*x, None),
        (Type::Literal(_), Type::Literal(_)) => Type::union([a, b]),
        (Type::Release(_), Type::Release(_)) => Type::Release(None),
        _ if a.is_text() && b.is_text() && a.literals().is_none() | b.literals().is_none() => Type::STRING,
        (Type::List(x), Type::List(y)) => Type::list(join(x.item.clone(), y.item.clone())),
        (Type::Map(x), Type::Map(y)) => Type::map(
            join(x.key.clone(), y.key.clone()),
            join(x.value.clone(), y.value.clone()),
        ),
        (Type::Record(x), Type::Map(y)) | (Type::Map(y), Type::Record(x)) if plain(x) => {
            let value = x
                .fields()
                .iter()
                .fold(y.value.clone(), |sum, field| join(sum, field.ty.clone()));
            Type::map(Type::STRING, value)
        }
        (Type::Record(x), Type::Record(y)) if x.object.is_some() && y.object.is_some() => Type::Object,
        (Type::Record(_), Type::Object) | (Type::Object, Type::Record(_)) => Type::Object,
        (Type::Record(x), Type::Record(y)) if plain(x) && plain(y) && !tagged(x, y) => join_records(x, y),
        _ => match fit(&a, &b) {
            Fit::Yes => b,
            _ => match fit(&b, &a) {
                Fit::Yes => a,
                _ => Type::union([a, b]),
            },
        },
    }
}

fn plain(record: &RecordType) -> bool {
    record.name.is_none() && record.object.is_none() && !record.is_schema()
}

/// Whether a field of disjoint literals tells two records apart.
pub(crate) fn tagged(a: &RecordType, b: &RecordType) -> bool {
    a.fields().iter().any(|field| {
        match (
            field.ty.literals(),
            b.field(&field.name).map(|other| other.ty.literals()),
        ) {
            (Some(left), Some(Some(right))) => left.is_disjoint(&right) && matches!(field.presence, Presence::Required),
            _ => false,
        }
    })
}

fn join_records(a: &RecordType, b: &RecordType) -> Type {
    let mut fields: Vec<Field> = Vec::new();
    for field in a.fields() {
        fields.push(match b.field(&field.name) {
            Some(other) => Field {
                ty: join(field.ty.clone(), other.ty.clone()),
                presence: match (&field.presence, &other.presence) {
                    (Presence::Required, Presence::Required) => Presence::Required,
                    _ => Presence::Optional,
                },
                ..field.clone()
            },
            None => Field {
                presence: Presence::Optional,
                ..field.clone()
            },
        });
    }
    let only = b.fields().iter().filter(|field| a.field(&field.name).is_none());
    fields.extend(only.map(|field| Field {
        presence: Presence::Optional,
        ..field.clone()
    }));
    Type::record(fields)
}
