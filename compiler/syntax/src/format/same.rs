//! Whether two spellings of a declaration mean the same.

use ktl_grammar::{Rule, Scan, Token, TokenKind};
use pest::iterators::Pair;

use crate::parse;

/// Whether a text is one declaration with the same meaning and the same comments as the tokens of another.
pub(super) fn same(text: &str, tokens: &[Token], formatted: &str) -> bool {
    let Scan {
        tokens: new,
        declarations,
    } = ktl_grammar::scan(formatted);
    if declarations.len() != 1 || comments(text, tokens) != comments(formatted, &new) {
        return false;
    }
    let Some((old, new)) = laid_out(text, tokens).zip(laid_out(formatted, &new)) else {
        return false;
    };
    match (parse::declaration_pair(&old), parse::declaration_pair(&new)) {
        (Some(old), Some(new)) => equal(old, new),
        _ => false,
    }
}

/// The comments in order.
pub(super) fn comments<'a>(text: &'a str, tokens: &[Token]) -> Vec<&'a str> {
    tokens
        .iter()
        .filter(|token| token.kind.is_trivia() && token.kind != TokenKind::Fold)
        .filter_map(|token| text.get(token.start as usize..token.end as usize))
        .map(str::trim_end)
        .collect()
}

/// What the grammar sees, from the first to the last token that says something.
pub(super) fn laid_out(text: &str, tokens: &[Token]) -> Option<String> {
    let says = |token: &&Token| !token.kind.is_trivia() && token.kind != TokenKind::Newline;
    let start = tokens.iter().find(says)?.start;
    let end = tokens.iter().rfind(says)?.end;
    let text = text.get(start as usize..end as usize)?;
    let tokens: Vec<Token> = tokens
        .iter()
        .filter(|token| token.start >= start && token.end <= end)
        .map(|token| Token {
            start: token.start - start,
            end: token.end - start,
            ..*token
        })
        .collect();
    Some(ktl_grammar::lay_out(text, &tokens))
}

fn equal(old: Pair<'_, Rule>, new: Pair<'_, Rule>) -> bool {
    if old.as_rule() != new.as_rule() {
        return false;
    }
    let (old_text, new_text) = (old.as_str(), new.as_str());
    let rule = old.as_rule();
    let (mut old, mut new) = (old.into_inner(), new.into_inner());
    if old.len() != new.len() {
        return false;
    }
    if old.is_empty() {
        return match rule {
            Rule::text | Rule::regex | Rule::version => old_text == new_text,
            // Block strings move as a whole.
            Rule::block_text | Rule::raw_text => old_text
                .split('\n')
                .map(str::trim)
                .eq(new_text.split('\n').map(str::trim)),
            _ => {
                old_text.split_whitespace().eq(new_text.split_whitespace()) || squeezed(old_text) == squeezed(new_text)
            }
        };
    }
    loop {
        match (old.next(), new.next()) {
            (Some(old), Some(new)) if equal(old.clone(), new.clone()) => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

/// Without blanks: `{ }` is `{}`.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}
