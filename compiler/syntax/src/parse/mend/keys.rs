//! Keys and their values.

use ktl_grammar::{Token, TokenKind};

use super::{Mend, inserted, replaced};
use crate::diagnostic::Diagnostic;
use crate::parse::balance::Lexeme;
use crate::parse::place::Where;
use crate::parse::tree::Builder;
use crate::source::Span;

impl Builder<'_> {
    pub(super) fn mend_key(&self, place: Where, lexemes: &[Lexeme], index: usize, mends: &mut Vec<Mend>) {
        if !place.keyed() {
            return self.mend_definition(lexemes, index, mends);
        }
        let skip = usize::from(place == Where::Test);
        let length = skip + self.key_length(lexemes.get(skip..).unwrap_or_default());
        let Some(last) = length.checked_sub(1).and_then(|last| lexemes.get(last)) else {
            return;
        };
        let first = lexemes.get(skip).map_or(last.token, |lexeme| lexeme.token);
        let key = Span {
            file: self.file,
            start: first.start,
            end: last.token.end,
        };
        let key_text = self.text.get(key.start as usize..key.end as usize).unwrap_or("");
        let next = lexemes.get(length);
        let hole = Lexeme::inferred(TokenKind::Unknown, last.token.end, "\u{1}");
        let colon = Lexeme::inferred(TokenKind::Colon, last.token.end, ":");
        if place != Where::Call && length > skip && (next.is_none() || length + 1 == lexemes.len()) {
            let has_colon = next.is_some_and(|next| next.token.kind == TokenKind::Colon);
            if next.is_none() || has_colon {
                let end = lexemes.last().map_or(key.end, |lexeme| lexeme.token.end);
                let at = Span { start: end, end, ..key };
                let what = match place {
                    Where::RecordType | Where::Parameters => "type",
                    _ => "value",
                };
                let mut diagnostic =
                    Diagnostic::error("K0002", Span { end, ..key }, format!("`{key_text}:` has no {what}"))
                        .help(format!("write the {what} behind `{key_text}:`, or remove the line"));
                let nothing = match place {
                    Where::Record => Some("null"),
                    Where::Settings => Some("unset"),
                    _ => None,
                };
                if let Some(nothing) = nothing {
                    let text = format!("{} {nothing}", if has_colon { "" } else { ":" });
                    diagnostic = diagnostic.fix(format!("write `{nothing}` for `{key_text}`"), at, text);
                }
                let mut piece = lexemes.to_vec();
                if !has_colon {
                    piece.push(colon.clone());
                }
                piece.push(Lexeme {
                    token: Token {
                        start: end,
                        end,
                        ..hole.token
                    },
                    ..hole.clone()
                });
                mends.push(Mend {
                    pieces: vec![piece],
                    diagnostic,
                });
            }
        }
        self.mend_unquoted_key(lexemes, skip, mends);
        if let Some(next) = next
            && (next.token.kind == TokenKind::Equals || matches!(self.shown(next).as_str(), "=>" | "->"))
        {
            let sign = self.shown(next);
            let span = self.token_span(next.token);
            let diagnostic = Diagnostic::error("K0005", span, "use `:` between key and value, `=` only binds names")
                .help(format!("write `{key_text}: …`"))
                .fix(format!("replace `{sign}` by `:`"), Span { start: key.end, ..span }, ":");
            let piece = replaced(
                lexemes,
                length,
                Lexeme {
                    token: next.token,
                    text: Some(":".to_owned()),
                },
            );
            mends.push(Mend {
                pieces: vec![piece],
                diagnostic,
            });
        }
        if let Some(next) = next
            && index == length
            && place != Where::Call
            && matches!(
                next.token.kind,
                TokenKind::Open | TokenKind::StringOpen | TokenKind::Number | TokenKind::Word | TokenKind::RawString
            )
        {
            let at = key.after();
            let diagnostic = Diagnostic::error(
                "K0005",
                at,
                format!("`:` is missing between the key `{key_text}` and its value"),
            )
            .help(format!("write `{key_text}: …`"))
            .fix("insert `:`", at, ":");
            mends.push(Mend {
                pieces: vec![inserted(lexemes, length, [colon])],
                diagnostic,
            });
        }
    }

    /// `app.kubernetes.io/name: x` needs quotes.
    fn mend_unquoted_key(&self, lexemes: &[Lexeme], skip: usize, mends: &mut Vec<Mend>) {
        let rest = lexemes.get(skip..).unwrap_or_default();
        let colon = rest.iter().position(|lexeme| lexeme.token.kind == TokenKind::Colon);
        let Some((written, after)) = colon.and_then(|colon| rest.split_at_checked(colon)) else {
            return;
        };
        let (Some(first), Some(last)) = (written.first(), written.last()) else {
            return;
        };
        let one_piece = written
            .iter()
            .zip(written.iter().skip(1))
            .all(|(a, b)| a.token.end == b.token.start);
        let plain = |kind| {
            matches!(
                kind,
                TokenKind::Word | TokenKind::Number | TokenKind::Dot | TokenKind::Operator | TokenKind::Unknown
            )
        };
        if !one_piece || !written.iter().all(|lexeme| plain(lexeme.token.kind)) {
            return;
        }
        let span = Span {
            file: self.file,
            start: first.token.start,
            end: last.token.end,
        };
        let key = self.text.get(span.start as usize..span.end as usize).unwrap_or("");
        // Quotes help where the text is a key that Kubernetes could have, not where a sign is just one too many.
        if !key
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || matches!(char, '.' | '/' | '-' | '_'))
        {
            return;
        }
        let quoted = format!("\"{key}\"");
        let token = Token {
            kind: TokenKind::RawString,
            start: span.start,
            end: span.end,
        };
        let mut piece: Vec<Lexeme> = lexemes.iter().take(skip).cloned().collect();
        piece.push(Lexeme {
            token,
            text: Some(quoted.clone()),
        });
        piece.extend(after.iter().cloned());
        let message = match key.contains('/') || key.contains('.') {
            true => "a key with `/` or `.` in it needs quotes",
            false => "a key that is not a name needs quotes",
        };
        let diagnostic = Diagnostic::error("K0008", span, message)
            .help(format!("write `{quoted}: …`"))
            .fix("add quotes", span, quoted);
        mends.push(Mend {
            pieces: vec![piece],
            diagnostic,
        });
    }

    /// How many tokens make up the key or pattern at the start.
    pub(super) fn key_length(&self, lexemes: &[Lexeme]) -> usize {
        let mut length = 0;
        let mut expects_step = true;
        loop {
            let Some(lexeme) = lexemes.get(length) else {
                return length;
            };
            match lexeme.token.kind {
                TokenKind::Word | TokenKind::Number | TokenKind::RawString if expects_step => length += 1,
                TokenKind::StringOpen if expects_step => {
                    let rest = lexemes.get(length..).unwrap_or_default();
                    match rest
                        .iter()
                        .position(|lexeme| lexeme.token.kind == TokenKind::StringClose)
                    {
                        Some(close) => length += close + 1,
                        None => return length,
                    }
                }
                TokenKind::Open if !expects_step && length > 0 && self.shown(lexeme) == "[" => {
                    let adjacent = lexemes
                        .get(length - 1)
                        .is_some_and(|before| before.token.end == lexeme.token.start);
                    let rest = lexemes.get(length..).unwrap_or_default();
                    match rest.iter().position(|lexeme| lexeme.token.kind == TokenKind::Close) {
                        Some(close) if adjacent => length += close + 1,
                        _ => return length,
                    }
                }
                TokenKind::Dot if !expects_step => {
                    let step = lexemes.get(length + 1);
                    if !step.is_some_and(|step| matches!(step.token.kind, TokenKind::Word | TokenKind::StringOpen)) {
                        return length;
                    }
                    length += 1;
                    expects_step = true;
                    continue;
                }
                _ => return length,
            }
            expects_step = false;
        }
    }

    /// A declaration that ends where its value should stand, or mixes up `:` and `=`.
    fn mend_definition(&self, lexemes: &[Lexeme], index: usize, mends: &mut Vec<Mend>) {
        let Some(last) = lexemes.last() else { return };
        let end = last.token.end;
        let hole = Lexeme::inferred(TokenKind::Unknown, end, "\u{1}");
        if index >= lexemes.len() && matches!(last.token.kind, TokenKind::Equals | TokenKind::Colon) {
            let sign = self.shown(last);
            let diagnostic = match last.token.kind {
                TokenKind::Equals => {
                    Diagnostic::error("K0002", self.token_span(last.token), "a value is missing after `=`")
                }
                _ => Diagnostic::error("K0002", self.token_span(last.token), "a type is missing after `:`"),
            };
            let diagnostic = diagnostic.help(format!("write it behind the `{sign}`"));
            mends.push(Mend {
                pieces: vec![inserted(lexemes, lexemes.len(), [hole])],
                diagnostic,
            });
        }
        let colon = lexemes
            .iter()
            .take(4)
            .position(|lexeme| lexeme.token.kind == TokenKind::Colon);
        let keyword = lexemes
            .iter()
            .find(|lexeme| lexeme.token.kind == TokenKind::Word)
            .map(|lexeme| self.shown(lexeme));
        let Some(keyword) = keyword else { return };
        if matches!(keyword.as_str(), "let" | "type")
            && let Some(colon) = colon
            && let Some(lexeme) = lexemes.get(colon)
        {
            let span = self.token_span(lexeme.token);
            let diagnostic = Diagnostic::error("K0005", span, format!("`{keyword}` binds its name with `=`"))
                .help(format!("write `{keyword} name = …`"))
                .fix("replace `:` by `=`", span, " =");
            let piece = replaced(
                lexemes,
                colon,
                Lexeme {
                    token: lexeme.token,
                    text: Some(" = ".to_owned()),
                },
            );
            mends.push(Mend {
                pieces: vec![piece],
                diagnostic,
            });
        }
    }
}
