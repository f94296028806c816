//! Expressions: inferring a type, or checking against an expected one, while lowering.

use std::sync::Arc;

use ktl_syntax::ast::{self, Expr, ExprKind, Name, StringPart};
use ktl_syntax::{Diagnostic, Span};

use super::Checker;
use super::scope::{Node, Scope, path_of, plain_string};
use crate::hir::{self, HandlePart, ImagePart, Kind};
use crate::names::{TypeName, ValueName, nearest};
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

    /// A number as written, as the expected type reads it.
    fn number(&mut self, text: &str, span: Span, expected: &Type) -> Option<(Value, Type)> {
        let value = |kind| Value::new(kind, span);
        for member in expected.members() {
            match member {
                Type::Number(Number::Quantity(Dimension::Cpu), _) => {
                    if let Some(quantity) = number::quantity(text, "", Dimension::Cpu) {
                        let value = value(V::Quantity(Arc::new(quantity)));
                        return Some((value, Type::quantity(Dimension::Cpu)));
                    }
                }
                Type::Number(Number::Int, _) if text.contains('.') => {}
                Type::Number(Number::Int, _) => break,
                _ => {}
            }
        }
        let digits = text.replace('_', "");
        if !digits.contains('.') {
            if let Ok(number) = digits.parse() {
                return Some((value(V::Int(number)), Type::INT));
            }
            if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                self.error(Diagnostic::error("K0305", span, format!("`{text}` is not a number")));
                return None;
            }
            let message = format!("{text} is outside the 64 bits of an int");
            self.error(
                Diagnostic::error("K0305", span, message).help("write it as a string, or as a decimal with `.0`"),
            );
            return None;
        }
        match number::parse_decimal(text) {
            Some(number) => Some((value(V::Decimal(number)), Type::DECIMAL)),
            None => {
                self.error(Diagnostic::error(
                    "K0305",
                    span,
                    format!("`{text}` has more digits than a decimal holds (28)"),
                ));
                None
            }
        }
    }

    fn unknown_unit(&mut self, number: &str, unit: &str, span: Span) {
        let all = "ms s m h d Ki Mi Gi Ti Pi Ei k M G T P E %";
        let mut diagnostic = Diagnostic::error("K0207", span, format!("`{number}{unit}`: there is no unit `{unit}`"));
        diagnostic = match nearest(unit, all.split(' ')).filter(|_| unit.len() > 1) {
            Some(better) => diagnostic.help(format!("did you mean `{number}{better}`?")).fix(
                format!("replace by `{number}{better}`"),
                span,
                format!("{number}{better}"),
            ),
            None => diagnostic.help(format!("units are {all}")),
        };
        self.error(diagnostic);
    }

    fn quantity(&mut self, number: &str, unit: &str, dimension: Dimension, span: Span) -> hir::Expr {
        match number::quantity(number, unit, dimension) {
            Some(quantity) => hir::Expr::constant(Value::new(V::Quantity(Arc::new(quantity)), span)),
            None => {
                self.error(Diagnostic::error(
                    "K0305",
                    span,
                    format!("`{number}{unit}` is too large"),
                ));
                hir::Expr::error(span)
            }
        }
    }

    fn infer_quantity(&mut self, number: &str, unit: &str, span: Span) -> (hir::Expr, Type) {
        match number::dimensions(unit).as_slice() {
            [] => {
                self.unknown_unit(number, unit, span);
                (hir::Expr::error(span), Type::Error)
            }
            [dimension] => (
                self.quantity(number, unit, *dimension, span),
                Type::quantity(*dimension),
            ),
            _ => {
                let message = format!("`{number}{unit}`: minutes or millicores?");
                self.error(
                    Diagnostic::error("K0207", span, message)
                        .help("say which by a type, such as `let x: duration = …` or `let x: cpu = …`"),
                );
                (hir::Expr::error(span), Type::Error)
            }
        }
    }

    fn check_quantity(&mut self, number: &str, unit: &str, expected: &Type, expr: &'a Expr) -> hir::Expr {
        let span = expr.span;
        let candidates = number::dimensions(unit);
        let Some(first) = candidates.first().copied() else {
            self.unknown_unit(number, unit, span);
            return hir::Expr::error(span);
        };
        let wanted = expected.members().iter().find_map(|member| match member {
            Type::Number(Number::Quantity(dimension), _) if candidates.contains(dimension) => Some(*dimension),
            Type::Amount => candidates
                .iter()
                .find(|one| matches!(one, Dimension::Bytes | Dimension::Cpu))
                .copied(),
            _ => None,
        });
        // Where text is wanted, the spelling counts and not what it measures.
        let as_text = expected.members().iter().any(|member| match member {
            Type::Json => true,
            Type::String(Some(text)) => text.units,
            _ => false,
        });
        let dimension = match wanted {
            Some(dimension) => dimension,
            None if as_text || !expected.is_error() || candidates.len() == 1 => first,
            None => return self.infer_quantity(number, unit, span).0,
        };
        let lowered = self.quantity(number, unit, dimension, span);
        self.coerce(lowered, &Type::quantity(dimension), expected, expr)
    }

    fn check_quoted_quantity(
        &mut self,
        parts: &'a [StringPart],
        expected: &Type,
        expr: &'a Expr,
        s: &mut Scope,
    ) -> hir::Expr {
        let Type::Number(Number::Quantity(dimension), _) = expected.non_null() else {
            return hir::Expr::error(expr.span);
        };
        let text = plain_string(expr);
        match text.filter(|text| number::parse_quantity(text, dimension).is_some()) {
            Some(text) => {
                let message = format!("expected {expected}, found string \"{text}\"");
                self.error(
                    Diagnostic::error("K0201", expr.span, message)
                        .help(format!("write {text} without quotes"))
                        .fix("remove the quotes", expr.span, &*text),
                );
                hir::Expr::error(expr.span)
            }
            None => {
                let (lowered, found) = self.infer_string(parts, expr.span, s);
                self.coerce(lowered, &found, expected, expr)
            }
        }
    }

    fn infer_string(&mut self, parts: &'a [StringPart], span: Span, s: &mut Scope) -> (hir::Expr, Type) {
        let holes = parts.iter().any(|part| matches!(part, StringPart::Hole(_)));
        if !holes {
            let text: String = parts
                .iter()
                .map(|part| if let StringPart::Text(text) = part { &**text } else { "" })
                .collect();
            let text: Arc<str> = text.into();
            return (
                hir::Expr::constant(Value::string(text.clone(), span)),
                Type::Literal(text),
            );
        }
        let parts = parts
            .iter()
            .map(|part| match part {
                StringPart::Text(text) => hir::Part::Text(text.clone()),
                StringPart::Hole(hole) => hir::Part::Hole(self.interpolated(hole, s)),
            })
            .collect();
        (
            hir::Expr {
                kind: Kind::Text(parts),
                span,
            },
            Type::STRING,
        )
    }

    fn interpolated(&mut self, hole: &'a Expr, s: &mut Scope) -> hir::Expr {
        let (lowered, ty) = match &hole.kind {
            // Its spelling is what shows.
            ExprKind::Quantity { number, unit } if number::dimensions(unit).len() > 1 => {
                return hir::Expr::constant(Value::string(format!("{number}{unit}"), hole.span));
            }
            _ => self.infer(hole, s),
        };
        let shows =
            |ty: &Type| ty.is_text() || matches!(ty, Type::Number(..) | Type::Bool | Type::Amount | Type::Error);
        if ty.members().iter().all(shows) {
            return lowered;
        }
        if ty
            .members()
            .iter()
            .all(|member| shows(member) || matches!(member, Type::Null))
            && !matches!(ty, Type::Null)
        {
            self.mismatch(&ty, &ty.non_null(), hole);
        } else {
            let mut diagnostic = Diagnostic::error("K0201", hole.span, format!("{ty} has no text form"));
            diagnostic = match ty {
                Type::List(_) => diagnostic.help("join its elements: `join(list, \", \")`"),
                Type::Release(_) | Type::Cluster | Type::Zone => diagnostic.help("use its `.name`"),
                _ => diagnostic.help("use one of its fields"),
            };
            self.error(diagnostic);
        }
        hir::Expr::error(hole.span)
    }

    fn infer_name(&mut self, name: &Arc<str>, span: Span, s: &mut Scope) -> (hir::Expr, Type) {
        match self.lookup(name, span, s) {
            Some(found) => found,
            None => {
                self.unknown_name(name, span, s);
                (hir::Expr::error(span), Type::Error)
            }
        }
    }

    /// Finds a name of the value space.
    fn lookup(&mut self, name: &Arc<str>, span: Span, s: &mut Scope) -> Option<(hir::Expr, Type)> {
        let of = |kind: Kind| hir::Expr { kind, span };
        if let Some(local) = s.locals.iter().rev().find(|local| local.name == *name) {
            return Some((of(local.kind.clone()), local.ty.clone()));
        }
        if &**name == "self" {
            if let Some(release) = s.release {
                return Some((of(Kind::SelfRelease), Type::Release(Some(release))));
            }
            if s.in_component {
                return Some((of(Kind::SelfRelease), Type::Release(None)));
            }
            return None;
        }
        if let Some(comp) = s.comp
            && let Some(what) = self.comp(comp).names.get(name).map(|declared| declared.what)
        {
            return Some(match what {
                ValueName::Param(index) => (of(Kind::Param(index)), self.param_type(comp, index)),
                ValueName::Let(id) => {
                    s.refs.push((Node::Let(id), span));
                    (of(Kind::CompLet(id)), self.let_type(id))
                }
                ValueName::Release(id) => (of(Kind::Inner(id)), self.handle_type(id)),
                _ => (of(Kind::Error), Type::Error),
            });
        }
        let what = self.names(s.module).values.get(name).map(|declared| declared.what)?;
        Some(self.global(what, span, s))
    }

    /// A declaration of a module as a value.
    fn global(&mut self, what: ValueName, span: Span, s: &mut Scope) -> (hir::Expr, Type) {
        let of = |kind: Kind| hir::Expr { kind, span };
        match what {
            ValueName::Let(id) => {
                s.refs.push((Node::Let(id), span));
                (of(Kind::Let(id)), self.let_type(id))
            }
            ValueName::Input(id) => {
                s.refs.push((Node::Input(id), span));
                (of(Kind::Input(id)), self.input_type(id))
            }
            ValueName::Cluster(index) => (of(Kind::Cluster(index)), Type::Cluster),
            ValueName::Zone(index) => (of(Kind::Zone(index)), Type::Zone),
            ValueName::Release(id) => (of(Kind::Release(id)), self.handle_type(id)),
            ValueName::Fn(id) => {
                let name = self
                    .fns
                    .get(id.index())
                    .map_or_else(String::new, |function| function.name.text.to_string());
                self.error(
                    Diagnostic::error("K0201", span, format!("`{name}` is a function, not a value"))
                        .help(format!("call it: `{name}(…)`")),
                );
                (of(Kind::Error), Type::Error)
            }
            ValueName::Param(_) | ValueName::Unsupported => (of(Kind::Error), Type::Error),
        }
    }

    pub(super) fn unknown_name(&mut self, name: &str, span: Span, s: &Scope) {
        let mut known: Vec<&str> = s.locals.iter().map(|local| &*local.name).collect();
        let inner = s.comp.map(|comp| self.comp(comp).names.clone()).unwrap_or_default();
        let names = self.names(s.module);
        known.extend(inner.keys().map(|name| &**name));
        known.extend(names.values.keys().map(|name| &**name));
        let mut diagnostic = Diagnostic::error("K0101", span, format!("unknown name `{name}`"));
        let parts: Vec<&str> = name.split('-').collect();
        let subtraction = parts.len() > 1
            && parts
                .iter()
                .all(|part| !part.is_empty() && (known.contains(part) || part.bytes().all(|b| b.is_ascii_digit())));
        if subtraction {
            let better = parts.join(" - ");
            diagnostic = diagnostic
                .help(format!("a name may hold `-`; a subtraction needs spaces: `{better}`"))
                .fix(format!("replace by `{better}`"), span, better);
        } else if let Some(better) = nearest(name, known.iter().copied()) {
            diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                format!("replace by `{better}`"),
                span,
                better,
            );
        } else if self.names(s.module).types.contains_key(name) {
            diagnostic = diagnostic.help(format!("`{name}` is a type or a module, which is no value"));
        } else if crate::builtin::Builtin::named(name).is_some() {
            diagnostic = diagnostic.help(format!("`{name}` is a function: call it as `{name}(…)`"));
        }
        self.error(diagnostic);
    }

    fn infer_field(
        &mut self,
        base: &'a Expr,
        field: &'a Name,
        optional: bool,
        span: Span,
        s: &mut Scope,
    ) -> (hir::Expr, Type) {
        if let ExprKind::Name(name) = &base.kind {
            let shadowed = s.locals.iter().any(|local| local.name == *name);
            if !shadowed && &**name == "stack" && !self.names(s.module).values.contains_key(name) {
                if &*field.text == "name" {
                    return (
                        hir::Expr {
                            kind: Kind::StackName,
                            span,
                        },
                        Type::NAME,
                    );
                }
                self.no_field(&field.text, field.span, "the stack", ["name"].into_iter());
                return (hir::Expr::error(span), Type::Error);
            }
            if let Some(found) = self.module_member(name, base.span, field, span, s) {
                return found;
            }
        }
        let (lowered, ty) = self.infer(base, s);
        if field.text.is_empty() {
            return (hir::Expr::error(span), Type::Error);
        }
        let Some(ty) = self.present(&ty, optional, base, s) else {
            return (hir::Expr::error(span), Type::Error);
        };
        if optional && matches!(ty, Type::Null) {
            return (hir::Expr::constant(Value::null(span)), Type::Null);
        }
        let (kind, found) = self.member(lowered, &ty, field, optional, span, s);
        let found = if optional { found.optional() } else { found };
        (hir::Expr { kind, span }, found)
    }

    /// `module.name` where `module` is an import and no value has its name.
    fn module_member(
        &mut self,
        name: &Arc<str>,
        base: Span,
        field: &Name,
        span: Span,
        s: &mut Scope,
    ) -> Option<(hir::Expr, Type)> {
        let hidden = s.locals.iter().any(|local| local.name == *name)
            || s.comp.is_some_and(|comp| self.comp(comp).names.contains_key(name))
            || self.names(s.module).values.contains_key(name)
            || &**name == "self";
        if hidden {
            return None;
        }
        let what = self.type_name(s.module, name)?;
        match what {
            TypeName::Module(module) => {
                let declared = self.names(module).values.get(&field.text).map(|declared| declared.what);
                let found = match declared {
                    Some(what) if self.exported(module, &field.text, field.span) => self.global(what, span, s),
                    Some(_) => (hir::Expr::error(span), Type::Error),
                    None if field.text.is_empty() => (hir::Expr::error(span), Type::Error),
                    None => {
                        self.no_member(module, field, false);
                        (hir::Expr::error(span), Type::Error)
                    }
                };
                Some(found)
            }
            TypeName::Error => Some((hir::Expr::error(span), Type::Error)),
            _ => {
                self.error(
                    Diagnostic::error("K0101", base, format!("`{name}` is not a value"))
                        .help("types, charts and components are used where a release or a constructor starts"),
                );
                Some((hir::Expr::error(span), Type::Error))
            }
        }
    }

    /// Reports that a module has no such member.
    pub(super) fn no_member(&mut self, module: hir::ModuleId, field: &Name, ty: bool) {
        let path = self
            .module(module)
            .map_or_else(String::new, |module| module.path.to_string());
        let names = self.names(module);
        let public = |name: &str| !name.starts_with('_');
        let better = if ty {
            let mut known: Vec<&str> = names.types.keys().map(|name| &**name).collect();
            for name in self.k8s_names(module) {
                known.push(name);
            }
            nearest(&field.text, known.into_iter().filter(|name| public(name)))
        } else {
            nearest(
                &field.text,
                names.values.keys().map(|name| &**name).filter(|name| public(name)),
            )
        };
        let mut diagnostic = Diagnostic::error("K0101", field.span, format!("`{path}` has no `{}`", field.text));
        if let Some(better) = better {
            diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                format!("replace by `{better}`"),
                field.span,
                better,
            );
        }
        self.error(diagnostic);
    }

    /// The type without null, where `?.` or its lack allows that.
    fn present(&mut self, ty: &Type, optional: bool, base: &Expr, _s: &Scope) -> Option<Type> {
        if ty.is_error() {
            return Some(Type::Error);
        }
        if !ty.nullable() || matches!(ty, Type::Json) || optional {
            return Some(ty.non_null());
        }
        let written = self.excerpt(base.span);
        let release = matches!(ty.non_null(), Type::Release(_));
        let code = if release { "K0404" } else { "K0206" };
        let why = if release { " (it has a `when`)" } else { "" };
        self.error(
            Diagnostic::error(code, base.span, format!("{written} may be absent{why}"))
                .help("use `?.`, or ask `!= null` first")
                .fix("use `?.`", base.span.after(), "?"),
        );
        None
    }

    /// A field of a value that is there.
    fn member(
        &mut self,
        base: hir::Expr,
        ty: &Type,
        field: &Name,
        optional: bool,
        span: Span,
        s: &Scope,
    ) -> (Kind, Type) {
        let name = field.text.clone();
        let key = matches!(ty, Type::Map(_));
        let plain = |base: hir::Expr| Kind::Field {
            base: Box::new(base),
            name: name.clone(),
            optional,
            key,
        };
        match ty {
            Type::Error => (Kind::Error, Type::Error),
            Type::Record(record) => match record.field(&name) {
                Some(found) => (plain(base), found.read()),
                None => {
                    let shown = ty.to_string();
                    let names: Vec<Arc<str>> = record.fields().iter().map(|field| field.name.clone()).collect();
                    self.no_field(&name, field.span, &shown, names.iter().map(|name| &**name));
                    (Kind::Error, Type::Error)
                }
            },
            Type::Map(map) => (plain(base), map.value.clone()),
            Type::Union(members) => {
                let fields: Vec<Option<Type>> = members
                    .iter()
                    .map(|member| match member {
                        Type::Record(record) => record.field(&name).map(types::Field::read),
                        Type::Error => Some(Type::Error),
                        _ => None,
                    })
                    .collect();
                match fields.iter().cloned().collect::<Option<Vec<_>>>() {
                    Some(fields) => (plain(base), Type::union(fields)),
                    None => {
                        let some = fields.iter().any(Option::is_some);
                        let mut diagnostic =
                            Diagnostic::error("K0204", field.span, format!("not every {ty} has `{name}`"));
                        if some {
                            diagnostic = diagnostic.help("`match` on the field that tells them apart first");
                        }
                        self.error(diagnostic);
                        (Kind::Error, Type::Error)
                    }
                }
            }
            Type::Release(release) => self.handle_member(base, *release, field, span, s),
            Type::Cluster | Type::Zone if &*name == "name" => (
                Kind::Handle {
                    base: Box::new(base),
                    part: HandlePart::Name,
                },
                Type::NAME,
            ),
            Type::Image(_) => {
                let (part, found) = match &*name {
                    "registry" => (ImagePart::Registry, Type::STRING.optional()),
                    "repository" => (ImagePart::Repository, Type::STRING),
                    "tag" => (ImagePart::Tag, Type::STRING.optional()),
                    "digest" => (ImagePart::Digest, Type::Checked(types::Checked::Digest).optional()),
                    _ => {
                        self.no_field(
                            &name,
                            field.span,
                            "image",
                            ["registry", "repository", "tag", "digest"].into_iter(),
                        );
                        return (Kind::Error, Type::Error);
                    }
                };
                (
                    Kind::ImagePart {
                        base: Box::new(base),
                        part,
                    },
                    found,
                )
            }
            Type::Json => {
                self.error(
                    Diagnostic::error("K0204", field.span, "json has no known fields")
                        .help("say what it holds first: `(… as { field: string }).field`"),
                );
                (Kind::Error, Type::Error)
            }
            other => {
                self.error(Diagnostic::error(
                    "K0204",
                    field.span,
                    format!("{other} has no field `{name}`"),
                ));
                (Kind::Error, Type::Error)
            }
        }
    }

    fn handle_member(
        &mut self,
        base: hir::Expr,
        release: Option<hir::RelId>,
        field: &Name,
        span: Span,
        s: &Scope,
    ) -> (Kind, Type) {
        let part = match &*field.text {
            "name" => Some((HandlePart::Name, Type::NAME)),
            "namespace" => Some((HandlePart::Namespace, Type::NAME)),
            "cluster" => Some((HandlePart::Cluster, Type::Cluster)),
            _ => None,
        };
        if let Some((part, ty)) = part {
            return (
                Kind::Handle {
                    base: Box::new(base),
                    part,
                },
                ty,
            );
        }
        let outputs = release.map(|release| self.output_names(release)).unwrap_or_default();
        if let Some(release) = release
            && let Some(ty) = self.output_type(release, &field.text)
        {
            let written = self.sources.text(span).split_whitespace().collect::<Vec<_>>().join(" ");
            let context = s.context();
            let text = if context.is_empty() {
                format!("uses {written}")
            } else {
                format!("{context} uses {written}")
            };
            let site = self.site(text.into(), span);
            return (
                Kind::Output {
                    base: Box::new(base),
                    name: field.text.clone(),
                    site,
                },
                ty,
            );
        }
        let what = match release.and_then(|release| self.rels.get(release.index())) {
            Some(release) => format!("release `{}`", release.ast.name.text),
            None => "a release".to_owned(),
        };
        let known: Vec<&str> = ["name", "namespace", "cluster"]
            .into_iter()
            .chain(outputs.iter().map(|name| &**name))
            .collect();
        let mut diagnostic = Diagnostic::error("K0204", field.span, format!("{what} has no output `{}`", field.text));
        diagnostic = match nearest(&field.text, known.iter().copied()) {
            Some(better) => diagnostic.help(format!("did you mean `{better}`?")).fix(
                format!("replace by `{better}`"),
                field.span,
                better,
            ),
            None => diagnostic.help(format!("add `output {}: … = …` to it", field.text)),
        };
        self.error(diagnostic);
        (Kind::Error, Type::Error)
    }

    /// Reports an unknown field, with the one that was meant.
    pub(super) fn no_field<'n>(
        &mut self,
        name: &str,
        span: Span,
        on: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) {
        let mut diagnostic = Diagnostic::error("K0204", span, format!("unknown field `{name}` on {on}"));
        if let Some(better) = nearest(name, known.clone()) {
            diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                format!("replace `{name}` by `{better}`"),
                span,
                better,
            );
        } else {
            let names: Vec<String> = known.take(12).map(|name| format!("`{name}`")).collect();
            if !names.is_empty() {
                diagnostic = diagnostic.help(format!("its fields are {}", names.join(", ")));
            }
        }
        self.error(diagnostic);
    }

    fn infer_index(
        &mut self,
        base: &'a Expr,
        index: &'a Expr,
        optional: bool,
        span: Span,
        s: &mut Scope,
    ) -> (hir::Expr, Type) {
        let (lowered, ty) = self.infer(base, s);
        let error = (hir::Expr::error(span), Type::Error);
        let Some(ty) = self.present(&ty, optional, base, s) else {
            self.infer(index, s);
            return error;
        };
        let (index_type, found) = match &ty {
            Type::Error => {
                self.infer(index, s);
                return error;
            }
            // Whether the key is one is for the value to show, not for its form.
            Type::Map(map) => (Type::STRING, map.value.clone()),
            Type::List(list) => (Type::INT, list.item.clone()),
            Type::Record(record) => match plain_string(index) {
                Some(key) => {
                    let field = Name {
                        text: key,
                        span: index.span,
                    };
                    let known = record.field(&field.text).map(types::Field::read);
                    if known.is_none() && optional {
                        let value = record
                            .fields()
                            .iter()
                            .map(|field| field.ty.clone())
                            .reduce(join)
                            .unwrap_or(Type::Null);
                        return (hir::Expr::constant(Value::null(span)), value.optional());
                    }
                    let (kind, found) = self.member(lowered, &ty, &field, optional, span, s);
                    return (
                        hir::Expr { kind, span },
                        if optional { found.optional() } else { found },
                    );
                }
                None => {
                    let value = record
                        .fields()
                        .iter()
                        .map(|field| field.ty.clone())
                        .reduce(join)
                        .unwrap_or(Type::Null);
                    (Type::STRING, value)
                }
            },
            other => {
                self.error(Diagnostic::error(
                    "K0201",
                    base.span,
                    format!("{other} has no elements"),
                ));
                self.infer(index, s);
                return error;
            }
        };
        let index = self.check(index, &index_type, s);
        let kind = Kind::Index {
            base: Box::new(lowered),
            index: Box::new(index),
            optional,
        };
        (
            hir::Expr { kind, span },
            if optional { found.optional() } else { found },
        )
    }

    /// Loop clauses: their variables stay in scope for the caller to drop.
    pub(super) fn clauses(&mut self, clauses: &'a [ast::Clause], s: &mut Scope) -> Vec<hir::Clause> {
        clauses
            .iter()
            .map(|clause| {
                let (source, ty) = self.infer(&clause.source, s);
                let (first, second) = self.element_types(&ty, &clause.source, clause.second.is_some());
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
                    pair: clause.second.is_some(),
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
