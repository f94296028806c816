//! `cases/*.ktl` hold mistakes; beside each stands what is reported, with help and fixes. `valid/*.ktl` hold none.

use std::fmt::Write as _;

use super::files::{Parsed, compare, each, none, parsed};

#[test]
fn mistakes_are_reported() {
    let mut failures = Vec::new();
    for (path, text) in each("cases") {
        let parsed = parsed(&text);
        assert!(!parsed.diagnostics.is_empty(), "{} has no mistake", path.display());
        compare(&path, "txt", &report(&parsed), &mut failures);
    }
    none(&failures);
}

#[test]
fn valid_files_have_no_findings_and_no_error_nodes() {
    for (path, text) in each("valid") {
        let parsed = parsed(&text);
        let tree = format!("{:?}", parsed.module);
        assert_eq!(report(&parsed), "", "{}", path.display());
        assert!(
            !tree.contains("Error") && !tree.contains("Hole,"),
            "{} has error nodes",
            path.display()
        );
    }
}

/// Applying the first fix of every finding must leave fewer findings: a fix that mends nothing is a defect.
#[test]
fn fixes_mend() {
    for (path, text) in each("cases") {
        let before = parsed(&text);
        for diagnostic in &before.diagnostics {
            let Some(fix) = diagnostic.fixes.first() else { continue };
            let mut mended = text.clone();
            mended.replace_range(fix.span.start as usize..fix.span.end as usize, &fix.text);
            let after = parsed(&mended);
            let same =
                |other: &&ktl_syntax::Diagnostic| other.message == diagnostic.message && other.code == diagnostic.code;
            assert!(
                after.diagnostics.iter().filter(same).count() < before.diagnostics.iter().filter(same).count(),
                "{}: `{}` does not mend `{}`",
                path.display(),
                fix.title,
                diagnostic.message,
            );
        }
    }
}

fn report(parsed: &Parsed) -> String {
    let mut out = String::new();
    for diagnostic in &parsed.diagnostics {
        let span = diagnostic.span.unwrap();
        let place = |offset| {
            let position = parsed.sources.get(parsed.file).position(offset);
            format!("{}:{}", position.line, position.column)
        };
        writeln!(
            out,
            "{} {}-{} {}",
            diagnostic.code,
            place(span.start),
            place(span.end),
            diagnostic.message
        )
        .unwrap();
        for (span, text) in &diagnostic.related {
            writeln!(out, "  at {}: {text}", place(span.start)).unwrap();
        }
        if let Some(help) = &diagnostic.help {
            writeln!(out, "  help: {help}").unwrap();
        }
        for fix in &diagnostic.fixes {
            writeln!(
                out,
                "  fix: {}: {}-{} {:?}",
                fix.title,
                place(fix.span.start),
                place(fix.span.end),
                fix.text
            )
            .unwrap();
        }
    }
    out
}
