//! The reader's side: looks at every byte once and builds nothing, so that a hostile text costs no memory.

use std::borrow::Cow;

use super::{
    MAX_BODY_DEPTH, MAX_BYTES, MAX_DEPTH, MAX_INTEGER, NotCanonical, composed, deep_enough, few_enough, too_long,
    utf16_order,
};

/// What is canonical.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// KCJ/1.
    Plan,
    /// The body of a Kubernetes object.
    Body,
}

/// Checks that a text is one value, written canonically.
pub(super) fn scan(bytes: &[u8], dialect: Dialect) -> Result<(), NotCanonical> {
    if bytes.len() > MAX_BYTES {
        return Err(too_long(bytes.len()));
    }
    let text =
        std::str::from_utf8(bytes).map_err(|error| NotCanonical::new("expected UTF-8").at_byte(error.valid_up_to()))?;
    let mut scanner = Scanner { text, at: 0, dialect };
    scanner.value(1)?;
    match scanner.peek() {
        None => Ok(()),
        Some(_) => Err(scanner.expected("the end")),
    }
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    dialect: Dialect,
}

impl<'t> Scanner<'t> {
    fn value(&mut self, depth: usize) -> Result<(), NotCanonical> {
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') if self.dialect == Dialect::Body => self.word("null"),
            _ => Err(self.expected("a value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), NotCanonical> {
        self.nested(depth)?;
        self.word("{")?;
        let mut last: Option<Cow<'t, str>> = None;
        let mut keys = 0;
        while self.peek() != Some(b'}') {
            if last.is_some() {
                self.word(",")?;
            }
            keys += 1;
            few_enough(keys).map_err(|error| error.at_byte(self.at))?;
            let start = self.at;
            let key = self.string()?;
            if let Some(last) = &last {
                self.in_order(last, &key)
                    .map_err(|error| error.at_byte(start).within(&key))?;
            }
            self.word(":")?;
            self.value(depth + 1).map_err(|error| error.within(&key))?;
            last = Some(key);
        }
        self.word("}")
    }

    fn in_order(&self, last: &str, key: &str) -> Result<(), NotCanonical> {
        let order = match self.dialect {
            Dialect::Plan => utf16_order(last, key),
            Dialect::Body => last.cmp(key),
        };
        match order {
            std::cmp::Ordering::Less => Ok(()),
            std::cmp::Ordering::Equal => Err(NotCanonical::new("the key stands twice")),
            std::cmp::Ordering::Greater => Err(NotCanonical::new("the keys are not sorted")),
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), NotCanonical> {
        self.nested(depth)?;
        self.word("[")?;
        let mut index = 0_usize;
        while self.peek() != Some(b']') {
            if index > 0 {
                self.word(",")?;
            }
            self.value(depth + 1)
                .map_err(|error| error.within(&index.to_string()))?;
            index += 1;
        }
        self.word("]")
    }

    /// A string whose escapes are the ones that would be written.
    fn string(&mut self) -> Result<Cow<'t, str>, NotCanonical> {
        let start = self.at;
        self.word("\"")?;
        let mut escaped = false;
        loop {
            match self.peek() {
                None => return Err(self.expected("the end of the string")),
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(byte) if byte < 0x20 => return Err(self.expected("an escaped control character")),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        let here = |error: NotCanonical| error.at_byte(start);
        let written = self.text.get(start..self.at).unwrap_or_default();
        let inner = written.get(1..written.len().saturating_sub(1)).unwrap_or_default();
        let string = if escaped {
            Cow::Owned(unescape(written).map_err(here)?)
        } else {
            Cow::Borrowed(inner)
        };
        if self.dialect == Dialect::Plan {
            composed(&string).map_err(here)?;
        }
        Ok(string)
    }

    fn number(&mut self) -> Result<(), NotCanonical> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
            self.at += 1;
        }
        let written = self.text.get(start..self.at).unwrap_or_default();
        let good = match self.dialect {
            Dialect::Plan => written
                .parse::<i64>()
                .is_ok_and(|number| number.unsigned_abs() <= MAX_INTEGER && number.to_string() == written),
            Dialect::Body => is_number(written),
        };
        if good {
            return Ok(());
        }
        let shown: String = written.chars().take(40).collect();
        let expected = match self.dialect {
            Dialect::Plan => format!("expected an integer of at most {MAX_INTEGER}, in its shortest form"),
            Dialect::Body => "expected a number".to_owned(),
        };
        Err(NotCanonical::new(format!("{expected}, found `{shown}`")).at_byte(start))
    }

    fn word(&mut self, word: &str) -> Result<(), NotCanonical> {
        if !self
            .text
            .as_bytes()
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word.as_bytes()))
        {
            return Err(self.expected(&format!("`{word}`")));
        }
        self.at += word.len();
        Ok(())
    }

    fn nested(&self, depth: usize) -> Result<(), NotCanonical> {
        let max = match self.dialect {
            Dialect::Plan => MAX_DEPTH,
            Dialect::Body => MAX_BODY_DEPTH,
        };
        deep_enough(depth, max).map_err(|error| error.at_byte(self.at))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expected(&self, what: &str) -> NotCanonical {
        let found = match self.text.as_bytes().get(self.at) {
            None => "the end".to_owned(),
            Some(byte) if byte.is_ascii_graphic() => format!("`{}`", char::from(*byte)),
            Some(byte) => format!("byte {byte:#04x}"),
        };
        NotCanonical::new(format!("expected {what}, found {found}")).at_byte(self.at)
    }
}

/// What a string with escapes says, if they are the escapes that would be written.
fn unescape(written: &str) -> Result<String, NotCanonical> {
    let string: String =
        serde_json::from_str(written).map_err(|_| NotCanonical::new("the string has an escape that JSON lacks"))?;
    if serde_json::to_string(&string).is_ok_and(|again| again == written) {
        Ok(string)
    } else {
        Err(NotCanonical::new(
            "the string escapes what needs no escape, or not in the shortest way",
        ))
    }
}

/// JSON's grammar of numbers.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}
