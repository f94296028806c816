//! Makes room for what go-yaml allows and the parser does not: continuation lines of flow collections and quoted
//! scalars that are indented less than their block.
//!
//! White space at the start of such lines means nothing, so they can be indented without changing any value.

use std::collections::BTreeSet;

/// A text whose continuation lines are indented.
pub(super) struct Indented {
    pub(super) text: String,
    /// The lines that were indented, from 1.
    pub(super) lines: BTreeSet<u32>,
    /// By how many spaces.
    pub(super) by: u32,
}

/// Indents every line that begins inside a flow collection or a quoted scalar.
pub(super) fn indent_continuations(text: &str) -> Indented {
    let deepest = text.lines().map(leading_spaces).max().unwrap_or(0).min(500);
    let by = deepest + 2;
    let mut scanner = Scanner::default();
    let mut out = Indented {
        text: String::with_capacity(text.len()),
        lines: BTreeSet::new(),
        by,
    };
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        if scanner.is_inside() {
            out.text
                .extend(std::iter::repeat_n(' ', usize::try_from(by).unwrap_or(0)));
            out.lines.insert(number);
        }
        scanner.line(line.trim_end_matches(['\n', '\r']));
        out.text.push_str(line);
    }
    out
}

fn leading_spaces(line: &str) -> u32 {
    u32::try_from(line.len() - line.trim_start_matches(' ').len()).unwrap_or(u32::MAX)
}

#[derive(Default)]
struct Scanner {
    /// How many flow collections are open.
    flow: usize,
    /// The quote of the scalar that is open.
    quote: Option<char>,
    /// The column of the collection whose block scalar is open: deeper lines belong to it.
    block: Option<usize>,
}

impl Scanner {
    fn is_inside(&self) -> bool {
        self.flow > 0 || self.quote.is_some()
    }

    fn line(&mut self, line: &str) {
        if let Some(parent) = self.block {
            let indent = line.chars().take_while(|character| *character == ' ').count();
            if line.trim().is_empty() || indent > parent {
                return;
            }
            self.block = None;
        }
        let mut characters = line.chars().enumerate().peekable();
        // Whether a token may begin here, where the current entry's key began, and where its collection stands.
        let (mut fresh, mut key, mut parent) = (true, None, 0);
        let mut after_space = true;
        while let Some((column, character)) = characters.next() {
            let was_after_space = std::mem::replace(&mut after_space, matches!(character, ' ' | '\t'));
            if let Some(quote) = self.quote {
                if character == '\\' && quote == '"' {
                    characters.next();
                } else if character == quote
                    && (quote == '"' || characters.next_if(|(_, next)| *next == quote).is_none())
                {
                    self.quote = None;
                }
                continue;
            }
            let next = characters.peek().map(|(_, next)| *next);
            let before_space = next.is_none_or(|next| matches!(next, ' ' | '\t'));
            match character {
                ' ' | '\t' => continue,
                '#' if was_after_space => return,
                '-' | '?' if fresh && before_space && self.flow == 0 => {
                    parent = column;
                    key = None;
                    continue;
                }
                ':' if before_space || (self.flow > 0 && next.is_some_and(|next| ",[]{}".contains(next))) => {
                    parent = key.unwrap_or(parent);
                    fresh = true;
                    continue;
                }
                ',' if self.flow > 0 => {
                    fresh = true;
                    continue;
                }
                ']' | '}' if self.flow > 0 => {
                    self.flow -= 1;
                    fresh = false;
                    continue;
                }
                _ if !fresh => continue,
                _ => {}
            }
            if self.flow == 0 {
                key.get_or_insert(column);
            }
            match character {
                '"' | '\'' => {
                    self.quote = Some(character);
                    fresh = false;
                }
                '[' | '{' => self.flow += 1,
                // A tag, an anchor or an alias: the value itself comes after it.
                '&' | '!' | '*' => while characters.next_if(|(_, next)| !matches!(next, ' ' | '\t')).is_some() {},
                '|' | '>' if self.flow == 0 => {
                    self.block = Some(parent);
                    return;
                }
                _ => fresh = false,
            }
        }
    }
}
