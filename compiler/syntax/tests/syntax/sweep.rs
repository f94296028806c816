//! The measure of resilience: every byte of the complete example deleted in turn, and every punctuation mark inserted at
//! every seventh byte. Nothing panics, and never more than one declaration is lost.

use std::collections::BTreeMap;
use std::mem::{Discriminant, discriminant};

use ktl_syntax::ast::{DeclKind, Module};

use super::files::{each, parsed};

/// How many declarations of each kind.
type Counts = Vec<(Discriminant<DeclKind>, usize)>;

fn count(module: &Module) -> Counts {
    let mut counts = Counts::new();
    for decl in module.decls.iter().filter(|decl| decl.kind != DeclKind::Error) {
        let kind = discriminant(&decl.kind);
        match counts.iter_mut().find(|(other, _)| *other == kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((kind, 1)),
        }
    }
    counts
}

/// What became of the broken texts.
#[derive(Default)]
struct Tally {
    kept: usize,
    lost: usize,
    /// How many texts had how many findings.
    findings: BTreeMap<usize, usize>,
    failures: Vec<String>,
}

impl Tally {
    fn look(&mut self, whole: &Counts, broken: &str, what: impl Fn() -> String) {
        let parsed = parsed(broken);
        let counts = count(&parsed.module);
        let kept = |kind| {
            counts
                .iter()
                .find(|(other, _)| *other == kind)
                .map_or(0, |(_, count)| *count)
        };
        let lost: usize = whole
            .iter()
            .map(|(kind, count)| count.saturating_sub(kept(*kind)))
            .sum();
        match lost {
            0 => self.kept += 1,
            1 => self.lost += 1,
            _ => self.failures.push(format!("{} loses {lost}", what())),
        }
        *self.findings.entry(parsed.diagnostics.len()).or_default() += 1;
        if lost > 0 && parsed.diagnostics.is_empty() {
            self.failures.push(format!("{} loses one without a word", what()));
        }
    }

    /// The share that must lose nothing, and the share that must have one finding at most, in percent.
    fn check(&self, keeps: usize, one_finding: usize) {
        let all = self.kept + self.lost;
        let few: usize = self
            .findings
            .iter()
            .filter(|(findings, _)| **findings <= 1)
            .map(|(_, count)| count)
            .sum();
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
        let enough = self.kept * 100 >= all * keeps && few * 100 >= all * one_finding;
        assert!(
            enough,
            "of {all}: {} lose nothing, {few} have one finding at most; {:?}",
            self.kept, self.findings
        );
    }
}

fn whole() -> String {
    let (_, text) = each("valid")
        .into_iter()
        .find(|(path, _)| path.ends_with("complete.ktl"))
        .unwrap();
    text
}

fn place(text: &str, at: usize) -> String {
    let line = text[..at].matches('\n').count() + 1;
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    format!(
        "{line}:{} `{}`",
        at - start + 1,
        text[start..].lines().next().unwrap_or("")
    )
}

#[test]
fn deleting_any_byte_loses_at_most_one_declaration() {
    let text = whole();
    let counts = count(&parsed(&text).module);
    let mut tally = Tally::default();
    for (at, char) in text.char_indices() {
        let mut broken = text.clone();
        broken.remove(at);
        // A declaration behind a comment becomes part of the comment.
        let comment = char == '\n'
            && text[..at]
                .rsplit('\n')
                .next()
                .is_some_and(|line| line.starts_with("//"));
        if !comment {
            tally.look(&counts, &broken, || format!("without {char:?} at {}", place(&text, at)));
        }
    }
    tally.check(96, 98);
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
            tally.look(&counts, &broken, || format!("with {sign:?} at {}", place(&text, at)));
        }
    }
    tally.check(94, 97);
}
