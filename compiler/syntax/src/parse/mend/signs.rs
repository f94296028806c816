//! Signs and words of other languages.

use ktl_grammar::{Token, TokenKind};

use super::{Mend, replaced};
use crate::diagnostic::Diagnostic;
use crate::parse::balance::Lexeme;
use crate::parse::place::Where;
use crate::parse::tree::Builder;
use crate::source::Span;

impl Builder<'_> {
    /// Signs and words of other languages.
    pub(super) fn mend_sign(&self, place: Where, lexemes: &[Lexeme], index: usize, mends: &mut Vec<Mend>) {
        // `not a` is only noticed at `a`.
        let index = match index.checked_sub(1).and_then(|before| lexemes.get(before)) {
            Some(before) if before.token.kind == TokenKind::Word && self.shown(before) == "not" => index - 1,
            _ => index,
        };
        let Some(lexeme) = lexemes.get(index) else { return };
        let sign = self.shown(lexeme);
        let (written, help) = match (lexeme.token.kind, sign.as_str()) {
            (TokenKind::Word, "and") => ("&&", "both conditions are written `a && b`"),
            (TokenKind::Word, "or") => ("||", "either condition is written `a || b`"),
            (TokenKind::Word, "not") => ("!", "negation is written `!a`"),
            (TokenKind::Unknown, "&") => ("&&", "both conditions are written `a && b`"),
            (TokenKind::Unknown, ";") => (",", "entries are separated by a newline or a comma"),
            (TokenKind::Equals, _) if place != Where::Declaration => ("==", "comparison is written `a == b`"),
            (TokenKind::Unknown, "'") => return self.mend_quotes(lexemes, index, mends),
            _ => return,
        };
        let span = self.token_span(lexeme.token);
        let diagnostic = Diagnostic::error("K0001", span, format!("unexpected `{sign}` in {}", place.name()))
            .help(help)
            .fix(format!("replace `{sign}` by `{written}`"), span, written);
        let pieces = match written {
            "," => {
                let (before, after) = lexemes.split_at_checked(index).unwrap_or((lexemes, &[]));
                let pieces = [before, after.get(1..).unwrap_or_default()];
                pieces
                    .into_iter()
                    .filter(|piece| !piece.is_empty())
                    .map(<[Lexeme]>::to_vec)
                    .collect()
            }
            _ => vec![replaced(
                lexemes,
                index,
                Lexeme {
                    token: lexeme.token,
                    text: Some(written.to_owned()),
                },
            )],
        };
        mends.push(Mend { pieces, diagnostic });
    }

    /// `'text'`
    fn mend_quotes(&self, lexemes: &[Lexeme], index: usize, mends: &mut Vec<Mend>) {
        let after = lexemes.iter().enumerate().skip(index + 1);
        let mut quotes = after.filter(|(_, lexeme)| self.shown(lexeme) == "'");
        let (Some(open), Some((close, end))) = (lexemes.get(index), quotes.next()) else {
            return;
        };
        let span = Span {
            file: self.file,
            start: open.token.start,
            end: end.token.end,
        };
        let inner = self
            .text
            .get(span.start as usize + 1..span.end as usize - 1)
            .unwrap_or("");
        if inner.contains(['\n', '"', '\\', '$']) {
            return;
        }
        let quoted = format!("\"{inner}\"");
        let token = Token {
            kind: TokenKind::RawString,
            start: span.start,
            end: span.end,
        };
        let mut piece: Vec<Lexeme> = lexemes.iter().take(index).cloned().collect();
        piece.push(Lexeme {
            token,
            text: Some(quoted.clone()),
        });
        piece.extend(lexemes.iter().skip(close + 1).cloned());
        let diagnostic = Diagnostic::error("K0001", span, "unexpected `'`: strings stand in double quotes")
            .help(format!("write `{quoted}`"))
            .fix("use double quotes", span, quoted);
        mends.push(Mend {
            pieces: vec![piece],
            diagnostic,
        });
    }
}
