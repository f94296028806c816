//! Values: what expressions come to. A value knows where it was written and which releases it was computed from.

use std::sync::Arc;

use ktl_syntax::Span;
use rust_decimal::Decimal;

use crate::number::Quantity;

/// A set of references to outputs, interned by the evaluator; 0 is the empty one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deps(pub(crate) u32);

/// A value. Cloning shares whatever is large.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub kind: Kind,
    pub deps: Deps,
    pub origin: Span,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Decimal(Decimal),
    String(Arc<str>),
    Quantity(Arc<Quantity>),
    List(Arc<List>),
    /// A record or a map: they differ in type only.
    Fields(Arc<Fields>),
    Range(Arc<(Value, Value)>),
    /// Index into the evaluator's clusters.
    Cluster(u32),
    /// Index into the evaluator's zones.
    Zone(u32),
    /// An instance of a release.
    Release(u32),
}

/// Elements, with how many values hang below when shared parts count each time, and how deep they nest.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub items: Vec<Value>,
    pub weight: u32,
    pub depth: u8,
}

/// Entries by key. Keys are sorted and each once; records built by one literal share them.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub keys: Arc<[Arc<str>]>,
    pub values: Vec<Value>,
    pub weight: u32,
    pub depth: u8,
}

fn measure<'a>(values: impl Iterator<Item = &'a Value>) -> (u32, u8) {
    let (weight, depth) = values.fold((1_u32, 0_u8), |(weight, depth), value| {
        let (below, deeper) = value.measure();
        (weight.saturating_add(below), depth.max(deeper))
    });
    (weight, depth.saturating_add(1))
}

impl List {
    pub fn new(items: Vec<Value>) -> Self {
        let (weight, depth) = measure(items.iter());
        List { items, weight, depth }
    }
}

impl Fields {
    /// Keys must be sorted and distinct, with a value each.
    pub fn new(keys: Arc<[Arc<str>]>, values: Vec<Value>) -> Self {
        let (weight, depth) = measure(values.iter());
        Fields {
            keys,
            values,
            weight,
            depth,
        }
    }

    /// Sorts the entries; a later one wins over an earlier one of the same key.
    pub fn from_entries(mut entries: Vec<(Arc<str>, Value)>) -> Self {
        entries.reverse();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|next, kept| next.0 == kept.0);
        let (keys, values): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        Fields::new(keys.into(), values)
    }

    pub fn empty() -> Self {
        Fields {
            keys: Arc::from([]),
            values: Vec::new(),
            weight: 1,
            depth: 1,
        }
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        let at = self.keys.binary_search_by(|candidate| (**candidate).cmp(key)).ok()?;
        self.values.get(at)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        self.keys.iter().zip(&self.values)
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub fn to_entries(&self) -> Vec<(Arc<str>, Value)> {
        self.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

impl Value {
    pub fn new(kind: Kind, origin: Span) -> Self {
        Value {
            kind,
            deps: Deps::default(),
            origin,
        }
    }

    pub fn null(origin: Span) -> Self {
        Value::new(Kind::Null, origin)
    }

    pub fn string(text: impl Into<Arc<str>>, origin: Span) -> Self {
        Value::new(Kind::String(text.into()), origin)
    }

    pub fn fields(entries: Vec<(Arc<str>, Value)>, origin: Span) -> Self {
        Value::new(Kind::Fields(Arc::new(Fields::from_entries(entries))), origin)
    }

    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    pub fn as_str(&self) -> Option<&Arc<str>> {
        match &self.kind {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_fields(&self) -> Option<&Arc<Fields>> {
        match &self.kind {
            Kind::Fields(fields) => Some(fields),
            _ => None,
        }
    }

    pub fn items(&self) -> &[Value] {
        match &self.kind {
            Kind::List(list) => &list.items,
            _ => &[],
        }
    }

    /// How many values hang below, and how deep.
    pub fn measure(&self) -> (u32, u8) {
        match &self.kind {
            Kind::List(list) => (list.weight, list.depth),
            Kind::Fields(fields) => (fields.weight, fields.depth),
            Kind::String(text) => (1 + (text.len() / 64) as u32, 0),
            _ => (1, 0),
        }
    }

    /// What strings are made of; `None` for what has no text.
    pub fn text(&self) -> Option<Arc<str>> {
        Some(match &self.kind {
            Kind::String(text) => text.clone(),
            Kind::Bool(value) => value.to_string().into(),
            Kind::Int(value) => value.to_string().into(),
            Kind::Decimal(value) => value.to_string().into(),
            Kind::Quantity(quantity) => quantity.spelt.clone(),
            _ => return None,
        })
    }

    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.kind {
            Kind::Null | Kind::Cluster(_) | Kind::Zone(_) | Kind::Release(_) => Json::Null,
            Kind::Bool(value) => Json::Bool(*value),
            Kind::Int(value) => Json::from(*value),
            Kind::Decimal(value) => decimal_to_json(*value),
            Kind::String(text) => Json::from(text.as_ref()),
            Kind::Quantity(quantity) => Json::from(quantity.spelt.as_ref()),
            Kind::List(list) => Json::Array(list.items.iter().map(Value::to_json).collect()),
            Kind::Fields(fields) => Json::Object(
                fields
                    .iter()
                    .map(|(key, value)| (key.to_string(), value.to_json()))
                    .collect(),
            ),
            Kind::Range(range) => Json::Array(vec![range.0.to_json(), range.1.to_json()]),
        }
    }

    pub fn from_json(json: &serde_json::Value, origin: Span) -> Self {
        use serde_json::Value as Json;
        let kind = match json {
            Json::Null => Kind::Null,
            Json::Bool(value) => Kind::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(value) => Kind::Int(value),
                None => Kind::Decimal(number.to_string().parse().unwrap_or_default()),
            },
            Json::String(text) => Kind::String(text.as_str().into()),
            Json::Array(items) => Kind::List(Arc::new(List::new(
                items.iter().map(|item| Value::from_json(item, origin)).collect(),
            ))),
            Json::Object(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| (key.as_str().into(), Value::from_json(value, origin)))
                    .collect();
                Kind::Fields(Arc::new(Fields::from_entries(entries)))
            }
        };
        Value::new(kind, origin)
    }
}

/// A whole number stays one as text too: JSON has one kind of number, and `2.0` must not become `2.0` here and `2` there.
fn decimal_to_json(value: Decimal) -> serde_json::Value {
    let value = value.normalize();
    if value.scale() == 0
        && let Ok(whole) = i64::try_from(value)
    {
        return whole.into();
    }
    value
        .to_string()
        .parse::<f64>()
        .ok()
        .and_then(serde_json::Number::from_f64)
        .map_or(serde_json::Value::Null, Into::into)
}

/// Whether two values are equal: numbers by amount, records by their entries.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Bool(a), Kind::Bool(b)) => a == b,
        (Kind::Int(a), Kind::Int(b)) => a == b,
        (Kind::Decimal(a), Kind::Decimal(b)) => a == b,
        (Kind::Int(a), Kind::Decimal(b)) | (Kind::Decimal(b), Kind::Int(a)) => Decimal::from(*a) == *b,
        (Kind::String(a), Kind::String(b)) => a == b,
        (Kind::Quantity(a), Kind::Quantity(b)) => a.dimension == b.dimension && a.amount == b.amount,
        (Kind::List(a), Kind::List(b)) => {
            Arc::ptr_eq(a, b)
                || (a.items.len() == b.items.len() && a.items.iter().zip(&b.items).all(|(a, b)| equal(a, b)))
        }
        (Kind::Fields(a), Kind::Fields(b)) => {
            Arc::ptr_eq(a, b) || (a.keys == b.keys && a.values.iter().zip(&b.values).all(|(a, b)| equal(a, b)))
        }
        (Kind::Range(a), Kind::Range(b)) => equal(&a.0, &b.0) && equal(&a.1, &b.1),
        (Kind::Cluster(a), Kind::Cluster(b))
        | (Kind::Zone(a), Kind::Zone(b))
        | (Kind::Release(a), Kind::Release(b)) => a == b,
        _ => false,
    }
}
