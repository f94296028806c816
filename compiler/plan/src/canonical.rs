//! Canonical JSON, so that equal values are equal bytes and nothing can hide in the way a text is written.
//!
//! The dialect ("KCJ/1") is the part of RFC 8785 that plans need: UTF-8 without a mark, keys unique and sorted by their
//! UTF-16 code units, no white space, strings in Unicode's NFC with RFC 8785's escapes, integers that a double holds
//! exactly, no fractions, no `null`. Object bodies have a dialect of their own, see [`check_body`].
//!
//! ```
//! use std::collections::BTreeMap;
//! let bytes = ktl_plan::canonical::to_vec(&BTreeMap::from([("b", 1), ("a", 2)]))?;
//! assert_eq!(bytes, br#"{"a":2,"b":1}"#);
//! assert!(ktl_plan::canonical::from_slice::<BTreeMap<String, u8>>(br#"{"a":2,"a":1}"#).is_err());
//! # Ok::<(), ktl_plan::canonical::NotCanonical>(())
//! ```

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};
use unicode_normalization::is_nfc;

mod scan;

/// The longest text, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 64;
/// How deep they may nest in the body of a Kubernetes object; schemas in custom resource definitions go deep.
pub const MAX_BODY_DEPTH: usize = 128;
/// Keys of one object.
pub const MAX_KEYS: usize = 200_000;

/// Integers between the negative and the positive of it are the same number to every JSON reader.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Why something is not canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCanonical {
    problem: String,
    pointer: String,
    byte: Option<usize>,
    limit: bool,
}

impl NotCanonical {
    /// Whether the only thing wrong is that there is too much of it.
    pub fn is_limit(&self) -> bool {
        self.limit
    }

    /// The JSON pointer of the place; empty for the whole text.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    fn new(problem: impl Into<String>) -> Self {
        NotCanonical {
            problem: problem.into(),
            pointer: String::new(),
            byte: None,
            limit: false,
        }
    }

    fn limit(problem: impl Into<String>) -> Self {
        NotCanonical {
            limit: true,
            ..NotCanonical::new(problem)
        }
    }

    fn at_byte(self, byte: usize) -> Self {
        NotCanonical {
            byte: self.byte.or(Some(byte)),
            ..self
        }
    }

    /// One level further out. Called on the way back from an error only, so that a good text pays nothing for it.
    fn within(mut self, step: &str) -> Self {
        let step: String = step.chars().take(80).flat_map(char::escape_debug).collect();
        self.pointer = format!("/{}{}", step.replace('~', "~0").replace('/', "~1"), self.pointer);
        self
    }
}

impl fmt::Display for NotCanonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        if !self.pointer.is_empty() {
            write!(f, " at `{}`", self.pointer)?;
        }
        match self.byte {
            Some(byte) => write!(f, " (byte {byte})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for NotCanonical {}

/// Writes a value.
///
/// # Errors
/// What canonical JSON cannot say: fractions, `null`, integers beyond 2⁵³-1, strings outside NFC, and too much of it.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, NotCanonical> {
    let value = serde_json::to_value(value).map_err(|error| NotCanonical::new(error.to_string()))?;
    let mut bytes = Vec::new();
    write(&value, 1, &mut bytes)?;
    if bytes.len() > MAX_BYTES {
        return Err(too_long(bytes.len()));
    }
    Ok(bytes)
}

/// Reads a value, and accepts exactly the bytes that [`to_vec`] writes for it.
///
/// # Errors
/// The first byte that is not as it would be written, or what `T` says of the value.
pub fn from_slice<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, NotCanonical> {
    scan::scan(bytes, scan::Dialect::Plan)?;
    let value: T = serde_json::from_slice(bytes)
        .map_err(|error| NotCanonical::new(error.to_string()).at_byte(error.column().saturating_sub(1)))?;
    let written = to_vec(&value)?;
    if written != bytes {
        let same = written.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        return Err(NotCanonical::new("a member that holds its default must be left out").at_byte(same));
    }
    Ok(value)
}

/// Checks the body of a Kubernetes object: one JSON object, keys unique and sorted by their bytes, no white space,
/// RFC 8785's escapes; numbers and strings are whatever their author wrote, and `null` is allowed.
///
/// # Errors
/// The first byte that is not so.
pub fn check_body(bytes: &[u8]) -> Result<(), NotCanonical> {
    scan::scan(bytes, scan::Dialect::Body)?;
    match bytes.first() {
        Some(b'{') => Ok(()),
        _ => Err(NotCanonical::new("expected an object").at_byte(0)),
    }
}

fn write(value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<(), NotCanonical> {
    match value {
        Value::Null => Err(NotCanonical::new("expected a value or nothing, found `null`")),
        Value::Bool(bool) => {
            out.extend_from_slice(if *bool { b"true" } else { b"false" });
            Ok(())
        }
        Value::Number(number) => {
            out.extend_from_slice(integer(number)?.as_bytes());
            Ok(())
        }
        Value::String(string) => write_string(string, out),
        Value::Array(items) => {
            deep_enough(depth, MAX_DEPTH)?;
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, depth + 1, out).map_err(|error| error.within(&index.to_string()))?;
            }
            out.push(b']');
            Ok(())
        }
        Value::Object(members) => {
            deep_enough(depth, MAX_DEPTH)?;
            few_enough(members.len())?;
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| utf16_order(a, b));
            out.push(b'{');
            for (index, (key, item)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(key, out).map_err(|error| error.within(key))?;
                out.push(b':');
                write(item, depth + 1, out).map_err(|error| error.within(key))?;
            }
            out.push(b'}');
            Ok(())
        }
    }
}

fn write_string(string: &str, out: &mut Vec<u8>) -> Result<(), NotCanonical> {
    composed(string)?;
    // Its escapes are those of RFC 8785: two-character ones where JSON has them, `\u00xx` in lower case else.
    serde_json::to_writer(out, string).map_err(|error| NotCanonical::new(error.to_string()))
}

fn integer(number: &Number) -> Result<String, NotCanonical> {
    let size = number.as_i64().map(i64::unsigned_abs).or_else(|| number.as_u64());
    match size {
        None => Err(NotCanonical::new(format!(
            "expected an integer, found {number}; write a fraction as text"
        ))),
        Some(size) if size > MAX_INTEGER => Err(NotCanonical::new(format!(
            "expected an integer of at most {MAX_INTEGER}, found {number}; write it as text"
        ))),
        Some(_) => Ok(number.to_string()),
    }
}

fn composed(string: &str) -> Result<(), NotCanonical> {
    if string.is_ascii() || is_nfc(string) {
        return Ok(());
    }
    let start: String = string.chars().take(40).collect();
    Err(NotCanonical::new(format!(
        "expected text in Unicode's composed form (NFC), found {start:?}"
    )))
}

fn deep_enough(depth: usize, max: usize) -> Result<(), NotCanonical> {
    if depth > max {
        return Err(NotCanonical::limit(format!(
            "arrays and objects nest deeper than {max}"
        )));
    }
    Ok(())
}

fn few_enough(keys: usize) -> Result<(), NotCanonical> {
    if keys > MAX_KEYS {
        return Err(NotCanonical::limit(format!("one object has more than {MAX_KEYS} keys")));
    }
    Ok(())
}

fn too_long(len: usize) -> NotCanonical {
    NotCanonical::limit(format!("{len} bytes of JSON, at most {MAX_BYTES} are allowed"))
}

fn utf16_order(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

#[cfg(test)]
mod tests;
