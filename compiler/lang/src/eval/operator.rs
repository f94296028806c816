//! Operators between two values.

use std::sync::Arc;

use ktl_syntax::ast::BinaryOp;
use ktl_syntax::{Diagnostic, Span};
use rust_decimal::Decimal;

use super::{Eval, Evaluator, Failed};
use crate::number;
use crate::value::{Kind, Value, equal};

impl<'p> Evaluator<'p> {
    pub(super) fn overflow<T>(&mut self, span: Span) -> Eval<T> {
        self.fail(Diagnostic::error("K0305", span, "the result is too large"))
    }

    pub(super) fn binary(&mut self, op: BinaryOp, left: Value, right: Value, span: Span) -> Eval<Value> {
        let deps = self.deps.union(left.deps, right.deps);
        let of = |kind: Kind| {
            Ok(Value {
                kind,
                deps,
                origin: span,
            })
        };
        match op {
            BinaryOp::Equal => return of(Kind::Bool(equal(&left, &right))),
            BinaryOp::NotEqual => return of(Kind::Bool(!equal(&left, &right))),
            BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual => {
                let order = compare(&left, &right).ok_or(Failed)?;
                return of(Kind::Bool(match op {
                    BinaryOp::Less => order.is_lt(),
                    BinaryOp::LessEqual => order.is_le(),
                    BinaryOp::Greater => order.is_gt(),
                    _ => order.is_ge(),
                }));
            }
            BinaryOp::In => {
                let found = match (&left.kind, &right.kind) {
                    (Kind::String(key), Kind::Fields(fields)) => fields.get(key).is_some(),
                    (_, Kind::List(list)) => list.items.iter().any(|item| equal(item, &left)),
                    (_, Kind::Range(range)) => {
                        let above = compare(&range.0, &left).ok_or(Failed)?;
                        let below = compare(&left, &range.1).ok_or(Failed)?;
                        above.is_le() && below.is_le()
                    }
                    _ => return Err(Failed),
                };
                return of(Kind::Bool(found));
            }
            BinaryOp::Range => return of(Kind::Range(Arc::new((left, right)))),
            _ => {}
        }
        if let (Kind::List(a), Kind::List(b)) = (&left.kind, &right.kind) {
            let items = a.items.iter().chain(&b.items).cloned().collect();
            return self.list(items, deps, span);
        }
        let kind = match (&left.kind, &right.kind) {
            (Kind::Int(a), Kind::Int(b)) => {
                if *b == 0 && matches!(op, BinaryOp::Divide | BinaryOp::Remainder) {
                    return self.by_zero(right.origin, span);
                }
                let result = match op {
                    BinaryOp::Add => a.checked_add(*b),
                    BinaryOp::Subtract => a.checked_sub(*b),
                    BinaryOp::Multiply => a.checked_mul(*b),
                    BinaryOp::Divide => a.checked_div(*b),
                    _ => a.checked_rem(*b),
                };
                match result {
                    Some(number) => Kind::Int(number),
                    None => return self.overflow(span),
                }
            }
            (Kind::Quantity(a), Kind::Quantity(b)) if op == BinaryOp::Divide => {
                if b.amount.is_zero() {
                    return self.by_zero(right.origin, span);
                }
                Kind::Decimal(self.decimal(op, a.amount, b.amount, span)?)
            }
            (Kind::Quantity(a), Kind::Quantity(b)) => {
                let amount = self.decimal(op, a.amount, b.amount, span)?;
                Kind::Quantity(Arc::new(number::computed(a.dimension, amount)))
            }
            (Kind::Quantity(quantity), other) | (other, Kind::Quantity(quantity)) => {
                let factor = amount(other).ok_or(Failed)?;
                if factor.is_zero() && op == BinaryOp::Divide {
                    return self.by_zero(right.origin, span);
                }
                let result = self.decimal(op, quantity.amount, factor, span)?;
                Kind::Quantity(Arc::new(number::computed(quantity.dimension, result)))
            }
            (a, b) => {
                let (a, b) = (amount(a).ok_or(Failed)?, amount(b).ok_or(Failed)?);
                if b.is_zero() && op == BinaryOp::Divide {
                    return self.by_zero(right.origin, span);
                }
                Kind::Decimal(self.decimal(op, a, b, span)?)
            }
        };
        of(kind)
    }

    pub(super) fn by_zero<T>(&mut self, divisor: Span, span: Span) -> Eval<T> {
        self.fail(Diagnostic::error("K0305", span, "division by zero").related(divisor, "this is 0"))
    }

    pub(super) fn decimal(&mut self, op: BinaryOp, a: Decimal, b: Decimal, span: Span) -> Eval<Decimal> {
        let result = match op {
            BinaryOp::Add => a.checked_add(b),
            BinaryOp::Subtract => a.checked_sub(b),
            BinaryOp::Multiply => a.checked_mul(b),
            _ => a.checked_div(b).map(|result| result.round_dp(18)),
        };
        match result {
            Some(result) => Ok(result.normalize()),
            None => self.overflow(span),
        }
    }
}

fn amount(kind: &Kind) -> Option<Decimal> {
    match kind {
        Kind::Int(number) => Some(Decimal::from(*number)),
        Kind::Decimal(number) => Some(*number),
        _ => None,
    }
}

/// The order of two values of one kind.
pub(super) fn compare(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    match (&a.kind, &b.kind) {
        (Kind::Int(a), Kind::Int(b)) => Some(a.cmp(b)),
        (Kind::String(a), Kind::String(b)) => Some(a.cmp(b)),
        (Kind::Quantity(a), Kind::Quantity(b)) => Some(a.amount.cmp(&b.amount)),
        (a, b) => Some(amount(a)?.cmp(&amount(b)?)),
    }
}
