//! Literals: numbers, units and strings, read as the expected type says.

use std::sync::Arc;

use ktl_syntax::ast::{Expr, ExprKind, StringPart};
use ktl_syntax::{Diagnostic, Span};

use super::Checker;
use super::scope::{Scope, plain_string};
use crate::hir::{self, Kind};
use crate::names::nearest;
use crate::number::{self, Dimension};
use crate::types::{Number, Type};
use crate::value::{Kind as V, Value};

impl<'a> Checker<'a> {
    /// A number as written, as the expected type reads it.
    pub(super) fn number(&mut self, text: &str, span: Span, expected: &Type) -> Option<(Value, Type)> {
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

    pub(super) fn unknown_unit(&mut self, number: &str, unit: &str, span: Span) {
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

    pub(super) fn quantity(&mut self, number: &str, unit: &str, dimension: Dimension, span: Span) -> hir::Expr {
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

    pub(super) fn infer_quantity(&mut self, number: &str, unit: &str, span: Span) -> (hir::Expr, Type) {
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

    pub(super) fn check_quantity(&mut self, number: &str, unit: &str, expected: &Type, expr: &'a Expr) -> hir::Expr {
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

    pub(super) fn check_quoted_quantity(
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

    pub(super) fn infer_string(&mut self, parts: &'a [StringPart], span: Span, s: &mut Scope) -> (hir::Expr, Type) {
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

    pub(super) fn interpolated(&mut self, hole: &'a Expr, s: &mut Scope) -> hir::Expr {
        let (lowered, ty) = match &hole.kind {
            // Its spelling is what shows.
            ExprKind::Quantity { number, unit } if number::dimensions(unit).len() > 1 => {
                return hir::Expr::constant(Value::string(format!("{number}{unit}"), hole.span));
            }
            _ => self.infer(hole, s),
        };
        if s.rules && matches!(ty, Type::Json) {
            let span = lowered.span;
            let kind = Kind::Show(Box::new(lowered));
            return hir::Expr { kind, span };
        }
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
}
