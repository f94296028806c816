//! JSON as Go's `encoding/json` writes it.

use crate::go::number::{self, Float};
use crate::value::Value;

/// How deep values may nest; Go gives up on a value that contains itself, and so does this.
const DEPTH: usize = 200;

/// How to lay JSON out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    /// Two spaces of indentation per level instead of one line.
    pub(crate) pretty: bool,
    /// Writes `<`, `>` and `&` as they are.
    pub(crate) raw: bool,
}

/// The value as JSON, or Go's message why it has none.
pub(crate) fn encode(value: &Value, style: Style, limit: usize) -> Result<String, String> {
    let mut out = String::new();
    write(&mut out, value, style, 0, limit)?;
    Ok(out)
}

/// A float as JSON writes it, or `None` for the values that JSON does not have.
pub(crate) fn float(number: f64) -> Option<String> {
    if !number.is_finite() {
        return None;
    }
    let magnitude = number.abs();
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        return Some(number::float(number, Float::Fixed, None));
    }
    let text = number::float(number, Float::Exponent, None);
    Some(text.replace("e-0", "e-"))
}

fn write(out: &mut String, value: &Value, style: Style, depth: usize, limit: usize) -> Result<(), String> {
    if depth > DEPTH {
        return Err(format!(
            "json: unsupported value: encountered a cycle via {}",
            value.type_name()
        ));
    }
    if out.len() > limit {
        return Err("json: the result is too large".to_owned());
    }
    match value {
        Value::Nil => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number, _) => out.push_str(&number.to_string()),
        Value::Float(number) => match float(*number) {
            Some(text) => out.push_str(&text),
            None => return Err(format!("json: unsupported value: {}", number::general(*number))),
        },
        Value::Str(text) => string(out, text, style),
        Value::Bytes(bytes) if bytes.slice => {
            use base64::Engine as _;
            string(
                out,
                &base64::engine::general_purpose::STANDARD.encode(&bytes.data),
                style,
            );
        }
        Value::Bytes(bytes) => string(out, &String::from_utf8_lossy(&bytes.data), style),
        Value::List(list) if list.nil => out.push_str("null"),
        Value::List(list) => {
            let items = list.items.iter().map(|item| (None, item));
            container(out, ['[', ']'], items, style, depth, limit)?;
        }
        Value::Map(map) => {
            let entries = map.entries();
            let items = entries.iter().map(|(key, item)| (Some(key.as_ref()), item));
            container(out, ['{', '}'], items, style, depth, limit)?;
        }
        Value::Object(object) => write(out, &object.plain(), style, depth + 1, limit)?,
    }
    Ok(())
}

fn container<'v>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl ExactSizeIterator<Item = (Option<&'v str>, &'v Value)>,
    style: Style,
    depth: usize,
    limit: usize,
) -> Result<(), String> {
    let line = |out: &mut String, depth: usize| {
        if style.pretty {
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
        }
    };
    let empty = items.len() == 0;
    out.push(open);
    for (position, (key, item)) in items.enumerate() {
        if position > 0 {
            out.push(',');
        }
        line(out, depth + 1);
        if let Some(key) = key {
            string(out, key, style);
            out.push_str(if style.pretty { ": " } else { ":" });
        }
        write(out, item, style, depth + 1, limit)?;
    }
    if !empty {
        line(out, depth);
    }
    out.push(close);
    Ok(())
}

fn string(out: &mut String, text: &str, style: Style) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' if !style.raw => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
}
