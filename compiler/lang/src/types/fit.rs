//! Where a value of one type may stand for another.

use std::sync::Arc;

use super::{ListType, Number, Presence, RecordType, Type};

/// Whether a type serves where another is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// No value does.
    No,
    /// The value has to be looked at, or converted.
    Check,
    /// Every value does, as it is.
    Yes,
}

/// Whether `found` serves as `expected`. Shape, null and base types decide here; ranges, lengths, patterns, checked
/// strings and literals are left to the value.
pub(crate) fn fit(found: &Type, expected: &Type) -> Fit {
    match (found, expected) {
        (Type::Error, _) | (_, Type::Error) => Fit::Yes,
        (Type::Union(members), _) => union_fits(members, found, expected),
        (_, Type::Json) => json_fits(found),
        (_, Type::Union(members)) => best(found, members),
        (Type::Null, Type::Null) | (Type::Bool, Type::Bool) => Fit::Yes,
        (Type::Number(a, x), Type::Number(b, y)) => match (a, b) {
            _ if a == b => {
                if y.is_none() || x == y {
                    Fit::Yes
                } else {
                    Fit::Check
                }
            }
            (Number::Int, Number::Decimal) => Fit::Check,
            _ => Fit::No,
        },
        (Type::Number(Number::Quantity(_), _), Type::String(Some(text))) if text.units => Fit::Check,
        (Type::Number(number, _), Type::Amount) => match number {
            Number::Quantity(crate::number::Dimension::Duration | crate::number::Dimension::Percent) => Fit::No,
            _ => Fit::Check,
        },
        (Type::Amount, Type::Amount) => Fit::Yes,
        (Type::Amount, Type::String(_)) => Fit::Check,
        (Type::Literal(a), Type::Literal(b)) => {
            if a == b {
                Fit::Yes
            } else {
                Fit::No
            }
        }
        (Type::Checked(a), Type::Checked(b)) => {
            if a == b {
                Fit::Yes
            } else {
                Fit::Check
            }
        }
        (Type::Image(a), Type::Image(b)) => {
            if b.is_none() || a == b {
                Fit::Yes
            } else {
                Fit::Check
            }
        }
        (Type::String(Some(a)), Type::String(Some(b))) if Arc::ptr_eq(a, b) => Fit::Yes,
        (Type::String(_) | Type::Literal(_) | Type::Checked(_) | Type::Image(_), Type::String(rules)) => {
            let free = rules
                .as_ref()
                .is_none_or(|rules| rules.pattern.is_none() && rules.min.is_none() && rules.max.is_none());
            if free { Fit::Yes } else { Fit::Check }
        }
        (
            Type::String(_) | Type::Literal(_) | Type::Checked(_) | Type::Image(_),
            Type::Literal(_) | Type::Checked(_) | Type::Image(_) | Type::Amount,
        ) => Fit::Check,
        (Type::List(a), Type::List(b)) => list_fits(a, b),
        (Type::Map(a), Type::Map(b)) => fit(&a.key, &b.key).min(fit(&a.value, &b.value)),
        (Type::Record(a), Type::Map(b)) if a.object.is_none() => {
            let fields = a
                .fields()
                .iter()
                .map(|field| fit(&field.ty, &b.value))
                .min()
                .unwrap_or(Fit::Yes);
            let keys = if matches!(b.key, Type::String(None)) {
                Fit::Yes
            } else {
                Fit::Check
            };
            fields.min(keys)
        }
        (Type::Map(a), Type::List(b)) => match (&b.key, &b.item) {
            (Some(key), Type::Record(item)) => {
                fit(&a.value, &Type::Record(Arc::new(item.keyed_by(key)))).min(Fit::Check)
            }
            _ => Fit::No,
        },
        (Type::Record(a), Type::List(b)) => match (&b.key, &b.item) {
            (Some(key), Type::Record(item)) if a.object.is_none() => {
                let item = Type::Record(Arc::new(item.keyed_by(key)));
                a.fields()
                    .iter()
                    .map(|field| fit(&field.ty, &item))
                    .min()
                    .unwrap_or(Fit::Check)
                    .min(Fit::Check)
            }
            _ => Fit::No,
        },
        (Type::Record(a), Type::Record(b)) => record_fits(a, b),
        (Type::Record(a), Type::Object) => {
            if a.object.is_some() {
                Fit::Yes
            } else {
                Fit::No
            }
        }
        (Type::Range(a), Type::Range(b)) => fit(a, b),
        (Type::Object, Type::Object) | (Type::Cluster, Type::Cluster) | (Type::Zone, Type::Zone) => Fit::Yes,
        (Type::Release(a), Type::Release(b)) => {
            if b.is_none() || a == b {
                Fit::Yes
            } else {
                Fit::No
            }
        }
        _ => Fit::No,
    }
}

/// Every member has to fit, except that of several literals some may: then the value decides.
fn union_fits(members: &[Type], found: &Type, expected: &Type) -> Fit {
    if matches!(expected, Type::Json) {
        return members.iter().map(json_fits).min().unwrap_or(Fit::Yes);
    }
    if super::same(found, expected) {
        return Fit::Yes;
    }
    let mut worst = Fit::Yes;
    let mut lost = false;
    let mut kept = false;
    for member in members {
        match fit(member, expected) {
            Fit::No if matches!(member, Type::Literal(_)) => lost = true,
            Fit::No => return Fit::No,
            one => {
                kept |= matches!(member, Type::Literal(_));
                worst = worst.min(one);
            }
        }
    }
    match (lost, kept) {
        (true, true) => Fit::Check,
        (true, false) => Fit::No,
        _ => worst,
    }
}

fn best(found: &Type, members: &[Type]) -> Fit {
    // A literal among literals is settled: the others are not it.
    if let Type::Literal(text) = found
        && members
            .iter()
            .any(|member| matches!(member, Type::Literal(other) if other == text))
    {
        return Fit::Yes;
    }
    members.iter().map(|member| fit(found, member)).max().unwrap_or(Fit::No)
}

fn json_fits(found: &Type) -> Fit {
    match found {
        Type::Cluster | Type::Zone | Type::Release(_) | Type::Range(_) => Fit::No,
        Type::List(list) => json_fits(&list.item),
        Type::Map(map) => json_fits(&map.value),
        // Published schemas hold data only, and contain themselves.
        Type::Record(record) if record.is_schema() => Fit::Yes,
        Type::Record(record) => record
            .fields()
            .iter()
            .map(|field| json_fits(&field.ty))
            .min()
            .unwrap_or(Fit::Yes),
        Type::Union(members) => members.iter().map(json_fits).min().unwrap_or(Fit::Yes),
        _ => Fit::Yes,
    }
}

fn list_fits(a: &ListType, b: &ListType) -> Fit {
    let item = fit(&a.item, &b.item);
    let rules = b.min.is_none() && b.max.is_none() && !b.unique;
    let same = (a.min, a.max, a.unique) == (b.min, b.max, b.unique);
    if rules || same { item } else { item.min(Fit::Check) }
}

fn record_fits(a: &RecordType, b: &RecordType) -> Fit {
    if std::ptr::eq(a, b) || a.same(b) {
        return Fit::Yes;
    }
    if b.object.is_some() && a.object != b.object {
        return Fit::No;
    }
    let mut worst = Fit::Yes;
    for field in b.fields() {
        let one = match (a.field(&field.name), &field.presence) {
            (None, Presence::Required) => Fit::No,
            (None, Presence::Default(_)) => Fit::Check,
            (None, Presence::Optional) => Fit::Yes,
            (Some(found), Presence::Required)
                if matches!(found.presence, Presence::Optional) && !field.ty.nullable() =>
            {
                Fit::No
            }
            (Some(found), Presence::Default(_)) => fit(&found.ty.non_null(), &field.ty).min(Fit::Check),
            (Some(found), Presence::Optional) if matches!(found.ty, Type::Null) => Fit::Check,
            (Some(found), Presence::Optional) if found.ty.nullable() => {
                fit(&found.ty.non_null(), &field.ty).min(Fit::Check)
            }
            (Some(found), _) => fit(&found.ty, &field.ty),
        };
        worst = worst.min(one);
        if worst == Fit::No {
            return Fit::No;
        }
    }
    if a.fields().iter().any(|field| b.field(&field.name).is_none()) {
        Fit::No
    } else {
        worst
    }
}

/// Which part of `found` keeps it from being `expected`, for messages: `field \`a\`: expected int, found string`.
pub(crate) fn mismatch_detail(found: &Type, expected: &Type) -> Option<String> {
    let (Type::Record(a), Type::Record(b)) = (found.non_null(), expected.non_null()) else {
        return None;
    };
    for field in b.fields() {
        match a.field(&field.name) {
            None if matches!(field.presence, Presence::Required) => {
                return Some(format!("field `{}` is missing", field.name));
            }
            Some(other) if fit(&other.read(), &field.read()) == Fit::No => {
                return Some(format!(
                    "field `{}`: expected {}, found {}",
                    field.name,
                    field.ty,
                    other.read()
                ));
            }
            _ => {}
        }
    }
    a.fields()
        .iter()
        .find(|field| b.field(&field.name).is_none())
        .map(|field| format!("field `{}` is not expected", field.name))
}
