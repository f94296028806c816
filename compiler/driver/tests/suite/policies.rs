//! Compiles every stack below `tests/policies` and runs its tests. What is found stands in `stack.expected` beside the stack;
//! `UPDATE=1` writes it. The date is 2026-06-30.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ktl_compiler::{Checked, Diagnostic, ENTRY, MemoryWorld, Request, Severity, Sources, Tested, World, compile, test};

#[expect(clippy::disallowed_methods, reason = "tests read their cases from disk")]
fn load(world: &mut MemoryWorld, root: &Path, directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            load(world, root, &path);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            world.put(name, std::fs::read(&path).unwrap());
        }
    }
}

fn write(out: &mut String, sources: &Sources, diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = diagnostic
            .span
            .map_or_else(|| "-".to_owned(), |span| sources.describe(span));
        writeln!(out, "{severity} {} {place}: {}", diagnostic.code, diagnostic.message).unwrap();
        for (span, text) in &diagnostic.related {
            writeln!(out, "  {}: {text}", sources.describe(*span)).unwrap();
        }
        if let Some(help) = &diagnostic.help {
            writeln!(out, "  help: {help}").unwrap();
        }
    }
}

fn found(world: &MemoryWorld) -> String {
    let entry = world.read(ENTRY).unwrap();
    let inputs = if String::from_utf8_lossy(&entry).contains("input tag") {
        [("tag".to_owned(), "1.29".to_owned())].into()
    } else {
        BTreeMap::new()
    };
    let request = Request {
        today: Some("2026-06-30".to_owned()),
        inputs,
        ..Request::default()
    };
    let mut out = String::new();
    let compiled = compile(world, &request);
    writeln!(out, "plan: {}", if compiled.output.is_some() { "yes" } else { "no" }).unwrap();
    write(&mut out, &compiled.checked.sources, &compiled.checked.diagnostics);
    let Tested { checked, tests } = test(world, &request);
    let Checked { sources, diagnostics } = checked;
    write(&mut out, &sources, &diagnostics);
    for test in tests {
        let verdict = if test.passed() { "passed" } else { "failed" };
        writeln!(out, "test \"{}\" {verdict}", test.name).unwrap();
        write(&mut out, &sources, &test.diagnostics);
    }
    out
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests read and update their cases on disk")]
fn policies_and_tests_of_stacks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(cases.len() >= 3, "the cases are found");
    let mut failures = String::new();
    for case in cases {
        let mut world = MemoryWorld::default();
        load(&mut world, &case, &case);
        let found = found(&world);
        let expected = case.join("stack.expected");
        let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&expected, found).unwrap();
        } else if found != wanted {
            writeln!(
                failures,
                "== {}\n-- expected\n{wanted}\n-- found\n{found}",
                case.display()
            )
            .unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

/// The stack in the guide is one, and its test passes.
#[test]
#[expect(clippy::disallowed_methods, reason = "tests read the guide from disk")]
fn the_guide_shows_what_works() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policies.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let mut blocks = guide
        .split("```ktl\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    let (stack, waiver) = (blocks.next().unwrap(), blocks.next().unwrap());
    let mut world = MemoryWorld::default();
    world.put(ENTRY, format!("{stack}\n{waiver}").into_bytes());
    let request = Request {
        today: Some("2026-06-30".to_owned()),
        inputs: [("version".to_owned(), "2.7".to_owned())].into(),
        ..Request::default()
    };
    let compiled = compile(&world, &request);
    let codes = |diagnostics: &[Diagnostic]| -> Vec<&str> { diagnostics.iter().map(|found| found.code).collect() };
    // Without `prod`, nothing is denied; the image is warned about unless the waiver is for it.
    assert_eq!(codes(&compiled.checked.diagnostics), Vec::<&str>::new());
    assert!(compiled.output.is_some());
    let Tested { tests, .. } = test(&world, &request);
    assert_eq!(tests.len(), 1);
    assert!(tests.iter().all(ktl_compiler::TestOutcome::passed), "{tests:?}");
}
