//! Strings: escapes, interpolations, and the indentation of block strings.

use std::sync::Arc;

use ktl_grammar::Rule;

use crate::ast::{Expr, ExprKind, StringPart, Text};
use crate::diagnostic::Diagnostic;
use crate::parse::fragment::Fragment;
use crate::parse::tree::{Builder, Node, children};
use crate::source::Span;

/// A piece of a string as written.
enum Piece<'i> {
    Text(Node<'i>),
    Hole(Expr),
}

impl Builder<'_> {
    /// Any kind of string.
    pub(crate) fn string(&mut self, fragment: &Fragment, node: Node<'_>) -> Expr {
        let span = self.span(fragment, &node);
        let rule = node.as_rule();
        let mut pieces = Vec::new();
        for part in children(node) {
            match part.as_rule() {
                Rule::interpolation => pieces.push(Piece::Hole(self.interpolation(fragment, part))),
                _ => pieces.push(Piece::Text(part)),
            }
        }
        let parts = match rule {
            Rule::string => {
                let mut parts = Vec::new();
                for piece in pieces {
                    parts.push(match piece {
                        Piece::Text(node) => {
                            let start = node.as_span().start() as u32;
                            StringPart::Text(Arc::from(self.unescape(node.as_str(), fragment, start)))
                        }
                        Piece::Hole(expr) => StringPart::Hole(expr),
                    });
                }
                parts
            }
            _ => self.block(fragment, pieces, rule == Rule::block),
        };
        Expr {
            kind: ExprKind::String(parts),
            span,
        }
    }

    /// A string that must not hold interpolations: keys, names, sources.
    pub(crate) fn static_text(&mut self, fragment: &Fragment, node: Node<'_>) -> Text {
        let expr = self.string(fragment, node);
        let span = expr.span;
        let mut text = String::new();
        let mut hole = None;
        if let ExprKind::String(parts) = expr.kind {
            for part in parts {
                match part {
                    StringPart::Text(part) => text.push_str(&part),
                    StringPart::Hole(expr) => hole = hole.or(Some(expr.span)),
                }
            }
        }
        if let Some(hole) = hole {
            self.report(
                Diagnostic::error("K0001", hole, "unexpected `${` in a static string").help(
                    "this string must be known from the text alone; a computed key is written `[expression]: value`",
                ),
            );
        }
        Text {
            text: Arc::from(text),
            span,
        }
    }

    fn interpolation(&mut self, fragment: &Fragment, node: Node<'_>) -> Expr {
        let span = self.span(fragment, &node);
        let inner = children(node)
            .next()
            .and_then(|interpolated| children(interpolated).next());
        match inner {
            Some(node) if node.as_rule() == Rule::expr => self.expr(fragment, node),
            Some(node) => self.hollow_expr(fragment, &node),
            None => self.no_expr(span),
        }
    }

    /// Strips the indentation that all lines share, the line of the closing quotes included, and the first line break.
    fn block(&mut self, fragment: &Fragment, pieces: Vec<Piece<'_>>, escapes: bool) -> Vec<StringPart> {
        let indent = common_indent(&pieces);
        let mut parts = Vec::new();
        let mut first = true;
        let mut line_start = false;
        for piece in pieces {
            match piece {
                Piece::Hole(expr) => {
                    parts.push(StringPart::Hole(expr));
                    line_start = false;
                }
                Piece::Text(node) => {
                    let mut offset = node.as_span().start() as u32;
                    let mut out = String::new();
                    for line in node.as_str().split_inclusive('\n') {
                        let skipped = if line_start {
                            indent.min(leading_blanks(line))
                        } else {
                            0
                        };
                        let body = line.get(skipped..).unwrap_or("");
                        let opening = std::mem::take(&mut first) && line.trim().is_empty() && line.ends_with('\n');
                        if !opening {
                            let (body, end) = match body.strip_suffix('\n') {
                                Some(body) => (body.strip_suffix('\r').unwrap_or(body), "\n"),
                                None => (body, ""),
                            };
                            match escapes {
                                true => out.push_str(&self.unescape(body, fragment, offset + skipped as u32)),
                                false => out.push_str(body),
                            }
                            out.push_str(end);
                        }
                        line_start = line.ends_with('\n');
                        offset += line.len() as u32;
                    }
                    if !out.is_empty() {
                        parts.push(StringPart::Text(Arc::from(out)));
                    }
                }
            }
            first = false;
        }
        parts
    }

    fn unescape(&mut self, text: &str, fragment: &Fragment, start: u32) -> String {
        let mut out = String::with_capacity(text.len());
        let mut chars = text.char_indices();
        while let Some((at, char)) = chars.next() {
            if char != '\\' {
                out.push(char);
                continue;
            }
            let escaped = chars.next().map(|(_, char)| char);
            let resolved = match escaped {
                Some('n') => Some('\n'),
                Some('t') => Some('\t'),
                Some('r') => Some('\r'),
                Some('u') => {
                    let rest = chars.as_str();
                    let code = rest
                        .strip_prefix('{')
                        .and_then(|rest| rest.split_once('}'))
                        .map(|(code, _)| code);
                    let char = code
                        .and_then(|code| u32::from_str_radix(code, 16).ok())
                        .and_then(char::from_u32);
                    if let (Some(code), Some(_)) = (code, char) {
                        chars = advance(chars, code.len() + 2);
                    }
                    char
                }
                Some(char @ ('\\' | '"' | '$')) => Some(char),
                _ => None,
            };
            match resolved {
                Some(char) => out.push(char),
                None => {
                    let at = start + at as u32;
                    let length = 1 + escaped.map_or(0, char::len_utf8) as u32;
                    let span = Span {
                        file: self.file,
                        start: fragment.place(at),
                        end: fragment.place(at + length),
                    };
                    let shown = escaped.map(String::from).unwrap_or_default();
                    self.report(
                        Diagnostic::error("K0001", span, format!("unexpected escape `\\{shown}` in a string"))
                            .help("escapes are `\\n`, `\\t`, `\\r`, `\\\\`, `\\\"`, `\\$` and `\\u{…}`; a backslash itself is `\\\\`")
                            .fix("double the backslash", Span { end: span.start + 1, ..span }, "\\\\"),
                    );
                    out.extend(escaped);
                }
            }
        }
        out
    }
}

fn advance(chars: std::str::CharIndices<'_>, bytes: usize) -> std::str::CharIndices<'_> {
    chars.as_str().get(bytes..).unwrap_or("").char_indices()
}

fn leading_blanks(line: &str) -> usize {
    line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// The indentation that all lines share which hold something; the last line counts even when only quotes follow.
fn common_indent(pieces: &[Piece<'_>]) -> usize {
    let mut indent = usize::MAX;
    let mut line_start = false;
    for (index, piece) in pieces.iter().enumerate() {
        let Piece::Text(node) = piece else {
            if line_start {
                indent = 0;
            }
            line_start = false;
            continue;
        };
        for line in node.as_str().split_inclusive('\n') {
            let blanks = leading_blanks(line);
            let ends_here = !line.ends_with('\n');
            if line_start && (ends_here || !line.trim().is_empty()) {
                indent = indent.min(blanks);
            }
            line_start = !ends_here;
        }
        if line_start && index + 1 == pieces.len() {
            // The closing quotes stand at column 0.
            indent = 0;
        }
    }
    if indent == usize::MAX { 0 } else { indent }
}
