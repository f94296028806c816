//! Text.

use std::sync::Arc;

use super::{Function, fixed, text_of, texts_of, variadic};
use crate::engine::Context;
use crate::error::Fault;
use crate::go::{format, quote};
use crate::types::Type::{Any, Int, Str};
use crate::value::{Map, MapKind, Value};

pub(super) static TABLE: &[Function] = &[
    fixed("trim", &[Str], |_, args| Ok(args.text(0).trim().into())),
    fixed("trimAll", &[Str, Str], |_, args| {
        Ok(trim_all(&args.text(0), &args.text(1)))
    }),
    fixed("trimall", &[Str, Str], |_, args| {
        Ok(trim_all(&args.text(0), &args.text(1)))
    }),
    fixed("trimSuffix", &[Str, Str], |_, args| {
        let text = args.text(1);
        Ok(text.strip_suffix(args.text(0).as_ref()).unwrap_or(&text).into())
    }),
    fixed("trimPrefix", &[Str, Str], |_, args| {
        let text = args.text(1);
        Ok(text.strip_prefix(args.text(0).as_ref()).unwrap_or(&text).into())
    }),
    fixed("upper", &[Str], |_, args| Ok(map_chars(&args.text(0), upper))),
    fixed("lower", &[Str], |_, args| Ok(map_chars(&args.text(0), lower))),
    fixed("title", &[Str], |_, args| Ok(title(&args.text(0)).into())),
    fixed("untitle", &[Str], |_, args| Ok(untitle(&args.text(0)).into())),
    fixed("swapcase", &[Str], |_, args| Ok(swap_case(&args.text(0)).into())),
    fixed("trunc", &[Int, Str], |_, args| Ok(trunc(args.int(0), args.bytes(1)))),
    fixed("substr", &[Int, Int, Str], |_, args| {
        substr(args.int(0), args.int(1), args.bytes(2))
    }),
    fixed("repeat", &[Int, Str], |context, args| {
        repeat(context, args.int(0), &args.text(1))
    }),
    fixed("nospace", &[Str], |_, args| {
        Ok(args
            .text(0)
            .chars()
            .filter(|character| !character.is_whitespace())
            .collect::<String>()
            .into())
    }),
    fixed("initials", &[Str], |_, args| {
        Ok(args
            .text(0)
            .split_whitespace()
            .filter_map(|word| word.chars().next())
            .collect::<String>()
            .into())
    }),
    fixed("abbrev", &[Int, Str], |_, args| {
        Ok(abbreviate(&args.text(1), 0, args.int(0)))
    }),
    fixed("abbrevboth", &[Int, Int, Str], |_, args| {
        Ok(abbreviate(&args.text(2), args.int(0), args.int(1)))
    }),
    fixed("wrap", &[Int, Str], |_, args| {
        Ok(wrap(&args.text(1), args.int(0), "\n", false).into())
    }),
    fixed("wrapWith", &[Int, Str, Str], |_, args| {
        Ok(wrap(&args.text(2), args.int(0), &args.text(1), true).into())
    }),
    fixed("contains", &[Str, Str], |_, args| {
        Ok(Value::Bool(args.text(1).contains(args.text(0).as_ref())))
    }),
    fixed("hasPrefix", &[Str, Str], |_, args| {
        Ok(Value::Bool(args.text(1).starts_with(args.text(0).as_ref())))
    }),
    fixed("hasSuffix", &[Str, Str], |_, args| {
        Ok(Value::Bool(args.text(1).ends_with(args.text(0).as_ref())))
    }),
    fixed("replace", &[Str, Str, Str], |context, args| {
        replace(context, &args.text(0), &args.text(1), &args.text(2))
    }),
    variadic("quote", &[], Any, |context, args| {
        let quoted = |value: &Value| match value {
            Value::Bytes(bytes) => quote::quote_bytes(&bytes.data),
            other => quote::quote(&text_of(other, context)),
        };
        Ok(each_but_nil(args.0, quoted).join(" ").into())
    }),
    variadic("squote", &[], Any, |context, args| {
        let room = context.machine.room();
        Ok(each_but_nil(args.0, |value| format!("'{}'", format::show(value, room)))
            .join(" ")
            .into())
    }),
    variadic("cat", &[], Any, |context, args| {
        let room = context.machine.room();
        Ok(each_but_nil(args.0, |value| format::show(value, room)).join(" ").into())
    }),
    fixed("indent", &[Int, Str], |context, args| {
        Ok(indent(context, args.int(0), &args.text(1), "")?.into())
    }),
    fixed("nindent", &[Int, Str], |context, args| {
        Ok(indent(context, args.int(0), &args.text(1), "\n")?.into())
    }),
    fixed("plural", &[Str, Str, Int], |_, args| {
        Ok(args.get(if args.int(2) == 1 { 0 } else { 1 }).clone())
    }),
    fixed("toString", &[Any], |context, args| match args.get(0) {
        Value::Bytes(bytes) => Ok(Value::from_bytes(bytes.data.to_vec())),
        other => Ok(Value::Str(text_of(other, context))),
    }),
    fixed("toStrings", &[Any], |context, args| {
        Ok(Value::strings(texts_of(args.get(0), context)))
    }),
    fixed("join", &[Str, Any], |context, args| {
        let texts = texts_of(args.get(1), context);
        Ok(texts
            .iter()
            .map(AsRef::as_ref)
            .collect::<Vec<&str>>()
            .join(&args.text(0))
            .into())
    }),
    fixed("split", &[Str, Str], |_, args| {
        Ok(numbered(split(&args.text(1), &args.text(0), None)))
    }),
    fixed("splitn", &[Str, Int, Str], |_, args| {
        Ok(numbered(split(&args.text(2), &args.text(0), Some(args.int(1)))))
    }),
    fixed("splitList", &[Str, Str], |_, args| {
        Ok(Value::strings(split(&args.text(1), &args.text(0), None)))
    }),
    fixed("hello", &[], |_, _| Ok("Hello!".into())),
];

fn each_but_nil(values: &[Value], show: impl Fn(&Value) -> String) -> Vec<String> {
    values
        .iter()
        .filter(|value| !matches!(value, Value::Nil))
        .map(show)
        .collect()
}

fn trim_all(set: &str, text: &str) -> Value {
    text.trim_matches(|character| set.contains(character)).into()
}

fn map_chars(text: &str, change: fn(char) -> char) -> Value {
    text.chars().map(change).collect::<String>().into()
}

/// Go maps characters one to one.
fn upper(character: char) -> char {
    let mut mapped = character.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

fn lower(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
}

fn title(text: &str) -> String {
    let mut after_separator = true;
    text.chars()
        .map(|character| {
            let starts = after_separator;
            after_separator = is_separator(character);
            if starts { upper(character) } else { character }
        })
        .collect()
}

fn is_separator(character: char) -> bool {
    if character.is_ascii() {
        return !(character.is_ascii_alphanumeric() || character == '_');
    }
    !character.is_alphanumeric() && character.is_whitespace()
}

fn untitle(text: &str) -> String {
    let mut after_space = true;
    text.chars()
        .map(|character| {
            let starts = after_space;
            after_space = character.is_whitespace();
            if starts { lower(character) } else { character }
        })
        .collect()
}

fn swap_case(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_uppercase() {
                lower(character)
            } else {
                upper(character)
            }
        })
        .collect()
}

fn trunc(count: i64, bytes: Vec<u8>) -> Value {
    let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let kept = if count < 0 && length + count > 0 {
        usize::try_from(length + count).ok().and_then(|from| bytes.get(from..))
    } else if count >= 0 && length > count {
        usize::try_from(count).ok().and_then(|to| bytes.get(..to))
    } else {
        None
    };
    Value::from_bytes(kept.map(<[u8]>::to_vec).unwrap_or(bytes))
}

fn substr(start: i64, end: i64, bytes: Vec<u8>) -> Result<Value, Fault> {
    let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let (from, to) = if start < 0 {
        (0, end)
    } else if end < 0 || end > length {
        (start, length)
    } else {
        (start, end)
    };
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    match range.and_then(|(from, to)| bytes.get(from..to)) {
        Some(part) => Ok(Value::from_bytes(part.to_vec())),
        None if to > length => {
            Err(format!("runtime error: slice bounds out of range [:{to}] with length {length}").into())
        }
        None if to < 0 => Err(format!("runtime error: slice bounds out of range [:{to}]").into()),
        None => Err(format!("runtime error: slice bounds out of range [{from}:{to}]").into()),
    }
}

fn repeat(context: &mut Context<'_>, count: i64, text: &str) -> Result<Value, Fault> {
    let count = usize::try_from(count).map_err(|_| Fault::from("strings: negative Repeat count"))?;
    if text
        .len()
        .checked_mul(count)
        .is_none_or(|total| total > context.machine.room())
    {
        return Err(context
            .machine
            .bytes(usize::MAX)
            .err()
            .unwrap_or_else(|| "the result is too large".into()));
    }
    Ok(text.repeat(count).into())
}

fn replace(context: &mut Context<'_>, old: &str, new: &str, text: &str) -> Result<Value, Fault> {
    let times = if old.is_empty() {
        text.chars().count() + 1
    } else {
        text.matches(old).count()
    };
    if new
        .len()
        .checked_mul(times)
        .is_none_or(|total| total > context.machine.room())
    {
        return Err(context
            .machine
            .bytes(usize::MAX)
            .err()
            .unwrap_or_else(|| "the result is too large".into()));
    }
    Ok(text.replace(old, new).into())
}

fn indent(context: &mut Context<'_>, spaces: i64, text: &str, before: &str) -> Result<String, Fault> {
    let spaces = usize::try_from(spaces).map_err(|_| Fault::from("strings: negative Repeat count"))?;
    let lines = text.matches('\n').count() + 1;
    if spaces
        .checked_mul(lines)
        .is_none_or(|total| total > context.machine.room())
    {
        return Err(context
            .machine
            .bytes(usize::MAX)
            .err()
            .unwrap_or_else(|| "the result is too large".into()));
    }
    let pad = " ".repeat(spaces);
    let mut out = String::with_capacity(before.len() + text.len() + spaces * lines);
    out.push_str(before);
    for (position, line) in text.split('\n').enumerate() {
        if position > 0 {
            out.push('\n');
        }
        out.push_str(&pad);
        out.push_str(line);
    }
    Ok(out)
}

/// Go's `strings.SplitN`; an empty separator splits between characters.
pub(super) fn split(text: &str, separator: &str, limit: Option<i64>) -> Vec<Arc<str>> {
    let limit = match limit {
        Some(0) => return Vec::new(),
        Some(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    if !separator.is_empty() {
        return text.splitn(limit, separator).map(Arc::from).collect();
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if parts.len() + 1 == limit {
            parts.push(rest.into());
            break;
        }
        let (part, tail) = rest.split_at_checked(character.len_utf8()).unwrap_or((rest, ""));
        parts.push(part.into());
        rest = tail;
    }
    parts
}

fn numbered(parts: Vec<Arc<str>>) -> Value {
    let map = Map::new(MapKind::Str);
    for (position, part) in parts.into_iter().enumerate() {
        map.insert(format!("_{position}"), Value::Str(part));
    }
    Value::Map(map)
}

/// goutils' `AbbreviateFull`.
fn abbreviate(text: &str, offset: i64, width: i64) -> Value {
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    if width < 4 || (offset > 0 && width < 7) || length <= width {
        return text.into();
    }
    let slice = |from: i64, to: i64| {
        let range = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
        String::from_utf8_lossy(text.as_bytes().get(range).unwrap_or(&[])).into_owned()
    };
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    if offset <= 4 {
        return format!("{}...", slice(0, width - 3)).into();
    }
    if offset + width - 3 < length {
        let tail = slice(offset, length);
        let Value::Str(tail) = abbreviate(&tail, 0, width - 3) else {
            return text.into();
        };
        return format!("...{tail}").into();
    }
    format!("...{}", slice(length - (width - 3), length)).into()
}

/// goutils' `WrapCustom`.
fn wrap(text: &str, width: i64, line_break: &str, breaks_words: bool) -> String {
    let line_break = if line_break.is_empty() { "\n" } else { line_break };
    let width = usize::try_from(width.max(1)).unwrap_or(1);
    let bytes = text.as_bytes();
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len() + 16);
    let mut offset = 0;
    while bytes.len().saturating_sub(offset) > width {
        if bytes.get(offset) == Some(&b' ') {
            offset += 1;
            continue;
        }
        let window = bytes.get(offset..=offset + width).unwrap_or(&[]);
        let space = window
            .iter()
            .rposition(|byte| *byte == b' ')
            .map(|place| offset + place);
        match space {
            Some(space) if space >= offset => {
                out.extend_from_slice(bytes.get(offset..space).unwrap_or(&[]));
                out.extend_from_slice(line_break.as_bytes());
                offset = space + 1;
            }
            _ if breaks_words => {
                out.extend_from_slice(bytes.get(offset..offset + width).unwrap_or(&[]));
                out.extend_from_slice(line_break.as_bytes());
                offset += width;
            }
            _ => {
                let from = offset + width;
                let next = bytes
                    .iter()
                    .skip(from)
                    .position(|byte| *byte == b' ')
                    .map(|place| from + place);
                match next {
                    Some(space) => {
                        out.extend_from_slice(bytes.get(offset..space).unwrap_or(&[]));
                        out.extend_from_slice(line_break.as_bytes());
                        offset = space + 1;
                    }
                    None => {
                        out.extend_from_slice(bytes.get(offset..).unwrap_or(&[]));
                        offset = bytes.len();
                    }
                }
            }
        }
    }
    out.extend_from_slice(bytes.get(offset..).unwrap_or(&[]));
    String::from_utf8_lossy(&out).into_owned()
}
