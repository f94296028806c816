//! Nesting, long lines and mixed-up brackets: always an answer, and soon.

use std::time::{Duration, Instant};

use super::files::{Parsed, parsed};

/// Far more than a linear parser needs even without optimisation, far less than an exponential one.
const SOON: Duration = Duration::from_secs(120);

#[expect(clippy::disallowed_methods, reason = "this is about time")]
fn soon(what: &str, text: &str) -> Parsed {
    let start = Instant::now();
    let parsed = parsed(text);
    assert!(start.elapsed() < SOON, "{what} took {:?}", start.elapsed());
    parsed
}

const NESTED: [(&str, &str, &str); 12] = [
    ("parentheses", "(", ")"),
    ("lists", "[", "]"),
    ("records", "{ a: ", " }"),
    ("calls", "f(", ")"),
    ("named arguments", "f(a: ", ")"),
    ("constructors", "k8s.Foo { a: ", " }"),
    ("indexes", "a[", "]"),
    ("conditionals", "if a then ", " else 2"),
    ("matches", "match a { _: ", " }"),
    ("list comprehensions", "[for x in y: ", "]"),
    ("map comprehensions", "{ for k, v in m: k => ", " }"),
    ("interpolations", "\"${", "}\""),
];

#[test]
fn nesting_to_the_limit_is_fine() {
    for (what, open, close) in NESTED {
        let text = format!("let x = {}1{}\n", open.repeat(60), close.repeat(60));
        let parsed = soon(what, &text);
        // A one-line string in an interpolation of itself is still one line.
        assert!(
            parsed.diagnostics.is_empty(),
            "{what}: {:?}",
            parsed.diagnostics.first()
        );
    }
}

#[test]
fn nesting_beyond_the_limit_is_reported_once() {
    for (what, open, close) in NESTED {
        for depth in [66, 200, 5000] {
            for closed in [true, false] {
                let close = if closed { close.repeat(depth) } else { String::new() };
                let text = format!("let x = {}1{close}\nlet y = 2\n", open.repeat(depth));
                let parsed = soon(what, &text);
                let codes: Vec<_> = parsed.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
                assert_eq!(codes, ["K0007"], "{what} {depth} {closed}");
                assert_eq!(parsed.module.decls.len(), 2);
            }
        }
    }
}

#[test]
fn types_nest_too() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{ a: ", " }"),
        ("map<name, ", ">"),
        ("string(", ")"),
    ] {
        let text = format!("type T = {}int{}\n", open.repeat(60), close.repeat(60));
        let parsed = soon(open, &text);
        let expected = usize::from(open == "string(");
        assert!(
            parsed.diagnostics.len() <= expected,
            "{open}: {:?}",
            parsed.diagnostics.first()
        );
        let text = format!("type T = {}int{}\n", open.repeat(5000), close.repeat(5000));
        soon(open, &text);
    }
}

#[test]
fn long_input_ends() {
    let mebibyte = 1 << 20;
    for piece in [
        "(",
        ")",
        "[",
        "{",
        "}",
        "\"",
        "\"\"\"",
        "${",
        "\"${",
        "a",
        "a.",
        ".",
        "-",
        "!",
        "a ",
        "1",
        "1+",
        "if ",
        "match ",
        "else if ",
        "/",
        "(/",
        "(/[",
        "//",
        "///",
        "#",
        "\\",
        "'",
        "é",
        "\u{1}",
        "\u{2}",
        "\n",
        ",",
        ":",
        "=",
        "a:",
        "a: 1 ",
        "a: 1, ",
        "(]",
        "[)\n",
        "(\n",
        "{ a: 1\n",
        "let x = (\n",
        "\"\"\"\nlet x = 1\n",
        "raw\"\"\"",
        "a?[",
        "|",
        "later ",
        "a as b ",
        "a with {} ",
        "release ",
        "release x: y {\n",
        "  a: 1 +\n",
        "map<",
        "for x in ",
        "\n\t ",
        "\r\n",
        "///x\n",
    ] {
        for before in ["", "let x = ", "release a: b {\n  c: "] {
            let text = format!("{before}{}", piece.repeat(mebibyte / 8 / piece.len()));
            soon(&format!("{before:?} {piece:?}"), &text);
        }
    }
}
