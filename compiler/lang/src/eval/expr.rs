//! Expressions.

use std::sync::Arc;

use ktl_syntax::ast::UnaryOp;
use ktl_syntax::{Diagnostic, Span};

use super::rules::step_into;
use super::{Eval, Evaluator, Failed, Owner};
use crate::hir::{Clause, Entry, Expr, FieldValue, HandlePart, ImagePart, Item, Kind as H, Part};
use crate::number;
use crate::types::{self, ObjectKind, Presence, RecordType};
use crate::value::{Deps, Fields, Kind, Value, equal};

impl<'p> Evaluator<'p> {
    pub(super) fn eval(&mut self, expr: &'p Expr) -> Eval<Value> {
        self.step(expr.span)?;
        match &expr.kind {
            H::Const(value) => Ok(value.clone()),
            H::Local(slot) => self.frame.get(self.base + *slot as usize).cloned().ok_or(Failed),
            _ => stacker::maybe_grow(128 << 10, 2 << 20, || self.eval_inner(expr)),
        }
    }

    fn eval_inner(&mut self, expr: &'p Expr) -> Eval<Value> {
        let span = expr.span;
        match &expr.kind {
            H::Error => Err(Failed),
            H::Poisoned(inner) => {
                let _ = self.eval(inner);
                Err(Failed)
            }
            H::Const(value) => Ok(value.clone()),
            H::Default(presence) => match presence {
                Presence::Default(cell) => self.default(cell),
                _ => Err(Failed),
            },
            H::Text(parts) => self.text(parts, span),
            H::Local(slot) => self.frame.get(self.base + *slot as usize).cloned().ok_or(Failed),
            H::Let(id) => self.let_value(*id, span),
            H::Input(id) => self.input_value(*id, span),
            H::Cluster(index) => Ok(Value::new(Kind::Cluster(*index), span)),
            H::Zone(index) => Ok(Value::new(Kind::Zone(*index), span)),
            H::Release(id) => Ok(Value {
                origin: span,
                ..self.members(*id, None, span)?
            }),
            H::Inner(id) => {
                let parent = self.context.component;
                Ok(Value {
                    origin: span,
                    ..self.members(*id, parent, span)?
                })
            }
            H::Param(index) => match self.context.component {
                Some(inst) => self.param(inst, *index, span),
                None => Err(Failed),
            },
            H::CompLet(id) => match self.context.component {
                Some(inst) => self.component_let(inst, *id, span),
                None => Err(Failed),
            },
            H::FamilyKey => self.family(|instance| instance.key.clone()),
            H::FamilyValue => self.family(|instance| instance.value.clone()),
            H::SelfRelease => match self.context.this {
                Some(inst) => Ok(Value::new(Kind::Release(inst.0), span)),
                None => Err(Failed),
            },
            H::StackName => {
                let name = self
                    .program
                    .header
                    .as_ref()
                    .map(|header| header.name.clone())
                    .ok_or(Failed)?;
                Ok(Value::string(name, span))
            }
            H::Field {
                base,
                name,
                optional,
                key,
            } => {
                let base = self.eval(base)?;
                self.field(base, name, *optional, *key, span)
            }
            H::Index { base, index, optional } => {
                let base = self.eval(base)?;
                let index = self.eval(index)?;
                self.index(base, index, *optional, span)
            }
            H::Handle { base, part } => {
                let base = self.eval(base)?;
                self.handle(base, *part, span)
            }
            H::ImagePart { base, part } => {
                let base = self.eval(base)?;
                let Some(text) = base.as_str() else {
                    return Ok(Value { origin: span, ..base });
                };
                // Manifests and charts may hold what is no image: then all of it is the repository.
                let parts = types::image_parts(text).unwrap_or(types::ImageParts {
                    registry: None,
                    repository: text,
                    tag: None,
                    digest: None,
                });
                let found = match part {
                    ImagePart::Registry => parts.registry,
                    ImagePart::Repository => Some(parts.repository),
                    ImagePart::Tag => parts.tag,
                    ImagePart::Digest => parts.digest,
                };
                let kind = found.map_or(Kind::Null, |text| Kind::String(text.into()));
                Ok(Value {
                    kind,
                    deps: base.deps,
                    origin: span,
                })
            }
            H::Output { base, name, site } => {
                let base = self.eval(base)?;
                let Kind::Release(inst) = base.kind else {
                    return Ok(Value { origin: span, ..base });
                };
                let value = self.output(super::InstId(inst), name, span)?;
                // An output carries its release only: whatever that was made of comes before it anyway.
                let value = strip(value);
                let dep = self.deps.one((super::InstId(inst), *site));
                let deps = self.deps.union(dep, base.deps);
                Ok(self.with_deps(value, deps))
            }
            H::Call { function, args } => {
                let program = self.program;
                let declared = program.fns.get(function.index()).ok_or(Failed)?;
                let mut values = Vec::with_capacity(args.len());
                for arg in args {
                    values.push(match arg {
                        Some(arg) => Some(self.eval(arg)?),
                        None => None,
                    });
                }
                let owner = self.switch_owner(Owner::Fn(*function));
                let base = std::mem::replace(&mut self.base, self.frame.len());
                let context = std::mem::take(&mut self.context);
                let start = self.base;
                let result = (|| {
                    for (value, default) in values.into_iter().zip(&declared.params) {
                        let value = match (value, default) {
                            (Some(value), _) => value,
                            (None, Some(default)) => {
                                let end = self.frame.len();
                                let base = std::mem::replace(&mut self.base, end);
                                let value = self.eval(default);
                                self.base = base;
                                value?
                            }
                            (None, None) => return Err(Failed),
                        };
                        self.frame.push(value);
                    }
                    self.eval(&declared.body)
                })();
                self.frame.truncate(start);
                self.base = base;
                self.context = context;
                self.switch_owner(owner);
                result
            }
            H::Builtin { function, args } => {
                let mut values = Vec::with_capacity(args.len());
                for arg in args {
                    values.push(self.eval(arg)?);
                }
                self.builtin(*function, values, args, span)
            }
            H::Record { keys, values } => self.record(keys, values, span),
            H::Entries(entries) => self.entries(entries, span),
            H::List(items) => self.items(items, span),
            H::ListFor { clauses, body } => {
                let mut items = Vec::new();
                let mut deps = Deps::default();
                let looped = self.each(clauses, &mut deps, &mut |evaluator| {
                    items.push(evaluator.eval(body)?);
                    Ok(())
                });
                looped?;
                self.list(items, deps, span)
            }
            H::MapFor { clauses, key, value } => {
                let mut entries: Vec<(Arc<str>, Value)> = Vec::new();
                let mut deps = Deps::default();
                let mut key_deps = Deps::default();
                let mut places: std::collections::BTreeMap<Arc<str>, Span> = std::collections::BTreeMap::new();
                let looped = self.each(clauses, &mut deps, &mut |evaluator| {
                    let made = evaluator.eval(key)?;
                    key_deps = evaluator.deps.union(key_deps, made.deps);
                    let text = made.as_str().cloned().ok_or(Failed)?;
                    if places.insert(text.clone(), made.origin).is_some() {
                        let message = format!("key {} is made twice", types::shown(&text));
                        return evaluator.fail(
                            Diagnostic::error("K0102", key.span, message)
                                .help("keys of a map are distinct: add to the key what tells its elements apart"),
                        );
                    }
                    let made = evaluator.eval(&value.value)?;
                    entries.push((text, made));
                    Ok(())
                });
                looped?;
                let deps = self.deps.union(deps, key_deps);
                self.fields(Fields::from_entries(entries), deps, span)
            }
            H::If {
                condition,
                then,
                otherwise,
            } => {
                let condition = self.eval(condition)?;
                let branch = if matches!(condition.kind, Kind::Bool(true)) {
                    then
                } else {
                    otherwise
                };
                let value = self.eval(branch)?;
                Ok(self.with_deps(value, condition.deps))
            }
            H::Match { subject, arms } => {
                let subject = self.eval(subject)?;
                for (pattern, value) in arms {
                    if pattern.as_ref().is_none_or(|pattern| equal(pattern, &subject)) {
                        let value = self.eval(value)?;
                        return Ok(self.with_deps(value, subject.deps));
                    }
                }
                // The checker saw to it that some arm matches, unless the value is not of its type.
                Err(Failed)
            }
            H::With { base, settings } => {
                let mut overlay = super::Overlay::default();
                for setting in settings {
                    overlay.insert(setting, false);
                }
                let value = self.laid_over(base, &overlay)?;
                Ok(value.unwrap_or_else(|| Value::null(span)))
            }
            H::Conform { value, ty } => {
                let value = self.eval(value)?;
                self.conform(value, ty, span)
            }
            H::MapToList { value, key } => {
                let value = self.eval(value)?;
                self.map_to_list(value, key)
            }
            H::Object { ty, object, fields } => {
                let value = self.eval(fields)?;
                self.object(value, ty, object, span)
            }
            H::Plan(table) => self.plan_list(*table),
            H::Profile => Ok(match &self.profile {
                Some(profile) => Value::string(profile.as_str(), span),
                None => Value::null(span),
            }),
            H::Step { base, key } => {
                let base = self.eval(base)?;
                let key = self.eval(key)?;
                Ok(step_into(base, &key, span))
            }
            H::Elements { source, pair } => {
                let source = self.eval(source)?;
                self.untyped_elements(source, *pair, span)
            }
            H::Show(value) => {
                let value = self.eval(value)?;
                let text = match value.as_str() {
                    Some(text) => text.to_string(),
                    None => value.to_json().to_string(),
                };
                self.string(text, value.deps, span)
            }
            H::And(left, right) | H::Or(left, right) => {
                let stop = matches!(expr.kind, H::Or(..));
                let left = self.eval(left)?;
                if matches!(left.kind, Kind::Bool(flag) if flag == stop) {
                    return Ok(Value { origin: span, ..left });
                }
                let right = self.eval(right)?;
                let deps = left.deps;
                Ok(self.with_deps(Value { origin: span, ..right }, deps))
            }
            H::Coalesce(left, right) => {
                let left = self.eval(left)?;
                if !left.is_null() {
                    return Ok(left);
                }
                let right = self.eval(right)?;
                Ok(self.with_deps(right, left.deps))
            }
            H::Binary { op, left, right } => {
                let left = self.eval(left)?;
                let right = self.eval(right)?;
                self.binary(*op, left, right, span)
            }
            H::Unary { op, operand } => {
                let operand = self.eval(operand)?;
                let kind = match (op, &operand.kind) {
                    (UnaryOp::Not, Kind::Bool(flag)) => Kind::Bool(!flag),
                    (UnaryOp::Negate, Kind::Int(number)) => match number.checked_neg() {
                        Some(number) => Kind::Int(number),
                        None => return self.overflow(span),
                    },
                    (UnaryOp::Negate, Kind::Decimal(number)) => Kind::Decimal(-*number),
                    (UnaryOp::Negate, Kind::Quantity(quantity)) => {
                        Kind::Quantity(Arc::new(number::computed(quantity.dimension, -quantity.amount)))
                    }
                    _ => return Err(Failed),
                };
                Ok(Value {
                    kind,
                    deps: operand.deps,
                    origin: span,
                })
            }
        }
    }

    pub(super) fn default(&mut self, cell: &'p std::sync::OnceLock<Expr>) -> Eval<Value> {
        let Some(expr) = cell.get() else { return Err(Failed) };
        let context = std::mem::take(&mut self.context);
        let base = std::mem::replace(&mut self.base, self.frame.len());
        let value = self.eval(expr);
        self.base = base;
        self.context = context;
        value
    }

    fn family(&self, part: impl Fn(&super::Instance<'p>) -> Option<Value>) -> Eval<Value> {
        let instance = self.context.this.and_then(|inst| self.instances.get(inst.index()));
        instance.and_then(part).ok_or(Failed)
    }

    fn text(&mut self, parts: &'p [Part], span: Span) -> Eval<Value> {
        let mut whole = String::new();
        let mut deps = Deps::default();
        let mut failed = false;
        for part in parts {
            match part {
                Part::Text(text) => whole.push_str(text),
                Part::Hole(hole) => match self.eval(hole) {
                    Ok(value) => {
                        deps = self.deps.union(deps, value.deps);
                        whole.push_str(&value.text().ok_or(Failed)?);
                    }
                    Err(Failed) => failed = true,
                },
            }
        }
        if failed {
            Err(Failed)
        } else {
            self.string(whole, deps, span)
        }
    }

    pub(super) fn field(
        &mut self,
        base: Value,
        name: &Arc<str>,
        optional: bool,
        required: bool,
        span: Span,
    ) -> Eval<Value> {
        match &base.kind {
            Kind::Null => Ok(Value {
                kind: Kind::Null,
                deps: base.deps,
                origin: span,
            }),
            Kind::Fields(fields) => match fields.get(name) {
                Some(value) => Ok(self.with_deps(value.clone(), base.deps)),
                // An optional field, or a key that `?.` asks for; `map.key` asks for what must be there.
                None if optional || !required => Ok(Value {
                    kind: Kind::Null,
                    deps: base.deps,
                    origin: span,
                }),
                None => {
                    let key = Value::string(name.clone(), span);
                    self.index(base, key, false, span)
                }
            },
            _ => Err(Failed),
        }
    }

    fn index(&mut self, base: Value, index: Value, optional: bool, span: Span) -> Eval<Value> {
        let deps = self.deps.union(base.deps, index.deps);
        let absent = Value {
            kind: Kind::Null,
            deps,
            origin: span,
        };
        match (&base.kind, &index.kind) {
            (Kind::Null, _) => Ok(absent),
            (Kind::Fields(fields), Kind::String(key)) => match fields.get(key) {
                Some(value) => Ok(self.with_deps(value.clone(), deps)),
                None if optional => Ok(absent),
                None => {
                    let keys: Vec<&str> = fields.keys.iter().map(|key| &**key).collect();
                    let message = match keys.as_slice() {
                        [] => format!("there is no key {}: the map is empty", types::shown(key)),
                        keys if keys.len() <= 12 => {
                            format!("there is no key {}: keys are {}", types::shown(key), keys.join(", "))
                        }
                        keys => format!("there is no key {} among {} keys", types::shown(key), keys.len()),
                    };
                    let mut diagnostic = Diagnostic::error("K0406", span, message);
                    diagnostic = match crate::names::nearest(key, keys.iter().copied()) {
                        Some(better) => diagnostic.help(format!("did you mean \"{better}\"?")).fix(
                            format!("replace by \"{better}\""),
                            index.origin,
                            format!("\"{better}\""),
                        ),
                        None => diagnostic.help("where a key may be missing, ask with `?[…]`"),
                    };
                    self.fail(diagnostic)
                }
            },
            (Kind::List(list), Kind::Int(number)) => {
                let found = usize::try_from(*number).ok().and_then(|at| list.items.get(at));
                match found {
                    Some(value) => Ok(self.with_deps(value.clone(), deps)),
                    None if optional => Ok(absent),
                    None => {
                        let count = list.items.len();
                        let message = format!("there is no element {number}: the list has {count}, counted from 0");
                        self.fail(
                            Diagnostic::error("K0406", span, message).help("where it may be missing, ask with `?[…]`"),
                        )
                    }
                }
            }
            _ => Err(Failed),
        }
    }

    fn handle(&mut self, base: Value, part: HandlePart, span: Span) -> Eval<Value> {
        let program = self.program;
        match base.kind {
            Kind::Null => Ok(Value { origin: span, ..base }),
            Kind::Release(inst) => {
                let inst = super::InstId(inst);
                let value = match part {
                    HandlePart::Name => self.name_of(inst, span)?,
                    HandlePart::Namespace => self.namespace_of(inst, span)?,
                    HandlePart::Cluster => self.cluster_of(inst, span)?,
                };
                Ok(Value {
                    origin: span,
                    deps: base.deps,
                    ..value
                })
            }
            Kind::Cluster(index) => {
                let name = program
                    .clusters
                    .get(index as usize)
                    .map_or_else(|| Arc::from("default"), |item| item.name.clone());
                Ok(Value {
                    kind: Kind::String(name),
                    deps: base.deps,
                    origin: span,
                })
            }
            Kind::Zone(index) => {
                let name = program
                    .zones
                    .get(index as usize)
                    .map(|item| item.name.clone())
                    .ok_or(Failed)?;
                Ok(Value {
                    kind: Kind::String(name),
                    deps: base.deps,
                    origin: span,
                })
            }
            _ => Err(Failed),
        }
    }

    fn record(&mut self, keys: &Arc<[Arc<str>]>, values: &'p [FieldValue], span: Span) -> Eval<Value> {
        let mut made = Vec::with_capacity(values.len());
        let mut failed = false;
        let mut absent = false;
        for value in values {
            // Others are evaluated all the same, for their own mistakes.
            match self.eval(&value.value) {
                Ok(one) => {
                    absent |= value.optional && one.is_null();
                    made.push(one);
                }
                Err(Failed) => failed = true,
            }
        }
        if failed {
            return Err(Failed);
        }
        if !absent {
            return self.fields(Fields::new(keys.clone(), made), Deps::default(), span);
        }
        let mut deps = Deps::default();
        let mut kept_keys = Vec::with_capacity(made.len());
        let mut kept = Vec::with_capacity(made.len());
        for ((key, value), field) in keys.iter().zip(made).zip(values) {
            if field.optional && value.is_null() {
                // That it is absent may come from a reference as well.
                deps = self.deps.union(deps, value.deps);
                continue;
            }
            kept_keys.push(key.clone());
            kept.push(value);
        }
        self.fields(Fields::new(kept_keys.into(), kept), deps, span)
    }

    fn entries(&mut self, entries: &'p [Entry], span: Span) -> Eval<Value> {
        let mut made: Vec<(Arc<str>, Value)> = Vec::new();
        let mut known: std::collections::BTreeMap<Arc<str>, Span> = std::collections::BTreeMap::new();
        let mut deps = Deps::default();
        let mut failed = false;
        for entry in entries {
            // Key, place, value, and whether null leaves it out.
            type Added = Vec<(Arc<str>, Span, Value, bool)>;
            let added: Eval<Added> = (|| {
                Ok(match entry {
                    Entry::Field { key, span, value } => {
                        vec![(key.clone(), *span, self.eval(&value.value)?, value.optional)]
                    }
                    Entry::Computed { key, value } => {
                        let made = self.eval(key)?;
                        deps = self.deps.union(deps, made.deps);
                        let text = made.as_str().cloned().ok_or(Failed)?;
                        vec![(text, key.span, self.eval(&value.value)?, value.optional)]
                    }
                    Entry::Spread(source) => {
                        let value = self.eval(source)?;
                        deps = self.deps.union(deps, value.deps);
                        let fields = value.as_fields().cloned().ok_or(Failed)?;
                        fields
                            .iter()
                            .map(|(key, value)| (key.clone(), source.span, value.clone(), false))
                            .collect()
                    }
                })
            })();
            let Ok(added) = added else {
                failed = true;
                continue;
            };
            for (key, place, value, optional) in added {
                if optional && value.is_null() {
                    deps = self.deps.union(deps, value.deps);
                    continue;
                }
                if let Some(first) = known.get(&key) {
                    self.diagnostics.push(
                        Diagnostic::error("K0102", place, format!("`{key}` is given twice"))
                            .related(*first, "first given here")
                            .help("to change what is there, lay it over: `base with { … }`"),
                    );
                    failed = true;
                    continue;
                }
                known.insert(key.clone(), place);
                made.push((key, value));
            }
        }
        if failed {
            Err(Failed)
        } else {
            self.fields(Fields::from_entries(made), deps, span)
        }
    }

    fn items(&mut self, items: &'p [Item], span: Span) -> Eval<Value> {
        let mut made = Vec::with_capacity(items.len());
        let mut deps = Deps::default();
        let mut failed = false;
        for item in items {
            match item {
                Item::Value(value) => match self.eval(value) {
                    Ok(value) => made.push(value),
                    Err(Failed) => failed = true,
                },
                Item::Spread(value) => match self.eval(value) {
                    Ok(value) => {
                        deps = self.deps.union(deps, value.deps);
                        made.extend(value.items().iter().cloned());
                    }
                    Err(Failed) => failed = true,
                },
            }
        }
        if failed {
            Err(Failed)
        } else {
            self.list(made, deps, span)
        }
    }

    /// Runs a body for each combination of the clauses' elements, with their variables on the frame.
    pub(super) fn each(
        &mut self,
        clauses: &'p [Clause],
        deps: &mut Deps,
        body: &mut dyn FnMut(&mut Self) -> Eval<()>,
    ) -> Eval<()> {
        let Some((clause, rest)) = clauses.split_first() else {
            return body(self);
        };
        let source = self.eval(&clause.source)?;
        *deps = self.deps.union(*deps, source.deps);
        let top = self.frame.len();
        let bindings = self.elements(&source, clause.pair, clause.source.span)?;
        for (first, second) in bindings {
            self.step(clause.source.span)?;
            match (clause.pair, second) {
                (true, Some(second)) => {
                    self.frame.push(first);
                    self.frame.push(second);
                }
                (true, None) | (false, _) => self.frame.push(first),
            }
            let result = (|| {
                if let Some(condition) = &clause.condition {
                    let condition = self.eval(condition)?;
                    *deps = self.deps.union(*deps, condition.deps);
                    if !matches!(condition.kind, Kind::Bool(true)) {
                        return Ok(());
                    }
                }
                self.each(rest, deps, body)
            })();
            self.frame.truncate(top);
            result?;
        }
        Ok(())
    }

    /// What a loop binds: elements of a list with their index (the pair's first), keys and values of a map.
    pub(super) fn elements(&mut self, source: &Value, pair: bool, span: Span) -> Eval<Vec<(Value, Option<Value>)>> {
        Ok(match &source.kind {
            Kind::List(list) if pair => list
                .items
                .iter()
                .enumerate()
                .map(|(index, item)| (Value::new(Kind::Int(index as i64), item.origin), Some(item.clone())))
                .collect(),
            Kind::List(list) => list.items.iter().map(|item| (item.clone(), None)).collect(),
            Kind::Fields(fields) => fields
                .iter()
                .map(|(key, value)| (Value::string(key.clone(), value.origin), Some(value.clone())))
                .collect(),
            Kind::Range(range) => {
                let (Kind::Int(from), Kind::Int(to)) = (&range.0.kind, &range.1.kind) else {
                    return Err(Failed);
                };
                self.int_range(*from, *to, span)?
                    .into_iter()
                    .map(|value| (value, None))
                    .collect()
            }
            _ => return Err(Failed),
        })
    }

    /// The whole numbers of a range, both ends included.
    pub(super) fn int_range(&mut self, from: i64, to: i64, span: Span) -> Eval<Vec<Value>> {
        let count = if to < from {
            0
        } else {
            to.abs_diff(from).saturating_add(1)
        };
        if count > u64::from(crate::limits::VALUE_WEIGHT) {
            return self.fail(Diagnostic::error(
                "K0902",
                span,
                format!("a range of {count} numbers is too long"),
            ));
        }
        Ok((0..count)
            .map(|offset| Value::new(Kind::Int(from.saturating_add_unsigned(offset)), span))
            .collect())
    }

    pub(super) fn map_to_list(&mut self, value: Value, key: &Arc<str>) -> Eval<Value> {
        let Some(fields) = value.as_fields().cloned() else {
            return Ok(value);
        };
        let mut items = Vec::with_capacity(fields.len());
        for (name, item) in fields.iter() {
            let Some(inner) = item.as_fields() else {
                return Err(Failed);
            };
            if inner.get(key).is_some() {
                items.push(item.clone());
                continue;
            }
            let mut entries = inner.to_entries();
            entries.push((key.clone(), Value::string(name.clone(), item.origin)));
            let made = self.fields(Fields::from_entries(entries), item.deps, item.origin)?;
            items.push(made);
        }
        self.list(items, value.deps, value.origin)
    }

    pub(super) fn object(
        &mut self,
        value: Value,
        ty: &Arc<RecordType>,
        object: &ObjectKind,
        span: Span,
    ) -> Eval<Value> {
        let ObjectKind { api_version, kind, .. } = object;
        let fields = value.as_fields().cloned().ok_or(Failed)?;
        let mut entries = fields.to_entries();
        entries.push(("apiVersion".into(), Value::string(api_version.clone(), span)));
        entries.push(("kind".into(), Value::string(kind.clone(), span)));
        let id = (api_version.clone(), kind.clone());
        self.kinds.entry(id).or_insert_with(|| ty.clone());
        self.fields(Fields::from_entries(entries), value.deps, span)
    }
}

/// A value without the references it was computed from.
fn strip(value: Value) -> Value {
    fn any(value: &Value) -> bool {
        value.deps != Deps::default()
            || match &value.kind {
                Kind::List(list) => list.items.iter().any(any),
                Kind::Fields(fields) => fields.values.iter().any(any),
                _ => false,
            }
    }
    if !any(&value) {
        return value;
    }
    let kind = match value.kind {
        Kind::List(list) => Kind::List(Arc::new(crate::value::List::new(
            list.items.iter().cloned().map(strip).collect(),
        ))),
        Kind::Fields(fields) => Kind::Fields(Arc::new(Fields::new(
            fields.keys.clone(),
            fields.values.iter().cloned().map(strip).collect(),
        ))),
        other => other,
    };
    Value {
        kind,
        deps: Deps::default(),
        origin: value.origin,
    }
}
