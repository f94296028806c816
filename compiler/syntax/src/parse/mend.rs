//! The mistake itself: what is left when brackets are emptied does not parse. Mends are tried, the likeliest first; the
//! first one that parses names the mistake.

use ktl_grammar::head::DECLARATION_KEYWORDS;
use ktl_grammar::{Rule, Token, TokenKind};

use crate::diagnostic::Diagnostic;
use crate::parse::balance::Lexeme;
use crate::parse::fragment;
use crate::parse::suggest::nearest;
use crate::parse::tree::Builder;
use crate::source::Span;

/// What is being parsed, for messages and for what can be mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    Declaration,
    Component,
    Policy,
    Test,
    Record,
    Settings,
    RecordType,
    Match,
    List,
    Call,
    Parameters,
    Refinement,
    Comprehension,
    Family,
    Expression,
    Type,
    Key,
}

impl Where {
    /// As in "unexpected `)` in …".
    pub(crate) fn name(self) -> &'static str {
        match self {
            Where::Declaration => "a declaration",
            Where::Component => "a component",
            Where::Policy => "a policy",
            Where::Test => "a test",
            Where::Record => "a record",
            Where::Settings => "a list of settings",
            Where::RecordType => "a record type",
            Where::Match => "a `match`",
            Where::List => "a list",
            Where::Call => "the arguments of a call",
            Where::Parameters => "parameters",
            Where::Refinement => "the arguments of a type",
            Where::Comprehension => "a comprehension",
            Where::Family => "the keys of a family",
            Where::Expression => "an expression",
            Where::Type => "a type",
            Where::Key => "a key",
        }
    }

    /// Whether a key (or pattern, or name) and a colon come first.
    fn keyed(self) -> bool {
        matches!(
            self,
            Where::Record
                | Where::Settings
                | Where::RecordType
                | Where::Match
                | Where::Call
                | Where::Parameters
                | Where::Test
        )
    }

    /// The words that its lines start with, if they must.
    fn keywords(self) -> &'static [&'static str] {
        match self {
            Where::Declaration => &DECLARATION_KEYWORDS,
            Where::Component => &["param", "release", "let", "output"],
            Where::Policy => &["deny", "warn"],
            Where::Test => &["with", "expect"],
            _ => &[],
        }
    }
}

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

    // ---- keys and their values --------------------------------------------------------------------------------------

    fn mend_key(&self, place: Where, lexemes: &[Lexeme], index: usize, mends: &mut Vec<Mend>) {
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
    fn key_length(&self, lexemes: &[Lexeme]) -> usize {
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

    // ---- signs ------------------------------------------------------------------------------------------------------

    /// Signs and words of other languages.
    fn mend_sign(&self, place: Where, lexemes: &[Lexeme], index: usize, mends: &mut Vec<Mend>) {
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
        let kept: Vec<Lexeme> = match written {
            "," => lexemes
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != index)
                .map(|(_, lexeme)| lexeme.clone())
                .collect(),
            _ => replaced(
                lexemes,
                index,
                Lexeme {
                    token: lexeme.token,
                    text: Some(written.to_owned()),
                },
            ),
        };
        mends.push(Mend {
            pieces: vec![kept],
            diagnostic,
        });
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

    // ---- anything else ----------------------------------------------------------------------------------------------

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
        if lexemes
            .iter()
            .any(|lexeme| lexeme.token.kind == TokenKind::Word && self.shown(lexeme) == "if")
        {
            let diagnostic = unexpected().help("an `if` is an expression: `if condition then value else value`");
            let pieces = vec![inserted(lexemes, index, [word("else"), hole()])];
            mends.push(Mend {
                pieces,
                diagnostic: diagnostic.clone(),
            });
            let pieces = vec![inserted(lexemes, index, [word("then"), hole(), word("else"), hole()])];
            mends.push(Mend {
                pieces,
                diagnostic: diagnostic.clone(),
            });
            mends.push(Mend {
                pieces: vec![inserted(lexemes, index, [word("then")])],
                diagnostic,
            });
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

    /// "unexpected `)` in a record"
    fn unexpected(&self, place: Where, lexemes: &[Lexeme], index: usize) -> Diagnostic {
        let keyword = lexemes
            .iter()
            .find(|lexeme| lexeme.token.kind == TokenKind::Word)
            .map(|lexeme| self.shown(lexeme));
        let form = keyword
            .as_deref()
            .and_then(usage)
            .filter(|_| matches!(place, Where::Declaration | Where::Component));
        let name = match (&keyword, place) {
            (Some(keyword), Where::Declaration) if form.is_some() => format!("the `{keyword}` declaration"),
            _ => place.name().to_owned(),
        };
        let found = lexemes
            .iter()
            .skip(index)
            .find(|lexeme| lexeme.token.kind != TokenKind::Newline);
        let diagnostic = match found {
            Some(lexeme) => {
                let shown = match lexeme.token.kind {
                    TokenKind::StringOpen | TokenKind::StringText | TokenKind::StringClose => "string".to_owned(),
                    _ => format!("`{}`", self.shown(lexeme)),
                };
                Diagnostic::error(
                    "K0001",
                    self.token_span(lexeme.token),
                    format!("unexpected {shown} in {name}"),
                )
            }
            None => {
                let end = lexemes.last().map_or(0, |last| last.token.end);
                let at = Span {
                    file: self.file,
                    start: end,
                    end,
                };
                Diagnostic::error("K0001", at, format!("unexpected end of {name}"))
            }
        };
        match (form, place) {
            (Some(form), _) => diagnostic.help(format!("it is written `{form}`")),
            (_, Where::Record) => diagnostic.help("an entry is written `key: value`"),
            (_, Where::Settings) => diagnostic.help("a setting is written `path: value`"),
            (_, Where::Match) => diagnostic.help("an arm is written `\"literal\": value` or `_: value`"),
            (_, Where::RecordType) => diagnostic.help("a field is written `name: type` or `name?: type = default`"),
            (_, Where::Parameters) => diagnostic.help("a parameter is written `name: type`"),
            (_, Where::Policy) => {
                diagnostic.help("a rule is written `deny \"message\" for x in plan.objects if condition`")
            }
            (_, Where::Test) => diagnostic.help("a line is written `with path: value` or `expect condition`"),
            (_, Where::Comprehension) => {
                diagnostic.help("written `[for x in list if condition: value]` or `{ for k, v in map: key => value }`")
            }
            (_, Where::Family) => diagnostic.help("a family is written `name[key, value in map]`"),
            _ => diagnostic.help("remove it, or write what belongs here"),
        }
    }
}

/// How a declaration is written.
fn usage(keyword: &str) -> Option<&'static str> {
    Some(match keyword {
        "stack" => "stack name edition 1 { … }",
        "import" => "import \"source\" as name",
        "type" => "type Name = …",
        "let" => "let name = value",
        "fn" => "fn name(parameter: type) -> type = value",
        "input" => "input name: type = default",
        "secret" => "secret name: { key: string } = vault(\"path\")",
        "zone" => "zone name { … }",
        "cluster" => "cluster name { … }",
        "release" => "release name: kind { … }",
        "component" => "component Name { … }",
        "policy" => "policy name { … }",
        "waive" => "waive policy for \"objects\" until 2027-01-31 because \"reason\"",
        "profile" => "profile name { path: value }",
        "runner" => "runner { … }",
        "test" => "test \"name\" { expect condition }",
        "param" => "param name: type = default",
        "output" => "output name: type = value",
        _ => return None,
    })
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
