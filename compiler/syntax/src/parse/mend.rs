//! The mistake itself: what is left when brackets are emptied does not parse. Mends are tried, the likeliest first; the
//! first one that parses names the mistake.

mod keys;
mod signs;

use ktl_grammar::head::DECLARATION_KEYWORDS;
use ktl_grammar::{Rule, Token, TokenKind};

use crate::diagnostic::Diagnostic;
use crate::parse::balance::Lexeme;
use crate::parse::fragment;
use crate::parse::place::Where;
use crate::parse::suggest::nearest;
use crate::parse::tree::Builder;
use crate::source::Span;

/// A way to mend: what parses instead (one piece, or several), and what to say if it does.
struct Mend {
    pieces: Vec<Vec<Lexeme>>,
    diagnostic: Diagnostic,
}

/// Longer lines are not mended but cut where they stop making sense.
const LONGEST: usize = 400;

impl Builder<'_> {
    /// Mends a piece that stopped making sense at token `index`, and reports what was wrong. Empty when nothing helped.
    /// Also says from where on findings would only follow from a guess.
    pub(crate) fn mend(
        &mut self,
        rule: Rule,
        place: Where,
        lexemes: &[Lexeme],
        index: usize,
    ) -> (Vec<Vec<Lexeme>>, Option<u32>) {
        if let Some(misnamed) = self.misnamed(rule, place, lexemes) {
            return (misnamed, None);
        }
        let mut mends = Vec::new();
        if lexemes.len() <= LONGEST {
            self.mend_key(place, lexemes, index, &mut mends);
            self.mend_sign(place, lexemes, index, &mut mends);
            self.mend_generic(place, lexemes, index, &mut mends);
        }
        self.cut(place, lexemes, index, &mut mends);
        let works = |mend: &Mend| mend.pieces.iter().all(|piece| self.parses(rule, piece));
        let found = mends.into_iter().find(works);
        match found {
            Some(mend) => {
                let guess = mend.diagnostic.code == "K0001";
                let from = mend.diagnostic.span.filter(|_| guess).map(|span| span.start);
                self.report(mend.diagnostic);
                (mend.pieces, from)
            }
            None => {
                let diagnostic = self.unexpected(place, lexemes, index);
                self.report(diagnostic);
                (Vec::new(), None)
            }
        }
    }

    /// `rele(ase x: …`: the sign is one too many, and as a bracket it would confuse what follows.
    ///
    /// Says which keyword was meant.
    pub(crate) fn without_sign_in_keyword(&mut self, tokens: &[Token]) -> (Vec<Token>, Option<String>) {
        let mut tokens = tokens.to_vec();
        let [first, sign, rest, ..] = tokens.as_mut_slice() else {
            return (tokens, None);
        };
        let joined = format!("{}{}", self.spelling(*first), self.spelling(*rest));
        let adjacent = first.end == sign.start && sign.end == rest.start && sign.end == sign.start + 1;
        if first.kind == TokenKind::Word && adjacent && DECLARATION_KEYWORDS.contains(&joined.as_str()) {
            let span = self.token_span(*sign);
            let shown = self.spelling(*sign);
            self.report(
                Diagnostic::error("K0001", span, format!("unexpected `{shown}` in `{joined}`"))
                    .help(format!("remove the `{shown}`"))
                    .fix(format!("remove `{shown}`"), span, ""),
            );
            *first = Token {
                kind: TokenKind::Word,
                start: first.start,
                end: rest.end,
            };
            tokens.drain(1..3);
            return (tokens, Some(joined));
        }
        (tokens, None)
    }

    fn parses(&self, rule: Rule, lexemes: &[Lexeme]) -> bool {
        let (text, _) = self.render(lexemes);
        fragment::parse(rule, &text).is_ok()
    }

    /// A line whose first word is not one of those that may start it.
    fn misnamed(&mut self, rule: Rule, place: Where, lexemes: &[Lexeme]) -> Option<Vec<Vec<Lexeme>>> {
        let keywords = place.keywords();
        let first = lexemes.iter().find(|lexeme| lexeme.token.kind != TokenKind::Newline)?;
        let word = self.shown(first);
        if keywords.is_empty() || first.token.kind != TokenKind::Word || keywords.contains(&word.as_str()) {
            return None;
        }
        let span = self.token_span(first.token);
        let what = if place == Where::Declaration {
            "a declaration".to_owned()
        } else {
            format!("known in {}", place.name())
        };
        let replaced_by = |meant: &str| -> Vec<Lexeme> {
            let rename = |lexeme: &Lexeme| match lexeme.token == first.token {
                true => Lexeme {
                    token: lexeme.token,
                    text: Some(meant.to_owned()),
                },
                false => lexeme.clone(),
            };
            lexemes.iter().map(rename).collect()
        };
        let near = nearest(&word, keywords);
        let Some(meant) = near
            .iter()
            .find(|meant| self.parses(rule, &replaced_by(meant)))
            .or(near.first())
        else {
            let list = keywords
                .iter()
                .map(|word| format!("`{word}`"))
                .collect::<Vec<_>>()
                .join(", ");
            let outside = place == Where::Declaration
                && lexemes
                    .get(1)
                    .is_some_and(|next| matches!(next.token.kind, TokenKind::Colon | TokenKind::Equals));
            let diagnostic = Diagnostic::error("K0004", span, format!("`{word}` is not {what}"));
            self.report(match outside {
                true => diagnostic.help("a field belongs inside the `{ }` of a declaration; a value of its own is written `let name = value`"),
                false => diagnostic.help(format!("known are {list}")),
            });
            return Some(Vec::new());
        };
        let mended = replaced_by(meant);
        self.report(
            Diagnostic::error(
                "K0004",
                span,
                format!("`{word}` is not {what}; did you mean `{meant}`?"),
            )
            .help(format!("write `{meant}`"))
            .fix(format!("replace `{word}` by `{meant}`"), span, *meant),
        );
        if self.parses(rule, &mended) {
            Some(vec![mended])
        } else {
            Some(Vec::new())
        }
    }

    fn mend_generic(&self, place: Where, lexemes: &[Lexeme], index: usize, mends: &mut Vec<Mend>) {
        let before = index.checked_sub(1).and_then(|before| lexemes.get(before));
        let at = before.map_or_else(
            || lexemes.first().map_or(0, |first| first.token.start),
            |before| before.token.end,
        );
        let hole = || Lexeme::inferred(TokenKind::Unknown, at, "\u{1}");
        let word = |word: &str| Lexeme::inferred(TokenKind::Word, at, format!(" {word} "));
        let unexpected = || self.unexpected(place, lexemes, index);
        if before.is_none_or(|before| self.wants_operand(before)) {
            let diagnostic = match before {
                Some(before) => {
                    let sign = self.shown(before);
                    Diagnostic::error(
                        "K0001",
                        self.token_span(before.token),
                        format!("a value is missing after `{sign}`"),
                    )
                    .help(format!("write the value, or remove the `{sign}`"))
                }
                None => unexpected(),
            };
            mends.push(Mend {
                pieces: vec![inserted(lexemes, index, [hole()])],
                diagnostic,
            });
        }
        let is_if = |lexeme: &&Lexeme| lexeme.token.kind == TokenKind::Word && self.shown(lexeme) == "if";
        if let Some(conditional) = lexemes.iter().take(index).rfind(is_if) {
            let span = self.token_span(conditional.token);
            let missing = [
                ("`else`", vec![word("else"), hole()]),
                ("`then` and `else`", vec![word("then"), hole(), word("else"), hole()]),
                ("`then`", vec![word("then")]),
            ];
            mends.extend(missing.into_iter().map(|(what, more)| {
                Mend {
                    pieces: vec![inserted(lexemes, index, more)],
                    diagnostic: Diagnostic::error("K0001", span, format!("this `if` has no {what}"))
                        .help("a conditional is written `if condition then value else value`"),
                }
            }));
        }
        let items = matches!(
            place,
            Where::Record
                | Where::Settings
                | Where::RecordType
                | Where::Match
                | Where::List
                | Where::Call
                | Where::Parameters
                | Where::Refinement
        );
        if items && index > 0 {
            let mut diagnostic = unexpected();
            if let Some(after) = lexemes.get(index) {
                let commas = matches!(place, Where::Call | Where::Parameters | Where::Refinement);
                let help = if commas {
                    "arguments are separated by commas"
                } else {
                    "entries are separated by a newline or a comma"
                };
                let at = Span {
                    file: self.file,
                    start: at,
                    end: at,
                };
                let fix = if after.token.start == at.end { ", " } else { "," };
                diagnostic = diagnostic.help(help).fix("insert `,`", at, fix);
            }
            let (head, tail) = lexemes.split_at_checked(index).unwrap_or((lexemes, &[]));
            if !tail.is_empty() {
                mends.push(Mend {
                    pieces: vec![head.to_vec(), tail.to_vec()],
                    diagnostic,
                });
            }
        }
        if let Some(lexeme) = lexemes
            .get(index)
            .filter(|lexeme| lexeme.token.kind != TokenKind::Newline)
        {
            // A bracket pair goes as a whole.
            let length = match lexeme.token.kind {
                TokenKind::Open => {
                    let rest = lexemes.iter().skip(index);
                    rest.take_while(|lexeme| lexeme.token.kind != TokenKind::Close).count() + 1
                }
                TokenKind::StringOpen => {
                    let rest = lexemes.iter().skip(index);
                    rest.take_while(|lexeme| lexeme.token.kind != TokenKind::StringClose)
                        .count()
                        + 1
                }
                _ => 1,
            };
            let piece = lexemes
                .iter()
                .take(index)
                .chain(lexemes.iter().skip(index + length))
                .cloned()
                .collect();
            let span = self.token_span(lexeme.token);
            let mut diagnostic = unexpected();
            if length == 1 {
                let shown = self.shown(lexeme);
                diagnostic =
                    diagnostic
                        .help(format!("remove the `{shown}`"))
                        .fix(format!("remove `{shown}`"), span, "");
            }
            mends.push(Mend {
                pieces: vec![piece],
                diagnostic,
            });
        }
        if matches!(place, Where::Declaration | Where::Component) {
            for sign in [" : ", " = ", " {}"] {
                let lexeme = Lexeme::inferred(TokenKind::Operator, at, sign);
                let shown = if sign == " {}" { "{ … }" } else { sign.trim() };
                let at = Span {
                    file: self.file,
                    start: at,
                    end: at,
                };
                let diagnostic = unexpected().help(format!("`{shown}` is missing here")).fix(
                    format!("insert `{}`", sign.trim()),
                    at,
                    sign.trim_end(),
                );
                mends.push(Mend {
                    pieces: vec![inserted(lexemes, index, [lexeme])],
                    diagnostic,
                });
            }
        }
        // A token before the one that makes no sense may be the one too many.
        if index > 1 {
            let piece = lexemes
                .iter()
                .enumerate()
                .filter(|(at, _)| at + 1 != index)
                .map(|(_, lexeme)| lexeme.clone())
                .collect();
            mends.push(Mend {
                pieces: vec![piece],
                diagnostic: unexpected(),
            });
        }
    }

    fn wants_operand(&self, lexeme: &Lexeme) -> bool {
        match lexeme.token.kind {
            TokenKind::Operator => !matches!(self.shown(lexeme).as_str(), "?" | "?."),
            TokenKind::Colon | TokenKind::Equals | TokenKind::Comma | TokenKind::Open => true,
            TokenKind::Word => matches!(
                self.shown(lexeme).as_str(),
                "if" | "then" | "else" | "in" | "match" | "expect" | "as"
            ),
            _ => false,
        }
    }

    /// Keeps what makes sense before the token, and drops the rest of the line.
    fn cut(&self, place: Where, lexemes: &[Lexeme], index: usize, mends: &mut Vec<Mend>) {
        let head: Vec<Lexeme> = lexemes.iter().take(index).cloned().collect();
        let at = head.last().map_or(0, |last| last.token.end);
        let hole = Lexeme::inferred(TokenKind::Unknown, at, "\u{1}");
        let colon = Lexeme::inferred(TokenKind::Colon, at, ":");
        let body = Lexeme::inferred(TokenKind::Operator, at, " {}");
        let diagnostic = self.unexpected(place, lexemes, index);
        let mut offer = |piece: Vec<Lexeme>| {
            mends.push(Mend {
                pieces: vec![piece],
                diagnostic: diagnostic.clone(),
            })
        };
        let appended = |head: &[Lexeme], more: &[&Lexeme]| head.iter().chain(more.iter().copied()).cloned().collect();
        if !head.is_empty() {
            offer(head.clone());
            offer(appended(&head, &[&hole]));
        }
        if place.keyed() {
            let skip = usize::from(place == Where::Test);
            let length = skip + self.key_length(lexemes.get(skip..).unwrap_or_default());
            let key = lexemes.get(..length).unwrap_or_default();
            if length > skip {
                offer(appended(key, &[&colon, &hole]));
            }
        }
        if place == Where::Declaration {
            // The body may make sense even where the head does not.
            offer(appended(&head, &[&body]));
            let open = lexemes
                .iter()
                .rposition(|lexeme| lexeme.token.kind == TokenKind::Open && self.shown(lexeme) == "{");
            if let Some(open) = open.filter(|open| *open > index) {
                let tail = lexemes.get(open..).unwrap_or_default();
                offer(head.iter().chain(tail).cloned().collect());
                offer(head.iter().chain([&colon, &hole]).chain(tail).cloned().collect());
            }
            let end = lexemes.last().map_or(at, |last| last.token.end);
            let body = Lexeme::inferred(TokenKind::Operator, end, " {}");
            offer(appended(lexemes, &[&body]));
        }
    }
}

fn replaced(lexemes: &[Lexeme], index: usize, by: Lexeme) -> Vec<Lexeme> {
    let mut piece = lexemes.to_vec();
    if let Some(slot) = piece.get_mut(index) {
        *slot = by;
    }
    piece
}

fn inserted(lexemes: &[Lexeme], index: usize, more: impl IntoIterator<Item = Lexeme>) -> Vec<Lexeme> {
    let (head, tail) = lexemes.split_at_checked(index).unwrap_or((lexemes, &[]));
    head.iter().cloned().chain(more).chain(tail.iter().cloned()).collect()
}
