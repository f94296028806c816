//! Fitting a value to a type: conversions, defaults, and the rules that only a value can break.

use std::sync::Arc;

use ktl_syntax::{Diagnostic, Span};

use super::{Eval, Evaluator, Failed};
use crate::names::nearest;
use crate::types::{self, ListType, Presence, RecordType, Type};
use crate::value::{Fields, Kind, Value, equal};

impl<'p> Evaluator<'p> {
    /// The value as the type has it. `wanted` is where the type is asked for.
    pub(super) fn conform(&mut self, value: Value, ty: &Type, wanted: Span) -> Eval<Value> {
        self.step(wanted)?;
        match (&value.kind, ty) {
            (_, Type::Error | Type::Json | Type::Range(_)) => Ok(value),
            // A profile's paths into an object are not known to lead anywhere before they are laid over it.
            (Kind::Fields(fields), Type::Object) => {
                let text = |name: &str| fields.get(name).and_then(|value| value.as_str().cloned());
                let id = text("apiVersion").zip(text("kind"));
                match id.and_then(|id| self.kinds.get(&id).cloned()) {
                    Some(record) => self.conform_record(value, &record, wanted),
                    None => Ok(value),
                }
            }
            (Kind::Null, _) if ty.nullable() => Ok(value),
            (_, Type::Union(members)) => self.conform_to_member(value, members, ty, wanted),
            (Kind::List(_), Type::List(list)) => self.conform_list(value, list, wanted),
            (Kind::Fields(_), Type::List(list)) => match (&list.key, &list.item) {
                (Some(key), Type::Record(item)) => {
                    let item = Type::Record(Arc::new(item.keyed_by(key)));
                    let map = self.conform(value, &Type::map(Type::STRING, item), wanted)?;
                    let list_value = self.map_to_list(map, key)?;
                    self.list_rules(&list_value, list)?;
                    Ok(list_value)
                }
                _ => self.not_of(value, ty, wanted),
            },
            (Kind::Fields(fields), Type::Map(map)) => {
                let fields = fields.clone();
                let mut values = Vec::with_capacity(fields.len());
                let mut failed = false;
                for (key, one) in fields.iter() {
                    let name = Value::string(key.clone(), one.origin);
                    if let Some(Err(violation)) = types::conform_union(&name, &map.key) {
                        self.diagnostics.push(crate::check::violation(violation, one.origin));
                        failed = true;
                    }
                    match self.conform(one.clone(), &map.value, wanted) {
                        Ok(one) => values.push(one),
                        Err(Failed) => failed = true,
                    }
                }
                if failed {
                    return Err(Failed);
                }
                self.fields(Fields::new(fields.keys.clone(), values), value.deps, value.origin)
            }
            (Kind::Fields(_), Type::Record(record)) => self.conform_record(value, record, wanted),
            _ => match types::conform_scalar(&value, ty) {
                Some(Ok(value)) => Ok(value),
                Some(Err(violation)) => {
                    let mut diagnostic = crate::check::violation(violation, value.origin);
                    if value.origin != wanted && !value.origin.touches(wanted.start) {
                        diagnostic = diagnostic.related(wanted, "used here");
                    }
                    self.fail(diagnostic)
                }
                None => self.not_of(value, ty, wanted),
            },
        }
    }

    fn not_of<T>(&mut self, value: Value, ty: &Type, wanted: Span) -> Eval<T> {
        let found = match &value.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "bool",
            Kind::Int(_) => "int",
            Kind::Decimal(_) => "decimal",
            Kind::String(_) => "string",
            Kind::Quantity(quantity) => quantity.dimension.name(),
            Kind::List(_) => "a list",
            Kind::Fields(_) => "a record",
            Kind::Range(_) => "a range",
            Kind::Cluster(_) => "a cluster",
            Kind::Zone(_) => "a zone",
            Kind::Release(_) => "a release",
        };
        let mut diagnostic = Diagnostic::error("K0201", value.origin, format!("expected {ty}, found {found}"));
        if value.origin != wanted {
            diagnostic = diagnostic.related(wanted, "expected here");
        }
        self.fail(diagnostic)
    }

    fn conform_to_member(&mut self, value: Value, members: &[Type], ty: &Type, wanted: Span) -> Eval<Value> {
        match types::conform_union(&value, ty) {
            Some(Ok(value)) => return Ok(value),
            Some(Err(violation)) => {
                let diagnostic = crate::check::violation(violation, value.origin);
                return self.fail(diagnostic);
            }
            None => {}
        }
        let takes = |member: &&Type| match (&value.kind, member) {
            (Kind::List(_), Type::List(_)) | (Kind::Fields(_), Type::Map(_)) => true,
            (_, Type::Json | Type::Range(_)) | (Kind::Fields(_), Type::Object) => true,
            (Kind::Fields(_), Type::List(list)) => list.key.is_some(),
            // The field of literals says which record is meant.
            (Kind::Fields(fields), Type::Record(record)) => record.fields().iter().all(|field| {
                match (field.ty.literals(), fields.get(&field.name).and_then(Value::as_str)) {
                    (Some(literals), Some(text)) => literals.contains(text),
                    _ => true,
                }
            }),
            _ => false,
        };
        let likely: Vec<&Type> = members.iter().filter(takes).collect();
        let known = |member: &&&Type| match (&value.kind, **member) {
            (Kind::Fields(fields), Type::Record(record)) => {
                fields.keys.iter().filter(|key| record.field(key).is_some()).count()
            }
            _ => 0,
        };
        match likely.iter().max_by_key(known) {
            Some(member) => self.conform(value, member, wanted),
            None => self.not_of(value, ty, wanted),
        }
    }

    fn conform_list(&mut self, value: Value, list: &ListType, wanted: Span) -> Eval<Value> {
        self.list_rules(&value, list)?;
        if matches!(list.item, Type::Error) {
            return Ok(value);
        }
        let mut items = Vec::with_capacity(value.items().len());
        let mut failed = false;
        for item in value.items() {
            match self.conform(item.clone(), &list.item, wanted) {
                Ok(item) => items.push(item),
                Err(Failed) => failed = true,
            }
        }
        if failed {
            Err(Failed)
        } else {
            self.list(items, value.deps, value.origin)
        }
    }

    fn list_rules(&mut self, value: &Value, list: &ListType) -> Eval<()> {
        let count = value.items().len() as u64;
        if list.min.is_some_and(|min| count < min) || list.max.is_some_and(|max| count > max) {
            let range = match (list.min, list.max) {
                (Some(min), Some(max)) => format!("{min} to {max}"),
                (Some(min), None) => format!("at least {min}"),
                (_, max) => format!("at most {}", max.unwrap_or_default()),
            };
            let mut diagnostic = Diagnostic::error(
                "K0301",
                value.origin,
                format!("the list has {count} elements, expected {range}"),
            );
            if let Some(span) = list.span {
                diagnostic = diagnostic.related(span, "limit set here");
            }
            return self.fail(diagnostic);
        }
        if list.unique {
            // Texts are the usual case, and the only one that grows long.
            let mut texts = std::collections::BTreeSet::new();
            let mut others: Vec<&Value> = Vec::new();
            for item in value.items() {
                let repeats = match item.as_str() {
                    Some(text) => !texts.insert(text.clone()),
                    None => others.iter().any(|other| equal(other, item)),
                };
                if item.as_str().is_none() {
                    others.push(item);
                }
                if repeats {
                    let shown = item
                        .text()
                        .map_or_else(|| "an element".into(), |text| types::shown(&text));
                    let origin = item.origin;
                    return self.fail(Diagnostic::error(
                        "K0301",
                        origin,
                        format!("{shown} stands in the list twice"),
                    ));
                }
            }
        }
        Ok(())
    }

    fn conform_record(&mut self, value: Value, record: &Arc<RecordType>, wanted: Span) -> Eval<Value> {
        let Some(fields) = value.as_fields().cloned() else {
            return Err(Failed);
        };
        let mut entries: Vec<(Arc<str>, Value)> = Vec::with_capacity(fields.len());
        let mut failed = false;
        for (key, one) in fields.iter() {
            let object = record.object.is_some() && matches!(&**key, "apiVersion" | "kind");
            let Some(field) = record.field(key) else {
                if object {
                    entries.push((key.clone(), one.clone()));
                    continue;
                }
                let on = Type::Record(record.clone());
                let mut diagnostic = Diagnostic::error("K0204", one.origin, format!("unknown field `{key}` on {on}"));
                if let Some(better) = nearest(key, record.fields().iter().map(|field| &*field.name)) {
                    diagnostic = diagnostic.help(format!("did you mean `{better}`?"));
                }
                self.diagnostics.push(diagnostic);
                failed = true;
                continue;
            };
            if one.is_null() && matches!(field.presence, Presence::Optional) {
                continue;
            }
            match self.conform(one.clone(), &field.ty, wanted) {
                Ok(one) => entries.push((key.clone(), one)),
                Err(Failed) => failed = true,
            }
        }
        for field in record.fields() {
            if fields.get(&field.name).is_some() {
                continue;
            }
            match &field.presence {
                Presence::Required => {
                    let on = Type::Record(record.clone());
                    let mut diagnostic =
                        Diagnostic::error("K0202", value.origin, format!("`{}` is required in {on}", field.name));
                    if let Some(span) = field.span {
                        diagnostic = diagnostic.related(span, "declared here");
                    }
                    self.diagnostics.push(diagnostic);
                    failed = true;
                }
                Presence::Default(cell) => match self.shared_default(cell) {
                    Ok(one) => entries.push((field.name.clone(), one)),
                    Err(Failed) => failed = true,
                },
                Presence::Optional => {}
            }
        }
        if failed {
            Err(Failed)
        } else {
            self.fields(Fields::from_entries(entries), value.deps, value.origin)
        }
    }

    /// A default's expression is a constant in all but a few cases; those are evaluated from a copy.
    fn shared_default(&mut self, cell: &Arc<std::sync::OnceLock<crate::hir::Expr>>) -> Eval<Value> {
        let Some(expr) = cell.get() else { return Err(Failed) };
        if let crate::hir::Kind::Const(value) = &expr.kind {
            return Ok(value.clone());
        }
        let key = Arc::as_ptr(cell) as usize;
        if let Some(known) = self.defaults.get(&key) {
            return Ok(known.clone());
        }
        // The program holds every default that a type of it has, so the reference lives as long as the program.
        let expr = self
            .program
            .defaults
            .iter()
            .find(|known| Arc::ptr_eq(known, cell))
            .and_then(|known| known.get());
        let Some(expr) = expr else { return Err(Failed) };
        let context = std::mem::take(&mut self.context);
        let base = std::mem::replace(&mut self.base, self.frame.len());
        let value = self.eval(expr);
        self.base = base;
        self.context = context;
        let value = value?;
        self.defaults.insert(key, value.clone());
        Ok(value)
    }
}
