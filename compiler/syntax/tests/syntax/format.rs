//! The formatter: `format/*.ktl` with what becomes of each beside it, and what holds for any text.

use std::path::{Path, PathBuf};

use ktl_syntax::{Diagnostic, format};
use proptest::prelude::*;

use super::files::{compare, each, none, parsed};

#[test]
fn files_become_what_stands_beside_them() {
    let mut failures = Vec::new();
    for (path, text) in each("format") {
        let formatted = format(&text);
        assert_eq!(format(&formatted), formatted, "{}", path.display());
        compare(&path, "formatted", &formatted, &mut failures);
    }
    none(&failures);
}

/// What ships is written as the formatter writes it.
#[test]
fn the_standard_library_and_the_examples_are_formatted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files: Vec<_> = ["stdlib", "examples"]
        .iter()
        .flat_map(|folder| below(&root.join(folder)))
        .collect();
    assert!(files.len() > 2);
    for (path, text) in files {
        assert_eq!(
            format(&text),
            text,
            "{} is not formatted: run `ktl fmt`",
            path.display()
        );
    }
}

#[test]
fn every_file_keeps_its_meaning_and_its_comments() {
    for (path, text) in corpus() {
        let formatted = format(&text);
        assert_eq!(format(&formatted), formatted, "{}", path.display());
        assert_eq!(comments(&formatted), comments(&text), "{}", path.display());
        // A string that is never closed has no meaning to keep.
        if parsed(&text).diagnostics.is_empty() {
            assert_eq!(meaning(&formatted), meaning(&text), "{}", path.display());
        }
    }
}

/// Files without mistakes are laid out, all of them: nothing in them is kept as it is because it could not be read.
#[test]
fn every_declaration_is_laid_out() {
    for (path, text) in corpus() {
        if !parsed(&text).diagnostics.is_empty() {
            continue;
        }
        let squeezed: String = text
            .lines()
            .map(|line| format!("{}\n", line.replace("  ", " ")))
            .collect();
        if meaning(&squeezed) == meaning(&text) {
            assert_eq!(format(&squeezed), format(&text), "{}", path.display());
        }
    }
}

/// Deletes bytes here and there: whatever is left is formatted, and nothing of it is lost.
#[test]
fn half_broken_files_keep_every_sign() {
    for (path, text) in corpus() {
        // Long lines of one sign show nothing more.
        if text.len() > 40_000 {
            continue;
        }
        let step = text.len() / 5 + 1;
        for at in (0..text.len()).step_by(step) {
            let mut broken = text.clone();
            if !broken.is_char_boundary(at) || !broken.is_char_boundary(at + 1) {
                continue;
            }
            broken.remove(at);
            sound(&broken, &format!("{} without byte {at}", path.display()));
        }
    }
}

fn sound(text: &str, what: &str) {
    let formatted = format(text);
    assert_eq!(
        format(&formatted),
        formatted,
        "{what}: formatting twice differs\n{text}"
    );
    assert_eq!(signs(&formatted), signs(text), "{what}: signs were lost\n{formatted}");
    let codes = |text: &str| {
        let mut codes: Vec<_> = parsed(text)
            .diagnostics
            .iter()
            .map(|Diagnostic { code, .. }| *code)
            .collect();
        codes.sort_unstable();
        codes
    };
    // Where a string ends that is never closed is a guess.
    let before = codes(text);
    if !before.contains(&"K0003") {
        assert_eq!(codes(&formatted), before, "{what}: other mistakes are found\n{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,200}|(?s).{0,200}") {
        let formatted = format(&text);
        prop_assert_eq!(signs(&formatted), signs(&text));
        prop_assert_eq!(format(&formatted), formatted);
    }

    #[test]
    fn any_tokens(text in super::soup::soup()) {
        let formatted = format(&text);
        prop_assert_eq!(signs(&formatted), signs(&text));
        prop_assert_eq!(format(&formatted), formatted);
    }

    #[test]
    fn any_tokens_in_a_declaration(text in super::soup::soup()) {
        let text = format!("release x: y {{\n  a: {text}\n}}\nlet z = 1\n");
        let formatted = format(&text);
        prop_assert_eq!(signs(&formatted), signs(&text));
        prop_assert_eq!(format(&formatted), formatted);
    }
}

/// All signs but blanks and separators, in order of the alphabet, since imports move.
fn signs(text: &str) -> Vec<char> {
    let mut signs: Vec<char> = text
        .chars()
        .filter(|sign| !sign.is_whitespace() && *sign != ',')
        .collect();
    signs.sort_unstable();
    signs
}

fn comments(text: &str) -> Vec<String> {
    let mut comments: Vec<String> = ktl_grammar::scan(text)
        .tokens
        .iter()
        .filter(|token| token.kind.is_trivia() && token.kind != ktl_grammar::TokenKind::Fold)
        .map(|token| text[token.start as usize..token.end as usize].trim_end().to_owned())
        .collect();
    comments.sort();
    comments
}

/// The tree without its places, declarations in order of their text.
fn meaning(text: &str) -> Vec<String> {
    let parsed = parsed(text);
    let mut decls: Vec<String> = parsed
        .module
        .decls
        .iter()
        .map(|decl| {
            let tree = format!("{decl:?}");
            let mut out = String::new();
            let mut rest = tree.as_str();
            while let Some((before, after)) = rest.split_once("Span {") {
                out.push_str(before);
                rest = after.split_once('}').unwrap().1;
            }
            out + rest
        })
        .collect();
    decls.sort();
    decls
}

/// Every file of the language in the repository.
fn corpus() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    ["compiler", "stdlib", "examples", "tests"]
        .iter()
        .flat_map(|folder| below(&root.join(folder)))
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "a test reads its own data")]
fn below(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "ktl") {
                files.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}
