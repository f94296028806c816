//! Reading `application/vnd.kubernetes.protobuf`, which Go clients send for built-in kinds.
//!
//! Types come from the schema, numbers of fields from `wire.txt`. Answers are JSON: every client that sends protobuf
//! accepts it. Fields that the table does not know are left out.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use ktl_schema::{Record, Type};
use serde_json::{Map, Value};

use crate::status::Failure;

/// What every body starts with.
const MAGIC: &[u8] = b"k8s\0";

/// How deep messages may nest.
const MAX_DEPTH: usize = 100;

/// A field of a message.
enum Field {
    Named { name: &'static str, leaves_zero_out: bool },
    Embedded(&'static str),
}

type Message = BTreeMap<u64, Field>;

static MESSAGES: LazyLock<BTreeMap<&'static str, Message>> = LazyLock::new(|| {
    let lines = include_str!("wire.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut words = line.split(' ');
            let name = words.next()?;
            let field = |word: &'static str| {
                let (number, name) = word.split_once(':')?;
                let field = match (name.strip_prefix('^'), name.strip_suffix('?')) {
                    (Some(other), _) => Field::Embedded(other),
                    (None, Some(name)) => Field::Named {
                        name,
                        leaves_zero_out: true,
                    },
                    (None, None) => Field::Named {
                        name,
                        leaves_zero_out: false,
                    },
                };
                Some((number.parse().ok()?, field))
            };
            Some((name, words.filter_map(field).collect()))
        })
        .collect()
});

/// Reads a body.
pub fn read(body: &[u8]) -> Result<Value, Failure> {
    decode(body).ok_or_else(|| Failure::bad_request("couldn't get version/kind; protobuf parse error"))?
}

fn decode(body: &[u8]) -> Option<Result<Value, Failure>> {
    let (mut meta, mut raw) = (&[][..], &[][..]);
    for part in Parts(body.strip_prefix(MAGIC)?) {
        match part? {
            (1, Wire::Bytes(bytes)) => meta = bytes,
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let (mut version, mut kind) = ("", "");
    for part in Parts(meta) {
        match part? {
            (1, Wire::Bytes(bytes)) => version = std::str::from_utf8(bytes).ok()?,
            (2, Wire::Bytes(bytes)) => kind = std::str::from_utf8(bytes).ok()?,
            _ => {}
        }
    }
    let Some((record, message)) = record(version, kind).and_then(|record| Some((record, message(record.name)?))) else {
        let why = format!("the body of the request was in an unknown format: {kind} in {version} is read as JSON only");
        return Some(Err(Failure::new(415, "UnsupportedMediaType", why)));
    };
    let mut object = Map::new();
    fields(raw, message, record, &mut object, 0)?;
    object.insert("apiVersion".to_owned(), Value::from(version));
    object.insert("kind".to_owned(), Value::from(kind));
    Some(Ok(Value::Object(object)))
}

fn message(record: &str) -> Option<&'static Message> {
    MESSAGES.get(record.strip_prefix("io.k8s.")?)
}

/// The fields of a kind: one of its own, one that only a subresource speaks, or the options of a deletion.
fn record(version: &str, kind: &str) -> Option<&'static Record> {
    if kind == "DeleteOptions" {
        return ktl_schema::record("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");
    }
    if let Some(kind) = ktl_schema::kind(version, kind) {
        return Some(kind.record);
    }
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let mut parts = ktl_schema::kinds().flat_map(|kind| kind.subresources);
    parts
        .find(|part| (part.group, part.version, part.kind) == (group, version, kind))?
        .record
}

fn fields(bytes: &[u8], message: &Message, record: &Record, out: &mut Map<String, Value>, depth: usize) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    for part in Parts(bytes) {
        let (number, wire) = part?;
        match (message.get(&number), wire) {
            (Some(Field::Embedded(other)), Wire::Bytes(bytes)) => {
                fields(bytes, MESSAGES.get(other)?, record, out, depth + 1)?;
            }
            (Some(Field::Named { name, leaves_zero_out }), wire) => {
                let Some(field) = record.field(name) else { continue };
                let slot = out.entry((*name).to_owned()).or_insert(Value::Null);
                value(&wire, &field.ty, slot, depth + 1)?;
                let blank = match slot {
                    Value::Null => true,
                    Value::Bool(on) => !*on,
                    Value::Number(number) => number.as_f64() == Some(0.0),
                    Value::String(text) => text.is_empty(),
                    _ => false,
                };
                if slot.is_null() || (blank && *leaves_zero_out) {
                    out.remove(*name);
                }
            }
            _ => {}
        }
    }
    Some(())
}

/// Reads one value, or one more item of a list or map, into `slot`.
fn value(wire: &Wire<'_>, ty: &Type, slot: &mut Value, depth: usize) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    *slot = match (ty, wire) {
        (Type::List { items, .. }, wire) => {
            let mut item = Value::Null;
            value(wire, items, &mut item, depth + 1)?;
            match slot {
                Value::Array(list) => {
                    list.push(item);
                    return Some(());
                }
                _ => Value::Array(vec![item]),
            }
        }
        (Type::Map { values, .. }, Wire::Bytes(bytes)) => {
            let (key, item) = entry(bytes, values, depth)?;
            crate::value::object(slot).insert(key, item);
            return Some(());
        }
        (Type::Record { record, .. }, Wire::Bytes(bytes)) => {
            let mut object = Map::new();
            fields(bytes, message(record.name)?, record, &mut object, depth + 1)?;
            Value::Object(object)
        }
        (Type::Boolean, Wire::Number(number)) => Value::Bool(*number != 0),
        (Type::Int32 | Type::Int64, Wire::Number(number)) => Value::from(number.cast_signed()),
        (Type::Number, Wire::Number(bits)) => Value::from(f64::from_bits(*bits)),
        (Type::Quantity, Wire::Bytes(bytes)) => first_text(bytes)?,
        (Type::IntOrString, Wire::Bytes(bytes)) => int_or_string(bytes)?,
        (Type::Time, Wire::Bytes(bytes)) => time(bytes, 0)?,
        (Type::MicroTime, Wire::Bytes(bytes)) => time(bytes, 6)?,
        (Type::Base64, Wire::Bytes(bytes)) => Value::from(BASE64_STANDARD.encode(bytes)),
        (Type::Json, Wire::Bytes(bytes)) => match Parts(bytes).next() {
            Some(part) => match part? {
                (1, Wire::Bytes(json)) => serde_json::from_slice(json).ok()?,
                _ => return None,
            },
            None => Value::Null,
        },
        (Type::String | Type::Enum(_), Wire::Bytes(bytes)) => Value::from(std::str::from_utf8(bytes).ok()?),
        _ => return None,
    };
    Some(())
}

/// A list as the value of a map is a message whose first field repeats.
fn entry(bytes: &[u8], values: &Type, depth: usize) -> Option<(String, Value)> {
    let (mut key, mut item) = (String::new(), Value::Null);
    for part in Parts(bytes) {
        match part? {
            (1, Wire::Bytes(bytes)) => key = std::str::from_utf8(bytes).ok()?.to_owned(),
            (2, Wire::Bytes(bytes)) if matches!(values, Type::List { .. }) => {
                for part in Parts(bytes) {
                    value(&part?.1, values, &mut item, depth + 1)?;
                }
            }
            (2, wire) => value(&wire, values, &mut item, depth + 1)?,
            _ => {}
        }
    }
    // Proto leaves an empty value of the entry out.
    if item.is_null() && matches!(values, Type::String | Type::Base64) {
        item = Value::from("");
    }
    Some((key, item))
}

fn first_text(bytes: &[u8]) -> Option<Value> {
    match Parts(bytes).next() {
        Some(part) => match part? {
            (1, Wire::Bytes(text)) => Some(Value::from(std::str::from_utf8(text).ok()?)),
            _ => None,
        },
        None => Some(Value::from("0")),
    }
}

fn int_or_string(bytes: &[u8]) -> Option<Value> {
    let (mut is_text, mut number, mut text) = (false, 0, "");
    for part in Parts(bytes) {
        match part? {
            (1, Wire::Number(kind)) => is_text = kind == 1,
            (2, Wire::Number(value)) => number = value.cast_signed(),
            (3, Wire::Bytes(value)) => text = std::str::from_utf8(value).ok()?,
            _ => {}
        }
    }
    Some(if is_text {
        Value::from(text)
    } else {
        Value::from(number)
    })
}

/// Seconds and nanoseconds; a message without either is no time at all.
fn time(bytes: &[u8], precision: usize) -> Option<Value> {
    if bytes.is_empty() {
        return Some(Value::Null);
    }
    let (mut seconds, mut nanos) = (0, 0);
    for part in Parts(bytes) {
        match part? {
            (1, Wire::Number(value)) => seconds = value.cast_signed(),
            (2, Wire::Number(value)) => nanos = i32::try_from(value.cast_signed()).ok()?,
            _ => {}
        }
    }
    let stamp = Timestamp::new(seconds, if precision == 0 { 0 } else { nanos }).ok()?;
    Some(Value::from(if precision == 0 {
        stamp.to_string()
    } else {
        format!("{stamp:.precision$}")
    }))
}

/// What stands on the wire.
enum Wire<'a> {
    /// A varint, or the bits of a fixed number.
    Number(u64),
    /// A text, bytes or a message.
    Bytes(&'a [u8]),
}

/// The fields of a message, one by one; none where they make no sense.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn part(&mut self) -> Option<(u64, Wire<'a>)> {
        let key = self.varint()?;
        let wire = match key & 7 {
            0 => Wire::Number(self.varint()?),
            1 => Wire::Number(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Number(u64::from(u32::from_le_bytes(self.take(4)?.try_into().ok()?))),
            _ => return None,
        };
        Some((key >> 3, wire))
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Option<(u64, Wire<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let part = self.part();
        if part.is_none() {
            self.0 = &[];
        }
        Some(part)
    }
}
