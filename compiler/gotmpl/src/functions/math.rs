//! Arithmetic, on `int64` unless the name says otherwise, and conversions between numbers.

use super::{Args, Function, fixed, variadic};
use crate::engine::Context;
use crate::error::Fault;
use crate::go::format;
use crate::types::Type::{Any, Float, Int, Str};
use crate::value::{Elem, List, Value};

pub(super) static TABLE: &[Function] = &[
    fixed("int", &[Any], |_, args| Ok(Value::int(to_int(args.get(0))))),
    fixed("int64", &[Any], |_, args| Ok(Value::int64(to_int(args.get(0))))),
    fixed("float64", &[Any], |_, args| Ok(Value::Float(to_float(args.get(0))))),
    fixed("atoi", &[Str], |_, args| {
        Ok(Value::int(args.text(0).parse().unwrap_or(0)))
    }),
    fixed("toDecimal", &[Any], |context, args| {
        let text = format::show(args.get(0), context.machine.room());
        Ok(Value::int64(i64::from_str_radix(&text, 8).unwrap_or(0)))
    }),
    fixed("add1", &[Any], |_, args| {
        Ok(Value::int64(to_int(args.get(0)).wrapping_add(1)))
    }),
    variadic("add", &[], Any, |_, args| Ok(fold(args.0, 0, i64::wrapping_add))),
    fixed("sub", &[Any, Any], |_, args| {
        Ok(Value::int64(to_int(args.get(0)).wrapping_sub(to_int(args.get(1)))))
    }),
    fixed("div", &[Any, Any], |_, args| divide(args, i64::wrapping_div)),
    fixed("mod", &[Any, Any], |_, args| divide(args, i64::wrapping_rem)),
    variadic("mul", &[Any], Any, |_, args| Ok(fold(args.0, 1, i64::wrapping_mul))),
    variadic("max", &[Any], Any, |_, args| Ok(fold(args.0, i64::MIN, i64::max))),
    variadic("biggest", &[Any], Any, |_, args| Ok(fold(args.0, i64::MIN, i64::max))),
    variadic("min", &[Any], Any, |_, args| Ok(fold(args.0, i64::MAX, i64::min))),
    variadic("maxf", &[Any], Any, |_, args| Ok(fold_floats(args.0, f64::max))),
    variadic("minf", &[Any], Any, |_, args| Ok(fold_floats(args.0, f64::min))),
    fixed("add1f", &[Any], |_, args| {
        Ok(Value::Float(decimal(&[to_float(args.get(0)), 1.0], Operation::Add)?))
    }),
    variadic("addf", &[], Any, |_, args| {
        let mut numbers = vec![0.0];
        numbers.extend(args.0.iter().map(to_float));
        Ok(Value::Float(decimal(&numbers, Operation::Add)?))
    }),
    variadic("subf", &[Any], Any, |_, args| decimals(args, Operation::Subtract)),
    variadic("mulf", &[Any], Any, |_, args| decimals(args, Operation::Multiply)),
    variadic("divf", &[Any], Any, |_, args| decimals(args, Operation::Divide)),
    fixed("floor", &[Any], |_, args| {
        Ok(Value::Float(to_float(args.get(0)).floor()))
    }),
    fixed("ceil", &[Any], |_, args| Ok(Value::Float(to_float(args.get(0)).ceil()))),
    variadic("round", &[Any, Int], Float, |_, args| Ok(round(args))),
    fixed("until", &[Int], |context, args| {
        let count = args.int(0);
        ints(context, 0, count, if count < 0 { -1 } else { 1 })
    }),
    fixed("untilStep", &[Int, Int, Int], |context, args| {
        ints(context, args.int(0), args.int(1), args.int(2))
    }),
    variadic("seq", &[], Int, seq),
];

/// `cast.ToInt64`, which gives 0 for what is no number.
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(number, _) => *number,
        #[expect(clippy::cast_possible_truncation, reason = "Go truncates the same way")]
        Value::Float(number) => *number as i64,
        Value::Bool(truth) => i64::from(*truth),
        Value::Str(text) => int_from_text(text),
        _ => 0,
    }
}

/// `cast` reads text like a Go literal, after it took off a fraction of zeros.
fn int_from_text(text: &str) -> i64 {
    let whole = match text.rsplit_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0') => whole,
        _ => text,
    };
    crate::go::number::parse_int(whole, true).unwrap_or(0)
}

/// `cast.ToFloat64`, which gives 0 for what is no number.
fn to_float(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        #[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
        Value::Int(number, _) => *number as f64,
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        Value::Str(text) => text.parse().unwrap_or(0.0),
        _ => 0.0,
    }
}

fn fold(values: &[Value], start: i64, combine: fn(i64, i64) -> i64) -> Value {
    Value::int64(values.iter().map(to_int).fold(start, combine))
}

fn fold_floats(values: &[Value], combine: fn(f64, f64) -> f64) -> Value {
    let mut numbers = values.iter().map(to_float);
    let first = numbers.next().unwrap_or(0.0);
    Value::Float(numbers.fold(first, combine))
}

fn divide(args: Args<'_>, operation: fn(i64, i64) -> i64) -> Result<Value, Fault> {
    match to_int(args.get(1)) {
        0 => Err("runtime error: integer divide by zero".into()),
        divisor => Ok(Value::int64(operation(to_int(args.get(0)), divisor))),
    }
}

#[derive(Clone, Copy)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

fn decimals(args: Args<'_>, operation: Operation) -> Result<Value, Fault> {
    let numbers: Vec<f64> = args.0.iter().map(to_float).collect();
    Ok(Value::Float(decimal(&numbers, operation)?))
}

/// A decimal number: `units` times ten to the power of `-scale`.
#[derive(Clone, Copy)]
struct Decimal {
    units: i128,
    scale: u32,
}

impl Decimal {
    /// The shortest decimal that reads back as this float.
    fn new(number: f64) -> Option<Decimal> {
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let exponent: i32 = exponent.parse().ok()?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let units: i128 = format!("{whole}{fraction}").parse().ok()?;
        let scale = i32::try_from(fraction.len()).ok()? - exponent;
        if scale >= 0 {
            return Some(Decimal {
                units,
                scale: scale.unsigned_abs(),
            });
        }
        Some(Decimal {
            units: units.checked_mul(10_i128.checked_pow(scale.unsigned_abs())?)?,
            scale: 0,
        })
    }

    fn rescaled(self, scale: u32) -> Option<i128> {
        self.units
            .checked_mul(10_i128.checked_pow(scale.checked_sub(self.scale)?)?)
    }

    fn combine(self, other: Decimal, operation: Operation) -> Option<Decimal> {
        let scale = self.scale.max(other.scale);
        match operation {
            Operation::Add => Some(Decimal {
                units: self.rescaled(scale)?.checked_add(other.rescaled(scale)?)?,
                scale,
            }),
            Operation::Subtract => Some(Decimal {
                units: self.rescaled(scale)?.checked_sub(other.rescaled(scale)?)?,
                scale,
            }),
            Operation::Multiply => Some(Decimal {
                units: self.units.checked_mul(other.units)?,
                scale: self.scale + other.scale,
            }),
            Operation::Divide => {
                // The quotient keeps 16 decimals, rounded half away from zero.
                let dividend = self.rescaled(scale)?.checked_mul(10_i128.checked_pow(16)?)?;
                let divisor = other.rescaled(scale)?;
                let quotient = dividend.checked_div(divisor)?;
                let remainder = dividend.checked_rem(divisor)?;
                let up = remainder.checked_abs()?.checked_mul(2)? >= divisor.checked_abs()?;
                let step = if (dividend < 0) == (divisor < 0) { 1 } else { -1 };
                Some(Decimal {
                    units: quotient + if up { step } else { 0 },
                    scale: 16,
                })
            }
        }
    }

    fn to_float(self) -> f64 {
        format!("{}e-{}", self.units, self.scale).parse().unwrap_or(0.0)
    }
}

/// Float arithmetic on decimals, as sprig does it so that `addf 0.1 0.2` is `0.3`.
fn decimal(numbers: &[f64], operation: Operation) -> Result<f64, Fault> {
    let mut result: Option<Decimal> = None;
    for number in numbers {
        let Some(next) = Decimal::new(*number) else {
            return Ok(plain(numbers, operation));
        };
        result = match result {
            None => Some(next),
            Some(_) if matches!(operation, Operation::Divide) && next.units == 0 => {
                return Err("decimal division by 0".into());
            }
            Some(current) => match current.combine(next, operation) {
                Some(combined) => Some(combined),
                // Out of the range of exact arithmetic, where decimals make no visible difference.
                None => return Ok(plain(numbers, operation)),
            },
        };
    }
    Ok(result.map_or(0.0, Decimal::to_float))
}

fn plain(numbers: &[f64], operation: Operation) -> f64 {
    let combine = |a: f64, b: f64| match operation {
        Operation::Add => a + b,
        Operation::Subtract => a - b,
        Operation::Multiply => a * b,
        Operation::Divide => a / b,
    };
    numbers.iter().copied().reduce(combine).unwrap_or(0.0)
}

fn round(args: Args<'_>) -> Value {
    let on = match args.rest(2).first() {
        Some(Value::Float(on)) => *on,
        _ => 0.5,
    };
    let places = i32::try_from(args.int(1)).unwrap_or(0);
    let power = 10_f64.powi(places);
    let digits = power * to_float(args.get(0));
    let rounded = if digits.fract() >= on {
        digits.ceil()
    } else {
        digits.floor()
    };
    Value::Float(rounded / power)
}

fn ints(context: &mut Context<'_>, start: i64, stop: i64, step: i64) -> Result<Value, Fault> {
    let steps = match step.signum() * (stop.saturating_sub(start)).signum() {
        1 => stop.abs_diff(start).div_ceil(step.unsigned_abs()),
        _ => 0,
    };
    // The list is only made if the limits allow it.
    context.machine.cells(usize::try_from(steps).unwrap_or(usize::MAX))?;
    let mut items = Vec::new();
    let mut number = start;
    for _ in 0..steps {
        items.push(Value::int(number));
        number = number.saturating_add(step);
    }
    Ok(Value::List(List::of(Elem::Int, items)))
}

fn seq(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let (start, end, step, by) = match args.0.len() {
        1 => {
            let end = args.int(0);
            let by = if end < 1 { -1 } else { 1 };
            (1, end, by, by)
        }
        2 => {
            let by = if args.int(1) < args.int(0) { -1 } else { 1 };
            (args.int(0), args.int(1), by, by)
        }
        3 => {
            let (start, step, end) = (args.int(0), args.int(1), args.int(2));
            if end < start && step > 0 {
                return Ok("".into());
            }
            (start, end, step, if end < start { -1 } else { 1 })
        }
        _ => return Ok("".into()),
    };
    let Value::List(list) = ints(context, start, end.saturating_add(by), step)? else {
        return Ok("".into());
    };
    let texts: Vec<String> = list.items.iter().map(|item| to_int(item).to_string()).collect();
    Ok(texts.join(" ").into())
}
