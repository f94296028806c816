//! Test files beside the tests, and comparing with what was written down.

use std::path::{Path, PathBuf};

use ktl_syntax::ast::Module;
use ktl_syntax::{Diagnostic, Diagnostics, FileId, Sources, parse};

/// A parsed text.
pub struct Parsed {
    pub sources: Sources,
    pub file: FileId,
    pub module: Module,
    pub diagnostics: Vec<Diagnostic>,
}

pub fn parsed(text: &str) -> Parsed {
    let mut sources = Sources::default();
    let file = sources.add("test.ktl", text);
    let mut diagnostics = Diagnostics::default();
    let module = parse(&sources, file, &mut diagnostics);
    Parsed {
        sources,
        file,
        module,
        diagnostics: diagnostics.sorted(),
    }
}

/// Every `.ktl` file of a folder beside the tests, in order of name.
#[expect(clippy::disallowed_methods, reason = "a test reads its own data")]
pub fn each(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "ktl"));
    paths.sort();
    assert!(!paths.is_empty());
    paths
        .into_iter()
        .map(|path| (path.clone(), std::fs::read_to_string(&path).unwrap()))
        .collect()
}

/// Compares with the file of the same name and another ending; `UPDATE=1` writes it.
#[expect(clippy::disallowed_methods, reason = "a test reads its own data")]
pub fn compare(path: &Path, ending: &str, actual: &str, failures: &mut Vec<String>) {
    let path = path.with_extension(ending);
    if std::env::var("UPDATE").is_ok_and(|value| value == "1") {
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if expected != actual {
        failures.push(format!("{}: expected\n{expected}\nfound\n{actual}\n", path.display()));
    }
}

/// Fails with all failures at once.
pub fn none(failures: &[String]) {
    assert!(
        failures.is_empty(),
        "{}\n(UPDATE=1 accepts what was found)",
        failures.join("\n")
    );
}
