//! Splits template text into tokens, with Go's rules for delimiters, trim markers and comments.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

/// One token: its kind, where it starts, its text (or an error message), and the line it starts on.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) at: usize,
    pub(crate) text: String,
    pub(crate) line: u32,
}

impl Token {
    /// The token as Go's error messages name it.
    pub(crate) fn describe(&self) -> String {
        match self.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Error => self.text.clone(),
            kind if is_keyword(kind) => format!("<{}>", self.text),
            _ if self.text.len() > 10 => {
                let kept: String = self.text.chars().take(10).collect();
                format!("{}...", crate::go::quote::quote(&kept))
            }
            _ => crate::go::quote::quote(&self.text),
        }
    }
}

fn is_keyword(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Block
            | Kind::Break
            | Kind::Continue
            | Kind::Dot
            | Kind::Define
            | Kind::Else
            | Kind::End
            | Kind::If
            | Kind::Nil
            | Kind::Range
            | Kind::Template
            | Kind::With
    )
}

/// Reads tokens one at a time, so that an error shows only when the parser gets there.
#[derive(Debug)]
pub(crate) struct Lexer<'t> {
    input: &'t str,
    at: usize,
    start: usize,
    line: u32,
    start_line: u32,
    parens: usize,
    inside: bool,
}

enum Step {
    Token(Token),
    Text,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(input: &'t str) -> Lexer<'t> {
        Lexer {
            input,
            at: 0,
            start: 0,
            line: 1,
            start_line: 1,
            parens: 0,
            inside: false,
        }
    }

    /// The next token; after the end or an error, the end.
    pub(crate) fn next(&mut self) -> Token {
        loop {
            let step = if self.inside {
                Step::Token(self.inside_action())
            } else {
                self.text()
            };
            if let Step::Token(token) = step {
                return token;
            }
        }
    }

    fn rest(&self) -> &'t str {
        self.input.get(self.at..).unwrap_or("")
    }

    fn bump(&mut self) -> Option<char> {
        let character = self.rest().chars().next()?;
        self.at += character.len_utf8();
        if character == '\n' {
            self.line += 1;
        }
        Some(character)
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn accept(&mut self, set: &str) -> bool {
        let accepted = self.peek().is_some_and(|character| set.contains(character));
        if accepted {
            self.bump();
        }
        accepted
    }

    fn accept_run(&mut self, set: &str) {
        while self.accept(set) {}
    }

    fn emit(&mut self, kind: Kind) -> Token {
        let text = self.input.get(self.start..self.at).unwrap_or("").to_owned();
        let token = Token {
            kind,
            at: self.start,
            text,
            line: self.start_line,
        };
        self.start = self.at;
        self.start_line = self.line;
        token
    }

    /// Skips what was passed over without counting its lines.
    fn ignore(&mut self) {
        self.line += newlines(self.input.get(self.start..self.at).unwrap_or(""));
        self.start = self.at;
        self.start_line = self.line;
    }

    fn error(&mut self, message: impl Into<String>) -> Token {
        let token = Token {
            kind: Kind::Error,
            at: self.start,
            text: message.into(),
            line: self.start_line,
        };
        self.input = "";
        self.at = 0;
        self.start = 0;
        self.inside = false;
        token
    }

    fn text(&mut self) -> Step {
        let rest = self.rest();
        let Some(offset) = rest.find("{{") else {
            self.at = self.input.len();
            self.line += newlines(rest);
            return Step::Token(self.emit(if rest.is_empty() { Kind::Eof } else { Kind::Text }));
        };
        if offset > 0 {
            let (before, after) = rest.split_at_checked(offset).unwrap_or((rest, ""));
            let kept = match after.get(2..) {
                Some(inner) if has_left_trim(inner) => before.trim_end_matches(SPACE),
                _ => before,
            };
            self.at += kept.len();
            self.line += newlines(kept);
            let token = self.emit(Kind::Text);
            self.at += before.len() - kept.len();
            self.ignore();
            if !token.text.is_empty() {
                return Step::Token(token);
            }
        }
        self.left_delim()
    }

    fn left_delim(&mut self) -> Step {
        self.at += 2;
        let marker = if has_left_trim(self.rest()) { 2 } else { 0 };
        if self.rest().get(marker..).is_some_and(|inner| inner.starts_with("/*")) {
            self.at += marker;
            self.ignore();
            return self.comment();
        }
        let token = self.emit(Kind::LeftDelim);
        self.inside = true;
        self.at += marker;
        self.ignore();
        self.parens = 0;
        Step::Token(token)
    }

    fn comment(&mut self) -> Step {
        let Some(length) = self.rest().get(2..).and_then(|inside| inside.find("*/")) else {
            return Step::Token(self.error("unclosed comment"));
        };
        self.at += length + 4;
        let Some(trim) = self.at_right_delim() else {
            return Step::Token(self.error("comment ends before closing delimiter"));
        };
        self.at += if trim { 4 } else { 2 };
        if trim {
            self.at += self.rest().len() - self.rest().trim_start_matches(SPACE).len();
        }
        self.ignore();
        Step::Text
    }

    /// Whether the action ends here, and if so whether it trims what follows.
    fn at_right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_trim(rest) && rest.get(2..).is_some_and(|after| after.starts_with("}}")) {
            return Some(true);
        }
        rest.starts_with("}}").then_some(false)
    }

    fn right_delim(&mut self, trim: bool) -> Token {
        if trim {
            self.at += 2;
            self.ignore();
        }
        self.at += 2;
        let token = self.emit(Kind::RightDelim);
        if trim {
            self.at += self.rest().len() - self.rest().trim_start_matches(SPACE).len();
            self.ignore();
        }
        self.inside = false;
        token
    }

    fn inside_action(&mut self) -> Token {
        if let Some(trim) = self.at_right_delim() {
            if self.parens > 0 {
                return self.error("unclosed left paren");
            }
            return self.right_delim(trim);
        }
        let Some(character) = self.peek() else {
            return self.error("unclosed action");
        };
        if SPACE.contains(&character) {
            return self.space();
        }
        if matches!(character, '+' | '-' | '0'..='9') {
            return self.number();
        }
        if character == '.' && self.rest().as_bytes().get(1).is_some_and(u8::is_ascii_digit) {
            return self.number();
        }
        if is_alphanumeric(character) {
            return self.identifier();
        }
        self.bump();
        match character {
            '=' => self.emit(Kind::Assign),
            ':' => {
                if self.bump() == Some('=') {
                    self.emit(Kind::Declare)
                } else {
                    self.error("expected :=")
                }
            }
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => match self.rest().find('`') {
                Some(length) => {
                    self.line += newlines(self.rest().get(..length).unwrap_or(""));
                    self.at += length + 1;
                    self.emit(Kind::RawString)
                }
                None => self.error("unterminated raw quoted string"),
            },
            '$' => self.name(Kind::Variable, Kind::Variable),
            '.' => self.name(Kind::Field, Kind::Dot),
            '(' => {
                self.parens += 1;
                self.emit(Kind::LeftParen)
            }
            ')' if self.parens == 0 => self.error("unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.emit(Kind::RightParen)
            }
            _ if character.is_ascii_graphic() => self.emit(Kind::Char),
            _ => self.error(format!("unrecognized character in action: {}", code_point(character))),
        }
    }

    fn space(&mut self) -> Token {
        let mut last = self.at;
        while self.peek().is_some_and(|character| SPACE.contains(&character)) {
            last = self.at;
            self.bump();
        }
        // The last space may belong to a trim marker.
        let from_last = self.input.get(last..).unwrap_or("");
        if has_right_trim(from_last) && from_last.get(2..).is_some_and(|after| after.starts_with("}}")) {
            if from_last.starts_with('\n') {
                self.line -= 1;
            }
            self.at = last;
            if last == self.start {
                return self.right_delim(true);
            }
        }
        self.emit(Kind::Space)
    }

    fn identifier(&mut self) -> Token {
        while self.peek().is_some_and(is_alphanumeric) {
            self.bump();
        }
        if let Some(bad) = self.bad_terminator() {
            return bad;
        }
        let kind = match self.input.get(self.start..self.at).unwrap_or("") {
            "block" => Kind::Block,
            "break" => Kind::Break,
            "continue" => Kind::Continue,
            "define" => Kind::Define,
            "else" => Kind::Else,
            "end" => Kind::End,
            "if" => Kind::If,
            "nil" => Kind::Nil,
            "range" => Kind::Range,
            "template" => Kind::Template,
            "with" => Kind::With,
            "true" | "false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.emit(kind)
    }

    fn name(&mut self, kind: Kind, alone: Kind) -> Token {
        if self.at_terminator() {
            return self.emit(alone);
        }
        while self.peek().is_some_and(is_alphanumeric) {
            self.bump();
        }
        match self.bad_terminator() {
            Some(bad) => bad,
            None => self.emit(kind),
        }
    }

    fn bad_terminator(&mut self) -> Option<Token> {
        if self.at_terminator() {
            return None;
        }
        let character = self.peek().unwrap_or('\0');
        Some(self.error(format!("bad character {}", code_point(character))))
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(character) => SPACE.contains(&character) || self.rest().starts_with("}}"),
        }
    }

    fn quoted(&mut self, delimiter: char, kind: Kind, unterminated: &str) -> Token {
        loop {
            match self.bump() {
                Some('\\') => {
                    if matches!(self.bump(), None | Some('\n')) {
                        return self.error(unterminated);
                    }
                }
                None | Some('\n') => return self.error(unterminated),
                Some(character) if character == delimiter => return self.emit(kind),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Token {
        if !self.scan_number() {
            return self.bad_number();
        }
        if self.peek().is_some_and(|sign| sign == '+' || sign == '-') {
            if !self.scan_number() || !self.input.get(..self.at).is_some_and(|text| text.ends_with('i')) {
                return self.bad_number();
            }
            return self.emit(Kind::Complex);
        }
        self.emit(Kind::Number)
    }

    fn bad_number(&mut self) -> Token {
        let text = crate::go::quote::quote(self.input.get(self.start..self.at).unwrap_or(""));
        self.error(format!("bad number syntax: {text}"))
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        if self.accept(exponent) {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.bump();
            return false;
        }
        true
    }
}

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

fn newlines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX)
}

fn is_alphanumeric(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

fn has_left_trim(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|rest| rest.starts_with(SPACE))
}

fn has_right_trim(text: &str) -> bool {
    text.strip_prefix(SPACE).is_some_and(|rest| rest.starts_with('-'))
}

/// Go's `%#U`.
fn code_point(character: char) -> String {
    let code = u32::from(character);
    if crate::go::quote::is_printable(character) {
        format!("U+{code:04X} '{character}'")
    } else {
        format!("U+{code:04X}")
    }
}
