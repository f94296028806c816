//! Printing as Go's `fmt` does it: `%v` of every value, and `Sprintf` with flags, width and precision.

use crate::go::number::{self, Float};
use crate::go::quote;
use crate::value::Value;

/// How deep values may nest before printing cuts them off; only a value that contains itself gets there.
const DEPTH: usize = 200;
/// The widest padding that is honoured. Go's own limit is the same.
const WIDTH: usize = 1_000_000;

/// `fmt.Sprint` of one value, `%v`.
pub(crate) fn show(value: &Value, limit: usize) -> String {
    let mut printer = Printer::new(limit);
    printer.print(value, 'v', 0);
    printer.out
}

/// `fmt.Sprint`: a space goes between two operands of which neither is a string.
pub(crate) fn sprint(values: &[Value], limit: usize) -> String {
    let mut printer = Printer::new(limit);
    let mut previous_is_string = true;
    for (position, value) in values.iter().enumerate() {
        let is_string = value.kind_name() == "string";
        if position > 0 && !is_string && !previous_is_string {
            printer.out.push(' ');
        }
        printer.print(value, 'v', 0);
        previous_is_string = is_string;
    }
    printer.out
}

/// `fmt.Sprintln`: a space between all operands and a line break at the end.
pub(crate) fn sprintln(values: &[Value], limit: usize) -> String {
    let mut printer = Printer::new(limit);
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            printer.out.push(' ');
        }
        printer.print(value, 'v', 0);
    }
    printer.out.push('\n');
    printer.out
}

/// `fmt.Sprintf`.
pub(crate) fn sprintf(format: &str, args: &[Value], limit: usize) -> String {
    let mut printer = Printer::new(limit);
    printer.format(format, args);
    printer.out
}

#[derive(Clone, Copy, Default)]
struct Flags {
    sharp: bool,
    zero: bool,
    plus: bool,
    minus: bool,
    space: bool,
    go_syntax: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

struct Printer {
    out: String,
    flags: Flags,
    limit: usize,
}

impl Printer {
    fn new(limit: usize) -> Printer {
        Printer {
            out: String::new(),
            flags: Flags::default(),
            limit,
        }
    }

    fn format(&mut self, format: &str, args: &[Value]) {
        let mut rest = format;
        let mut next = 0;
        let mut reordered = false;
        while let Some((text, directive)) = rest.split_once('%') {
            self.out.push_str(text);
            self.flags = Flags::default();
            rest = self.read_flags(directive);
            let mut good = true;
            rest = read_index(rest, args.len(), &mut next, &mut reordered, &mut good);
            rest = self.read_width(rest, args, &mut next);
            if let Some(after) = rest.strip_prefix('.') {
                rest = read_index(after, args.len(), &mut next, &mut reordered, &mut good);
                rest = self.read_precision(rest, args, &mut next);
            }
            rest = read_index(rest, args.len(), &mut next, &mut reordered, &mut good);
            let mut characters = rest.chars();
            let Some(verb) = characters.next() else {
                self.out.push_str("%!(NOVERB)");
                break;
            };
            rest = characters.as_str();
            match args.get(next) {
                _ if verb == '%' => self.out.push('%'),
                _ if !good => self.out.push_str(&format!("%!{verb}(BADINDEX)")),
                None => self.out.push_str(&format!("%!{verb}(MISSING)")),
                Some(value) => {
                    if verb == 'v' {
                        self.flags.go_syntax = std::mem::take(&mut self.flags.sharp);
                        self.flags.plus = false;
                    }
                    self.print(value, verb, 0);
                    next += 1;
                }
            }
        }
        self.out.push_str(rest);
        if !reordered && let Some(extra) = args.get(next..).filter(|extra| !extra.is_empty()) {
            self.flags = Flags::default();
            self.out.push_str("%!(EXTRA ");
            for (position, value) in extra.iter().enumerate() {
                if position > 0 {
                    self.out.push_str(", ");
                }
                if !matches!(value, Value::Nil) {
                    self.out.push_str(value.type_name());
                    self.out.push('=');
                }
                self.print(value, 'v', 0);
            }
            self.out.push(')');
        }
    }

    fn read_flags<'t>(&mut self, text: &'t str) -> &'t str {
        let end = text
            .find(|character| !"#0+- ".contains(character))
            .unwrap_or(text.len());
        let (flags, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        for flag in flags.chars() {
            match flag {
                '#' => self.flags.sharp = true,
                '0' => self.flags.zero = true,
                '+' => self.flags.plus = true,
                '-' => self.flags.minus = true,
                _ => self.flags.space = true,
            }
        }
        rest
    }

    fn read_width<'t>(&mut self, text: &'t str, args: &[Value], next: &mut usize) -> &'t str {
        let Some(rest) = text.strip_prefix('*') else {
            let (width, rest) = leading_number(text);
            self.flags.width = width;
            return rest;
        };
        match take_int(args, next) {
            Some(width) => {
                self.flags.minus |= width < 0;
                self.flags.width = usize::try_from(width.unsigned_abs()).ok();
            }
            None => self.out.push_str("%!(BADWIDTH)"),
        }
        rest
    }

    fn read_precision<'t>(&mut self, text: &'t str, args: &[Value], next: &mut usize) -> &'t str {
        let Some(rest) = text.strip_prefix('*') else {
            let (precision, rest) = leading_number(text);
            self.flags.precision = Some(precision.unwrap_or(0));
            return rest;
        };
        match take_int(args, next) {
            Some(precision) => self.flags.precision = usize::try_from(precision).ok(),
            None => self.out.push_str("%!(BADPREC)"),
        }
        rest
    }

    fn print(&mut self, value: &Value, verb: char, depth: usize) {
        if self.out.len() > self.limit || depth > DEPTH {
            return;
        }
        if verb == 'T' {
            return self.pad(value.type_name());
        }
        match value {
            Value::Nil if depth > 0 => self.out.push_str("<nil>"),
            Value::Nil if verb == 'v' => self.pad("<nil>"),
            Value::Nil => self.out.push_str(&format!("%!{verb}(<nil>)")),
            Value::Bool(truth) if matches!(verb, 'v' | 't') => self.pad(if *truth { "true" } else { "false" }),
            Value::Int(number, kind) => self.integer(*number, kind.is_unsigned(), verb, value),
            Value::Float(number) => self.float(*number, verb, value),
            Value::Str(text) => self.string(text.as_bytes(), verb, value),
            Value::Bytes(bytes) if !bytes.slice || matches!(verb, 's' | 'q' | 'x' | 'X') => {
                self.string(&bytes.data, verb, value);
            }
            Value::Bytes(bytes) if verb == 'v' && self.flags.width.is_none() => self.bytes(&bytes.data),
            Value::Bytes(_) | Value::List(_) => self.list(value, verb, depth),
            Value::Map(map) => {
                self.out
                    .push_str(if self.flags.go_syntax { value.type_name() } else { "map" });
                self.out.push(if self.flags.go_syntax { '{' } else { '[' });
                for (position, (key, element)) in map.entries().into_iter().enumerate() {
                    if position > 0 {
                        self.out.push_str(if self.flags.go_syntax { ", " } else { " " });
                    }
                    self.print(&Value::Str(key), verb, depth + 1);
                    self.out.push(':');
                    self.print(&element, verb, depth + 1);
                }
                self.out.push(if self.flags.go_syntax { '}' } else { ']' });
            }
            Value::Object(object) => match object.show() {
                Some(text) if matches!(verb, 'v' | 's' | 'q' | 'x' | 'X') => self.string(text.as_bytes(), verb, value),
                _ => self.print(&object.plain(), verb, depth + 1),
            },
            Value::Bool(_) => self.bad_verb(value, verb),
        }
    }

    /// Whole files are printed this way when a template shows all that it was given, so it has to be quick.
    fn bytes(&mut self, bytes: &[u8]) {
        self.out.reserve(bytes.len() * 4);
        self.out.push('[');
        for (position, byte) in bytes.iter().enumerate() {
            if position > 0 {
                self.out.push(' ');
            }
            for divisor in [100, 10, 1] {
                if *byte >= divisor || divisor == 1 {
                    self.out.push(char::from(b'0' + byte / divisor % 10));
                }
            }
        }
        self.out.push(']');
    }

    fn list(&mut self, value: &Value, verb: char, depth: usize) {
        if self.flags.go_syntax {
            self.out.push_str(value.type_name());
        }
        self.out.push(if self.flags.go_syntax { '{' } else { '[' });
        for (position, element) in value.as_items().iter().flat_map(|items| items.iter()).enumerate() {
            if position > 0 {
                self.out.push_str(if self.flags.go_syntax { ", " } else { " " });
            }
            self.print(element, verb, depth + 1);
        }
        self.out.push(if self.flags.go_syntax { '}' } else { ']' });
    }

    fn string(&mut self, bytes: &[u8], verb: char, value: &Value) {
        let text = String::from_utf8_lossy(bytes);
        match verb {
            'v' if self.flags.go_syntax => self.pad(&quote::quote_bytes(bytes)),
            'v' | 's' => {
                let kept: String = match self.flags.precision {
                    Some(precision) => text.chars().take(precision).collect(),
                    None => text.into_owned(),
                };
                self.pad(&kept);
            }
            'q' if self.flags.sharp
                && !text.contains('`')
                && text.chars().all(|c| quote::is_printable(c) || c == '\t') =>
            {
                self.pad(&format!("`{text}`"));
            }
            'q' if self.flags.plus => self.pad(&quote::quote_ascii(&text)),
            'q' => self.pad(&quote::quote_bytes(bytes)),
            'x' | 'X' => {
                let separator = if self.flags.space { " " } else { "" };
                let digits: Vec<String> = bytes
                    .iter()
                    .take(self.flags.precision.unwrap_or(usize::MAX))
                    .map(|byte| {
                        if verb == 'x' {
                            format!("{byte:02x}")
                        } else {
                            format!("{byte:02X}")
                        }
                    })
                    .collect();
                let mut joined = digits.join(separator);
                if self.flags.sharp && !joined.is_empty() {
                    joined.insert_str(0, if verb == 'x' { "0x" } else { "0X" });
                }
                self.pad(&joined);
            }
            _ => self.bad_verb(value, verb),
        }
    }

    fn integer(&mut self, number: i64, unsigned: bool, verb: char, value: &Value) {
        let magnitude = number.unsigned_abs();
        let negative = number < 0 && !unsigned;
        let (digits, prefix) = match verb {
            'v' | 'd' => (magnitude.to_string(), ""),
            'b' => (format!("{magnitude:b}"), if self.flags.sharp { "0b" } else { "" }),
            'o' => (format!("{magnitude:o}"), if self.flags.sharp { "0" } else { "" }),
            'O' => (format!("{magnitude:o}"), "0o"),
            'x' => (format!("{magnitude:x}"), if self.flags.sharp { "0x" } else { "" }),
            'X' => (format!("{magnitude:X}"), if self.flags.sharp { "0X" } else { "" }),
            'U' => return self.pad(&format!("U+{magnitude:04X}")),
            'c' | 'q' => {
                let character = u32::try_from(number)
                    .ok()
                    .and_then(char::from_u32)
                    .unwrap_or(char::REPLACEMENT_CHARACTER);
                return match verb {
                    'c' => self.pad(character.encode_utf8(&mut [0; 4])),
                    _ => self.pad(&quote::quote_rune(character)),
                };
            }
            _ => return self.bad_verb(value, verb),
        };
        let sign = match (negative, self.flags.plus, self.flags.space) {
            (true, _, _) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        };
        let wanted = match (self.flags.precision, self.flags.width) {
            (Some(precision), _) => precision.min(WIDTH),
            (None, Some(width)) if self.flags.zero && !self.flags.minus => width.min(WIDTH).saturating_sub(sign.len()),
            _ => 0,
        };
        let text = format!(
            "{sign}{prefix}{}{digits}",
            "0".repeat(wanted.saturating_sub(digits.len()))
        );
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(&text);
        self.flags.zero = zero;
    }

    fn float(&mut self, number: f64, verb: char, value: &Value) {
        let (format, default) = match verb {
            'v' | 'g' | 'G' => (Float::General, None),
            'f' | 'F' => (Float::Fixed, Some(6)),
            'e' | 'E' => (Float::Exponent, Some(6)),
            _ => return self.bad_verb(value, verb),
        };
        let precision = self.flags.precision.map(|precision| precision.min(WIDTH)).or(default);
        let mut text = number::float(number, format, precision);
        if matches!(verb, 'E' | 'G') {
            text = text.to_uppercase();
        }
        if !text.starts_with(['-', '+']) && number.is_finite() {
            if self.flags.plus {
                text.insert(0, '+');
            } else if self.flags.space {
                text.insert(0, ' ');
            }
        }
        if let Some(width) = self.flags.width
            && self.flags.zero
            && !self.flags.minus
            && number.is_finite()
            && let Some((sign @ ("-" | "+" | " "), digits)) = text.split_at_checked(1)
        {
            let padding = width.min(WIDTH).saturating_sub(text.len());
            let padded = format!("{sign}{}{digits}", "0".repeat(padding));
            self.out.push_str(&padded);
            return;
        }
        self.pad(&text);
    }

    fn bad_verb(&mut self, value: &Value, verb: char) {
        self.out.push_str(&format!("%!{verb}({}=", value.type_name()));
        self.print(value, 'v', 0);
        self.out.push(')');
    }

    fn pad(&mut self, text: &str) {
        let length = text.chars().count();
        let padding = self.flags.width.unwrap_or(0).min(WIDTH).saturating_sub(length);
        if self.flags.minus {
            self.out.push_str(text);
            self.out.push_str(&" ".repeat(padding));
        } else {
            self.out
                .push_str(&if self.flags.zero { "0" } else { " " }.repeat(padding));
            self.out.push_str(text);
        }
    }
}

fn leading_number(text: &str) -> (Option<usize>, &str) {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (digits.parse().ok(), rest)
}

fn take_int(args: &[Value], next: &mut usize) -> Option<i64> {
    let taken = args.get(*next);
    if taken.is_some() {
        *next += 1;
    }
    match taken {
        Some(Value::Int(number, _)) if number.unsigned_abs() <= WIDTH as u64 => Some(*number),
        _ => None,
    }
}

/// Reads an argument index such as `[2]`.
fn read_index<'t>(text: &'t str, count: usize, next: &mut usize, reordered: &mut bool, good: &mut bool) -> &'t str {
    let Some(inside) = text.strip_prefix('[') else {
        return text;
    };
    *reordered = true;
    let Some((digits, rest)) = inside.split_once(']') else {
        *good = false;
        return inside;
    };
    match digits.parse::<usize>() {
        Ok(index) if (1..=count).contains(&index) => *next = index - 1,
        _ => *good = false,
    }
    rest
}
