//! How a declaration starts: its keyword and the first signs of its head.

/// The keywords that start a declaration.
pub const DECLARATION_KEYWORDS: [&str; 16] = [
    "stack",
    "import",
    "type",
    "let",
    "fn",
    "input",
    "secret",
    "zone",
    "cluster",
    "release",
    "component",
    "policy",
    "waive",
    "profile",
    "runner",
    "test",
];

/// Words that are no names in expressions.
pub const RESERVED: [&str; 11] = [
    "if", "then", "else", "for", "in", "match", "true", "false", "null", "with", "as",
];

/// Whether the text starts with so much of a declaration's head that it cannot be a field of a record: `type Name =` or
/// `runner {`, but neither `type` alone nor `type: "x"`. Looks at one line, and at no more than two names of it.
pub fn starts_declaration(text: &str) -> bool {
    let (keyword, rest) = split_word(text);
    let (name, after) = split_word(rest);
    let next = |signs: &[&str]| signs.iter().any(|sign| after.starts_with(sign));
    let next_word = |word: &str| split_word(after).0 == word;
    let named = !name.is_empty();
    match keyword {
        "stack" => named && next_word("edition"),
        "zone" | "cluster" | "component" | "policy" => named && next(&["{"]),
        "profile" => named && (next(&["{"]) || next_word("extends")),
        "release" => named && next(&[":", "["]),
        "type" => named && next(&["="]),
        "let" => named && next(&[":", "="]),
        "fn" => named && next(&["("]),
        "input" | "secret" => named && next(&[":"]),
        "waive" => named && next_word("for"),
        "runner" => rest.starts_with('{'),
        "test" => rest.starts_with('"'),
        "import" => rest.starts_with('"') || matches!(name, "chart" | "crd" | "schema") && next(&["\""]),
        _ => false,
    }
}

/// Whether a line at column 0 goes on with the declaration before it: a closer, or a word that starts none.
pub(crate) fn continues_declaration(text: &str) -> bool {
    text.starts_with([')', ']', '}', '{', '|']) || matches!(split_word(text).0, "then" | "else")
}

/// The name at the start (may be empty), and the text after it and its blanks.
fn split_word(text: &str) -> (&str, &str) {
    // A name is short; more than this is no head.
    const LONGEST: usize = 256;
    let length = text
        .bytes()
        .take(LONGEST)
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'-')
        .count();
    let (word, rest) = text.split_at_checked(length).unwrap_or((text, ""));
    let blanks = rest
        .bytes()
        .take(LONGEST)
        .take_while(|byte| *byte == b' ' || *byte == b'\t')
        .count();
    (word, rest.get(blanks..).unwrap_or(""))
}
