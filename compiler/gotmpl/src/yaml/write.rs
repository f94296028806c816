//! Encodes values the way Helm does: through JSON into go-yaml 2 for `toYaml`, straight into go-yaml 3 for
//! `toYamlPretty`.

use crate::go::{json, number};
use crate::value::Value;

use super::emit::{Emitter, Style, is_simple_key};
use super::resolve::{needs_quotes, needs_quotes_pretty};
use super::sort::compare;
use super::{Content, MAX_DEPTH};

/// Which of Go's encoders to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `toYaml`: lists stand under their key, lines fold at 80 columns, numbers went through JSON.
    Plain,
    /// `toYamlPretty`: lists are indented, lines are not folded, numbers are Go's.
    Pretty,
}

/// The value as YAML with a line break at the end, or Go's message why it has none.
pub(crate) fn encode(value: &Value, dialect: Dialect, limit: usize) -> Result<String, String> {
    let width = match dialect {
        Dialect::Plain => 80,
        Dialect::Pretty => usize::MAX,
    };
    let mut writer = Writer {
        emitter: Emitter::new(width),
        dialect,
        limit,
    };
    writer.node(value, None, false, 0)?;
    writer.emitter.indent = 0;
    writer.emitter.write_indent();
    Ok(writer.emitter.out)
}

struct Writer {
    emitter: Emitter,
    dialect: Dialect,
    limit: usize,
}

impl Writer {
    /// Writes a node. `indent` is that of the collection around it, if there is one; `in_map` tells that it is a
    /// mapping's.
    fn node(&mut self, value: &Value, indent: Option<usize>, in_map: bool, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("values are nested more than {MAX_DEPTH} deep"));
        }
        if self.emitter.out.len() > self.limit {
            return Err("the result is too large".to_owned());
        }
        // A scalar that continues on further lines is indented below its collection.
        self.emitter.indent = indent.map_or(2, |indent| indent + 2);
        match value {
            Value::Nil => self.literal("null"),
            Value::Bool(truth) => self.literal(if *truth { "true" } else { "false" }),
            Value::Int(number, _) => self.literal(&number.to_string()),
            Value::Float(number) => self.float(*number)?,
            Value::Str(text) => self.string(text, false)?,
            Value::Bytes(bytes) if bytes.slice && self.dialect == Dialect::Plain => {
                use base64::Engine as _;
                self.string(&base64::engine::general_purpose::STANDARD.encode(&bytes.data), false)?;
            }
            Value::Bytes(bytes) => self.string(&String::from_utf8_lossy(&bytes.data), false)?,
            Value::List(list) if list.nil && self.dialect == Dialect::Plain => self.literal("null"),
            Value::List(list) if list.items.is_empty() => self.emitter.indicator("[]", true, false),
            Value::List(list) => {
                let indentless = self.dialect == Dialect::Plain && in_map && !self.emitter.is_indention();
                let inner = deeper(indent, indentless);
                for item in list.items.iter() {
                    self.emitter.indent = inner;
                    self.emitter.write_indent();
                    self.emitter.indicator("-", true, true);
                    self.node(item, Some(inner), false, depth + 1)?;
                }
            }
            Value::Map(map) if map.is_empty() => self.emitter.indicator("{}", true, false),
            Value::Map(map) => {
                let inner = deeper(indent, false);
                let mut entries = map.entries();
                entries.sort_by(|(a, _), (b, _)| compare(a, b));
                for (key, item) in entries {
                    self.emitter.indent = inner;
                    self.emitter.write_indent();
                    if is_simple_key(&key) {
                        self.string(&key, true)?;
                        self.emitter.indicator(":", false, false);
                    } else {
                        self.emitter.indicator("?", true, true);
                        self.emitter.indent = inner + 2;
                        self.string(&key, false)?;
                        self.emitter.indent = inner;
                        self.emitter.write_indent();
                        self.emitter.indicator(":", true, true);
                    }
                    self.node(&item, Some(inner), true, depth + 1)?;
                }
            }
            Value::Object(object) => self.node(&object.plain(), indent, in_map, depth + 1)?,
        }
        Ok(())
    }

    fn literal(&mut self, text: &str) {
        self.emitter.scalar(text, Style::Plain, false);
    }

    fn float(&mut self, value: f64) -> Result<(), String> {
        let text = match self.dialect {
            Dialect::Plain => {
                let text =
                    json::float(value).ok_or_else(|| format!("unsupported value: {}", number::general(value)))?;
                match super::resolve::resolve(&text) {
                    Content::Float(float) => number::general(float),
                    Content::Int(whole) => whole.to_string(),
                    _ => text,
                }
            }
            Dialect::Pretty if value.is_nan() => ".nan".to_owned(),
            Dialect::Pretty if value.is_infinite() => if value > 0.0 { ".inf" } else { "-.inf" }.to_owned(),
            Dialect::Pretty => number::general(value),
        };
        self.literal(&text);
        Ok(())
    }

    fn string(&mut self, text: &str, is_key: bool) -> Result<(), String> {
        // go-yaml refuses to read back what JSON leaves of these.
        if self.dialect == Dialect::Plain && text.contains(is_control) {
            return Err("yaml: control characters are not allowed".to_owned());
        }
        let quotes = match self.dialect {
            Dialect::Plain => needs_quotes(text),
            Dialect::Pretty => needs_quotes_pretty(text),
        };
        let style = match (text.contains('\n'), quotes) {
            (true, _) => Style::Literal,
            (false, true) => Style::DoubleQuoted,
            (false, false) => Style::Plain,
        };
        self.emitter.scalar(text, style, is_key);
        Ok(())
    }
}

fn deeper(indent: Option<usize>, indentless: bool) -> usize {
    match indent {
        None => 0,
        Some(indent) if indentless => indent,
        Some(indent) => indent + 2,
    }
}

fn is_control(character: char) -> bool {
    matches!(character, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
}
