//! Compiles every project below `tests/cases` in memory and compares what is found with its `expected.txt`: the
//! diagnostics, then the plan in a few words. `UPDATE=1` writes what is found, `CASE=text` runs the cases of that name.
//!
//! Lines at the start of `stack.ktl` say how it is compiled: `// profile: dev`, `// input: name=text`, and
//! `// show: source plan body` for more than objects and edges. A file whose name ends in `.hex` stands for one whose
//! bytes are written in hexadecimal, since they are no text.

#![expect(clippy::unwrap_used, reason = "a test that fails here has found something")]

#[path = "suite/policies.rs"]
mod policies;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ktl_compiler::{Compiled, ENTRY, MemoryWorld, Output, Request, Severity, compile};
use ktl_plan::{EdgeKind, Reason, Until, canonical};

#[test]
#[expect(clippy::disallowed_methods, reason = "tests read and update their cases on disk")]
fn cases_compile_as_expected() {
    let update = std::env::var("UPDATE").is_ok();
    let only = std::env::var("CASE").unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let entries = std::fs::read_dir(&root).unwrap();
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 10, "the cases are found");
    let mut failures = String::new();
    for case in cases {
        if !case.to_str().unwrap().contains(&only) {
            continue;
        }
        let found = run(&case);
        let expected = case.join("expected.txt");
        let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
        if found != wanted {
            if update {
                std::fs::write(&expected, &found).unwrap();
            }
            let name = case.display();
            writeln!(failures, "== {name}\n-- expected\n{wanted}-- found\n{found}").unwrap();
        }
    }
    assert!(failures.is_empty() || update, "{failures}");
}

/// How a case is compiled and shown.
#[derive(Default)]
struct Options {
    request: Request,
    show: Vec<String>,
}

#[expect(clippy::disallowed_methods, reason = "tests read their cases from disk")]
fn run(case: &Path) -> String {
    let mut world = MemoryWorld::default();
    put(&mut world, case, case);
    let head = std::fs::read_to_string(case.join(ENTRY)).unwrap();
    let mut options = Options::default();
    for line in head.lines().map_while(|line| line.strip_prefix("// ")) {
        match line.split_once(": ").unwrap() {
            ("profile", name) => options.request.profile = Some(name.to_owned()),
            ("input", pair) => {
                let (name, text) = pair.split_once('=').unwrap();
                options.request.inputs.insert(name.to_owned(), text.to_owned());
            }
            ("show", what) => options.show = what.split(' ').map(str::to_owned).collect(),
            (other, _) => panic!("no option `{other}`"),
        }
    }
    let compiled = compile(&world, &options.request);
    let found = describe(&compiled, &options);
    let again = compile(&world, &options.request);
    assert_eq!(found, describe(&again, &options), "compiling twice gives the same");
    if let (Some(one), Some(other)) = (&compiled.output, &again.output) {
        let bytes = |output: &Output| canonical::to_vec(&output.plan).unwrap();
        assert_eq!(bytes(one), bytes(other), "the same bytes");
        assert_eq!(one.objects, other.objects);
        assert_eq!(ktl_plan::validate(&one.plan, &one.objects), Ok(()));
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "tests read their cases from disk")]
fn put(world: &mut MemoryWorld, root: &Path, directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            put(world, root, &path);
            continue;
        }
        let inside = path.strip_prefix(root).unwrap().to_str().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        match inside.strip_suffix(".hex") {
            Some(inside) => {
                let text = String::from_utf8(bytes).unwrap();
                let digits = text.split_whitespace();
                let bytes: Vec<u8> = digits.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
                world.put(inside, bytes);
            }
            None if inside == "expected.txt" => {}
            None => world.put(inside, bytes),
        }
    }
}

fn describe(compiled: &Compiled, options: &Options) -> String {
    let mut out = String::new();
    let checked = &compiled.checked;
    for diagnostic in &checked.diagnostics {
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = diagnostic
            .span
            .map_or_else(|| "-".to_owned(), |span| checked.sources.describe(span));
        writeln!(out, "{severity} {} {place} {}", diagnostic.code, diagnostic.message).unwrap();
        for (span, text) in &diagnostic.related {
            writeln!(out, "  {} {text}", checked.sources.describe(*span)).unwrap();
        }
        if let Some(help) = &diagnostic.help {
            writeln!(out, "  help: {help}").unwrap();
        }
    }
    if let Some(output) = &compiled.output {
        show(output, options, &mut out);
    }
    out
}

fn show(output: &Output, options: &Options, out: &mut String) {
    let wants = |what: &str| options.show.iter().any(|shown| shown == what);
    let plan = &output.plan;
    if wants("plan") {
        writeln!(
            out,
            "stack {} edition {} profile {:?}",
            plan.stack, plan.edition, plan.profile
        )
        .unwrap();
        for (name, input) in &plan.inputs {
            let from = if input.default { " (default)" } else { "" };
            writeln!(out, "input {name} = {}{from}", input.value).unwrap();
        }
        for file in &plan.sources {
            writeln!(out, "source {}", file.path).unwrap();
        }
        for (name, cluster) in &plan.clusters {
            writeln!(out, "cluster {name} {:?}", cluster.context).unwrap();
        }
        writeln!(out, "runner {}", serde_json::to_string(&plan.runner).unwrap()).unwrap();
    }
    for release in &plan.releases {
        writeln!(out, "{} ({}, {})", release.id, release.kind, release.source).unwrap();
        for object in &release.objects {
            writeln!(out, "  {} ({})", object.id, object.api_version).unwrap();
            if wants("source") {
                writeln!(out, "    {}", object.source).unwrap();
            }
            if wants("body") {
                let body = output.objects.get(&object.digest).unwrap();
                writeln!(out, "    {}", String::from_utf8_lossy(body)).unwrap();
            }
        }
    }
    for edge in &plan.edges {
        let until = match edge.until {
            Until::Applied => "applied",
            Until::Served => "served",
            Until::Ready => "ready",
        };
        // The cluster is the same on both sides.
        let short = |id: &str| match edge.between {
            EdgeKind::Releases => id.to_owned(),
            EdgeKind::Objects => id.split_once('/').unwrap().1.to_owned(),
        };
        writeln!(out, "{} needs {} until {until}", short(&edge.from), short(&edge.to)).unwrap();
        for reason in &edge.reasons {
            match reason {
                Reason::Inferred { rule, evidence } => writeln!(out, "  {rule}: {evidence}"),
                Reason::Needs { source } => writeln!(out, "  needs: {source}"),
                Reason::Reference { text, source } => writeln!(out, "  reference: {text}: {source}"),
            }
            .unwrap();
        }
    }
}

/// Edges that are found by looking through all objects for each would take minutes here.
#[test]
fn a_large_stack_takes_linear_work() {
    let mut world = MemoryWorld::default();
    let mut stack = "stack large edition 1 {}\nimport \"std/k8s\" as k8s\n".to_owned();
    for number in 0..1000 {
        let mut file = String::new();
        for (kind, extra) in [
            ("Service", "spec: {selector: {app: x}}"),
            ("ConfigMap", "data: {}"),
            ("Secret", "data: {}"),
        ] {
            writeln!(file, "---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: a{number}, annotations: {{ktl.io/depends-on: ConfigMap/a0}}}}\n{extra}").unwrap();
        }
        world.put(format!("m/a{number}.yaml"), file.into_bytes());
        writeln!(
            stack,
            "release a{number}: k8s.Manifests {{ files: [\"./m/a{number}.yaml\"] }}"
        )
        .unwrap();
    }
    world.put(ENTRY, stack.into_bytes());
    let output = compile(&world, &Request::default()).output.unwrap();
    assert_eq!(output.plan.releases.len(), 1000);
    assert_eq!(output.plan.edges.len(), 2999);
}

/// Only what was read counts as a source, and the standard library is part of ktl.
#[test]
fn files_are_those_of_the_plan() {
    let mut world = MemoryWorld::default();
    world.put(
        ENTRY,
        b"stack s edition 1 {}\nimport \"std/k8s\" as k8s\nrelease a: k8s.Objects { objects: {} }\n".as_slice(),
    );
    world.put("unused.ktl", b"let x = 1\n".as_slice());
    let output = compile(&world, &Request::default()).output.unwrap();
    let paths: Vec<&str> = output.plan.sources.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, [ENTRY]);
    let files: BTreeMap<_, _> = output
        .files
        .iter()
        .map(|(path, bytes)| (path.clone(), bytes.len()))
        .collect();
    assert_eq!(files.into_keys().collect::<Vec<_>>(), [ENTRY]);
}
