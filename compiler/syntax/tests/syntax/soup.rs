//! Any text gives a tree.

use proptest::prelude::*;

use super::files::parsed;

const PIECES: [&str; 62] = [
    "release",
    "let",
    "type",
    "stack",
    "input",
    "fn",
    "policy",
    "test",
    "profile",
    "import",
    "component",
    "runner",
    "zone",
    "name",
    "a",
    "b-c",
    "T",
    "k8s",
    "if",
    "then",
    "else",
    "for",
    "in",
    "match",
    "with",
    "as",
    "unset",
    "only",
    "output",
    "later",
    "map",
    "\"",
    "\"\"\"",
    "${",
    "raw\"\"\"",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    ":",
    "=",
    "=>",
    "->",
    "==",
    ".",
    "..",
    "...",
    "?",
    "??",
    "?.",
    "?[",
    ",",
    "|",
    "||",
    "-",
    "/",
    "//",
    "///",
];

pub fn soup() -> impl Strategy<Value = String> {
    let blanks = prop::sample::select(vec!["", " ", "\n", "\n  "]);
    let piece =
        prop_oneof![4 => prop::sample::select(PIECES.to_vec()).prop_map(String::from), 1 => "[0-9]{1,3}(m|Gi|%)?"];
    prop::collection::vec((piece, blanks), 0..60).prop_map(|pieces| {
        pieces
            .into_iter()
            .map(|(piece, blank)| format!("{piece}{blank}"))
            .collect()
    })
}

/// Every place lies in the text and on character boundaries; declarations come in order.
fn sound(text: &str) {
    let parsed = parsed(text);
    for diagnostic in &parsed.diagnostics {
        let span = diagnostic.span.unwrap();
        assert!(
            text.get(span.start as usize..span.end as usize).is_some(),
            "{diagnostic:?}"
        );
        for fix in &diagnostic.fixes {
            assert!(
                text.get(fix.span.start as usize..fix.span.end as usize).is_some(),
                "{fix:?}"
            );
        }
        assert!(diagnostic.code.starts_with('K') && !diagnostic.message.is_empty());
        assert!(
            !diagnostic.message.contains('\u{1}') && !diagnostic.message.contains('\u{2}'),
            "{diagnostic:?}"
        );
    }
    let mut end = 0;
    for decl in &parsed.module.decls {
        assert!(decl.span.start >= end && text.get(decl.span.start as usize..decl.span.end as usize).is_some());
        end = decl.span.end;
    }
    // What is an error in the tree was reported.
    let tree = format!("{:?}", parsed.module);
    assert!(
        !parsed.diagnostics.is_empty() || !tree.contains("kind: Error"),
        "{text:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,200}|(?s).{0,200}") {
        sound(&text);
    }

    #[test]
    fn any_tokens(text in soup()) {
        sound(&text);
    }

    #[test]
    fn any_tokens_in_a_declaration(text in soup()) {
        sound(&format!("release x: y {{\n  a: {text}\n}}\nlet z = 1\n"));
    }
}
