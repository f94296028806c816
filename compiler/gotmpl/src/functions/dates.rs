//! Points in time and durations, without a clock: what Go would take from the clock is an error.

use std::any::Any as StdAny;
use std::rc::Rc;

use super::{Args, Function, fixed};
use crate::engine::Context;
use crate::error::Fault;
use crate::go::date;
use crate::types::Type::{self, Any, Str};
use crate::value::{Object, Value};

pub(super) static TABLE: &[Function] = &[
    fixed("date", &[Str, Any], |_, args| {
        format(&args.text(0), args.get(1), "Local")
    }),
    fixed("dateInZone", &[Str, Any, Str], |_, args| {
        format(&args.text(0), args.get(1), &args.text(2))
    }),
    fixed("date_in_zone", &[Str, Any, Str], |_, args| {
        format(&args.text(0), args.get(1), &args.text(2))
    }),
    fixed("htmlDate", &[Any], |_, args| format("2006-01-02", args.get(0), "Local")),
    fixed("htmlDateInZone", &[Any, Str], |_, args| {
        format("2006-01-02", args.get(0), &args.text(1))
    }),
    fixed("dateModify", &[Str, Any], modify),
    fixed("date_modify", &[Str, Any], modify),
    fixed("mustDateModify", &[Str, Any], must_modify),
    fixed("must_date_modify", &[Str, Any], must_modify),
    fixed("toDate", &[Str, Str], |_, args| {
        Ok(Value::Object(Rc::new(Time(
            date::parse(&args.text(0), &args.text(1)).unwrap_or(date::ZERO),
        ))))
    }),
    fixed("mustToDate", &[Str, Str], |_, args| {
        Ok(Value::Object(Rc::new(Time(date::parse(&args.text(0), &args.text(1))?))))
    }),
    fixed("unixEpoch", &[Any], |_, args| Ok(time(args.get(0))?.to_string().into())),
    fixed("duration", &[Any], |_, args| {
        let seconds = match args.get(0) {
            Value::Str(text) => text.parse().unwrap_or(0),
            Value::Int(seconds, crate::value::IntKind::Int64) => *seconds,
            _ => 0,
        };
        Ok(date::show_duration(i128::from(seconds) * 1_000_000_000).into())
    }),
    fixed("durationRound", &[Any], |_, args| {
        let nanoseconds = match args.get(0) {
            Value::Str(text) => date::parse_duration(text).unwrap_or(0),
            Value::Int(nanoseconds, crate::value::IntKind::Int64) => i128::from(*nanoseconds),
            Value::Object(_) => return Err(clock("durationRound")),
            _ => 0,
        };
        Ok(round(nanoseconds.unsigned_abs()).into())
    }),
];

/// A point in time, in seconds since 1970 in UTC.
#[derive(Debug)]
struct Time(i64);

impl Object for Time {
    fn type_name(&self) -> &str {
        "time.Time"
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<&'static [Type]> {
        match name {
            "Unix" | "Year" | "Day" | "Hour" | "Minute" | "Second" | "String" | "UTC" => Some(&[]),
            "Format" => Some(&[Str]),
            _ => None,
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        let number = |layout: &str| {
            Value::int(
                date::format(layout, self.0)
                    .trim_start_matches('0')
                    .parse()
                    .unwrap_or(0),
            )
        };
        Ok(match name {
            "Unix" => Value::int64(self.0),
            "Year" => number("2006"),
            "Day" => number("2"),
            "Hour" => number("15"),
            "Minute" => number("4"),
            "Second" => number("5"),
            "Format" => {
                let layout = args.first().and_then(Value::as_text).unwrap_or_else(|| "".into());
                date::format(&layout, self.0).into()
            }
            "UTC" => Value::Object(Rc::new(Time(self.0))),
            _ => date::format("2006-01-02 15:04:05 -0700 MST", self.0).into(),
        })
    }

    fn show(&self) -> Option<String> {
        Some(date::format("2006-01-02 15:04:05 -0700 MST", self.0))
    }

    fn plain(&self) -> Value {
        date::format("2006-01-02T15:04:05Z07:00", self.0).into()
    }

    fn as_any(&self) -> &dyn StdAny {
        self
    }
}

fn clock(name: &str) -> Fault {
    format!("`{name}` would read the clock, so it gives another result each time").into()
}

fn time(value: &Value) -> Result<i64, Fault> {
    match value {
        Value::Object(object) => match object.as_any().downcast_ref::<Time>() {
            Some(Time(seconds)) => Ok(*seconds),
            None => Err(format!("wrong type for value; expected time.Time; got {}", value.type_name()).into()),
        },
        other => Err(format!("wrong type for value; expected time.Time; got {}", other.type_name()).into()),
    }
}

fn format(layout: &str, value: &Value, zone: &str) -> Result<Value, Fault> {
    let seconds = match value {
        Value::Object(_) => time(value)?,
        Value::Int(seconds, _) => *seconds,
        _ => return Err(clock("date")),
    };
    match zone {
        "" | "UTC" | "Local" | "GMT" | "Etc/UTC" => Ok(date::format(layout, seconds).into()),
        other => Err(format!("the time zone `{other}` is not known here; use UTC").into()),
    }
}

fn modify(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let seconds = time(args.get(1))?;
    let moved = match date::parse_duration(&args.text(0)) {
        Some(nanoseconds) => seconds.saturating_add(i64::try_from(nanoseconds / 1_000_000_000).unwrap_or(0)),
        None => seconds,
    };
    Ok(Value::Object(Rc::new(Time(moved))))
}

fn must_modify(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    if date::parse_duration(&args.text(0)).is_none() {
        return Err(format!("time: invalid duration {}", crate::go::quote::quote(&args.text(0))).into());
    }
    modify(context, args)
}

/// sprig's rounding to the largest unit.
fn round(nanoseconds: u128) -> String {
    const SECOND: u128 = 1_000_000_000;
    const UNITS: [(u128, &str); 6] = [
        (SECOND * 86_400 * 365, "y"),
        (SECOND * 86_400 * 30, "mo"),
        (SECOND * 86_400, "d"),
        (SECOND * 3_600, "h"),
        (SECOND * 60, "m"),
        (SECOND, "s"),
    ];
    UNITS.iter().find(|(unit, _)| nanoseconds > *unit).map_or_else(
        || "0s".to_owned(),
        |(unit, name)| format!("{}{name}", nanoseconds / unit),
    )
}
