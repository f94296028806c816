//! Runs every case below `tests/cases`: a `.ktl` file, or a directory with a `stack.ktl`. What is expected stands beside
//! it in `.expected`: the diagnostics as text, then the stack as JSON. `UPDATE=1` writes what is found.
//!
//! Lines at the start of an entry file say how it is compiled: `// profile: dev`, `// input: name=text`, `// check`,
//! `// today: 2027-01-31`, `// no stack` to leave the stack out of what is expected.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails here has found something"
)]

#[path = "suite/rules.rs"]
mod rules;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ktl_lang::stack::{EdgeReason, ReleaseKind};
use ktl_lang::{Host, Program, Request, Stack, Variant};
use ktl_syntax::{Diagnostics, Severity, Sources};
use proptest::prelude::*;
use serde_json::json;

/// A project on disk. CRDs are JSON here: reading YAML is the driver's part.
struct Disk(PathBuf);

#[expect(clippy::disallowed_methods, reason = "tests read their cases from disk")]
impl Host for Disk {
    fn module(&self, path: &str) -> Result<Arc<str>, String> {
        std::fs::read_to_string(self.0.join(path))
            .map(Into::into)
            .map_err(|_| "no such file".into())
    }

    fn chart(&self, directory: &str) -> Result<(), String> {
        let found = self.0.join(directory).join("Chart.yaml").exists();
        if found { Ok(()) } else { Err("no Chart.yaml".into()) }
    }

    fn crds(&self, path: &str) -> Result<Vec<serde_json::Value>, String> {
        let text = std::fs::read_to_string(self.0.join(path)).map_err(|_| "no such file".to_owned())?;
        serde_json::from_str(&text)
            .map(|json| vec![json])
            .map_err(|error| error.to_string())
    }
}

/// A project of one file in memory.
struct Memory(Arc<str>);

impl Host for Memory {
    fn module(&self, path: &str) -> Result<Arc<str>, String> {
        if path == "stack.ktl" {
            Ok(self.0.clone())
        } else {
            Err("no such file".into())
        }
    }

    fn chart(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn crds(&self, _: &str) -> Result<Vec<serde_json::Value>, String> {
        Err("no such file".into())
    }
}

fn compile(host: &dyn Host, entry: &str, head: &str) -> (Sources, Diagnostics, Option<Stack>) {
    let mut profile = None;
    let mut today = None;
    let mut inputs = BTreeMap::new();
    let mut check = false;
    for line in head.lines().map_while(|line| line.strip_prefix("// ")) {
        match line.split_once(": ") {
            Some(("profile", name)) => profile = Some(name.to_owned()),
            Some(("today", date)) => today = Some(date),
            Some(("input", pair)) => {
                let (name, text) = pair.split_once('=').unwrap();
                inputs.insert(name.to_owned(), text.to_owned());
            }
            _ if line == "check" => check = true,
            _ => {}
        }
    }
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let request = Request {
        entry,
        profile: profile.as_deref(),
        inputs: &inputs,
    };
    if check {
        let stack = ktl_lang::check(host, &request, &mut sources, &mut diagnostics);
        return (sources, diagnostics, stack);
    }
    let Some(program) = Program::load(host, entry, &mut sources, &mut diagnostics) else {
        return (sources, diagnostics, None);
    };
    let variant = Variant::Given {
        profile: request.profile,
        inputs: &inputs,
        complete: true,
    };
    let mut stack = program.evaluate(variant, &sources, &mut diagnostics);
    rules::run(&program, variant, stack.as_ref(), today, &sources, &mut diagnostics);
    if head.lines().any(|line| line == "// no stack") || diagnostics.has_errors() {
        stack = None;
    }
    (sources, diagnostics, stack)
}

fn render(sources: &Sources, diagnostics: Diagnostics, stack: Option<&Stack>) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics.sorted() {
        let severity = if diagnostic.severity == Severity::Error {
            "error"
        } else {
            "warning"
        };
        let place = diagnostic
            .span
            .map_or_else(|| "-".into(), |span| sources.describe(span));
        writeln!(out, "{severity} {} {place}: {}", diagnostic.code, diagnostic.message).unwrap();
        if !diagnostic.label.is_empty() {
            writeln!(out, "  label: {}", diagnostic.label).unwrap();
        }
        for (span, text) in &diagnostic.related {
            writeln!(out, "  {}: {text}", sources.describe(*span)).unwrap();
        }
        if let Some(help) = &diagnostic.help {
            writeln!(out, "  help: {help}").unwrap();
        }
        for fix in &diagnostic.fixes {
            writeln!(
                out,
                "  fix: {}: {:?} -> {:?}",
                fix.title,
                sources.text(fix.span),
                fix.text
            )
            .unwrap();
        }
    }
    if let Some(stack) = stack {
        out.push_str(&serde_json::to_string_pretty(&stack_json(sources, stack)).unwrap());
        out.push('\n');
    }
    out
}

fn stack_json(sources: &Sources, stack: &Stack) -> serde_json::Value {
    let name = |at: usize| {
        let release = &stack.releases[at];
        format!("{}/{}/{}", release.cluster, release.namespace, release.name)
    };
    let releases: Vec<_> = stack
        .releases
        .iter()
        .enumerate()
        .map(|(at, release)| {
            let mut json = json!({ "id": name(at), "kind": release.kind_text });
            let map = json.as_object_mut().unwrap();
            let mut put = |key: &str, value: serde_json::Value| {
                if !value.is_null() && value != json!([]) && value != json!({}) {
                    map.insert(key.into(), value);
                }
            };
            put("tags", json!(release.tags));
            put("labels", json!(release.labels));
            put("timeout", json!(release.timeout));
            put("parallelismGroup", json!(release.parallelism_group));
            put("priority", json!(release.priority));
            let texts =
                |list: &[(String, ktl_syntax::Span)]| json!(list.iter().map(|(text, _)| text).collect::<Vec<_>>());
            match &release.kind {
                ReleaseKind::Chart {
                    directory,
                    values,
                    value_files,
                    set,
                } => {
                    put("chart", json!(directory));
                    put("values", values.to_json());
                    put("valueFiles", texts(value_files));
                    put("set", texts(set));
                }
                ReleaseKind::Objects(objects) => {
                    let objects: serde_json::Map<String, serde_json::Value> = objects
                        .iter()
                        .map(|object| (object.key.clone(), object.body.to_json()))
                        .collect();
                    put("objects", objects.into());
                }
                ReleaseKind::Manifests(files) => put("files", texts(files)),
            }
            json
        })
        .collect();
    let edges: Vec<_> = stack
        .edges
        .iter()
        .map(|edge| {
            let reason = match &edge.reason {
                EdgeReason::Needs => "needs".to_owned(),
                EdgeReason::Reference { text } => text.clone(),
            };
            let line = sources.get(edge.span.file).position(edge.span.start).line;
            format!("{} needs {}: {reason} (line {line})", name(edge.from), name(edge.to))
        })
        .collect();
    let clusters: Vec<_> = stack
        .clusters
        .iter()
        .map(|cluster| json!([cluster.name, cluster.zone, cluster.context, cluster.kubeconfig]))
        .collect();
    json!({
        "name": stack.name,
        "profile": stack.profile,
        "owner": stack.owner,
        "inputs": stack.inputs,
        "inferDeps": stack.infer_deps,
        "clusters": clusters,
        "runner": format!("{:?}", stack.runner),
        "releases": releases,
        "edges": edges,
    })
}

#[expect(clippy::disallowed_methods, reason = "tests read their cases from disk")]
fn cases() -> Vec<(PathBuf, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases = Vec::new();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.join("stack.ktl").exists() {
            cases.push((path.clone(), path.with_extension("expected"), "stack.ktl".to_owned()));
        } else if path.extension().is_some_and(|extension| extension == "ktl") {
            let entry = path.file_name().unwrap().to_str().unwrap().to_owned();
            cases.push((root.clone(), path.with_extension("expected"), entry));
        }
    }
    cases
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests read and update their cases on disk")]
fn cases_compile_as_expected() {
    let update = std::env::var("UPDATE").is_ok();
    let only = std::env::var("CASE").ok();
    let mut failures = String::new();
    let cases = cases();
    assert!(cases.len() > 20, "the cases are found");
    for (root, expected, entry) in cases {
        if only
            .as_ref()
            .is_some_and(|only| !expected.to_str().unwrap().contains(only.as_str()))
        {
            continue;
        }
        let head = std::fs::read_to_string(root.join(&entry)).unwrap();
        let (sources, diagnostics, stack) = compile(&Disk(root.clone()), &entry, &head);
        let found = render(&sources, diagnostics, stack.as_ref());
        let (sources, diagnostics, stack) = compile(&Disk(root), &entry, &head);
        assert_eq!(
            found,
            render(&sources, diagnostics, stack.as_ref()),
            "compiling twice gives the same"
        );
        let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
        if found != wanted {
            writeln!(
                failures,
                "== {}\n-- expected\n{wanted}\n-- found\n{found}",
                expected.display()
            )
            .unwrap();
            if update {
                std::fs::write(&expected, &found).unwrap();
            }
        }
    }
    assert!(failures.is_empty() || update, "{failures}");
}

/// Codes that the crate can emit and that no case shows would go untested.
#[test]
#[expect(clippy::disallowed_methods, reason = "tests read the crate's own sources")]
fn every_code_has_a_case() {
    fn texts(path: &Path, extension: &str, out: &mut String) {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                texts(&path, extension, out);
            } else if path.extension().is_some_and(|found| found == extension) {
                out.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut source, mut shown) = (String::new(), String::new());
    texts(&root.join("src"), "rs", &mut source);
    texts(&root.join("tests/cases"), "expected", &mut shown);
    let missing: std::collections::BTreeSet<&str> = source
        .match_indices("\"K0")
        .filter_map(|(at, _)| source.get(at + 1..at + 6))
        .filter(|code| !shown.contains(code))
        .collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}

#[test]
fn the_standard_library_is_well_typed() {
    let text = "stack s edition 1 {}\n\nimport \"std/k8s\" as k8s\n\nrelease a: k8s.Objects { objects: {} }\n";
    let (sources, diagnostics, stack) = compile(&Memory(text.into()), "stack.ktl", "");
    assert_eq!(render(&sources, diagnostics, None), "");
    assert!(stack.is_some());
}

/// A type of the module would hide the kind of its name. Workloads are a kind as well, in an alpha version that nobody serves.
#[test]
fn std_k8s_hides_no_kind() {
    let text = ktl_stdlib::module("std/k8s").unwrap();
    let declared = text
        .lines()
        .filter_map(|line| line.strip_prefix("type ").or(line.strip_prefix("component ")));
    let hidden: Vec<&str> = declared
        .map(|rest| rest.split(' ').next().unwrap())
        .filter(|name| *name != "Workload" && ktl_schema::preferred(name).is_some())
        .collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

/// Words that make sense somewhere, put where they may make none.
const WORDS: &[&str] = &[
    "null",
    "self",
    "self.name",
    "{}",
    "[]",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ":",
    "=",
    ".",
    "?.",
    "..",
    "...",
    "??",
    "1",
    "5m",
    "0.5",
    "10%",
    "100Gi",
    "\"x\"",
    "\"${x}\"",
    "if",
    "then",
    "else",
    "match",
    "for",
    "in",
    "with",
    "as",
    "when: false",
    "plan",
    "plan.containers",
    "profile",
    "release x: k8s.Objects { objects: {} }",
    "let x = x",
    "type T = [T]",
    "T",
    "string",
    "map<name, int>",
    "x",
    "a.b.c",
    "needs: [x]",
    "on: x",
    "namespace: self.name",
    "unset",
    "only [\"a\"]",
    "...x",
    "[k, v in x]",
    "\n",
    "ü",
    "\u{0}",
];

/// A change of a program: at a share of its length, remove so many bytes and put in a word or a piece of itself.
fn mutate(text: &str, changes: &[(f64, usize, usize, f64)]) -> String {
    let mut text = text.to_owned();
    for (place, removed, word, source) in changes {
        let boundary = |share: f64, text: &str| {
            let mut at = ((text.len() as f64) * share) as usize;
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let from = boundary(*place, &text);
        let mut to = (from + removed).min(text.len());
        while !text.is_char_boundary(to) {
            to += 1;
        }
        let inserted = match WORDS.get(*word) {
            Some(word) => format!(" {word} "),
            None => {
                let start = boundary(*source, &text);
                text[start..].lines().next().unwrap_or("").to_owned()
            }
        };
        text.replace_range(from..to, &inserted);
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever becomes of a program, compiling it ends, and says something if there is no stack.
    #[test]
    fn mutated_programs_end(
        base in 0usize..6,
        changes in proptest::collection::vec((0.0..1.0, 0usize..24, 0usize..60, 0.0..1.0), 1..6),
    ) {
        let bases = [
            include_str!("cases/first.ktl"),
            include_str!("cases/types.ktl"),
            include_str!("cases/components.ktl"),
            include_str!("cases/profiles.ktl"),
            include_str!("cases/workload.ktl"),
            include_str!("cases/policies.ktl"),
        ];
        let text = mutate(bases[base], &changes);
        let (_, diagnostics, stack) = compile(&Memory(text.as_str().into()), "stack.ktl", "// input: replicas=3\n// profile: prod");
        let left_out = text.contains("// no stack");
        prop_assert!(left_out || stack.is_some() || diagnostics.has_errors(), "no stack and no error for\n{text}");
    }
}
