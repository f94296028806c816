//! Operators.

use ktl_syntax::ast::{BinaryOp, Expr, UnaryOp};
use ktl_syntax::{Diagnostic, Span};

use super::Checker;
use super::scope::{Scope, plain_string};
use crate::hir::{self, Kind};
use crate::names::nearest;
use crate::types::{Number, Type, join};

impl<'a> Checker<'a> {
    pub(super) fn infer_binary(
        &mut self,
        op: BinaryOp,
        op_span: Span,
        left: &'a Expr,
        right: &'a Expr,
        span: Span,
        s: &mut Scope,
    ) -> (hir::Expr, Type) {
        let of = |kind: Kind| hir::Expr { kind, span };
        match op {
            BinaryOp::And | BinaryOp::Or => {
                let narrowed = s.narrowed.len();
                let a = self.check(left, &Type::Bool, s);
                self.narrow(left, op == BinaryOp::And, s);
                let b = self.check(right, &Type::Bool, s);
                s.narrowed.truncate(narrowed);
                let kind = match op {
                    BinaryOp::And => Kind::And(Box::new(a), Box::new(b)),
                    _ => Kind::Or(Box::new(a), Box::new(b)),
                };
                return (of(kind), Type::Bool);
            }
            BinaryOp::Coalesce => {
                let (a, x) = self.infer(left, s);
                if !x.nullable() {
                    let written = self.excerpt(left.span);
                    self.error(
                        Diagnostic::warning(
                            "K0209",
                            op_span,
                            format!("{written} is never null, so `??` does nothing"),
                        )
                        .fix("remove it", op_span.to(right.span), ""),
                    );
                }
                let kept = x.non_null();
                let (b, y) = if matches!(x, Type::Null | Type::Error | Type::Json) {
                    self.infer(right, s)
                } else if matches!(kept, Type::Number(Number::Quantity(_), _)) {
                    (self.check(right, &kept.widen().optional(), s), kept.clone())
                } else {
                    self.infer(right, s)
                };
                let ty = if matches!(x, Type::Null) { y } else { join(kept, y) };
                return (of(Kind::Coalesce(Box::new(a), Box::new(b))), ty);
            }
            _ => {}
        }
        let (a, x) = self.operand(left, right, s);
        let (b, y) = match &x {
            // A unit, and a cpu count, are read as the other side says.
            Type::Number(number, _) if !matches!(op, BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::In) => {
                self.operand_like(right, *number, s)
            }
            _ => self.infer(right, s),
        };
        if x.is_error() || y.is_error() {
            let ty = match op {
                BinaryOp::Equal
                | BinaryOp::NotEqual
                | BinaryOp::Less
                | BinaryOp::LessEqual
                | BinaryOp::Greater
                | BinaryOp::GreaterEqual
                | BinaryOp::In => Type::Bool,
                _ => Type::Error,
            };
            let kind = Kind::Binary {
                op,
                left: Box::new(a),
                right: Box::new(b),
            };
            return (of(kind), ty);
        }
        let result = match op {
            BinaryOp::Equal | BinaryOp::NotEqual => {
                self.comparable(op, left, &x, right, &y, span);
                Some(Type::Bool)
            }
            BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual => {
                ordered(&x, &y).then_some(Type::Bool)
            }
            BinaryOp::In => match &y {
                Type::Map(_) => x.is_text().then_some(Type::Bool),
                Type::Record(_) => x.is_text().then_some(Type::Bool),
                Type::List(_) => Some(Type::Bool),
                Type::Range(item) => ordered(&x, item).then_some(Type::Bool),
                _ => None,
            },
            BinaryOp::Range => match (&x, &y) {
                (Type::Number(a, _), Type::Number(b, _)) if a == b => {
                    Some(Type::Range(std::sync::Arc::new(Type::Number(*a, None))))
                }
                _ => None,
            },
            _ => arithmetic(op, &x, &y),
        };
        match result {
            Some(ty) => (
                of(Kind::Binary {
                    op,
                    left: Box::new(a),
                    right: Box::new(b),
                }),
                ty,
            ),
            None => {
                self.bad_operands(op, op_span, left, &x, right, &y);
                (of(Kind::Error), Type::Error)
            }
        }
    }

    /// The left operand; a unit that could be two things is read as the right one says.
    fn operand(&mut self, left: &'a Expr, right: &'a Expr, s: &mut Scope) -> (hir::Expr, Type) {
        if let ktl_syntax::ast::ExprKind::Quantity { unit, .. } = &left.kind
            && crate::number::dimensions(unit).len() > 1
        {
            let refs = s.refs.len();
            let sites = self.sites.len();
            self.muted += 1;
            let (_, ty) = self.infer(right, s);
            self.muted -= 1;
            s.refs.truncate(refs);
            self.sites.truncate(sites);
            if let Type::Number(number @ Number::Quantity(_), _) = ty {
                return self.operand_like(left, number, s);
            }
        }
        self.infer(left, s)
    }

    fn operand_like(&mut self, expr: &'a Expr, number: Number, s: &mut Scope) -> (hir::Expr, Type) {
        use ktl_syntax::ast::ExprKind;
        let wanted = Type::Number(number, None);
        let read = match (&expr.kind, number) {
            (ExprKind::Quantity { unit, .. }, Number::Quantity(dimension)) => {
                crate::number::dimensions(unit).contains(&dimension)
            }
            (ExprKind::Number(_), Number::Quantity(crate::number::Dimension::Cpu)) => true,
            _ => false,
        };
        if read {
            (self.check(expr, &wanted, s), wanted)
        } else {
            self.infer(expr, s)
        }
    }

    /// Whether two values can ever be equal; if not, the comparison is a mistake.
    fn comparable(&mut self, op: BinaryOp, left: &Expr, x: &Type, right: &Expr, y: &Type, span: Span) {
        let (word, sign) = if op == BinaryOp::Equal {
            ("true", "==")
        } else {
            ("false", "!=")
        };
        for (literal, expr, other) in [(x, left, y), (y, right, x)] {
            if let (Type::Literal(text), Some(literals)) = (literal, other.literals())
                && !literals.contains(text)
                && plain_string(expr).is_some()
            {
                let known: Vec<String> = literals.iter().map(|text| format!("\"{text}\"")).collect();
                let message = format!("`{sign}` can never be {word}: the value is one of {}", known.join(", "));
                let mut diagnostic = Diagnostic::error("K0210", expr.span, message);
                if let Some(better) = nearest(text, literals.iter().map(|text| &**text)) {
                    diagnostic = diagnostic.help(format!("did you mean \"{better}\"?")).fix(
                        format!("replace by \"{better}\""),
                        expr.span,
                        format!("\"{better}\""),
                    );
                }
                self.error(diagnostic);
                return;
            }
        }
        let overlap = x.members().iter().any(|a| y.members().iter().any(|b| alike(a, b)));
        if !overlap && !matches!(x, Type::Null) && !matches!(y, Type::Null) {
            let message = format!("`{sign}` can never be {word}: {x} and {y} share no value");
            self.error(Diagnostic::error("K0210", span, message));
        }
    }

    fn bad_operands(&mut self, op: BinaryOp, op_span: Span, left: &Expr, x: &Type, right: &Expr, y: &Type) {
        for (ty, expr) in [(x, left), (y, right)] {
            if ty.nullable() && !matches!(ty, Type::Null | Type::Json) {
                self.mismatch(ty, &ty.non_null(), expr);
                return;
            }
        }
        let sign = sign(op);
        let mut diagnostic = Diagnostic::error("K0201", op_span, format!("`{sign}` does not take {x} and {y}"));
        diagnostic = match op {
            BinaryOp::Add if x.is_text() || y.is_text() => diagnostic.help("put them in one string: \"${a}${b}\""),
            BinaryOp::Add if matches!((x, y), (Type::Record(_) | Type::Map(_), Type::Record(_) | Type::Map(_))) => {
                diagnostic.help("put them in one record: `{ ...a, ...b }`, or lay one over: `a with { … }`")
            }
            BinaryOp::In => diagnostic.help("on its right stands a list, a map or a range"),
            _ => diagnostic.help("both sides have to be of one kind"),
        };
        self.error(diagnostic);
    }

    pub(super) fn infer_unary(
        &mut self,
        op: UnaryOp,
        operand: &'a Expr,
        span: Span,
        s: &mut Scope,
    ) -> (hir::Expr, Type) {
        match op {
            UnaryOp::Not => {
                let operand = self.check(operand, &Type::Bool, s);
                (
                    hir::Expr {
                        kind: Kind::Unary {
                            op,
                            operand: Box::new(operand),
                        },
                        span,
                    },
                    Type::Bool,
                )
            }
            UnaryOp::Negate => {
                let (lowered, ty) = self.infer(operand, s);
                let ty = match ty {
                    Type::Number(number, _) => Type::Number(number, None),
                    Type::Error => Type::Error,
                    other => {
                        self.error(Diagnostic::error("K0201", span, format!("`-` does not take {other}")));
                        return (hir::Expr::error(span), Type::Error);
                    }
                };
                if let Kind::Const(value) = &lowered.kind
                    && let crate::value::Kind::Int(number) = value.kind
                {
                    let value = crate::value::Value {
                        kind: crate::value::Kind::Int(-number),
                        origin: span,
                        ..value.clone()
                    };
                    return (hir::Expr::constant(value), ty);
                }
                (
                    hir::Expr {
                        kind: Kind::Unary {
                            op,
                            operand: Box::new(lowered),
                        },
                        span,
                    },
                    ty,
                )
            }
        }
    }
}

fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Or => "||",
        BinaryOp::And => "&&",
        BinaryOp::Equal => "==",
        BinaryOp::NotEqual => "!=",
        BinaryOp::Less => "<",
        BinaryOp::LessEqual => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterEqual => ">=",
        BinaryOp::In => "in",
        BinaryOp::Coalesce => "??",
        BinaryOp::Range => "..",
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::Remainder => "%",
    }
}

fn is_numeric(number: Number) -> bool {
    matches!(number, Number::Int | Number::Decimal)
}

/// Whether values of the two may be equal.
fn alike(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Error | Type::Json, _) | (_, Type::Error | Type::Json) => true,
        (Type::Number(a, _), Type::Number(b, _)) => a == b || (is_numeric(*a) && is_numeric(*b)),
        (Type::Record(_) | Type::Map(_), Type::Record(_) | Type::Map(_)) => true,
        _ if a.is_text() && b.is_text() => true,
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

fn ordered(x: &Type, y: &Type) -> bool {
    match (x, y) {
        (Type::Number(a, _), Type::Number(b, _)) => a == b || (is_numeric(*a) && is_numeric(*b)),
        _ => x.is_text() && y.is_text(),
    }
}

fn arithmetic(op: BinaryOp, x: &Type, y: &Type) -> Option<Type> {
    let number = |number| Some(Type::Number(number, None));
    match (op, x, y) {
        (BinaryOp::Add, Type::List(a), Type::List(b)) => Some(Type::list(join(a.item.clone(), b.item.clone()))),
        (BinaryOp::Remainder, Type::Number(Number::Int, _), Type::Number(Number::Int, _)) => number(Number::Int),
        (BinaryOp::Remainder, ..) => None,
        (_, Type::Number(a, _), Type::Number(b, _)) => match (op, a, b) {
            (_, Number::Int, Number::Int) => number(Number::Int),
            (_, a, b) if is_numeric(*a) && is_numeric(*b) => number(Number::Decimal),
            (BinaryOp::Add | BinaryOp::Subtract, a, b) if a == b => number(*a),
            (BinaryOp::Multiply, Number::Quantity(_), b) if is_numeric(*b) => number(*a),
            (BinaryOp::Multiply, a, Number::Quantity(_)) if is_numeric(*a) => number(*b),
            (BinaryOp::Divide, Number::Quantity(_), b) if is_numeric(*b) => number(*a),
            (BinaryOp::Divide, a, b) if a == b => number(Number::Decimal),
            _ => None,
        },
        _ => None,
    }
}
