//! Expressions: inferring a type, or checking against an expected one, while lowering.

use ktl_syntax::ast::{self, Expr, ExprKind};
use ktl_syntax::{Diagnostic, Span};

use super::Checker;
use super::scope::{Scope, path_of};
use crate::hir::{self, Kind};
use crate::names::nearest;
use crate::number::{self, Dimension};
use crate::types::{self, Fit, Number, Type, fit, join};
use crate::value::{Kind as V, Value};

/// Deeper expressions are refused: the parser stops brackets long before, but chains of operators have none.
const DEPTH: u32 = 2_000;

impl<'a> Checker<'a> {
    /// Lowers an expression and finds its type.
    pub(super) fn infer(&mut self, expr: &'a Expr, s: &mut Scope) -> (hir::Expr, Type) {
        if self.depth >= DEPTH {
            self.error(
                Diagnostic::error(
                    "K0007",
                    expr.span,
                    format!("this expression nests more than {DEPTH} levels"),
                )
                .help("give parts of it names with `let`"),
            );
            return (hir::Expr::error(expr.span), Type::Error);
        }
        self.depth += 1;
        let (lowered, mut ty) = stacker::maybe_grow(128 << 10, 2 << 20, || self.infer_inner(expr, s));
        self.depth -= 1;
        if !s.narrowed.is_empty()
            && matches!(
                expr.kind,
                ExprKind::Name(_) | ExprKind::Field { .. } | ExprKind::Index { .. }
            )
            && let Some(path) = path_of(expr)
            && let Some((_, narrowed)) = s.narrowed.iter().rev().find(|(known, _)| *known == path)
        {
            ty = narrowed.clone();
        }
        (lowered, ty)
    }

    fn infer_inner(&mut self, expr: &'a Expr, s: &mut Scope) -> (hir::Expr, Type) {
        let span = expr.span;
        let of = |kind: Kind| hir::Expr { kind, span };
        let constant = |kind: V| of(Kind::Const(Value::new(kind, span)));
        match &expr.kind {
            ExprKind::Null => (constant(V::Null), Type::Null),
            ExprKind::Bool(flag) => (constant(V::Bool(*flag)), Type::Bool),
            ExprKind::Number(text) => match self.number(text, span, &Type::Error) {
                Some((value, ty)) => (hir::Expr::constant(value), ty),
                None => (of(Kind::Error), Type::Error),
            },
            ExprKind::Quantity { number, unit } => self.infer_quantity(number, unit, span),
            ExprKind::Regex(_) => {
                self.error(
                    Diagnostic::error("K0201", span, "a regular expression is not a value")
                        .help("it narrows a type, such as `string(/[a-z]+/)`"),
                );
                (of(Kind::Error), Type::Error)
            }
            ExprKind::String(parts) => self.infer_string(parts, span, s),
            ExprKind::Name(name) => self.infer_name(name, span, s),
            ExprKind::Field { base, field, optional } => self.infer_field(base, field, *optional, span, s),
            ExprKind::Index { base, index, optional } => self.infer_index(base, index, *optional, span, s),
            ExprKind::Call { function, args } => self.infer_call(function, args, span, s),
            ExprKind::Construct { ty, record } => self.infer_construct(ty, record, span, s),
            ExprKind::Record(record) => self.infer_record(record, s),
            ExprKind::List(items) => self.infer_list(items, span, s),
            ExprKind::ListFor { clauses, body } => {
                let (locals, frame) = (s.locals.len(), s.frame);
                let narrowed = s.narrowed.len();
                let clauses = self.clauses(clauses, s);
                let (body, item) = self.infer(body, s);
                s.truncate(locals, frame);
                s.narrowed.truncate(narrowed);
                (
                    of(Kind::ListFor {
                        clauses,
                        body: Box::new(body),
                    }),
                    Type::list(item),
                )
            }
            ExprKind::MapFor { clauses, key, value } => {
                let (locals, frame) = (s.locals.len(), s.frame);
                let narrowed = s.narrowed.len();
                let clauses = self.clauses(clauses, s);
                let key = self.check(key, &Type::STRING, s);
                let (value, ty) = self.infer(value, s);
                s.truncate(locals, frame);
                s.narrowed.truncate(narrowed);
                let value = Box::new(hir::FieldValue { value, optional: false });
                (
                    of(Kind::MapFor {
                        clauses,
                        key: Box::new(key),
                        value,
                    }),
                    Type::map(Type::STRING, ty),
                )
            }
            ExprKind::If {
                condition,
                then,
                otherwise,
            } => {
                let narrowed = s.narrowed.len();
                let lowered = self.check(condition, &Type::Bool, s);
                self.narrow(condition, true, s);
                let (then, a) = self.infer(then, s);
                s.narrowed.truncate(narrowed);
                self.narrow(condition, false, s);
                let (otherwise, b) = self.infer(otherwise, s);
                s.narrowed.truncate(narrowed);
                let kind = Kind::If {
                    condition: Box::new(lowered),
                    then: Box::new(then),
                    otherwise: Box::new(otherwise),
                };
                (of(kind), join(a, b))
            }
            ExprKind::Match { subject, arms } => self.infer_match(subject, arms, None, span, s),
            ExprKind::With { base, settings } => {
                let (base, ty) = self.infer(base, s);
                let settings = self.with_settings(&ty, settings, s);
                let changed = hir::Expr {
                    kind: Kind::With {
                        base: Box::new(base),
                        settings,
                    },
                    span,
                };
                // What was absent is created, so its defaults are due.
                (
                    of(Kind::Conform {
                        value: Box::new(changed),
                        ty: ty.clone(),
                    }),
                    ty,
                )
            }
            ExprKind::As { value, ty } => {
                let target = self.type_expr(ty, s);
                let (value, found) = self.infer(value, s);
                if matches!(found, Type::Json) {
                    return (
                        of(Kind::Conform {
                            value: Box::new(value),
                            ty: target.clone(),
                        }),
                        target,
                    );
                }
                (self.coerce(value, &found, &target, expr), target)
            }
            ExprKind::Binary {
                op,
                op_span,
                left,
                right,
            } => self.infer_binary(*op, *op_span, left, right, span, s),
            ExprKind::Unary { op, operand } => self.infer_unary(*op, operand, span, s),
            ExprKind::Paren(inner) => self.infer(inner, s),
            ExprKind::Hole | ExprKind::Error => (of(Kind::Error), Type::Error),
        }
    }

    /// Lowers an expression where a type is expected.
    pub(super) fn check(&mut self, expr: &'a Expr, expected: &Type, s: &mut Scope) -> hir::Expr {
        if self.depth >= DEPTH {
            return self.infer(expr, s).0;
        }
        self.depth += 1;
        let lowered = stacker::maybe_grow(128 << 10, 2 << 20, || self.check_inner(expr, expected, s));
        self.depth -= 1;
        lowered
    }

    fn check_inner(&mut self, expr: &'a Expr, expected: &Type, s: &mut Scope) -> hir::Expr {
        let span = expr.span;
        let of = |kind: Kind| hir::Expr { kind, span };
        match &expr.kind {
            ExprKind::Paren(inner) => self.check(inner, expected, s),
            ExprKind::Number(text) => match self.number(text, span, expected) {
                Some((value, ty)) => self.coerce(hir::Expr::constant(value), &ty, expected, expr),
                None => of(Kind::Error),
            },
            ExprKind::Quantity { number, unit } => self.check_quantity(number, unit, expected, expr),
            ExprKind::String(parts) if matches!(expected.non_null(), Type::Number(Number::Quantity(_), _)) => {
                self.check_quoted_quantity(parts, expected, expr, s)
            }
            ExprKind::Record(record) => self.check_record(record, expected, expr, s),
            ExprKind::List(items) => match self.list_target(expected) {
                Some(item) => {
                    let items = self.items(items, &item, s);
                    self.after_literal(of(Kind::List(items)), expected)
                }
                None => {
                    let (lowered, found) = self.infer(expr, s);
                    self.coerce(lowered, &found, expected, expr)
                }
            },
            ExprKind::ListFor { clauses, body } => match self.list_target(expected) {
                Some(item) => {
                    let (locals, frame) = (s.locals.len(), s.frame);
                    let narrowed = s.narrowed.len();
                    let clauses = self.clauses(clauses, s);
                    let body = self.check(body, &item, s);
                    s.truncate(locals, frame);
                    s.narrowed.truncate(narrowed);
                    self.after_literal(
                        of(Kind::ListFor {
                            clauses,
                            body: Box::new(body),
                        }),
                        expected,
                    )
                }
                None => {
                    let (lowered, found) = self.infer(expr, s);
                    self.coerce(lowered, &found, expected, expr)
                }
            },
            ExprKind::MapFor { clauses, key, value } => {
                let Some((key_type, value_type, list_key)) = self.map_target(expected) else {
                    let (lowered, found) = self.infer(expr, s);
                    return self.coerce(lowered, &found, expected, expr);
                };
                let (locals, frame) = (s.locals.len(), s.frame);
                let narrowed = s.narrowed.len();
                let clauses = self.clauses(clauses, s);
                let key = self.check(key, &key_type, s);
                let value = self.check(value, &value_type, s);
                s.truncate(locals, frame);
                s.narrowed.truncate(narrowed);
                let value = Box::new(hir::FieldValue { value, optional: false });
                let map = of(Kind::MapFor {
                    clauses,
                    key: Box::new(key),
                    value,
                });
                match list_key {
                    Some(key) => self.after_literal(
                        of(Kind::MapToList {
                            value: Box::new(map),
                            key,
                        }),
                        expected,
                    ),
                    None => map,
                }
            }
            ExprKind::If {
                condition,
                then,
                otherwise,
            } => {
                let narrowed = s.narrowed.len();
                let lowered = self.check(condition, &Type::Bool, s);
                self.narrow(condition, true, s);
                let then = self.check(then, expected, s);
                s.narrowed.truncate(narrowed);
                self.narrow(condition, false, s);
                let otherwise = self.check(otherwise, expected, s);
                s.narrowed.truncate(narrowed);
                of(Kind::If {
                    condition: Box::new(lowered),
                    then: Box::new(then),
                    otherwise: Box::new(otherwise),
                })
            }
            ExprKind::Match { subject, arms } => self.infer_match(subject, arms, Some(expected), span, s).0,
            ExprKind::Binary {
                op: ast::BinaryOp::Coalesce,
                left,
                right,
                ..
            } => {
                let (lowered, found) = self.infer(left, s);
                let lowered = self.coerce(lowered, &found.non_null(), &expected.clone().optional(), left);
                let right = self.check(right, expected, s);
                of(Kind::Coalesce(Box::new(lowered), Box::new(right)))
            }
            _ => {
                let (lowered, found) = self.infer(expr, s);
                self.coerce(lowered, &found, expected, expr)
            }
        }
    }

    /// Makes a value of one type serve as another, or reports that it cannot.
    pub(super) fn coerce(&mut self, lowered: hir::Expr, found: &Type, expected: &Type, expr: &Expr) -> hir::Expr {
        match fit(found, expected) {
            Fit::Yes => lowered,
            Fit::Check => {
                if let Kind::Const(value) = &lowered.kind {
                    match types::conform_union(value, expected) {
                        Some(Ok(value)) => {
                            return hir::Expr {
                                kind: Kind::Const(value),
                                span: lowered.span,
                            };
                        }
                        Some(Err(violation)) => {
                            self.error(super::violation(violation, lowered.span));
                            return hir::Expr::error(lowered.span);
                        }
                        None => {}
                    }
                }
                let span = lowered.span;
                hir::Expr {
                    kind: Kind::Conform {
                        value: Box::new(lowered),
                        ty: expected.clone(),
                    },
                    span,
                }
            }
            Fit::No => {
                self.mismatch(found, expected, expr);
                hir::Expr::error(expr.span)
            }
        }
    }

    /// Reports that a value does not have the expected type, with whatever would help.
    pub(super) fn mismatch(&mut self, found: &Type, expected: &Type, expr: &Expr) {
        let span = expr.span;
        if found.nullable() && !matches!(found, Type::Null) && fit(&found.non_null(), expected) != Fit::No {
            let written = self.excerpt(span);
            let default = example(expected);
            let mut diagnostic = Diagnostic::error("K0206", span, format!("{written} may be absent"))
                .label(format!("expected {expected}, found {found}"));
            diagnostic = match default {
                Some(default) => diagnostic
                    .help(format!("add `?? {default}`, or whatever else stands in for it"))
                    .fix(format!("add `?? {default}`"), span.after(), format!(" ?? {default}")),
                None => diagnostic.help("give what stands in for it after `??`, or ask `!= null` first"),
            };
            self.error(diagnostic);
            return;
        }
        let wanted = if found.nullable() {
            expected.clone()
        } else {
            expected.non_null()
        };
        // A text is only news where other texts are expected.
        let shown = match found {
            Type::Literal(text) if expected.literals().is_none() => format!("string {}", types::shown(text)),
            other => other.to_string(),
        };
        let mut diagnostic = Diagnostic::error("K0201", span, format!("expected {wanted}, found {shown}"));
        if let Some(detail) = types::mismatch_detail(found, expected) {
            diagnostic = diagnostic.label(detail);
        }
        if let (Type::Literal(text), Some(literals)) = (found, expected.literals()) {
            if let Some(better) = nearest(text, literals.iter().map(|text| &**text)) {
                diagnostic = diagnostic.help(format!("did you mean \"{better}\"?")).fix(
                    format!("replace by \"{better}\""),
                    span,
                    format!("\"{better}\""),
                );
            }
        } else if matches!(found, Type::Json) {
            diagnostic = diagnostic.help(format!("say what it holds: `… as {expected}`"));
        } else if matches!(found, Type::Number(..) | Type::Bool) && expected.non_null().is_text() {
            let written = self.excerpt(span);
            let written = written.trim_matches('`');
            diagnostic = diagnostic
                .help(format!("write \"{written}\" for a constant, or \"${{{written}}}\""))
                .fix(
                    "put it in quotes",
                    span,
                    if matches!(expr.kind, ExprKind::Name(_) | ExprKind::Field { .. }) {
                        format!("\"${{{written}}}\"")
                    } else {
                        format!("\"{written}\"")
                    },
                );
        } else if let (Type::Number(Number::Int | Number::Decimal, _), Type::Number(Number::Quantity(dimension), _)) =
            (found, &expected.non_null())
        {
            diagnostic = diagnostic.help(format!(
                "a {dimension} needs a unit: {}",
                number::units(*dimension).join(" ")
            ));
        } else if let Type::List(list) = expected.non_null()
            && fit(found, &list.item) != Fit::No
        {
            let written = self.excerpt(span);
            let written = written.trim_matches('`').to_owned();
            diagnostic = diagnostic
                .help("put it in a list")
                .fix("put it in a list", span, format!("[{written}]"));
        }
        self.error(diagnostic);
    }

    /// The source text under a span, in backticks, if it is short.
    pub(super) fn excerpt(&self, span: Span) -> String {
        let text = self.sources.text(span);
        if text.len() <= 60 && !text.contains('\n') && !text.is_empty() {
            format!("`{text}`")
        } else {
            "this".into()
        }
    }

    /// Loop clauses: their variables stay in scope for the caller to drop.
    pub(super) fn clauses(&mut self, clauses: &'a [ast::Clause], s: &mut Scope) -> Vec<hir::Clause> {
        clauses
            .iter()
            .map(|clause| {
                let (mut source, ty) = self.infer(&clause.source, s);
                let pair = clause.second.is_some();
                let (first, second) = if s.rules && matches!(ty, Type::Json) {
                    let span = source.span;
                    let kind = Kind::Elements {
                        source: Box::new(source),
                        pair,
                    };
                    source = hir::Expr { kind, span };
                    if pair {
                        (Type::STRING, Type::Json)
                    } else {
                        (Type::Json, Type::Error)
                    }
                } else {
                    self.element_types(&ty, &clause.source, pair)
                };
                s.push_local(clause.first.text.clone(), first);
                if let Some(name) = &clause.second {
                    s.push_local(name.text.clone(), second);
                }
                let condition = clause.condition.as_ref().map(|condition| {
                    let lowered = self.check(condition, &Type::Bool, s);
                    self.narrow(condition, true, s);
                    lowered
                });
                hir::Clause {
                    source,
                    pair,
                    condition,
                }
            })
            .collect()
    }

    /// What a loop over a type binds: the elements of a list; the keys and values of a map.
    pub(super) fn element_types(&mut self, ty: &Type, source: &Expr, pair: bool) -> (Type, Type) {
        match ty {
            Type::Error => (Type::Error, Type::Error),
            Type::List(list) if pair => (Type::INT, list.item.clone()),
            Type::List(list) => (list.item.clone(), Type::Error),
            Type::Map(map) => (map.key.clone(), map.value.clone()),
            Type::Record(record) if record.object.is_none() => {
                let value = record
                    .fields()
                    .iter()
                    .map(|field| field.ty.clone())
                    .reduce(join)
                    .unwrap_or(Type::Error);
                (Type::STRING, value)
            }
            Type::Range(item) if matches!(**item, Type::Number(Number::Int, _)) && !pair => (Type::INT, Type::Error),
            other => {
                let message = format!("expected a list, a map or a range of int, found {other}");
                self.error(Diagnostic::error("K0201", source.span, message));
                (Type::Error, Type::Error)
            }
        }
    }
}

/// A value of the type to put in a suggestion.
fn example(ty: &Type) -> Option<&'static str> {
    Some(match ty.non_null() {
        Type::String(None) => "\"\"",
        Type::Bool => "false",
        Type::Number(Number::Int | Number::Decimal, None) => "0",
        Type::Number(Number::Quantity(Dimension::Percent), None) => "0%",
        Type::Number(Number::Quantity(Dimension::Duration), None) => "0s",
        Type::List(list) if list.min.is_none() => "[]",
        Type::Map(_) => "{}",
        _ => return None,
    })
}
