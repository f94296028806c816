//! What must stay true of the sources and can be checked mechanically; `ARCHITECTURE.md` gives the reasons.
//!
//! Every check fails when it had nothing to look at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use ktl_tests::files::{below, entries, name, read};
use ktl_tests::root;
use regex::Regex;

/// Which of our crates each of them uses, outside its tests. A new edge is an architecture change.
const EDGES: &[(&str, &[&str])] = &[
    ("ktl-grammar", &[]),
    ("ktl-stdlib", &[]),
    ("ktl-schema", &[]),
    ("ktl-plan", &[]),
    ("ktl-gotmpl", &[]),
    ("ktl-chart", &["ktl-gotmpl"]),
    ("ktl-syntax", &["ktl-grammar"]),
    ("ktl-lang", &["ktl-schema", "ktl-stdlib", "ktl-syntax"]),
    (
        "ktl-compiler",
        &[
            "ktl-chart",
            "ktl-gotmpl",
            "ktl-lang",
            "ktl-plan",
            "ktl-schema",
            "ktl-stdlib",
            "ktl-syntax",
        ],
    ),
    ("ktl-bundle", &["ktl-plan"]),
    ("ktl-cluster", &["ktl-plan"]),
    ("ktl-scheduler", &["ktl-plan"]),
    ("ktl-store", &["ktl-plan"]),
    ("ktl-sim", &["ktl-schema"]),
    ("ktl-report", &["ktl-plan", "ktl-store"]),
    ("ktl-engine", &["ktl-cluster", "ktl-plan", "ktl-scheduler", "ktl-store"]),
    ("ktl-world", &["ktl-compiler"]),
    ("ktl-lsp", &["ktl-compiler", "ktl-syntax", "ktl-world"]),
    (
        "ktl",
        &[
            "ktl-bundle",
            "ktl-cluster",
            "ktl-compiler",
            "ktl-engine",
            "ktl-lsp",
            "ktl-plan",
            "ktl-report",
            "ktl-sim",
            "ktl-store",
            "ktl-world",
        ],
    ),
    ("ktl-tests", &[]),
];

/// What of the compiler the runtime may see, in its tests too.
const WAIST: &[&str] = &["ktl-plan", "ktl-schema", "ktl-verifier"];

/// Crates from outside that only some of ours may use, in their tests too.
const RESERVED: &[(&str, &[&str])] = &[
    ("clap", &["ktl"]),
    ("indicatif", &["ktl"]),
    ("k8s-openapi", &["ktl-cluster"]),
    ("kube", &["ktl-cluster"]),
    ("miette", &["ktl"]),
    ("pest", &["ktl-grammar", "ktl-syntax"]),
    ("rusqlite", &["ktl-store"]),
    ("tower-lsp-server", &["ktl-lsp"]),
];

/// What the top level holds, besides dot-files and build output.
const TOP: &[&str] = &[
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "cli",
    "clippy.toml",
    "compiler",
    "docs",
    "examples",
    "grammar",
    "lsp",
    "runtime",
    "rustfmt.toml",
    "stdlib",
    "tests",
];

const MOST_LINES: usize = 800;

/// Modules above the limit, with the reason. Generated tables in `compiler/schema/data` need none.
const LONG: &[(&str, &str)] = &[];

/// Diagnostics that no case shows, with the reason.
const UNSHOWN: &[(&str, &str)] = &[];

#[test]
fn crates_use_what_the_table_says() {
    let metadata = metadata();
    let mut found = BTreeMap::new();
    for package in metadata.workspace_packages() {
        let uses: BTreeSet<&str> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development && dependency.path.is_some())
            .map(|dependency| dependency.name.as_str())
            .collect();
        found.insert(package.name.as_str(), uses);
    }
    let expected: BTreeMap<&str, BTreeSet<&str>> = EDGES
        .iter()
        .map(|(name, uses)| (*name, uses.iter().copied().collect()))
        .collect();
    assert_eq!(found, expected, "the table in this file is what may be used");
}

#[test]
fn the_compiler_and_the_runtime_meet_in_the_plan_only() {
    let (mut compiler, mut runtime) = (0, 0);
    let metadata = metadata();
    let part = |name: &str| {
        metadata
            .workspace_packages()
            .into_iter()
            .find(|p| p.name == name)
            .map(folder)
    };
    for package in metadata.workspace_packages() {
        let folder = folder(package);
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| dependency.path.is_some())
        {
            let used = part(&dependency.name).expect("a dependency with a path is in the workspace");
            let (user, name) = (&package.name, &dependency.name);
            match folder.as_str() {
                "compiler" | "grammar" | "stdlib" => {
                    compiler += 1;
                    let fine = ["compiler", "grammar", "stdlib"].contains(&used.as_str());
                    assert!(fine, "{user} is of the compiler and uses {name}, which is of `{used}`");
                }
                "runtime" => {
                    runtime += 1;
                    let fine = used == "runtime" || WAIST.contains(&name.as_str());
                    assert!(fine, "{user} is of the runtime and uses {name}, which is of `{used}`");
                }
                "lsp" => assert!(used != "runtime", "{user} uses {name}, which is of the runtime"),
                _ => {}
            }
        }
    }
    assert!(compiler > 0 && runtime > 0, "no edge was checked");
}

#[test]
fn reserved_crates_are_used_where_they_may_be() {
    let metadata = metadata();
    for (reserved, users) in RESERVED {
        let found: BTreeSet<&str> = metadata
            .workspace_packages()
            .into_iter()
            .filter(|package| {
                package
                    .dependencies
                    .iter()
                    .any(|dependency| dependency.name == *reserved)
            })
            .map(|package| package.name.as_str())
            .collect();
        assert_eq!(found, users.iter().copied().collect(), "who uses `{reserved}`");
    }
}

#[test]
fn protocol_types_stay_in_one_file() {
    let files = naming(&below(&root().join("lsp/server/src")), "tower_lsp_server");
    assert!(files.len() == 1, "one file names protocol types, not {files:?}");
}

#[test]
fn modules_are_short() {
    let long: BTreeSet<String> = sources()
        .iter()
        .filter(|path| !relative(path).starts_with("compiler/schema/data/"))
        .filter(|path| read(path).lines().count() > MOST_LINES)
        .map(|path| relative(path))
        .collect();
    let listed: BTreeSet<String> = LONG.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(
        long, listed,
        "modules of more than {MOST_LINES} lines, found and listed"
    );
}

#[test]
fn crates_have_the_lints_and_a_page_about_them() {
    let metadata = metadata();
    assert!(
        metadata.workspace_packages().len() >= EDGES.len(),
        "crates were not found"
    );
    for package in metadata.workspace_packages() {
        let manifest = read(package.manifest_path.as_std_path());
        assert!(
            manifest.contains("\n[lints]\nworkspace = true\n"),
            "{} has no lints",
            package.name
        );
        for target in &package.targets {
            let path = target.src_path.as_std_path();
            assert!(
                read(path).starts_with("//! "),
                "`{}` does not say what it is",
                relative(path)
            );
        }
    }
}

#[test]
fn what_is_banned_is_absent() {
    // Put together, so that this file does not find itself.
    let banned = [
        ("#[", "ignore"),
        ("#[", "should_panic"),
        ("to", "do!"),
        ("unimple", "mented!"),
        ("#[", "allow("),
        ("#![", "allow("),
        ("TO", "DO"),
        ("FIX", "ME"),
        ("uns", "afe "),
    ]
    .map(|(start, end)| format!("{start}{end}"));
    for path in sources() {
        if relative(&path).starts_with("compiler/schema/data/") {
            // Kubernetes' own words.
            continue;
        }
        let text = read(&path);
        for banned in &banned {
            assert!(!text.contains(banned), "`{}` has `{banned}`", relative(&path));
        }
    }
}

#[test]
fn the_compiler_is_pure() {
    let impure = [
        "std::fs",
        "std::env",
        "std::time",
        "std::thread",
        "std::process",
        "std::io::std",
        "tokio",
        "getrandom",
    ];
    let net = Regex::new(r"std::net::(?:Tcp|Udp|ToSocket)").expect("it is a pattern");
    let mut checked = 0;
    for path in sources() {
        let place = relative(&path);
        let crate_source = ["compiler/", "grammar/", "stdlib/"]
            .iter()
            .any(|start| place.starts_with(start));
        if !crate_source || !place.contains("/src/") {
            continue;
        }
        checked += 1;
        let text = read(&path);
        for name in impure {
            assert!(
                !text.contains(name),
                "`{place}` names `{name}`: the compiler gets everything through `World`"
            );
        }
        assert!(!net.is_match(&text), "`{place}` opens connections");
    }
    assert!(checked > 20, "only {checked} sources of the compiler were found");
}

#[test]
fn the_top_level_is_fixed() {
    let found: Vec<String> = entries(&root()).iter().map(|path| name(path).to_owned()).collect();
    assert_eq!(found, TOP);
}

#[test]
fn exit_codes_are_documented() {
    let page = read(&root().join("docs/exit-codes.md"));
    let row = Regex::new(r"(?m)^\| (\d+) \| (.{10,}) \|$").expect("it is a pattern");
    let rows: Vec<(u8, &str)> = row
        .captures_iter(&page)
        .map(|found| found.extract())
        .map(|(_, [code, meaning])| (code.parse().expect("an exit code fits a byte"), meaning))
        .collect();

    // `cli` is a binary, so its table is read as text. Success has no name there.
    let source = read(&root().join("cli/src/exit.rs"));
    let variant = Regex::new(r"(?m)^    \w+ = (\d+),$").expect("it is a pattern");
    let numbers = variant.captures_iter(&source).map(|found| found.extract());
    let mut codes: BTreeSet<u8> = numbers
        .map(|(_, [number])| number.parse().expect("an exit code fits a byte"))
        .collect();
    assert!(codes.len() > 5, "only {codes:?} were found in `cli`");
    codes.insert(0);
    for failure in ktl_bundle::Failure::ALL {
        let (code, meaning) = (failure.exit_code(), failure.meaning());
        codes.insert(code);
        assert!(
            rows.contains(&(code, meaning)),
            "the page does not say that {code} is: {meaning}"
        );
    }
    let listed: Vec<u8> = rows.into_iter().map(|(code, _)| code).collect();
    assert_eq!(
        listed,
        codes.into_iter().collect::<Vec<u8>>(),
        "codes on the page, and in the sources"
    );
}

#[test]
fn every_diagnostic_is_shown_by_a_case() {
    let code = Regex::new(r"\bK\d{4}\b").expect("it is a pattern");
    let collect = |files: &[PathBuf]| -> BTreeSet<String> {
        let texts = files.iter().map(|path| read(path));
        texts
            .flat_map(|text| {
                code.find_iter(&text)
                    .map(|found| found.as_str().to_owned())
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    let in_tests = |path: &PathBuf| relative(path).contains("/tests/");
    let compiler = below(&root().join("compiler"));
    let emitted: Vec<PathBuf> = compiler
        .iter()
        .filter(|path| !in_tests(path) && path.extension().is_some_and(|ending| ending == "rs"))
        .cloned()
        .collect();
    // What was recorded as output; not what a case's source or runner says of it.
    let recorded = ["expected", "md", "txt", "diagnostics"];
    let shown: Vec<PathBuf> = compiler
        .into_iter()
        .chain(below(&root().join("tests/tests")))
        .filter(|path| in_tests(path))
        .filter(|path| {
            path.extension()
                .is_some_and(|ending| recorded.iter().any(|known| ending == *known))
        })
        .collect();
    let (emitted, shown) = (collect(&emitted), collect(&shown));
    assert!(emitted.len() > 30, "only {} diagnostics were found", emitted.len());
    let missing: BTreeSet<&str> = emitted.difference(&shown).map(String::as_str).collect();
    let listed: BTreeSet<&str> = UNSHOWN.iter().map(|(code, _)| *code).collect();
    assert_eq!(
        missing, listed,
        "diagnostics that no recorded output shows, found and listed"
    );
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo tells what the workspace is")
}

/// The top-level folder of a crate.
fn folder(package: &cargo_metadata::Package) -> String {
    let place = relative(package.manifest_path.as_std_path());
    place.split('/').next().unwrap_or_default().to_owned()
}

/// Every Rust source of the repository.
fn sources() -> Vec<PathBuf> {
    let mut files = below(&root());
    files.retain(|path| path.extension().is_some_and(|ending| ending == "rs"));
    assert!(files.len() > 100, "only {} sources were found", files.len());
    files
}

fn naming(files: &[PathBuf], text: &str) -> Vec<String> {
    files
        .iter()
        .filter(|path| read(path).contains(text))
        .map(|path| relative(path))
        .collect()
}

/// A path as it is written in the repository.
fn relative(path: &Path) -> String {
    let inside = path.strip_prefix(root()).expect("it is in the repository");
    inside.to_string_lossy().replace('\\', "/")
}
