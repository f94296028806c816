//! `ktl fmt`

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use ktl_report::style;
use similar::{ChangeTag, TextDiff};

use super::print;
use crate::error::{Failure, Outcome};
use crate::exit::Exit;

#[derive(clap::Args)]
pub struct Arguments {
    /// Files, and directories whose `.ktl` files are formatted; `-` formats standard input to standard output
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,

    /// Write nothing; show what would change, and fail if anything would
    #[arg(long)]
    check: bool,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let mut files = Vec::new();
    for path in &arguments.paths {
        if path.as_os_str() == "-" {
            files.push(path.clone());
        } else if path.is_dir() {
            collect(path, &mut files)?;
        } else if path.is_file() {
            files.push(path.clone());
        } else {
            let message = format!("there is no `{}`", path.display());
            return Err(Failure::new(Exit::File, message).help("`ktl fmt` takes files and directories"));
        }
    }
    files.sort();
    files.dedup();
    let mut changed = 0;
    for file in &files {
        changed += u32::from(format(file, arguments.check)?);
    }
    if arguments.check && changed > 0 {
        let files = if changed == 1 { "file is" } else { "files are" };
        let message = format!("{changed} {files} not formatted");
        return Err(Failure::new(Exit::Diagnostics, message).help("run `ktl fmt`"));
    }
    Ok(())
}

/// The `.ktl` files below a directory; not in hidden directories and not in `target`.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    let failed = |error: io::Error| {
        let message = format!("cannot read the directory `{}`: {error}", directory.display());
        Failure::new(Exit::File, message)
    };
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let name = entry.file_name();
        let path = entry.path();
        // Links are not followed: what they lead to is formatted where it is.
        if kind.is_dir() {
            let skipped = name.to_string_lossy().starts_with('.') || name == "target";
            if !skipped {
                collect(&path, files)?;
            }
        } else if kind.is_file() && path.extension().is_some_and(|ending| ending == "ktl") {
            files.push(path);
        }
    }
    Ok(())
}

/// Formats one file. Returns whether it was not formatted.
fn format(file: &Path, check: bool) -> Result<bool, Failure> {
    let stdin = file.as_os_str() == "-";
    let shown = if stdin { Path::new("standard input") } else { file };
    let failed = |what: &str, error: io::Error| {
        Failure::new(Exit::File, format!("cannot {what} `{}`: {error}", shown.display()))
    };
    let text = if stdin {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    let text = text.map_err(|error| failed("read", error))?;
    let formatted = ktl_compiler::format(&text);
    let changed = formatted != text;
    if check {
        if changed {
            print(&format!("{}\n{}", shown.display(), difference(&text, &formatted)));
        }
    } else if stdin {
        print(&formatted);
    } else if changed {
        replace(file, &formatted).map_err(|error| failed("write", error))?;
        print(&format!("{}\n", file.display()));
    }
    Ok(changed)
}

/// What changes, with one line around it, by number of the line in the file.
fn difference(old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut out = String::new();
    for (index, group) in diff.grouped_ops(1).iter().enumerate() {
        if index > 0 {
            out.push_str("  …\n");
        }
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let (sign, paint) = match change.tag() {
                ChangeTag::Delete => ('-', Some(style::BAD)),
                ChangeTag::Insert => ('+', Some(style::GOOD)),
                ChangeTag::Equal => (' ', None),
            };
            let number = change
                .old_index()
                .map_or(String::new(), |index| (index + 1).to_string());
            let line = change.value().trim_end_matches('\n');
            let line = format!("{sign} {line}");
            let line = paint.map_or(line.clone(), |paint| style::paint(paint, &line).to_string());
            let _ = writeln!(out, "{number:>5} {line}");
        }
    }
    out
}

/// Writes beside the file and renames, so that nobody ever sees half of it. A link stays one, and so do the permissions.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let file = fs::canonicalize(file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = fs::File::create_new(&beside).and_then(|mut new| {
        new.set_permissions(fs::metadata(&file)?.permissions())?;
        new.write_all(text.as_bytes())?;
        new.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&beside, &file));
    if renamed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    renamed
}
