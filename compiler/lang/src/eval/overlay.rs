//! Laying changes over values: profiles, and `with`. What is replaced is never evaluated.

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_syntax::{Diagnostic, Span};

use super::{Eval, Evaluator, Failed};
use crate::hir::{Change, Expr, Kind as H, Setting};
use crate::value::{Deps, Fields, Kind, Value};

/// Changes by path.
#[derive(Clone, Debug, Default)]
pub(super) struct Overlay<'p> {
    replace: Option<(Replace<'p>, Span)>,
    only: Option<(&'p Expr, bool)>,
    below: BTreeMap<Arc<str>, Overlay<'p>>,
    /// Whether this is a key of a map: then it must be there for anything below it.
    map: bool,
    span: Option<Span>,
}

#[derive(Clone, Debug)]
enum Replace<'p> {
    /// An expression, and whether it stands in a profile, where there are no locals.
    Set(&'p Expr, bool),
    Unset,
}

impl<'p> Overlay<'p> {
    /// Adds a change; what was set below its path before goes.
    pub fn insert(&mut self, setting: &'p Setting, profile: bool) {
        let mut at = self;
        at.span.get_or_insert(setting.span);
        for step in &setting.path {
            at = at.below.entry(step.key.clone()).or_default();
            at.map = step.map;
            at.span.get_or_insert(setting.span);
        }
        match &setting.change {
            Change::Set(value) => {
                at.replace = Some((Replace::Set(value, profile), setting.span));
                at.below.clear();
                at.only = None;
            }
            Change::Unset => {
                at.replace = Some((Replace::Unset, setting.span));
                at.below.clear();
                at.only = None;
            }
            Change::Only(keys) => at.only = Some((keys, profile)),
        }
    }

    /// The changes below a key.
    pub fn get(&self, key: &str) -> Option<&Overlay<'p>> {
        self.below.get(key)
    }

    /// Adds the changes of another, which go before these.
    pub fn merge(&mut self, later: Overlay<'p>) {
        if later.replace.is_some() {
            *self = later;
            return;
        }
        if later.only.is_some() {
            self.only = later.only;
        }
        for (key, below) in later.below {
            match self.below.get_mut(&key) {
                Some(known) => known.merge(below),
                None => {
                    self.below.insert(key, below);
                }
            }
        }
    }
}

impl<'p> Evaluator<'p> {
    /// An expression with changes laid over. `None`: it was unset.
    pub(super) fn laid_over(&mut self, expr: &'p Expr, overlay: &Overlay<'p>) -> Eval<Option<Value>> {
        self.step(expr.span)?;
        let base = match &overlay.replace {
            Some((Replace::Unset, _)) => None,
            Some((Replace::Set(value, profile), _)) => Some(self.replacement(value, *profile)?),
            None => match &expr.kind {
                // Only what stays is evaluated.
                H::Record { keys, values } if overlay.only.is_none() => {
                    let mut entries: Vec<(Arc<str>, Value)> = Vec::new();
                    let mut failed = false;
                    let mut rest = Overlay {
                        below: overlay.below.clone(),
                        span: overlay.span,
                        ..Overlay::default()
                    };
                    for (key, value) in keys.iter().zip(values) {
                        let made = match rest.below.remove(key) {
                            Some(below) => self.laid_over(&value.value, &below),
                            None => self.eval(&value.value).map(Some),
                        };
                        match made {
                            Ok(Some(made)) if !(value.optional && made.is_null()) => entries.push((key.clone(), made)),
                            Ok(_) => {}
                            Err(Failed) => failed = true,
                        }
                    }
                    if failed {
                        return Err(Failed);
                    }
                    let base = self.fields(Fields::from_entries(entries), Deps::default(), expr.span)?;
                    return self.apply(base, &rest).map(Some);
                }
                H::Conform { value, ty } => {
                    return match self.laid_over(value, overlay)? {
                        Some(made) => self.conform(made, ty, expr.span).map(Some),
                        None => Ok(None),
                    };
                }
                H::MapToList { value, key } => {
                    return match self.laid_over(value, overlay)? {
                        Some(made) => self.map_to_list(made, key).map(Some),
                        None => Ok(None),
                    };
                }
                H::Object { ty, object, fields } => {
                    return match self.laid_over(fields, overlay)? {
                        Some(made) => self.object(made, ty, object, expr.span).map(Some),
                        None => Ok(None),
                    };
                }
                _ => Some(self.eval(expr)?),
            },
        };
        match base {
            Some(base) => self.apply(base, overlay).map(Some),
            None => Ok(None),
        }
    }

    /// What replaces a value, or adds one where there was none.
    fn replacement(&mut self, value: &'p Expr, profile: bool) -> Eval<Value> {
        if !profile {
            return self.eval(value);
        }
        let context = std::mem::take(&mut self.context);
        let base = std::mem::replace(&mut self.base, self.frame.len());
        let made = self.eval(value);
        self.base = base;
        self.context = context;
        made
    }

    /// A field that the declaration does not give, with changes laid over.
    pub(super) fn laid_over_nothing(&mut self, overlay: &Overlay<'p>, span: Span) -> Eval<Option<Value>> {
        match &overlay.replace {
            Some((Replace::Unset, _)) => Ok(None),
            Some((Replace::Set(value, profile), _)) => {
                let base = self.replacement(value, *profile)?;
                self.apply(base, overlay).map(Some)
            }
            None => {
                let origin = overlay.span.unwrap_or(span);
                let empty = Value::new(Kind::Fields(Arc::new(Fields::empty())), origin);
                self.apply(empty, overlay).map(Some)
            }
        }
    }

    /// Changes below a value.
    fn apply(&mut self, base: Value, overlay: &Overlay<'p>) -> Eval<Value> {
        if overlay.below.is_empty() && overlay.only.is_none() {
            return Ok(base);
        }
        let place = overlay.span.unwrap_or(base.origin);
        let fields = match &base.kind {
            Kind::Fields(fields) => fields.clone(),
            Kind::Null => Arc::new(Fields::empty()),
            _ => {
                let message = "this path leads into a value that has no fields";
                return self.fail(
                    Diagnostic::error("K0501", place, message)
                        .related(base.origin, "the value")
                        .help("lists are replaced whole"),
                );
            }
        };
        let mut entries: BTreeMap<Arc<str>, Value> = fields.to_entries().into_iter().collect();
        if let Some((keys, profile)) = &overlay.only {
            let kept = self.replacement(keys, *profile)?;
            let mut wanted = std::collections::BTreeSet::new();
            for key in kept.items() {
                let text = key.as_str().cloned().ok_or(Failed)?;
                if !entries.contains_key(&text) {
                    let origin = key.origin;
                    return self.absent_key(&text, &fields, origin);
                }
                wanted.insert(text);
            }
            entries.retain(|key, _| wanted.contains(key));
        }
        let mut failed = false;
        for (key, below) in &overlay.below {
            let place = below.span.unwrap_or(place);
            let changed = match (entries.remove(key), &below.replace) {
                (_, Some((Replace::Set(value, profile), _))) => match self.replacement(value, *profile) {
                    Ok(value) => self.apply(value, below).map(Some),
                    Err(failed) => Err(failed),
                },
                (Some(_), Some((Replace::Unset, _))) => Ok(None),
                (None, Some((Replace::Unset, _))) if below.map => self.absent_key(key, &fields, place),
                (None, Some((Replace::Unset, _))) => Ok(None),
                (Some(value), None) => self.apply(value, below).map(Some),
                (None, None) if below.map => self.absent_key(key, &fields, place),
                (None, None) => {
                    let empty = Value::new(Kind::Fields(Arc::new(Fields::empty())), place);
                    self.apply(empty, below).map(Some)
                }
            };
            match changed {
                Ok(Some(value)) => {
                    entries.insert(key.clone(), value);
                }
                Ok(None) => {}
                Err(Failed) => failed = true,
            }
        }
        if failed {
            return Err(Failed);
        }
        self.fields(
            Fields::from_entries(entries.into_iter().collect()),
            base.deps,
            base.origin,
        )
    }

    fn absent_key<T>(&mut self, key: &str, fields: &Fields, span: Span) -> Eval<T> {
        let keys: Vec<&str> = fields.keys.iter().take(12).map(|key| &**key).collect();
        let mut diagnostic = Diagnostic::error("K0501", span, format!("there is no key {}", crate::types::shown(key)));
        diagnostic = match (crate::names::nearest(key, keys.iter().copied()), keys.is_empty()) {
            (Some(better), _) => diagnostic.help(format!("did you mean `{better}`?")),
            (None, true) => diagnostic.help("the map is empty"),
            (None, false) => diagnostic.help(format!("keys are {}", keys.join(", "))),
        };
        self.fail(diagnostic)
    }
}
