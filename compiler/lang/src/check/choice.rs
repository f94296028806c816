//! `match`: its patterns, and whether they leave something out.

use std::sync::Arc;

use ktl_syntax::ast::{self, Expr, ExprKind};
use ktl_syntax::{Diagnostic, Span};

use super::Checker;
use super::scope::{Scope, plain_string};
use crate::hir::{self, Kind};
use crate::names::nearest;
use crate::types::{Type, join};

impl<'a> Checker<'a> {
    /// `match subject { pattern: value }`, checked against a type if one is expected.
    pub(super) fn infer_match(
        &mut self,
        subject: &'a Expr,
        arms: &'a [ast::Arm],
        expected: Option<&Type>,
        span: Span,
        s: &mut Scope,
    ) -> (hir::Expr, Type) {
        let (lowered, ty) = self.infer(subject, s);
        let mut wild = None;
        let mut seen: Vec<crate::value::Value> = Vec::new();
        let mut lowered_arms = Vec::new();
        let mut result: Option<Type> = None;
        for arm in arms {
            let narrowed = s.narrowed.len();
            let pattern = match &arm.pattern {
                None => {
                    wild = Some(arm.span);
                    let texts: Vec<Arc<str>> = seen.iter().filter_map(|value| value.as_str().cloned()).collect();
                    self.narrow_literal(subject, &texts, false, s);
                    None
                }
                Some(pattern) => {
                    if let Some(wild) = wild {
                        self.error(
                            Diagnostic::error("K0208", arm.span, "this arm is never reached")
                                .related(wild, "`_` takes everything that is left"),
                        );
                    }
                    let value = self.pattern(pattern, &ty, s);
                    if let Some(value) = &value {
                        if seen.iter().any(|known| crate::value::equal(known, value)) {
                            self.error(Diagnostic::error("K0208", pattern.span, "this pattern stands twice"));
                        }
                        seen.push(value.clone());
                        if let Some(text) = value.as_str() {
                            self.narrow_literal(subject, std::slice::from_ref(text), true, s);
                        }
                    }
                    match value {
                        Some(value) => Some(value),
                        None => {
                            self.infer_or_check(&arm.value, expected, s);
                            s.narrowed.truncate(narrowed);
                            continue;
                        }
                    }
                }
            };
            let (value, found) = self.infer_or_check(&arm.value, expected, s);
            s.narrowed.truncate(narrowed);
            result = Some(result.map_or(found.clone(), |known| join(known, found)));
            lowered_arms.push((pattern, value));
        }
        if wild.is_none() && !ty.is_error() {
            self.exhaustive(&ty, &seen, subject, arms);
        }
        let kind = Kind::Match {
            subject: Box::new(lowered),
            arms: lowered_arms,
        };
        let ty = expected.cloned().or(result).unwrap_or(Type::Error);
        (hir::Expr { kind, span }, ty)
    }

    pub(super) fn infer_or_check(
        &mut self,
        expr: &'a Expr,
        expected: Option<&Type>,
        s: &mut Scope,
    ) -> (hir::Expr, Type) {
        match expected {
            Some(expected) => (self.check(expr, expected, s), expected.clone()),
            None => self.infer(expr, s),
        }
    }

    pub(super) fn pattern(&mut self, pattern: &'a Expr, subject: &Type, s: &mut Scope) -> Option<crate::value::Value> {
        // A text among literals that is none of them can never match: that is a mistake in the pattern.
        if let (Some(text), Some(literals)) = (plain_string(pattern), subject.literals())
            && !literals.contains(&text)
        {
            let known: Vec<String> = literals.iter().map(|text| format!("\"{text}\"")).collect();
            let mut diagnostic = Diagnostic::error("K0210", pattern.span, format!("\"{text}\" is never matched"))
                .help(format!("the value is one of {}", known.join(", ")));
            if let Some(better) = nearest(&text, literals.iter().map(|text| &**text)) {
                diagnostic = diagnostic.fix(
                    format!("replace by \"{better}\""),
                    pattern.span,
                    format!("\"{better}\""),
                );
            }
            self.error(diagnostic);
            return None;
        }
        let lowered = match pattern.kind {
            ExprKind::Null if subject.nullable() => self.infer(pattern, s).0,
            _ => self.check(pattern, &subject.widen(), s),
        };
        match lowered.kind {
            Kind::Const(value) => Some(value),
            Kind::Error => None,
            _ => {
                self.error(
                    Diagnostic::error("K0208", pattern.span, "a pattern is a constant, or `_`")
                        .help("compare with `if … then … else …` instead"),
                );
                None
            }
        }
    }

    pub(super) fn exhaustive(&mut self, ty: &Type, seen: &[crate::value::Value], subject: &Expr, arms: &[ast::Arm]) {
        use crate::value::Kind as V;
        let mut missing: Vec<String> = Vec::new();
        let mut open = false;
        for member in ty.members() {
            let covered = |test: &dyn Fn(&V) -> bool| seen.iter().any(|value| test(&value.kind));
            match member {
                Type::Literal(text) if !covered(&|kind| matches!(kind, V::String(seen) if seen == text)) => {
                    missing.push(format!("\"{text}\""));
                }
                Type::Literal(_) => {}
                Type::Bool => {
                    for flag in [true, false] {
                        if !covered(&|kind| matches!(kind, V::Bool(seen) if *seen == flag)) {
                            missing.push(flag.to_string());
                        }
                    }
                }
                Type::Null if !covered(&|kind| matches!(kind, V::Null)) => missing.push("null".into()),
                Type::Null | Type::Error => {}
                _ => open = true,
            }
        }
        if missing.is_empty() && !open {
            return;
        }
        let what = self.excerpt(subject.span);
        let what = if what == "this" {
            String::new()
        } else {
            format!(" on {what}")
        };
        let message = match missing.is_empty() {
            true => format!("match{what} misses values of {ty}"),
            false => format!("match{what} misses {}", missing.join(", ")),
        };
        let place = subject.span;
        let mut diagnostic = Diagnostic::error("K0208", place, message);
        diagnostic = diagnostic.help("add the arms, or `_: …` for all others");
        if let Some(last) = arms.last() {
            let added: Vec<String> = match missing.is_empty() {
                true => vec!["_: ".to_owned()],
                false => missing.iter().map(|text| format!("{text}: ")).collect(),
            };
            diagnostic = diagnostic.fix(
                "add what is missing",
                last.span.after(),
                format!(", {}", added.join(", ")),
            );
        }
        self.error(diagnostic);
    }
}
