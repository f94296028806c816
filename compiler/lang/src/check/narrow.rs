//! What conditions say about the types of the paths in them.

use std::sync::Arc;

use ktl_syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp};

use super::Checker;
use super::scope::{Scope, path_of, plain_string};
use crate::types::Type;

impl<'a> Checker<'a> {
    /// Adds to the scope what holds when `condition` is `positive`. The caller drops it again.
    pub(super) fn narrow(&mut self, condition: &'a Expr, positive: bool, s: &mut Scope) {
        match &condition.kind {
            ExprKind::Paren(inner) => self.narrow(inner, positive, s),
            ExprKind::Unary {
                op: UnaryOp::Not,
                operand,
            } => self.narrow(operand, !positive, s),
            ExprKind::Binary {
                op: BinaryOp::And,
                left,
                right,
                ..
            } if positive => {
                self.narrow(left, true, s);
                self.narrow(right, true, s);
            }
            ExprKind::Binary {
                op: BinaryOp::Or,
                left,
                right,
                ..
            } if !positive => {
                self.narrow(left, false, s);
                self.narrow(right, false, s);
            }
            ExprKind::Binary {
                op: op @ (BinaryOp::Equal | BinaryOp::NotEqual),
                left,
                right,
                ..
            } => {
                let equal = (*op == BinaryOp::Equal) == positive;
                for (path, other) in [(left, right), (right, left)] {
                    if matches!(other.kind, ExprKind::Null) {
                        self.narrow_null(path, equal, s);
                    } else if let Some(text) = plain_string(other) {
                        self.narrow_literal(path, &[text], equal, s);
                    }
                }
            }
            _ => {}
        }
    }

    fn narrow_null(&mut self, expr: &'a Expr, null: bool, s: &mut Scope) {
        let Some(path) = path_of(expr) else { return };
        let ty = self.probe(expr, s);
        if !ty.is_error() && ty.nullable() && !matches!(ty, Type::Json) {
            let narrowed = if null { Type::Null } else { ty.non_null() };
            s.narrowed.push((path, narrowed));
        }
    }

    /// A path is one of some literals, or none of them; what it is a field of is the branch that allows that.
    pub(super) fn narrow_literal(&mut self, expr: &'a Expr, texts: &[Arc<str>], positive: bool, s: &mut Scope) {
        if let ExprKind::Call { function, args } = &expr.kind
            && let ([name], [arg]) = (function.segments.as_slice(), args.as_slice())
            && &*name.text == "typeOf"
        {
            self.narrow_type(&arg.value, texts, positive, s);
            return;
        }
        let Some(path) = path_of(expr) else { return };
        let ty = self.probe(expr, s);
        let keep = |member: &Type| match member {
            Type::Literal(text) => texts.contains(text) == positive,
            Type::Null => !positive,
            _ => true,
        };
        if ty.members().iter().any(|member| matches!(member, Type::Literal(_))) {
            let kept: Vec<Type> = ty.members().iter().filter(|member| keep(member)).cloned().collect();
            if !kept.is_empty() {
                s.narrowed.push((path, Type::union(kept)));
            }
        }
        let inner = match &expr.kind {
            ExprKind::Field { base, field, .. } => Some((&**base, &field.text)),
            _ => None,
        };
        if let Some((base, tag)) = inner
            && let Some(path) = path_of(base)
        {
            let Type::Union(members) = self.probe(base, s) else {
                return;
            };
            let kept: Vec<Type> = members
                .iter()
                .filter(|member| match member {
                    Type::Record(record) => match record.field(tag).and_then(|field| field.ty.literals()) {
                        Some(literals) if positive => texts.iter().any(|text| literals.contains(text)),
                        Some(literals) => !literals.iter().all(|literal| texts.contains(literal)),
                        None => true,
                    },
                    Type::Null => !positive,
                    _ => true,
                })
                .cloned()
                .collect();
            if !kept.is_empty() && kept.len() < members.len() {
                s.narrowed.push((path, Type::union(kept)));
            }
        }
    }

    /// What `typeOf(path)` was compared with leaves these members of a union.
    fn narrow_type(&mut self, expr: &'a Expr, words: &[Arc<str>], positive: bool, s: &mut Scope) {
        let Some(path) = path_of(expr) else { return };
        let ty = self.probe(expr, s);
        let kept: Vec<Type> = ty
            .members()
            .iter()
            .filter(|member| {
                super::call::type_word(member).is_none_or(|word| words.iter().any(|known| **known == *word) == positive)
            })
            .cloned()
            .collect();
        if !kept.is_empty() {
            s.narrowed.push((path, Type::union(kept)));
        }
    }

    /// The type of a path, without reporting anything: it is lowered for good elsewhere.
    fn probe(&mut self, expr: &'a Expr, s: &mut Scope) -> Type {
        let refs = s.refs.len();
        let sites = self.sites.len();
        self.muted += 1;
        let (_, ty) = self.infer(expr, s);
        self.muted -= 1;
        s.refs.truncate(refs);
        self.sites.truncate(sites);
        ty
    }
}
