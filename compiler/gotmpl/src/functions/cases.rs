//! Snake, kebab and Pascal case, word by word as the library `xstrings` does it.

use super::{Function, fixed};
use crate::types::Type::Str;

pub(super) static TABLE: &[Function] = &[
    fixed("snakecase", &[Str], |_, args| Ok(delimited(&args.text(0), '_').into())),
    fixed("kebabcase", &[Str], |_, args| Ok(delimited(&args.text(0), '-').into())),
    fixed("camelcase", &[Str], |_, args| Ok(pascal(&args.text(0)).into())),
];

/// Go changes the case of characters one to one.
fn upper(character: char) -> char {
    let mut mapped = character.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

fn lower(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    None,
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

fn is_connector(character: char) -> bool {
    matches!(character, '-' | '_') || character.is_whitespace()
}

fn is_punctuation(character: char) -> bool {
    // Go counts these ASCII characters as symbols.
    character.is_ascii_punctuation() && !"$+<=>^`|~".contains(character)
}

/// Splits off the next word.
fn next_word(text: &str) -> (Sort, &str, &str) {
    let cut = |sort: Sort, belongs: &dyn Fn(char) -> bool| {
        let end = text
            .char_indices()
            .skip(1)
            .find(|(_, character)| !belongs(*character))
            .map_or(text.len(), |(at, _)| at);
        let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        (sort, word, rest)
    };
    let mut characters = text.chars();
    let Some(first) = characters.next() else {
        return (Sort::None, "", "");
    };
    let is_small = |character: char| character.is_alphabetic() && !character.is_uppercase();
    if is_connector(first) {
        return cut(Sort::Connector, &is_connector);
    }
    if is_punctuation(first) {
        return cut(Sort::Punctuation, &is_punctuation);
    }
    if first.is_uppercase() {
        if !characters.next().is_some_and(char::is_uppercase) {
            return cut(Sort::Upper, &is_small);
        }
        // The last capital of `HTTPStatus` belongs to the next word.
        let (sort, word, rest) = cut(Sort::Upper, &char::is_uppercase);
        if !rest.starts_with(char::is_alphabetic) {
            return (sort, word, rest);
        }
        let last = word.char_indices().next_back().map_or(0, |(at, _)| at);
        let (word, rest) = text.split_at_checked(last).unwrap_or((text, ""));
        return (sort, word, rest);
    }
    if first.is_alphabetic() {
        return cut(Sort::Letters, &is_small);
    }
    if first.is_numeric() {
        return cut(Sort::Number, &char::is_numeric);
    }
    cut(Sort::Other, &|character| {
        !(is_connector(character) || character.is_alphabetic() || character.is_numeric() || is_punctuation(character))
    })
}

fn push_word(out: &mut String, word: &str, delimiter: char) {
    out.extend(word.chars().map(|character| {
        if is_connector(character) {
            delimiter
        } else {
            lower(character)
        }
    }));
}

fn delimited(text: &str, delimiter: char) -> String {
    let mut out = String::new();
    let is_joint = |sort: Sort| matches!(sort, Sort::Connector | Sort::Punctuation);
    let (mut sort, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if sort != Sort::Connector {
            push_word(&mut out, word, delimiter);
        }
        let (previous, last) = (sort, word);
        (sort, word, rest) = next_word(rest);
        match previous {
            Sort::Number => {
                while matches!(sort, Sort::Letters | Sort::Number) {
                    push_word(&mut out, word, delimiter);
                    (sort, word, rest) = next_word(rest);
                }
                if sort != Sort::None && !is_joint(sort) {
                    out.push(delimiter);
                }
            }
            Sort::Connector => push_word(&mut out, last, delimiter),
            Sort::Punctuation => {}
            _ if sort != Sort::Number => {
                if !is_joint(sort) {
                    out.push(delimiter);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (sort, word, rest) = next_word(rest);
                if sort != Sort::Letters {
                    // A number belongs to the word before it, as in `bld4_floor`.
                    push_word(&mut out, number, delimiter);
                    if !is_joint(sort) {
                        out.push(delimiter);
                    }
                    continue;
                }
                // With small letters after it, it begins a word, as in `http_2xx`.
                out.push(delimiter);
                push_word(&mut out, number, delimiter);
                while matches!(sort, Sort::Letters | Sort::Number) {
                    push_word(&mut out, word, delimiter);
                    (sort, word, rest) = next_word(rest);
                }
                if sort != Sort::None && !is_joint(sort) {
                    out.push(delimiter);
                }
            }
        }
    }
    push_word(&mut out, word, delimiter);
    out
}

fn pascal(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    // Connectors at the front stay.
    let mut current = loop {
        match characters.next() {
            None => return out,
            Some(character) if is_connector(character) => out.push(character),
            Some(character) => break character,
        }
    };
    let mut first_is_upper = current.is_uppercase();
    current = upper(current);
    for next in characters {
        let previous = std::mem::replace(&mut current, next);
        if is_connector(current) && is_connector(previous) {
            out.push(previous);
            continue;
        }
        if is_connector(previous) {
            first_is_upper = current.is_uppercase();
            current = upper(current);
        } else {
            if first_is_upper {
                if current.is_uppercase() {
                    current = lower(current);
                } else {
                    first_is_upper = false;
                }
            }
            out.push(previous);
        }
    }
    out.push(current);
    out
}
