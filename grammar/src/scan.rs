//! One linear pass over a file: tokens, where declarations start, and which newlines separate.
//!
//! The pass knows strings with interpolations, block and raw strings, comments, regular expressions and brackets, so that
//! what follows can trust brackets and cut the file into declarations. It accepts any text.

use std::ops::Range;

use crate::head::{continues_declaration, starts_declaration};
use crate::layout;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenKind {
    /// A name or a keyword; hyphens may stand inside.
    Word,
    /// A number with its unit, a date, or a version.
    Number,
    /// `"` or `"""` that opens a string.
    StringOpen,
    /// Text inside a string, escapes unresolved.
    StringText,
    /// The closing quotes; empty when the string is never closed.
    StringClose,
    /// `raw"""…"""`.
    RawString,
    /// `/…/` as an argument of a type.
    Regex,
    /// `(`, `[`, `{` or `${`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `=`
    Equals,
    /// `.`
    Dot,
    /// Any other sign or pair of signs of the language.
    Operator,
    /// A newline that separates.
    Newline,
    /// A newline that does not: inside parentheses, after an operator, before `then`.
    Fold,
    /// `//` to the end of the line.
    Comment,
    /// `///` to the end of the line.
    DocComment,
    /// `#` to the end of the line: not a comment, but meant as one.
    HashComment,
    /// A character that means nothing here.
    Unknown,
}

impl TokenKind {
    /// Whether the parser sees nothing of it.
    pub fn is_trivia(self) -> bool {
        matches!(
            self,
            TokenKind::Fold | TokenKind::Comment | TokenKind::DocComment | TokenKind::HashComment
        )
    }
}

/// A token: what it is and its bytes in the file. Blanks are what lies between tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A scanned file.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// All tokens in order, comments included.
    pub tokens: Vec<Token>,
    /// The declarations as ranges of tokens. What stands before the first is trivia.
    pub declarations: Vec<Range<usize>>,
}

/// Scans a text. Time and memory are linear in its length, whatever it holds.
pub fn scan(text: &str) -> Scan {
    let mut scanner = Scanner::new(text, false);
    scanner.run();
    if scanner.runaway {
        // A block string is never closed. It then ends where the next declaration seems to start.
        scanner = Scanner::new(text, true);
        scanner.run();
    }
    let mut scan = scanner.finish();
    for range in &scan.declarations {
        layout::fold_newlines(text, scan.tokens.get_mut(range.clone()).unwrap_or_default());
    }
    scan
}

/// What the scanner is inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    Paren,
    Square,
    Brace,
    Interpolation,
    Line,
    Block { end: usize, closed: bool },
}

/// Deeper than any parser goes; searching the open frames must not take longer the more of them there are.
const DEEPEST: usize = 256;

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
    starts: Vec<usize>,
    stack: Vec<Frame>,
    /// Whether a block string may end without quotes where a declaration seems to start.
    cut_runaways: bool,
    runaway: bool,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, cut_runaways: bool) -> Self {
        Scanner {
            text,
            bytes: text.as_bytes(),
            at: 0,
            tokens: Vec::new(),
            starts: Vec::new(),
            stack: Vec::new(),
            cut_runaways,
            runaway: false,
        }
    }

    fn finish(self) -> Scan {
        let ends = self.starts.iter().copied().skip(1).chain([self.tokens.len()]);
        let declarations = self
            .starts
            .iter()
            .copied()
            .zip(ends)
            .map(|(start, end)| start..end)
            .collect();
        Scan {
            tokens: self.tokens,
            declarations,
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Adds a token from `start` to where the scanner stands, which becomes its end.
    fn push(&mut self, kind: TokenKind, start: usize) {
        self.tokens.push(Token {
            kind,
            start: start as u32,
            end: self.at as u32,
        });
    }

    fn take(&mut self, kind: TokenKind, length: usize) {
        let start = self.at;
        self.at = (self.at + length).min(self.bytes.len());
        self.push(kind, start);
    }

    fn enter(&mut self, frame: Frame) {
        if self.stack.len() < DEEPEST {
            self.stack.push(frame);
        }
    }

    fn run(&mut self) {
        if self.text.starts_with('\u{feff}') {
            self.at = 3;
        }
        self.line_start();
        while self.at < self.bytes.len() {
            match self.stack.last() {
                Some(Frame::Line) => self.line_string(),
                Some(Frame::Block { end, closed }) => self.block_string(*end, *closed),
                _ => self.code(),
            }
        }
        // Whatever is still open ends with the file.
        while let Some(frame) = self.stack.pop() {
            if matches!(frame, Frame::Line | Frame::Block { .. }) {
                self.push(TokenKind::StringClose, self.at);
            }
        }
    }

    /// At the start of a line of code: does a declaration start here?
    fn line_start(&mut self) {
        let inside_block = self.stack.iter().any(|frame| matches!(frame, Frame::Block { .. }));
        let rest = self.rest();
        if !self.stack.is_empty() {
            // Only a whole head ends what is open: a field may be named like a keyword.
            if inside_block || !starts_declaration(rest) {
                return;
            }
            self.stack.clear();
        } else if continues_declaration(rest) && !self.starts.is_empty() {
            return;
        }
        match rest.bytes().next() {
            None | Some(b' ' | b'\t' | b'\r' | b'\n') => return,
            Some(b'#') => return,
            _ if rest.starts_with("//") => return,
            _ => {}
        }
        self.starts.push(self.tokens.len());
    }

    fn block_end(&self) -> Option<usize> {
        self.stack.iter().rev().find_map(|frame| match frame {
            Frame::Block { end, .. } => Some(*end),
            _ => None,
        })
    }

    fn code(&mut self) {
        // The end of the block string around an interpolation ends the interpolation.
        if matches!(
            self.stack.last(),
            Some(Frame::Interpolation | Frame::Paren | Frame::Square | Frame::Brace)
        ) && self.block_end().is_some_and(|end| self.at >= end)
        {
            while !matches!(self.stack.last(), Some(Frame::Block { .. }) | None) {
                self.stack.pop();
            }
            return;
        }
        let start = self.at;
        match self.peek(0) {
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'\n' => self.newline(),
            b'/' if self.operand_expected() && self.regex() => {}
            b'/' if self.peek(1) == b'/' => self.comment(),
            b'#' if self.hash_comment_starts() => {
                self.skip_line();
                self.push(TokenKind::HashComment, start);
            }
            b'"' => self.open_string(),
            b'r' if self.rest().starts_with("raw\"\"\"") => self.raw_string(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b'0'..=b'9' => self.number(),
            b'(' => self.open(Frame::Paren),
            b'[' => self.open(Frame::Square),
            b'{' => self.open(Frame::Brace),
            b')' => self.close(Frame::Paren),
            b']' => self.close(Frame::Square),
            b'}' => self.close(Frame::Brace),
            b',' => self.take(TokenKind::Comma, 1),
            b':' => self.take(TokenKind::Colon, 1),
            _ => self.sign(),
        }
        if self.starts.is_empty() && self.tokens.last().is_some_and(|token| !quiet(token.kind)) {
            // The first declaration of a file may be indented by mistake.
            self.starts.push(self.tokens.len() - 1);
        }
    }

    fn newline(&mut self) {
        // One-line strings around an interpolation end with the line.
        let strings = self
            .stack
            .iter()
            .rposition(|frame| matches!(frame, Frame::Block { .. }))
            .map_or(0, |at| at + 1);
        let open = self
            .stack
            .iter()
            .skip(strings)
            .position(|frame| *frame == Frame::Line)
            .map(|at| at + strings);
        if let Some(open) = open {
            while self.stack.len() > open {
                if self.stack.pop() == Some(Frame::Line) {
                    self.push(TokenKind::StringClose, self.at);
                }
            }
        }
        self.take(TokenKind::Newline, 1);
        self.line_start();
    }

    fn skip_line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn comment(&mut self) {
        let start = self.at;
        let kind = if self.peek(2) == b'/' && self.peek(3) != b'/' {
            TokenKind::DocComment
        } else {
            TokenKind::Comment
        };
        // A comment inside an interpolation ends with the block string around it.
        self.skip_line();
        if let Some(end) = self.block_end() {
            self.at = self.at.min(end.max(start));
        }
        self.push(kind, start);
    }

    /// `#` is meant as a comment at the start of a line or between blanks.
    fn hash_comment_starts(&self) -> bool {
        let before = self
            .text
            .get(..self.at)
            .and_then(|before| before.bytes().next_back())
            .unwrap_or(b'\n');
        let after = self.peek(1);
        match before {
            b'\n' => true,
            b' ' | b'\t' if self.tokens.last().is_none_or(|last| last.kind == TokenKind::Newline) => true,
            b' ' | b'\t' => matches!(after, b' ' | b'\t' | b'#' | b'!' | b'\n' | b'\r' | 0),
            _ => false,
        }
    }

    /// A regular expression stands only where an argument starts.
    fn operand_expected(&self) -> bool {
        self.stack.last() == Some(&Frame::Paren)
            && self
                .tokens
                .iter()
                .rev()
                .find(|token| !quiet(token.kind))
                .is_some_and(|token| {
                    token.kind == TokenKind::Comma
                        || token.kind == TokenKind::Open && self.bytes.get(token.start as usize) == Some(&b'(')
                })
    }

    fn regex(&mut self) -> bool {
        let mut escaped = false;
        let body = self.rest().bytes().skip(1);
        for (index, byte) in body.enumerate() {
            match byte {
                b'\n' => return false,
                b'/' if !escaped => {
                    // `//` is a comment.
                    if index == 0 {
                        return false;
                    }
                    self.take(TokenKind::Regex, index + 2);
                    return true;
                }
                _ => escaped = byte == b'\\' && !escaped,
            }
        }
        false
    }

    fn open_string(&mut self) {
        if !self.rest().starts_with("\"\"\"") {
            self.take(TokenKind::StringOpen, 1);
            self.enter(Frame::Line);
            return;
        }
        self.take(TokenKind::StringOpen, 3);
        let (end, closed) = self.find_block_end(true);
        self.enter(Frame::Block { end, closed });
    }

    /// Where the block or raw string whose text starts here ends, and whether quotes close it there.
    fn find_block_end(&mut self, escapes: bool) -> (usize, bool) {
        let limit = self.block_end().unwrap_or(self.bytes.len());
        let mut at = self.at;
        while at < limit {
            match self.bytes.get(at) {
                Some(b'\\') if escapes => at += 1,
                Some(b'"') if self.text.get(at..).is_some_and(|rest| rest.starts_with("\"\"\"")) => return (at, true),
                Some(b'\n') if self.cut_runaways && self.text.get(at + 1..).is_some_and(starts_declaration) => {
                    return (at, false);
                }
                _ => {}
            }
            at += 1;
        }
        self.runaway = true;
        (limit, false)
    }

    fn raw_string(&mut self) {
        let start = self.at;
        self.at += 6;
        let (end, closed) = self.find_block_end(false);
        self.at = if closed { end + 3 } else { end };
        self.push(TokenKind::RawString, start);
    }

    fn line_string(&mut self) {
        let start = self.at;
        loop {
            match self.peek(0) {
                b'"' => {
                    self.text_until_here(start);
                    self.take(TokenKind::StringClose, 1);
                    self.stack.pop();
                    return;
                }
                b'$' if self.peek(1) == b'{' => {
                    self.text_until_here(start);
                    self.take(TokenKind::Open, 2);
                    self.enter(Frame::Interpolation);
                    return;
                }
                b'\\' if self.peek(1) != b'\n' => self.at += 2,
                b'\n' => break,
                _ => self.at += 1,
            }
            if self.at >= self.bytes.len() {
                self.at = self.bytes.len();
                break;
            }
        }
        self.text_until_here(start);
        if self.at < self.bytes.len() {
            self.push(TokenKind::StringClose, self.at);
            self.stack.pop();
        }
    }

    fn block_string(&mut self, end: usize, closed: bool) {
        let start = self.at;
        while self.at < end {
            match self.peek(0) {
                b'\\' => self.at += 2,
                b'$' if self.peek(1) == b'{' => {
                    self.text_until_here(start);
                    self.take(TokenKind::Open, 2);
                    self.enter(Frame::Interpolation);
                    return;
                }
                _ => self.at += 1,
            }
        }
        self.at = end;
        self.text_until_here(start);
        self.stack.pop();
        if closed {
            self.take(TokenKind::StringClose, 3);
        } else {
            self.push(TokenKind::StringClose, self.at);
        }
    }

    fn text_until_here(&mut self, start: usize) {
        if self.at > start {
            self.push(TokenKind::StringText, start);
        }
    }

    fn word(&mut self) {
        let start = self.at;
        self.at += 1;
        loop {
            let hyphens = self.rest().bytes().take_while(|byte| *byte == b'-').count();
            let next = self.peek(hyphens);
            if !(next.is_ascii_alphanumeric() || next == b'_') {
                break;
            }
            self.at += hyphens + 1;
        }
        self.push(TokenKind::Word, start);
    }

    fn number(&mut self) {
        let start = self.at;
        loop {
            match self.peek(0) {
                byte if byte.is_ascii_alphanumeric() || byte == b'_' => self.at += 1,
                b'.' if self.peek(1).is_ascii_digit() => self.at += 2,
                b'%' => {
                    self.at += 1;
                    break;
                }
                _ => break,
            }
        }
        self.push(TokenKind::Number, start);
    }

    fn open(&mut self, frame: Frame) {
        self.take(TokenKind::Open, 1);
        self.enter(frame);
    }

    fn close(&mut self, frame: Frame) {
        self.take(TokenKind::Close, 1);
        // A closer of another kind closes nothing, unless it ends an interpolation.
        match self.stack.last() {
            Some(top) if *top == frame => {
                self.stack.pop();
            }
            Some(Frame::Interpolation) if frame == Frame::Brace => {
                self.stack.pop();
            }
            _ => {
                // Inside a string, brackets of the interpolation are dropped with it.
                let floor = self
                    .stack
                    .iter()
                    .rposition(|frame| matches!(frame, Frame::Line | Frame::Block { .. }))
                    .map_or(0, |at| at + 1);
                let same = |open: &Frame| *open == frame || frame == Frame::Brace && *open == Frame::Interpolation;
                if let Some(open) = self.stack.iter().skip(floor).rposition(same) {
                    self.stack.truncate(floor + open);
                }
            }
        }
    }

    fn sign(&mut self) {
        const PAIRS: [&str; 12] = ["..", "?.", "??", "=>", "->", "==", "!=", "<=", ">=", "||", "&&", "?["];
        let rest = self.rest();
        if rest.starts_with("...") {
            return self.take(TokenKind::Operator, 3);
        }
        if let Some(pair) = PAIRS.iter().find(|pair| rest.starts_with(**pair)) {
            if *pair == "?[" {
                return self.optional_index();
            }
            return self.take(TokenKind::Operator, 2);
        }
        match self.peek(0) {
            b'=' => self.take(TokenKind::Equals, 1),
            b'.' => self.take(TokenKind::Dot, 1),
            b'|' | b'<' | b'>' | b'+' | b'-' | b'*' | b'/' | b'%' | b'!' | b'?' | b'^' | b'~' => {
                self.take(TokenKind::Operator, 1);
            }
            _ => {
                let length = rest.chars().next().map_or(1, char::len_utf8);
                self.take(TokenKind::Unknown, length);
            }
        }
    }

    fn optional_index(&mut self) {
        self.take(TokenKind::Open, 2);
        self.enter(Frame::Square);
    }
}

/// Whether a token says nothing about what is expected next.
fn quiet(kind: TokenKind) -> bool {
    kind.is_trivia() || kind == TokenKind::Newline
}
