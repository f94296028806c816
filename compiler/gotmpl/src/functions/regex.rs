//! Regular expressions in Go's dialect, translated to the one that the `regex` crate reads.

use std::sync::Arc;

use regex::{NoExpand, Regex, RegexBuilder};

use super::{Args, Function, fixed};
use crate::engine::Context;
use crate::error::Fault;
use crate::types::Type::{Int, Str};
use crate::value::{Elem, List, Value};

pub(super) static TABLE: &[Function] = &[
    fixed("regexMatch", &[Str, Str], |context, args| {
        let regex = context.regex(&args.text(0));
        Ok(Value::Bool(regex.is_ok_and(|regex| regex.is_match(&args.text(1)))))
    }),
    fixed("mustRegexMatch", &[Str, Str], |context, args| {
        Ok(Value::Bool(context.regex(&args.text(0))?.is_match(&args.text(1))))
    }),
    fixed("regexFind", &[Str, Str], |context, args| {
        must_compile(find(context, args), args)
    }),
    fixed("mustRegexFind", &[Str, Str], find),
    fixed("regexFindAll", &[Str, Str, Int], |context, args| {
        must_compile(find_all(context, args), args)
    }),
    fixed("mustRegexFindAll", &[Str, Str, Int], find_all),
    fixed("regexReplaceAll", &[Str, Str, Str], |context, args| {
        must_compile(replace(context, args), args)
    }),
    fixed("mustRegexReplaceAll", &[Str, Str, Str], replace),
    fixed("regexReplaceAllLiteral", &[Str, Str, Str], |context, args| {
        must_compile(replace_literally(context, args), args)
    }),
    fixed("mustRegexReplaceAllLiteral", &[Str, Str, Str], replace_literally),
    fixed("regexSplit", &[Str, Str, Int], |context, args| {
        must_compile(split(context, args), args)
    }),
    fixed("mustRegexSplit", &[Str, Str, Int], split),
    fixed("regexQuoteMeta", &[Str], |_, args| Ok(quote_meta(&args.text(0)).into())),
];

/// The functions without `must` let Go panic, which says more.
fn must_compile(result: Result<Value, Fault>, args: Args<'_>) -> Result<Value, Fault> {
    result.map_err(|fault| match fault {
        Fault::Message(message) if message.starts_with("error parsing regexp") => {
            let pattern = args.text(0);
            let quoted = if pattern.contains('`') {
                crate::go::quote::quote(&pattern)
            } else {
                format!("`{pattern}`")
            };
            Fault::Message(format!("regexp: Compile({quoted}): {message}"))
        }
        other => other,
    })
}

fn find(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let regex = context.regex(&args.text(0))?;
    Ok(regex.find(&args.text(1)).map_or("", |found| found.as_str()).into())
}

fn find_all(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let regex = context.regex(&args.text(0))?;
    let limit = usize::try_from(args.int(2)).unwrap_or(usize::MAX);
    let text = args.text(1);
    let found: Vec<Arc<str>> = regex
        .find_iter(&text)
        .take(limit)
        .map(|found| found.as_str().into())
        .collect();
    if found.is_empty() {
        return Ok(Value::List(List {
            elem: Elem::Str,
            ..List::nil()
        }));
    }
    Ok(Value::strings(found))
}

fn replace(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let regex = context.regex(&args.text(0))?;
    let replacement = args.text(2);
    check_room(context, &regex, &args.text(1), &replacement)?;
    Ok(regex.replace_all(&args.text(1), replacement.as_ref()).as_ref().into())
}

fn replace_literally(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let regex = context.regex(&args.text(0))?;
    let replacement = args.text(2);
    check_room(context, &regex, &args.text(1), &replacement)?;
    Ok(regex.replace_all(&args.text(1), NoExpand(&replacement)).as_ref().into())
}

/// Refuses a replacement whose result could not fit the limits.
fn check_room(context: &mut Context<'_>, regex: &Regex, text: &str, replacement: &str) -> Result<(), Fault> {
    let groups = replacement.matches('$').count();
    let each = replacement.len().saturating_add(groups.saturating_mul(text.len()));
    let room = context.machine.room();
    if text.len().saturating_add(1).saturating_mul(each) > room {
        let times = regex.find_iter(text).count();
        if times.saturating_mul(each) > room {
            context.machine.bytes(usize::MAX)?;
        }
    }
    Ok(())
}

fn split(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let regex = context.regex(&args.text(0))?;
    let text = args.text(1);
    let limit = args.int(2);
    if limit == 0 {
        return Ok(Value::List(List {
            elem: Elem::Str,
            ..List::nil()
        }));
    }
    if !args.text(0).is_empty() && text.is_empty() {
        return Ok(Value::strings([""]));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts: Vec<Arc<str>> = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in regex.find_iter(&text) {
        if parts.len() + 1 == limit {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(text.get(begin..end).unwrap_or("").into());
        }
        begin = found.end();
    }
    if end != text.len() {
        parts.push(text.get(begin..).unwrap_or("").into());
    }
    Ok(Value::strings(parts))
}

fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if "\\.+*?()|[]{}^$".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// Compiles a pattern in Go's dialect.
pub(crate) fn compile(pattern: &str) -> Result<Regex, Fault> {
    if let Some(operators) = nested_repetition(pattern) {
        return Err(format!("error parsing regexp: invalid nested repetition operator: `{operators}`").into());
    }
    RegexBuilder::new(&translate(pattern))
        .size_limit(4 << 20)
        .build()
        .map_err(|error| {
            let reason = error.to_string();
            let reason = reason
                .lines()
                .last()
                .unwrap_or("")
                .trim_start_matches("error: ")
                .to_owned();
            let from = |opening: &str| {
                pattern
                    .find(opening)
                    .and_then(|at| pattern.get(at..))
                    .unwrap_or(pattern)
            };
            let (reason, culprit) = match reason.as_str() {
                "unclosed character class" => ("missing closing ]", from("[")),
                "unclosed group" => ("missing closing )", pattern),
                "unopened group" => ("unexpected )", pattern),
                _ if reason.starts_with("look-around") => (
                    "invalid or unsupported Perl syntax",
                    from("(?").get(..3).unwrap_or(pattern),
                ),
                other => (other, pattern),
            };
            Fault::Message(format!("error parsing regexp: {reason}: `{culprit}`"))
        })
}

/// Two repetitions in a row, such as `a**`, which Go refuses; a `?` after one makes it lazy.
fn nested_repetition(pattern: &str) -> Option<&str> {
    let mut rest = pattern;
    let mut in_class = false;
    let mut previous: Option<&str> = None;
    while let Some(character) = rest.chars().next() {
        let tail = rest.get(character.len_utf8()..).unwrap_or("");
        let operator = match character {
            _ if in_class => 0,
            '*' | '+' | '?' => 1,
            '{' if is_repetition(tail) => tail.find('}').map_or(0, |end| end + 2),
            _ => 0,
        };
        if operator > 0 {
            let after = rest.get(operator..).unwrap_or("");
            if let Some(start) = previous {
                return start.get(..start.len() - after.len());
            }
            previous = Some(rest);
            rest = after.strip_prefix('?').unwrap_or(after);
            continue;
        }
        previous = None;
        rest = match character {
            '\\' => tail.get(tail.chars().next().map_or(0, char::len_utf8)..).unwrap_or(""),
            '(' if !in_class => tail.strip_prefix('?').unwrap_or(tail),
            '[' if !in_class => {
                in_class = true;
                let tail = tail.strip_prefix('^').unwrap_or(tail);
                tail.strip_prefix(']').unwrap_or(tail)
            }
            '[' => match tail.strip_prefix(':').and_then(|inside| inside.find(":]")) {
                Some(end) => rest.get(end + 4..).unwrap_or(""),
                None => tail,
            },
            ']' => {
                in_class = false;
                tail
            }
            _ => tail,
        };
    }
    None
}

/// Rewrites what the two dialects read differently: classes are ASCII in Go, braces and brackets may stand for
/// themselves, and `\Q…\E` quotes.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_class = false;
    let mut class_start = false;
    while let Some(character) = rest.chars().next() {
        let tail = rest.get(character.len_utf8()..).unwrap_or("");
        let at_start = std::mem::take(&mut class_start);
        rest = match character {
            '\\' => escape(&mut out, tail, in_class),
            '[' if in_class => match tail.strip_prefix(':').and_then(|inside| inside.find(":]")) {
                Some(end) => {
                    let (name, after) = rest.split_at_checked(end + 4).unwrap_or((rest, ""));
                    out.push_str(name);
                    after
                }
                None => {
                    out.push_str("\\[");
                    tail
                }
            },
            '[' => {
                in_class = true;
                class_start = true;
                out.push('[');
                match tail.strip_prefix('^') {
                    Some(after) => {
                        out.push('^');
                        after
                    }
                    None => tail,
                }
            }
            ']' if in_class && at_start => {
                out.push_str("\\]");
                tail
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
                tail
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(character);
                tail
            }
            '-' if in_class && tail.starts_with('-') => {
                out.push_str("\\-");
                tail
            }
            '{' if !in_class && !is_repetition(tail) => {
                out.push_str("\\{");
                tail
            }
            '}' if !in_class && !closes_repetition(&out) => {
                out.push_str("\\}");
                tail
            }
            other => {
                out.push(other);
                tail
            }
        };
    }
    out
}

fn escape<'t>(out: &mut String, tail: &'t str, in_class: bool) -> &'t str {
    let Some(escaped) = tail.chars().next() else {
        out.push('\\');
        return tail;
    };
    let after = tail.get(escaped.len_utf8()..).unwrap_or("");
    let class = match escaped {
        'd' => Some("0-9"),
        'w' => Some("0-9A-Za-z_"),
        's' => Some("\\t\\n\\f\\r "),
        _ => None,
    };
    let negated = match escaped {
        'D' => Some("[^0-9]"),
        'W' => Some("[^0-9A-Za-z_]"),
        'S' => Some("[^\\t\\n\\f\\r ]"),
        _ => None,
    };
    match (class, negated) {
        (Some(class), _) if in_class => out.push_str(class),
        (Some(class), _) => {
            out.push('[');
            out.push_str(class);
            out.push(']');
        }
        (_, Some(negated)) => out.push_str(negated),
        _ => match escaped {
            'b' if !in_class => out.push_str("(?-u:\\b)"),
            'Q' => {
                let (quoted, after) = after.split_once("\\E").unwrap_or((after, ""));
                out.push_str(&regex::escape(quoted));
                return after;
            }
            '_' | '<' | '>' => out.push(escaped),
            // Octal, of which Go reads up to three digits after a zero.
            '0' => {
                let digits: String = tail.chars().take(3).take_while(|digit| digit.is_digit(8)).collect();
                let code = u32::from_str_radix(&digits, 8).unwrap_or(0);
                out.push_str(&format!("\\x{{{code:x}}}"));
                return tail.get(digits.len()..).unwrap_or("");
            }
            _ => {
                out.push('\\');
                out.push(escaped);
            }
        },
    }
    after
}

/// Whether what follows an opening brace makes it a repetition such as `{2,3}`.
fn is_repetition(tail: &str) -> bool {
    let Some((inside, _)) = tail.split_once('}') else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (low, high) = inside.split_once(',').unwrap_or((inside, ""));
    !low.is_empty() && digits(low) && digits(high)
}

/// Whether a closing brace ends a repetition or an escape such as `\p{L}` that was written out before it.
fn closes_repetition(out: &str) -> bool {
    let Some(open) = out.rfind('{') else { return false };
    let (before, inside) = out.split_at_checked(open).unwrap_or((out, ""));
    if inside.contains('}') {
        return false;
    }
    let escapes = before.len() - before.trim_end_matches('\\').len();
    escapes % 2 == 0
}
