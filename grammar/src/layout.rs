//! Which newlines separate, and the text that the grammar sees.
//!
//! A newline separates unless it stands inside parentheses or an interpolation, after something that cannot end an entry,
//! or before `then` and `else`. Deciding that here keeps newlines out of nearly all grammar rules.

use crate::scan::{Token, TokenKind};

/// Turns the newlines of one declaration that do not separate into [`TokenKind::Fold`], and the others back.
///
/// Tokens may be of no length: brackets that were inferred.
pub fn fold_newlines(text: &str, tokens: &mut [Token]) {
    let following = following_tokens(tokens);
    let mut frames: Vec<u8> = Vec::new();
    let mut before: Option<Token> = None;
    let mut before_that: Option<Token> = None;
    let mut generics = 0u32;
    for index in 0..tokens.len() {
        let Some(token) = tokens.get(index).copied() else { break };
        let spelling = slice(text, token);
        match token.kind {
            TokenKind::Newline | TokenKind::Fold => {
                let parenthesised = matches!(frames.last(), Some(b'(' | b'$'));
                let next = following.get(index).copied().unwrap_or(usize::MAX);
                let after = tokens.get(next).copied();
                let goes_on = generics == 0
                    && before.is_some_and(|before| goes_on(text, before_that, before))
                    && !starts_entry(text, tokens, next);
                let continued = after.is_some_and(|after| is_word(text, after, &["then", "else"]))
                    && tokens.get(next + 1).is_none_or(|next| next.kind != TokenKind::Colon)
                    && before.is_some_and(|before| before.kind != TokenKind::Comma);
                let folds = parenthesised || goes_on || continued;
                if let Some(token) = tokens.get_mut(index) {
                    token.kind = if folds { TokenKind::Fold } else { TokenKind::Newline };
                }
                if !folds {
                    generics = 0;
                }
                continue;
            }
            TokenKind::Open => frames.push(spelling.bytes().next().filter(|sign| *sign != b'?').unwrap_or(b'[')),
            TokenKind::Close => {
                frames.pop();
            }
            TokenKind::Operator if spelling == "<" && before.is_some_and(|before| slice(text, before) == "map") => {
                generics += 1;
            }
            TokenKind::Operator if spelling == ">" && generics > 0 => {
                generics -= 1;
                // Closes a type, compares nothing: the newline after it separates.
                before_that = before;
                before = Some(Token {
                    kind: TokenKind::Close,
                    ..token
                });
                continue;
            }
            _ => {}
        }
        if !token.kind.is_trivia() {
            before_that = before;
            before = Some(token);
        }
    }
}

/// The text that the grammar sees, as long as the original: comments and folded newlines are blanks.
pub fn lay_out(text: &str, tokens: &[Token]) -> String {
    let mut out = String::with_capacity(text.len());
    for token in tokens {
        if token.kind.is_trivia() {
            continue;
        }
        pad(&mut out, token.start as usize);
        let spelling = slice(text, *token);
        match token.kind {
            TokenKind::Unknown => out.extend(std::iter::repeat_n('\u{3}', spelling.len())),
            _ => out.push_str(spelling),
        }
    }
    pad(&mut out, text.len());
    out
}

fn pad(out: &mut String, length: usize) {
    out.extend(std::iter::repeat_n(' ', length.saturating_sub(out.len())));
}

/// For each token the index of the next one that is neither trivia nor a newline.
fn following_tokens(tokens: &[Token]) -> Vec<usize> {
    let mut following = vec![usize::MAX; tokens.len()];
    let mut next = usize::MAX;
    for ((index, token), slot) in tokens.iter().enumerate().zip(following.iter_mut()).rev() {
        *slot = next;
        if !token.kind.is_trivia() && token.kind != TokenKind::Newline {
            next = index;
        }
    }
    following
}

fn slice(text: &str, token: Token) -> &str {
    text.get(token.start as usize..token.end as usize).unwrap_or("")
}

fn is_word(text: &str, token: Token, words: &[&str]) -> bool {
    token.kind == TokenKind::Word && words.contains(&slice(text, token))
}

/// Whether an entry cannot end with this token.
fn goes_on(text: &str, before: Option<Token>, token: Token) -> bool {
    match token.kind {
        TokenKind::Colon | TokenKind::Equals => true,
        TokenKind::Operator => !matches!(slice(text, token), "?" | "!" | "..." | "?." | "^" | "~"),
        // `a.then` ends with a field.
        TokenKind::Word => {
            is_word(text, token, &["then", "else", "in"]) && before.is_some_and(|before| before.kind != TokenKind::Dot)
        }
        _ => false,
    }
}

/// Whether an entry (`key:`, `"key":`, `a.b:`, `a["b"]:`, `key =`, `output name:`) or a closer starts here.
fn starts_entry(text: &str, tokens: &[Token], index: usize) -> bool {
    const LONGEST: usize = 32;
    let mut rest = tokens.iter().skip(index).take(LONGEST).peekable();
    let mut depth = 0u32;
    let first = rest.peek().map(|token| (token.kind, slice(text, **token)));
    match first {
        None | Some((TokenKind::Close, _)) => return true,
        Some((TokenKind::Word, _) | (TokenKind::StringOpen, _)) => {}
        _ => return false,
    }
    let mut after_word = false;
    for token in rest {
        match token.kind {
            TokenKind::Colon if depth == 0 => return true,
            TokenKind::Equals if depth == 0 => return true,
            TokenKind::Word if after_word && depth == 0 && first != Some((TokenKind::Word, "output")) => return false,
            TokenKind::Open if slice(text, *token) == "[" => depth += 1,
            TokenKind::Close if depth > 0 => depth -= 1,
            TokenKind::Word | TokenKind::Dot => {}
            TokenKind::StringOpen | TokenKind::StringText | TokenKind::StringClose => {}
            _ => return false,
        }
        after_word = token.kind == TokenKind::Word;
    }
    false
}
