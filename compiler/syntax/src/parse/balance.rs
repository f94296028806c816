//! Brackets and strings that are not closed, or closed twice, in a declaration that did not parse.
//!
//! Which bracket is missing is inferred from indentation, because people indent what they mean.

use ktl_grammar::{Token, TokenKind};

use crate::diagnostic::Diagnostic;
use crate::parse::NESTING_LIMIT;
use crate::parse::tree::Builder;
use crate::source::Span;

/// A token as the parser shall see it: the file's, or an inferred one.
#[derive(Clone, Debug)]
pub(crate) struct Lexeme {
    /// What it is and where; of no length when it was inferred.
    pub(crate) token: Token,
    /// How it is spelt, if not as in the file.
    pub(crate) text: Option<String>,
}

impl Lexeme {
    /// Something that is not in the file.
    pub(crate) fn inferred(kind: TokenKind, at: u32, text: impl Into<String>) -> Self {
        Lexeme {
            token: Token {
                kind,
                start: at,
                end: at,
            },
            text: Some(text.into()),
        }
    }
}

/// An open bracket.
struct Opened {
    /// Its place among the output.
    index: usize,
    span: Span,
    closer: char,
    indent: usize,
    line: usize,
}

/// How often the brackets of one declaration are looked at again after a bracket was added or removed.
const ATTEMPTS: usize = 4;

impl Builder<'_> {
    /// The tokens of a declaration with closed strings and matching brackets. The first mismatch is reported; what is
    /// found behind it in the declaration is not, because it most likely follows from it.
    ///
    /// `None` when brackets are so mixed up that no closing makes sense.
    pub(crate) fn balance(&mut self, tokens: &[Token]) -> Option<Vec<Lexeme>> {
        let mut lexemes: Vec<Lexeme> = tokens
            .iter()
            .filter(|token| !token.kind.is_trivia() || token.kind == TokenKind::Fold)
            .map(|token| Lexeme {
                token: *token,
                text: None,
            })
            .collect();
        self.unbalanced = false;
        if let Some(string) = self.close_strings(&mut lexemes) {
            match self.balanced(&lexemes) {
                true => self.mute_line(string),
                // It swallowed brackets.
                false => self.mute_from(string),
            }
        }
        if !self.balanced(&lexemes) {
            for _ in 0..ATTEMPTS {
                if !self.mend_opener(&mut lexemes) {
                    break;
                }
            }
            if !self.balanced(&lexemes) {
                lexemes = self.close_brackets(lexemes)?;
            }
        }
        let mut tokens: Vec<Token> = lexemes.iter().map(|lexeme| lexeme.token).collect();
        ktl_grammar::fold_newlines(self.text, &mut tokens);
        let folded = lexemes
            .into_iter()
            .zip(tokens)
            .map(|(lexeme, token)| Lexeme { token, ..lexeme });
        Some(folded.filter(|lexeme| !lexeme.token.kind.is_trivia()).collect())
    }

    pub(crate) fn shown(&self, lexeme: &Lexeme) -> String {
        lexeme
            .text
            .clone()
            .unwrap_or_else(|| self.spelling(lexeme.token).to_owned())
    }

    /// Closes the strings that are not closed. Says where the first one starts.
    fn close_strings(&mut self, lexemes: &mut [Lexeme]) -> Option<u32> {
        // Strings, and the interpolations in them.
        let mut opened: Vec<Token> = Vec::new();
        let mut first = None;
        for lexeme in lexemes {
            let token = lexeme.token;
            let (opener, quotes) = match token.kind {
                TokenKind::StringOpen => {
                    opened.push(token);
                    continue;
                }
                TokenKind::Open | TokenKind::Close if opened.is_empty() => continue,
                TokenKind::Open => {
                    opened.push(token);
                    continue;
                }
                TokenKind::Close => {
                    if opened.last().is_some_and(|opener| opener.kind == TokenKind::Open) {
                        opened.pop();
                    }
                    continue;
                }
                TokenKind::StringClose => {
                    if token.start == token.end {
                        self.report_interpolation(&opened);
                    }
                    while opened.pop_if(|opener| opener.kind == TokenKind::Open).is_some() {}
                    let Some(opener) = opened.pop() else { continue };
                    if token.start < token.end {
                        continue;
                    }
                    (opener, self.spelling(opener))
                }
                TokenKind::RawString => {
                    let body = self.spelling(token).strip_prefix("raw\"\"\"").unwrap_or("");
                    if body.ends_with("\"\"\"") {
                        continue;
                    }
                    (
                        Token {
                            end: token.start + 6,
                            ..token
                        },
                        "\"\"\"",
                    )
                }
                _ => continue,
            };
            let before = if token.kind == TokenKind::RawString {
                self.spelling(token)
            } else {
                ""
            };
            lexeme.text = Some(format!("{before}{quotes}"));
            let end = Span {
                file: self.file,
                start: token.end,
                end: token.end,
            };
            let opener = self.token_span(opener);
            self.report_bracket(
                Diagnostic::error(
                    "K0003",
                    opener,
                    format!("the string opened by `{quotes}` here is never closed"),
                )
                .label("opened here")
                .help(match quotes {
                    "\"" => "a string ends on its line: close it with `\"`, or write a block string with `\"\"\"`"
                        .to_owned(),
                    _ => format!("close it with `{quotes}`"),
                })
                .fix(format!("insert `{quotes}`"), end, quotes),
            );
            first = first.or(Some(opener.start));
        }
        first
    }

    /// A string that is not closed, because an interpolation around it or in it is not.
    fn report_interpolation(&mut self, opened: &[Token]) {
        let interpolation = opened.iter().find(|opener| self.spelling(**opener) == "${");
        if let Some(opener) = interpolation {
            let span = self.token_span(*opener);
            self.report_bracket(
                Diagnostic::error("K0003", span, "`${` opened here is never closed")
                    .label("opened here")
                    .help("close it with `}`, or write `\\${` for the signs themselves"),
            );
        }
    }

    fn balanced(&self, lexemes: &[Lexeme]) -> bool {
        let mut stack = Vec::new();
        for lexeme in lexemes {
            match lexeme.token.kind {
                TokenKind::Open => stack.push(closer_of(&self.shown(lexeme))),
                TokenKind::Close if stack.pop().flatten() != self.shown(lexeme).chars().next() => return false,
                _ => {}
            }
        }
        stack.is_empty()
    }

    /// A mismatch mends itself in several steps; the first one tells the story.
    fn report_bracket(&mut self, diagnostic: Diagnostic) {
        if !std::mem::replace(&mut self.unbalanced, true) {
            self.report(diagnostic);
        }
    }

    /// Looks for a closer with nothing to close. The line with the closer's indentation above it is where the opener
    /// belongs: it is missing there, or something closed it too early. Says whether anything was changed.
    fn mend_opener(&mut self, lexemes: &mut Vec<Lexeme>) -> bool {
        let lines = self.lines(lexemes);
        let mut stack: Vec<usize> = Vec::new();
        // The closer of each opener.
        let mut closers: Vec<(usize, usize)> = Vec::new();
        for (index, lexeme) in lexemes.iter().enumerate() {
            match lexeme.token.kind {
                TokenKind::Open => stack.push(index),
                TokenKind::Close if !stack.is_empty() && !self.is_open(&stack, lexemes, lexeme) => {
                    let sign = self.shown(lexeme);
                    let span = self.token_span(lexeme.token);
                    self.report_bracket(stray(span, &sign));
                    self.mute_line(span.start);
                    lexemes.remove(index);
                    return true;
                }
                TokenKind::Close => match stack.pop() {
                    Some(open) => closers.push((open, index)),
                    None => {
                        let Some(last) = line_above(lexemes, &lines, index) else {
                            return false;
                        };
                        return self.mend_opener_at(lexemes, last, index, &closers, &lines);
                    }
                },
                _ => {}
            }
        }
        false
    }

    /// Whether a bracket of the closer's kind is open.
    fn is_open(&self, stack: &[usize], lexemes: &[Lexeme], closer: &Lexeme) -> bool {
        let closer = self.shown(closer).chars().next();
        let open = |index: &usize| {
            lexemes
                .get(*index)
                .is_some_and(|open| closer_of(&self.shown(open)) == closer)
        };
        stack.iter().rev().take(2 * NESTING_LIMIT).any(open)
    }

    /// `last` is the last token of the line where an opener belongs, `stray` the closer that closes nothing.
    fn mend_opener_at(
        &mut self,
        lexemes: &mut Vec<Lexeme>,
        last: usize,
        stray: usize,
        closers: &[(usize, usize)],
        lines: &[(usize, usize)],
    ) -> bool {
        let (Some(end), Some(closer)) = (lexemes.get(last).cloned(), lexemes.get(stray).cloned()) else {
            return false;
        };
        let closer_text = self.shown(&closer);
        let Some(opener) = opener_of(&closer_text) else {
            return false;
        };
        if end.token.kind == TokenKind::Open {
            // It was closed before its block ended.
            let early = closers.iter().find(|(open, _)| *open == last).map(|(_, close)| *close);
            let Some(early) = early.filter(|early| lines.get(*early) != lines.get(stray)) else {
                return false;
            };
            let Some(lexeme) = lexemes.get(early).cloned() else {
                return false;
            };
            // The early one may be right, and what it closes not opened.
            let above = line_above(lexemes, lines, early).filter(|above| *above > last);
            let unopened = above
                .and_then(|above| lexemes.get(above))
                .filter(|end| end.token.kind != TokenKind::Open);
            if let (Some(above), Some(_)) = (above, unopened)
                && early
                    .checked_sub(1)
                    .and_then(|before| lexemes.get(before))
                    .is_some_and(is_newline)
            {
                return self.mend_opener_at(lexemes, above, early, closers, lines);
            }
            let span = self.token_span(lexeme.token);
            let sign = self.shown(&lexeme);
            self.report_bracket(
                Diagnostic::error(
                    "K0001",
                    span,
                    format!(
                        "unexpected `{sign}`: it closes what line {} opens, too early",
                        self.line_number(end.token.start)
                    ),
                )
                .related(self.token_span(end.token), "opened here")
                .help(format!("remove the `{sign}`"))
                .fix(format!("remove `{sign}`"), span, ""),
            );
            self.mute_from(span.start.min(end.token.start));
            lexemes.remove(early);
            return true;
        }
        let at = Span {
            file: self.file,
            start: end.token.end,
            end: end.token.end,
        };
        self.report_bracket(
            Diagnostic::error(
                "K0001",
                self.token_span(closer.token),
                format!("unexpected `{closer_text}`: nothing is open here"),
            )
            .related(at, format!("a `{opener}` may be missing here"))
            .help(format!("add `{opener}`, or remove the `{closer_text}`"))
            .fix(format!("insert `{opener}`"), at, format!(" {opener}")),
        );
        self.mute_from(at.start);
        lexemes.insert(
            last + 1,
            Lexeme::inferred(TokenKind::Open, end.token.end, opener.to_string()),
        );
        true
    }

    /// Adds the closers that are missing and leaves out those that close nothing.
    fn close_brackets(&mut self, lexemes: Vec<Lexeme>) -> Option<Vec<Lexeme>> {
        let lines = self.lines(&lexemes);
        let mut out: Vec<Lexeme> = Vec::with_capacity(lexemes.len() + 4);
        let mut stack: Vec<Opened> = Vec::new();
        let mut previous_line = lines.first().map_or(0, |(line, _)| *line);
        for (lexeme, (line, indent)) in lexemes.into_iter().zip(lines) {
            let kind = lexeme.token.kind;
            if matches!(kind, TokenKind::Newline | TokenKind::Fold) {
                out.push(lexeme);
                continue;
            }
            let shown = self.shown(&lexeme);
            let closer = (kind == TokenKind::Close).then(|| shown.chars().next()).flatten();
            if line != previous_line {
                previous_line = line;
                while self.ends_before(&stack, closer, indent) {
                    self.close_one(&mut stack, &mut out, true);
                }
            }
            match (kind, closer) {
                (TokenKind::Open, _) => stack.push(Opened {
                    index: out.len(),
                    span: self.token_span(lexeme.token),
                    closer: closer_of(&shown).unwrap_or('}'),
                    indent,
                    line,
                }),
                (TokenKind::Close, Some(closer)) => {
                    if !stack.iter().any(|opened| opened.closer == closer) {
                        let span = self.token_span(lexeme.token);
                        self.report_bracket(stray(span, &shown));
                        self.mute_line(span.start);
                        continue;
                    }
                    while stack.last().is_some_and(|opened| opened.closer != closer) {
                        let same_line = stack.last().is_some_and(|opened| opened.line == line);
                        self.close_one(&mut stack, &mut out, !same_line);
                    }
                    stack.pop();
                }
                _ => {}
            }
            if stack.len() > NESTING_LIMIT {
                return None;
            }
            out.push(lexeme);
        }
        while !stack.is_empty() {
            self.close_one(&mut stack, &mut out, true);
        }
        Some(out)
    }

    /// Whether the innermost bracket must have ended before a line of this indentation.
    fn ends_before(&self, stack: &[Opened], closer: Option<char>, indent: usize) -> bool {
        let Some((top, outer)) = stack.split_last() else {
            return false;
        };
        match closer {
            Some(closer) => {
                indent < top.indent && outer.iter().any(|open| open.closer == closer && open.indent <= indent)
            }
            // The outermost one ends with the declaration.
            None => !outer.is_empty() && indent <= top.indent,
        }
    }

    /// Closes the innermost bracket here, or at the end of the last line.
    fn close_one(&mut self, stack: &mut Vec<Opened>, out: &mut Vec<Lexeme>, end_of_line: bool) {
        let Some(opened) = stack.pop() else { return };
        let mut index = out.len();
        while end_of_line && index > opened.index + 1 && out.get(index - 1).is_some_and(is_newline) {
            index -= 1;
        }
        let place = index
            .checked_sub(1)
            .and_then(|before| out.get(before))
            .map_or(opened.span.end, |lexeme| lexeme.token.end);
        let at = Span {
            start: place,
            end: place,
            ..opened.span
        };
        let sign = self
            .text
            .get(opened.span.start as usize..opened.span.end as usize)
            .unwrap_or("{");
        if !self.unbalanced {
            self.report_bracket(
                Diagnostic::error(
                    "K0003",
                    opened.span,
                    format!(
                        "`{sign}` opened here is never closed (inferred end at line {})",
                        self.line_number(place)
                    ),
                )
                .label("opened here")
                .related(at, format!("`{}` seems to be missing here", opened.closer))
                .help(format!("close it with `{}`", opened.closer))
                .fix(format!("insert `{}`", opened.closer), at, opened.closer),
            );
        }
        self.mute_from(opened.span.start);
        out.insert(
            index,
            Lexeme::inferred(TokenKind::Close, place, opened.closer.to_string()),
        );
    }

    /// The line of each token, from 0, and how far that line is indented.
    fn lines(&self, lexemes: &[Lexeme]) -> Vec<(usize, usize)> {
        let mut line = 0;
        let mut indent = None;
        let mut lines = Vec::with_capacity(lexemes.len());
        for lexeme in lexemes {
            let own = *indent.get_or_insert_with(|| self.indent(lexeme.token.start));
            lines.push((line, own));
            if matches!(lexeme.token.kind, TokenKind::Newline | TokenKind::Fold) {
                line += 1;
                indent = None;
            }
        }
        lines
    }

    fn indent(&self, at: u32) -> usize {
        let before = self.text.get(..at as usize).unwrap_or("");
        before
            .bytes()
            .rev()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count()
    }

    /// From 1.
    fn line_number(&self, at: u32) -> u32 {
        self.source.line(at).0 + 1
    }
}

fn is_newline(lexeme: &Lexeme) -> bool {
    matches!(lexeme.token.kind, TokenKind::Newline | TokenKind::Fold)
}

/// The last token of the nearest line above a token's that is indented no more than the token's.
fn line_above(lexemes: &[Lexeme], lines: &[(usize, usize)], index: usize) -> Option<usize> {
    let (line, indent) = lines.get(index).copied()?;
    let mut above = lexemes.iter().zip(lines).enumerate().take(index).rev();
    let found = above.find(|(_, (lexeme, (above, other)))| *above < line && *other <= indent && !is_newline(lexeme));
    found.map(|(at, _)| at)
}

fn stray(span: Span, sign: &str) -> Diagnostic {
    Diagnostic::error("K0001", span, format!("unexpected `{sign}`: nothing is open here"))
        .help(format!("remove the `{sign}`"))
        .fix(format!("remove `{sign}`"), span, "")
}

fn closer_of(opener: &str) -> Option<char> {
    match opener {
        "(" => Some(')'),
        "[" | "?[" => Some(']'),
        "{" | "${" => Some('}'),
        _ => None,
    }
}

fn opener_of(closer: &str) -> Option<char> {
    match closer {
        ")" => Some('('),
        "]" => Some('['),
        "}" => Some('{'),
        _ => None,
    }
}
