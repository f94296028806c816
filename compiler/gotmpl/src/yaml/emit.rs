//! Writes scalars: a port of libyaml's emitter as go-yaml carries it, for the styles that Go's encoder asks for.

/// Where the emitter stands, as libyaml tracks it.
#[derive(Debug)]
pub(super) struct Emitter {
    pub(super) out: String,
    pub(super) indent: usize,
    column: usize,
    whitespace: bool,
    indention: bool,
    /// The column after which lines are folded.
    width: usize,
}

/// How the encoder would like a scalar written; what the text does not allow is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

impl Emitter {
    pub(super) fn new(width: usize) -> Emitter {
        Emitter {
            out: String::new(),
            indent: 0,
            column: 0,
            whitespace: true,
            indention: true,
            width,
        }
    }

    /// Whether nothing but indentation stands on the line.
    pub(super) fn is_indention(&self) -> bool {
        self.indention
    }

    fn put(&mut self, character: char) {
        self.out.push(character);
        if character == '\n' {
            self.column = 0;
        } else {
            self.column += 1;
        }
    }

    pub(super) fn write_indent(&mut self) {
        if !self.indention || self.column > self.indent || (self.column == self.indent && !self.whitespace) {
            self.put('\n');
        }
        while self.column < self.indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    pub(super) fn indicator(&mut self, text: &str, space_before: bool, keeps_indention: bool) {
        if space_before && !self.whitespace {
            self.put(' ');
        }
        text.chars().for_each(|character| self.put(character));
        self.whitespace = false;
        self.indention = self.indention && keeps_indention;
    }

    /// Writes a scalar in the wanted style, or in the one that its text allows.
    pub(super) fn scalar(&mut self, text: &str, style: Style, is_key: bool) {
        match allowed_style(text, style, is_key) {
            Style::Plain => self.plain(text, !is_key),
            Style::SingleQuoted => self.single_quoted(text, !is_key),
            Style::DoubleQuoted => self.double_quoted(text, !is_key),
            Style::Literal => self.literal(text),
        }
    }

    fn plain(&mut self, text: &str, folds: bool) {
        // Nothing plain holds a line break, so an empty one is all that needs care.
        if !self.whitespace && !text.is_empty() {
            self.put(' ');
        }
        self.folded(text, folds, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str, folds: bool) {
        self.indicator("'", true, false);
        self.folded(text, folds, true);
        self.indicator("'", false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn folded(&mut self, text: &str, folds: bool, quoted: bool) {
        let mut spaces = false;
        let mut breaks = false;
        let mut characters = text.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let next_is_space = matches!(characters.peek(), Some((_, ' ')));
            match character {
                ' ' => {
                    let inside = !quoted || (at > 0 && at + 1 < text.len());
                    if folds && !spaces && self.column > self.width && inside && !next_is_space {
                        self.write_indent();
                    } else {
                        self.put(' ');
                    }
                    spaces = true;
                }
                _ if is_break(character) => {
                    if !breaks && character == '\n' {
                        self.put('\n');
                    }
                    self.put_break(character);
                    self.indention = true;
                    breaks = true;
                }
                _ => {
                    if breaks {
                        self.write_indent();
                    }
                    if quoted && character == '\'' {
                        self.put('\'');
                    }
                    self.put(character);
                    self.indention = false;
                    spaces = false;
                    breaks = false;
                }
            }
        }
    }

    fn put_break(&mut self, character: char) {
        self.put(character);
        self.column = 0;
    }

    fn double_quoted(&mut self, text: &str, folds: bool) {
        self.indicator("\"", true, false);
        let mut spaces = false;
        let mut characters = text.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            if character == ' ' {
                if folds && !spaces && self.column > self.width && at > 0 && at + 1 < text.len() {
                    self.write_indent();
                    if matches!(characters.peek(), Some((_, ' '))) {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                spaces = true;
                continue;
            }
            spaces = false;
            if is_printable(character) && !is_break(character) && !matches!(character, '\u{feff}' | '"' | '\\') {
                self.put(character);
                continue;
            }
            let code = u32::from(character);
            let escaped = match character {
                '\0' => "\\0".to_owned(),
                '\u{7}' => "\\a".to_owned(),
                '\u{8}' => "\\b".to_owned(),
                '\t' => "\\t".to_owned(),
                '\n' => "\\n".to_owned(),
                '\u{b}' => "\\v".to_owned(),
                '\u{c}' => "\\f".to_owned(),
                '\r' => "\\r".to_owned(),
                '\u{1b}' => "\\e".to_owned(),
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\u{85}' => "\\N".to_owned(),
                '\u{a0}' => "\\_".to_owned(),
                '\u{2028}' => "\\L".to_owned(),
                '\u{2029}' => "\\P".to_owned(),
                _ if code <= 0xff => format!("\\x{code:02X}"),
                _ if code <= 0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            };
            escaped.chars().for_each(|character| self.put(character));
        }
        self.indicator("\"", false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false);
        if text.starts_with(|first: char| first == ' ' || is_break(first)) {
            self.indicator("2", false, false);
        }
        let mut from_end = text.chars().rev();
        match (from_end.next(), from_end.next()) {
            (Some(last), before) if is_break(last) => {
                if before.is_none_or(is_break) {
                    self.indicator("+", false, false);
                }
            }
            _ => self.indicator("-", false, false),
        }
        self.put('\n');
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        for character in text.chars() {
            if is_break(character) {
                self.put_break(character);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                self.put(character);
                self.indention = false;
                breaks = false;
            }
        }
    }
}

/// Whether a scalar can be a key without the `?` that introduces a complex one.
pub(super) fn is_simple_key(text: &str) -> bool {
    text.len() <= 128 && !text.contains(is_break)
}

fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(character: char) -> bool {
    matches!(character, '\n' | '\u{20}'..='\u{7e}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && character != '\u{feff}'
}

/// libyaml's analysis of a scalar and its choice of style, for block context.
fn allowed_style(text: &str, wanted: Style, is_key: bool) -> Style {
    let mut indicators = text.starts_with("---") || text.starts_with("...");
    let mut special = false;
    let (mut break_space, mut space_break, mut multiline) = (false, false, false);
    let (mut previous_space, mut previous_break, mut after_blank) = (false, false, true);
    let mut characters = text.chars().peekable();
    let mut first = true;
    while let Some(character) = characters.next() {
        let before_blank = characters.peek().is_none_or(|next| matches!(next, ' ' | '\t'));
        indicators |= match character {
            ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => first,
            '#' => first || after_blank,
            '?' | '-' => first && before_blank,
            ':' => before_blank,
            _ => false,
        };
        special |= !is_printable(character);
        if character == ' ' {
            break_space |= previous_break;
            previous_space = true;
            previous_break = false;
        } else if is_break(character) {
            multiline = true;
            space_break |= previous_space;
            previous_space = false;
            previous_break = true;
        } else {
            previous_space = false;
            previous_break = false;
        }
        after_blank = matches!(character, ' ' | '\t') || is_break(character);
        first = false;
    }
    let outer = |end: Option<char>| end.is_some_and(|character| character == ' ' || is_break(character));
    let spaced = outer(text.chars().next()) || outer(text.chars().next_back());
    let trailing_space = text.ends_with(' ');

    let plain = !(spaced || break_space || space_break || special || multiline || indicators);
    let single = !(break_space || space_break || special);
    let literal = !(text.is_empty() || trailing_space || space_break || special);

    let mut style = wanted;
    if is_key && multiline {
        style = Style::DoubleQuoted;
    }
    if style == Style::Plain && (!plain || (text.is_empty() && is_key)) {
        style = Style::SingleQuoted;
    }
    if style == Style::SingleQuoted && !single {
        style = Style::DoubleQuoted;
    }
    if style == Style::Literal && (!literal || is_key) {
        style = Style::DoubleQuoted;
    }
    style
}
