//! The type of a plain scalar, by the rules of go-yaml 2: YAML 1.1 without base 60.

use std::sync::Arc;

use super::Content;
use crate::go::number;

/// The value of a plain scalar.
pub(super) fn resolve(text: &str) -> Content {
    let string = || Content::Str(Arc::from(text));
    let Some(first) = text.chars().next() else {
        return Content::Null;
    };
    match first {
        'y' | 'Y' | 'n' | 'N' | 't' | 'T' | 'f' | 'F' | 'o' | 'O' | '~' => named(text).unwrap_or_else(string),
        '.' => named(text)
            .or_else(|| number::parse_float(text).map(Content::Float))
            .unwrap_or_else(string),
        '+' | '-' | '0'..='9' => named(text).or_else(|| numeric(text)).unwrap_or_else(string),
        _ => string(),
    }
}

/// Whether a string has to be quoted, because plain it would read as something else.
pub(super) fn needs_quotes(text: &str) -> bool {
    !matches!(resolve(text), Content::Str(_)) || is_timestamp(text) || is_base60(text)
}

/// The same for go-yaml 3, which knows fewer spellings but still quotes the old booleans.
pub(super) fn needs_quotes_pretty(text: &str) -> bool {
    needs_quotes(text) || text == "<<" || text == "="
}

fn named(text: &str) -> Option<Content> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Content::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Content::Bool(false),
        "~" | "null" | "Null" | "NULL" => Content::Null,
        ".nan" | ".NaN" | ".NAN" => Content::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Content::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Content::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

fn numeric(text: &str) -> Option<Content> {
    let plain = text.replace('_', "");
    if let Some(value) = number::parse_int(&plain, false) {
        return Some(Content::Int(value));
    }
    if let Some(value) = number::parse_uint(&plain, false) {
        return Some(Content::Uint(value));
    }
    number::parse_float(&plain)
        .filter(|_| is_float(&plain))
        .map(Content::Float)
}

fn is_float(text: &str) -> bool {
    // The spellings of `parse_float` are these, but for a sign or exponent out of place, which it refuses itself.
    text.trim_start_matches(['+', '-'])
        .starts_with(|first: char| first.is_ascii_digit() || first == '.')
}

/// Sexagesimal numbers such as `12:30:45`, which other parsers would read as one number.
fn is_base60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let Some((head, tail)) = unsigned.split_once(':') else {
        return false;
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    if !head.starts_with(|first: char| first.is_ascii_digit()) || !digits(head) {
        return false;
    }
    let (tail, fraction) = tail.split_once('.').unwrap_or((tail, ""));
    digits(fraction)
        && tail.split(':').all(|part| match part.as_bytes() {
            [ones] => ones.is_ascii_digit(),
            [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
            _ => false,
        })
}

/// Whether go-yaml takes the text for a point in time.
fn is_timestamp(text: &str) -> bool {
    let Some((year, rest)) = text.split_once('-') else {
        return false;
    };
    let Some((month, rest)) = rest.split_once('-') else {
        return false;
    };
    let split = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let Some((day, time)) = rest.split_at_checked(split) else {
        return false;
    };
    let number = |text: &str, digits: usize| -> Option<u32> {
        if text.is_empty() || text.len() > digits || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        text.parse().ok()
    };
    let (Some(year), Some(month), Some(day)) = (
        number(year, 4).filter(|_| year.len() == 4),
        number(month, 2),
        number(day, 2),
    ) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        1..=12 => 31,
        _ => return false,
    };
    if !(1..=days).contains(&day) {
        return false;
    }
    let clock = |text: &str| -> bool {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let mut parts = whole.split(':');
        let limits = [23, 59, 59];
        !fraction.is_empty()
            && fraction.bytes().all(|byte| byte.is_ascii_digit())
            && limits.iter().all(|limit| {
                parts
                    .next()
                    .and_then(|part| number(part, 2))
                    .is_some_and(|part| part <= *limit)
            })
            && parts.next().is_none()
    };
    if time.is_empty() {
        return true;
    }
    if let Some(time) = time.strip_prefix(' ') {
        return clock(time);
    }
    let Some(time) = time.strip_prefix(['T', 't']) else {
        return false;
    };
    if let Some(time) = time.strip_suffix('Z') {
        return clock(time);
    }
    let Some(at) = time.rfind(['+', '-']) else { return false };
    let Some((time, zone)) = time.split_at_checked(at) else {
        return false;
    };
    let zone = zone.get(1..).unwrap_or("");
    clock(time)
        && zone.split_once(':').is_some_and(|(hours, minutes)| {
            hours.len() == 2 && minutes.len() == 2 && number(hours, 2).is_some() && number(minutes, 2).is_some()
        })
}
