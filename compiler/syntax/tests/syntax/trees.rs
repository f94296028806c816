//! `trees/*.ktl` hold syntax whose tree is written down beside it, without places.

use super::files::{compare, each, none, parsed};

#[test]
fn trees_are_stable() {
    let mut failures = Vec::new();
    for (path, text) in each("trees") {
        let parsed = parsed(&text);
        compare(
            &path,
            "tree",
            &without_places(&format!("{:#?}", parsed.module.decls)),
            &mut failures,
        );
    }
    none(&failures);
}

/// The places are as the text says: every name's span holds the name.
#[test]
fn places_hold_what_they_say() {
    for folder in ["valid", "trees", "cases"] {
        for (path, text) in each(folder) {
            let parsed = parsed(&text);
            let tree = format!("{:?}", parsed.module);
            let mut rest = tree.as_str();
            let mut seen = 0;
            while let Some((_, after)) = rest.split_once("Name { text: \"") {
                let (name, after) = after.split_once("\", span: Span { file: FileId(0), start: ").unwrap();
                let (start, after) = after.split_once(", end: ").unwrap();
                let (end, after) = after.split_once(" }").unwrap();
                let written = &text[start.parse().unwrap()..end.parse().unwrap()];
                // A mended keyword or key may be spelt otherwise.
                assert!(
                    folder == "cases" || written.trim_matches('"') == name,
                    "{}: {name} is {written}",
                    path.display()
                );
                seen += 1;
                rest = after;
            }
            assert!(seen > 0, "{}", path.display());
        }
    }
}

fn without_places(tree: &str) -> String {
    let mut out = String::new();
    let mut skipping = None;
    for line in tree.lines() {
        let indent = line.len() - line.trim_start().len();
        match skipping {
            Some(depth) => {
                if indent == depth {
                    skipping = None;
                }
            }
            None if line.ends_with("pan: Span {") => skipping = Some(indent),
            None => {
                out.push_str(&line[indent / 2..]);
                out.push('\n');
            }
        }
    }
    out
}
