//! Built-in functions.

use std::sync::Arc;

use base64::Engine as _;
use ktl_syntax::{Diagnostic, Span};
use sha2::Digest as _;

use super::operator::compare;
use super::{Eval, Evaluator, Failed};
use crate::builtin::Builtin;
use crate::hir::Expr;
use crate::limits;
use crate::value::{Deps, Fields, Kind, Value, equal};

impl<'p> Evaluator<'p> {
    pub(super) fn builtin(
        &mut self,
        function: Builtin,
        args: Vec<Value>,
        exprs: &'p [Expr],
        span: Span,
    ) -> Eval<Value> {
        let mut deps = Deps::default();
        for arg in &args {
            deps = self.deps.union(deps, arg.deps);
        }
        // What a function reads of its elements counts as read of all of them.
        for item in args.iter().flat_map(|arg| arg.items()) {
            deps = self.deps.union(deps, item.deps);
        }
        let cost = args.iter().map(|arg| u64::from(arg.measure().0) / 8).sum::<u64>();
        self.steps += cost;
        let place = exprs.first().map_or(span, |expr| expr.span);
        let first = args.first().ok_or(Failed)?;
        let text = |index: usize| args.get(index).and_then(Value::text).ok_or(Failed);
        let of = |kind: Kind| {
            Ok(Value {
                kind,
                deps,
                origin: span,
            })
        };
        match function {
            Builtin::Keys => {
                let fields = first.as_fields().ok_or(Failed)?;
                let keys = fields
                    .iter()
                    .map(|(key, value)| Value::string(key.clone(), value.origin))
                    .collect();
                self.list(keys, first.deps, span)
            }
            Builtin::Values => {
                let values = first.as_fields().ok_or(Failed)?.values.clone();
                self.list(values, first.deps, span)
            }
            Builtin::Entries => {
                let fields = first.as_fields().ok_or(Failed)?.clone();
                let keys: Arc<[Arc<str>]> = Arc::from(["key".into(), "value".into()]);
                let mut items = Vec::with_capacity(fields.len());
                for (key, value) in fields.iter() {
                    let key = Value::string(key.clone(), value.origin);
                    let entry = Fields::new(keys.clone(), vec![key, value.clone()]);
                    items.push(self.fields(entry, Deps::default(), value.origin)?);
                }
                self.list(items, first.deps, span)
            }
            Builtin::Len => of(Kind::Int(match &first.kind {
                Kind::List(list) => list.items.len() as i64,
                Kind::Fields(fields) => fields.len() as i64,
                Kind::String(text) => text.chars().count() as i64,
                _ => return Err(Failed),
            })),
            Builtin::Sort => {
                let mut items = first.items().to_vec();
                items.sort_by(|a, b| compare(a, b).unwrap_or(std::cmp::Ordering::Equal));
                self.list(items, first.deps, span)
            }
            Builtin::Unique => {
                let mut kept: Vec<Value> = Vec::new();
                let mut texts = std::collections::BTreeSet::new();
                for item in first.items() {
                    self.step(span)?;
                    let new = match item.as_str() {
                        Some(text) => texts.insert(text.clone()),
                        None => {
                            self.steps += kept.len() as u64;
                            !kept.iter().any(|known| equal(known, item))
                        }
                    };
                    if new {
                        kept.push(item.clone());
                    }
                }
                self.list(kept, first.deps, span)
            }
            Builtin::Flatten => {
                let items: Vec<Value> = first
                    .items()
                    .iter()
                    .flat_map(|inner| inner.items().iter().cloned())
                    .collect();
                self.list(items, deps, span)
            }
            Builtin::Reverse => {
                let items = first.items().iter().rev().cloned().collect();
                self.list(items, first.deps, span)
            }
            Builtin::Range => {
                let items = match (&first.kind, args.get(1).map(|arg| &arg.kind)) {
                    (Kind::Range(range), _) => match (&range.0.kind, &range.1.kind) {
                        (Kind::Int(from), Kind::Int(to)) => self.int_range(*from, *to, place)?,
                        _ => return Err(Failed),
                    },
                    (Kind::Int(count), None) => self.int_range(0, count.saturating_sub(1), place)?,
                    (Kind::Int(from), Some(Kind::Int(to))) => self.int_range(*from, to.saturating_sub(1), place)?,
                    _ => return Err(Failed),
                };
                self.list(items, deps, span)
            }
            Builtin::Sum => {
                let mut total: Option<Value> = None;
                for item in first.items() {
                    total = Some(match total {
                        None => item.clone(),
                        Some(total) => self.add(total, item.clone(), span)?,
                    });
                }
                let kind = total.map_or(Kind::Int(0), |total| total.kind);
                of(kind)
            }
            Builtin::Min | Builtin::Max => {
                let items = match &first.kind {
                    Kind::List(list) if args.len() == 1 => list.items.as_slice(),
                    _ => args.as_slice(),
                };
                let order = |a: &&Value, b: &&Value| compare(a, b).unwrap_or(std::cmp::Ordering::Equal);
                let found = match function {
                    Builtin::Min => items.iter().min_by(order),
                    _ => items.iter().max_by(order),
                };
                match found {
                    Some(value) => of(value.kind.clone()),
                    None => {
                        let name = function.name();
                        self.fail(Diagnostic::error("K0305", place, format!("`{name}` of an empty list")))
                    }
                }
            }
            Builtin::Any => of(Kind::Bool(
                first.items().iter().any(|item| matches!(item.kind, Kind::Bool(true))),
            )),
            Builtin::All => of(Kind::Bool(
                first.items().iter().all(|item| matches!(item.kind, Kind::Bool(true))),
            )),
            Builtin::Join => {
                let separator = text(1)?;
                let parts: Option<Vec<Arc<str>>> = first.items().iter().map(Value::text).collect();
                let parts = parts.ok_or(Failed)?;
                let size: usize = parts.iter().map(|part| part.len() + separator.len()).sum();
                self.room(size, span)?;
                let joined = parts.iter().map(|part| &**part).collect::<Vec<_>>().join(&separator);
                self.string(joined, deps, span)
            }
            Builtin::Split => {
                let (whole, separator) = (text(0)?, text(1)?);
                let parts: Vec<Value> = match separator.is_empty() {
                    true => whole.chars().map(|c| Value::string(c.to_string(), span)).collect(),
                    false => whole.split(&*separator).map(|part| Value::string(part, span)).collect(),
                };
                self.list(parts, deps, span)
            }
            Builtin::Upper => self.string(text(0)?.to_uppercase(), deps, span),
            Builtin::Lower => self.string(text(0)?.to_lowercase(), deps, span),
            Builtin::Trim => self.string(text(0)?.trim().to_owned(), deps, span),
            Builtin::Replace => {
                let (whole, from, to) = (text(0)?, text(1)?, text(2)?);
                if from.is_empty() {
                    return self.string(whole.to_string(), deps, span);
                }
                let count = whole.matches(&*from).count();
                self.room(whole.len().saturating_add(count.saturating_mul(to.len())), span)?;
                self.string(whole.replace(&*from, &to), deps, span)
            }
            Builtin::Contains => {
                let second = args.get(1).ok_or(Failed)?;
                of(Kind::Bool(match &first.kind {
                    Kind::List(list) => list.items.iter().any(|item| equal(item, second)),
                    _ => text(0)?.contains(&*text(1)?),
                }))
            }
            Builtin::StartsWith => of(Kind::Bool(text(0)?.starts_with(&*text(1)?))),
            Builtin::EndsWith => of(Kind::Bool(text(0)?.ends_with(&*text(1)?))),
            Builtin::Kebab => self.string(crate::types::kebab(&text(0)?), deps, span),
            Builtin::Base64 => {
                let whole = text(0)?;
                self.string(
                    base64::engine::general_purpose::STANDARD.encode(whole.as_bytes()),
                    deps,
                    span,
                )
            }
            Builtin::Sha256 => {
                let digest = sha2::Sha256::digest(text(0)?.as_bytes());
                let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                self.string(hex, deps, span)
            }
            Builtin::Floor | Builtin::Ceil | Builtin::Round => {
                let Kind::Decimal(number) = first.kind else {
                    return Err(Failed);
                };
                let whole = match function {
                    Builtin::Floor => number.floor(),
                    Builtin::Ceil => number.ceil(),
                    _ => number.round_dp_with_strategy(0, rust_decimal::RoundingStrategy::MidpointAwayFromZero),
                };
                match i64::try_from(whole) {
                    Ok(whole) => of(Kind::Int(whole)),
                    Err(_) => self.overflow(span),
                }
            }
            Builtin::TypeOf => of(Kind::String(
                match &first.kind {
                    Kind::Null => "null",
                    Kind::Bool(_) => "bool",
                    Kind::Int(_) => "int",
                    Kind::Decimal(_) => "decimal",
                    Kind::String(_) => "string",
                    Kind::Quantity(quantity) => quantity.dimension.name(),
                    Kind::List(_) => "list",
                    Kind::Fields(_) => "record",
                    _ => "other",
                }
                .into(),
            )),
            Builtin::Format => {
                let template = text(0)?;
                match format(&template, args.get(1..).unwrap_or(&[])) {
                    Ok(made) => self.string(made, deps, span),
                    Err(problem) => self.fail(Diagnostic::error("K0203", place, problem).help(
                        "write `%s` for text, `%d` for an int, `%05d` to pad it with zeros, `%%` for a percent sign",
                    )),
                }
            }
        }
    }

    fn add(&mut self, a: Value, b: Value, span: Span) -> Eval<Value> {
        let kind = match (&a.kind, &b.kind) {
            (Kind::Int(a), Kind::Int(b)) => a.checked_add(*b).map(Kind::Int),
            (Kind::Quantity(a), Kind::Quantity(b)) => a
                .amount
                .checked_add(b.amount)
                .map(|amount| Kind::Quantity(Arc::new(crate::number::computed(a.dimension, amount)))),
            (Kind::Decimal(a), Kind::Decimal(b)) => a.checked_add(*b).map(|sum| Kind::Decimal(sum.normalize())),
            (Kind::Int(a), Kind::Decimal(b)) | (Kind::Decimal(b), Kind::Int(a)) => {
                b.checked_add((*a).into()).map(|sum| Kind::Decimal(sum.normalize()))
            }
            _ => return Err(Failed),
        };
        match kind {
            Some(kind) => Ok(Value { kind, ..a }),
            None => self.overflow(span),
        }
    }

    /// Refuses a string before it is made.
    fn room(&mut self, size: usize, span: Span) -> Eval<()> {
        if size > limits::STRING_BYTES * 2 {
            return self.fail(Diagnostic::error("K0902", span, "this string is longer than 1 MiB"));
        }
        Ok(())
    }
}

/// `%s`, `%d`, `%05d` and `%%`.
fn format(template: &str, args: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut args = args.iter();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (width, tail) = after.split_at_checked(digits).unwrap_or(("", after));
        let mut chars = tail.chars();
        match chars.next() {
            Some('%') if width.is_empty() => out.push('%'),
            Some(verb @ ('s' | 'd')) => {
                let arg = args
                    .next()
                    .ok_or_else(|| format!("{template:?} wants more arguments than it is given"))?;
                let size: usize = if width.is_empty() {
                    0
                } else {
                    width
                        .parse()
                        .ok()
                        .filter(|width| *width <= 64)
                        .ok_or("a width is at most 64")?
                };
                let text = arg.text().ok_or("an argument has no text form")?;
                if verb == 'd' && !matches!(arg.kind, Kind::Int(_)) {
                    return Err("`%d` takes an int".into());
                }
                let zeros = width.starts_with('0');
                match (verb, zeros, text.strip_prefix('-')) {
                    ('d', true, Some(digits)) => {
                        out.push('-');
                        out.push_str(&format!("{digits:0>size$}", size = size.saturating_sub(1)));
                    }
                    ('d', true, None) => out.push_str(&format!("{text:0>size$}")),
                    _ => out.push_str(&format!("{text:>size$}")),
                }
            }
            Some(other) => return Err(format!("there is no `%{other}`")),
            None => return Err("`%` stands at the end".into()),
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    match args.next() {
        Some(_) => Err(format!("{template:?} takes fewer arguments than it is given")),
        None => Ok(out),
    }
}
