//! The measure of resilience: every byte of the complete example deleted in turn, and every punctuation mark inserted at
//! every seventh byte. Nothing panics, and never more than one declaration is lost.

use std::collections::BTreeMap;

use ktl_syntax::ast::{DeclKind, Module};

use super::files::{each, parsed};

/// How many declarations of each kind.
fn count(module: &Module) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for decl in &module.decls {
        if decl.kind != DeclKind::Error {
            let kind = format!("{:?}", decl.kind);
            let kind = kind.split([' ', '(']).next().unwrap_or("").to_owned();
            *counts.entry(kind).or_default() += 1;
        }
    }
    counts
}

#[derive(Default)]
struct Tally {
    kept: usize,
    lost: usize,
    most_findings: usize,
    findings: BTreeMap<usize, usize>,
    unreported: usize,
    worst: Vec<String>,
}

impl Tally {
    fn look(&mut self, whole: &BTreeMap<String, usize>, broken: &str, what: String) {
        let parsed = parsed(broken);
        let counts = count(&parsed.module);
        let lost: usize =
            whole.iter().map(|(kind, count)| count.saturating_sub(counts.get(kind).copied().unwrap_or(0))).sum();
        match lost {
            0 => self.kept += 1,
            1 => self.lost += 1,
            _ => self.worst.push(format!("{what} loses {lost}")),
        }
        self.most_findings = self.most_findings.max(parsed.diagnostics.len());
        *self.findings.entry(parsed.diagnostics.len()).or_default() += 1;
        self.unreported += usize::from(lost > 0 && parsed.diagnostics.is_empty());
        if std::env::var("SWEEP").is_ok() && (lost > 0 || parsed.diagnostics.len() > 2) {
            eprintln!("{what}: lost {lost}, findings {}", parsed.diagnostics.iter().map(|d| format!("{} {} {}", d.code, parsed.sources.describe(d.span.unwrap()), d.message)).collect::<Vec<_>>().join(" | "));
        }
    }

    fn check(&self) {
        eprintln!("kept {} lost {} findings {:?}", self.kept, self.lost, self.findings);
        assert!(self.worst.is_empty(), "{}", self.worst.join("\n"));
        assert_eq!(self.unreported, 0);
    }
}

fn whole() -> String {
    let (_, text) = each("valid").into_iter().find(|(path, _)| path.ends_with("complete.ktl")).unwrap();
    text
}

fn place(text: &str, at: usize) -> String {
    let line = text[..at].matches('\n').count() + 1;
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    format!("{line}:{} `{}`", at - start + 1, text[start..].lines().next().unwrap_or(""))
}

#[test]
fn deleting_any_byte_loses_at_most_one_declaration() {
    let text = whole();
    let counts = count(&parsed(&text).module);
    let mut tally = Tally::default();
    for (at, char) in text.char_indices() {
        let mut broken = text.clone();
        broken.remove(at);
        tally.look(&counts, &broken, format!("without {char:?} at {}", place(&text, at)));
    }
    tally.check();
}

#[test]
fn inserting_any_sign_loses_at_most_one_declaration() {
    let text = whole();
    let counts = count(&parsed(&text).module);
    let mut tally = Tally::default();
    for (at, _) in text.char_indices().filter(|(at, _)| at % 7 == 0) {
        for sign in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".chars() {
            let mut broken = text.clone();
            broken.insert(at, sign);
            tally.look(&counts, &broken, format!("with {sign:?} at {}", place(&text, at)));
        }
    }
    tally.check();
}
