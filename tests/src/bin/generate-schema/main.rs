//! Writes `compiler/schema/data/`, the tables of `ktl-schema`, from the OpenAPI and discovery documents that Kubernetes
//! publishes in its Go module.
//!
//! Fetch the module in every supported minor version, oldest first, and name the folders; the last one is the base, the
//! others only say since when a kind or field exists:
//!
//! ```sh
//! versions="v1.34.4 v1.35.4 v1.36.3 v1.37.2"
//! for version in $versions; do go mod download "k8s.io/kubernetes@$version"; done
//! cargo run -p ktl-tests --bin generate-schema -- \
//!   $(for version in $versions; do echo --from "$(go env GOMODCACHE)/k8s.io/kubernetes@$version"; done)
//! ```
//!
//! With `--check` it writes nothing and fails when the committed files differ from what it would write.

#![expect(
    clippy::print_stderr,
    reason = "a command of the repository reports on standard error"
)]

mod emit;
mod enums;
mod model;
mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

const USAGE: &str = "usage: generate-schema --from DIR [--from DIR]... [--out DIR] [--check]";

/// What the command line asks for.
struct Options {
    from: Vec<PathBuf>,
    out: PathBuf,
    check: bool,
}

fn main() -> ExitCode {
    match options(env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(summary) => {
            eprintln!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/schema/data");
    let mut options = Options {
        from: Vec::new(),
        out,
        check: false,
    };
    while let Some(argument) = arguments.next() {
        let mut folder = || {
            arguments
                .next()
                .map(PathBuf::from)
                .ok_or_else(|| format!("`{argument}` needs a folder"))
        };
        match argument.as_str() {
            "--from" => options.from.push(folder()?),
            "--out" => options.out = folder()?,
            "--check" => options.check = true,
            _ => return Err(format!("unknown argument `{argument}`\n{USAGE}")),
        }
    }
    if options.from.is_empty() {
        Err(format!("no `--from`\n{USAGE}"))
    } else {
        Ok(options)
    }
}

fn run(options: &Options) -> Result<String, String> {
    let releases = options
        .from
        .iter()
        .map(|folder| source::read(folder))
        .collect::<Result<Vec<_>, _>>()?;
    let model = model::build(releases)?;
    let files = emit::files(&model)?;
    let bytes: usize = files.values().map(String::len).sum();
    let summary = format!(
        "{} kinds, {} records, {} fields, {} KiB in {} files",
        model.kinds.len(),
        model.records.len(),
        model.records.values().map(|record| record.fields.len()).sum::<usize>(),
        bytes / 1024,
        files.len(),
    );
    if options.check {
        check(&options.out, &files)?;
    } else {
        write(&options.out, &files)?;
    }
    Ok(summary)
}

/// Replaces the generated files, so that a package which is gone leaves none behind.
fn write(folder: &Path, files: &BTreeMap<String, String>) -> Result<(), String> {
    let failed = |path: &Path, error| format!("cannot write `{}`: {error}", path.display());
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for name in committed(folder)? {
        if !files.contains_key(&name) {
            let path = folder.join(name);
            fs::remove_file(&path).map_err(|error| failed(&path, error))?;
        }
    }
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

fn check(folder: &Path, files: &BTreeMap<String, String>) -> Result<(), String> {
    let mut stale: Vec<String> = committed(folder)?
        .into_iter()
        .filter(|name| !files.contains_key(name))
        .collect();
    for (name, text) in files {
        if fs::read_to_string(folder.join(name)).ok().as_ref() != Some(text) {
            stale.push(name.clone());
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    stale.sort();
    let names = stale.join("`, `");
    Err(format!(
        "`{}` differs in `{names}`\nrun the same command without `--check`",
        folder.display()
    ))
}

fn committed(folder: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("cannot list `{}`: {error}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| format!("cannot list `{}`: {error}", folder.display()))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}
