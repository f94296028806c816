//! Paths with forward slashes.

use super::{Function, fixed};
use crate::types::Type::Str;
use crate::value::Value;

pub(super) static TABLE: &[Function] = &[
    fixed("base", &[Str], |_, args| Ok(base(&args.text(0)).into())),
    fixed("osBase", &[Str], |_, args| Ok(base(&args.text(0)).into())),
    fixed("dir", &[Str], |_, args| Ok(dir(&args.text(0)).into())),
    fixed("osDir", &[Str], |_, args| Ok(dir(&args.text(0)).into())),
    fixed("clean", &[Str], |_, args| Ok(clean(&args.text(0)).into())),
    fixed("osClean", &[Str], |_, args| Ok(clean(&args.text(0)).into())),
    fixed("ext", &[Str], |_, args| Ok(ext(&args.text(0)).into())),
    fixed("osExt", &[Str], |_, args| Ok(ext(&args.text(0)).into())),
    fixed("isAbs", &[Str], |_, args| {
        Ok(Value::Bool(args.text(0).starts_with('/')))
    }),
    fixed("osIsAbs", &[Str], |_, args| {
        Ok(Value::Bool(args.text(0).starts_with('/')))
    }),
];

/// Go's `path.Base`.
fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    match path.trim_end_matches('/').rsplit('/').next() {
        None | Some("") => "/",
        Some(last) => last,
    }
}

fn dir(path: &str) -> String {
    let end = path.rfind('/').map_or(0, |slash| slash + 1);
    clean(path.get(..end).unwrap_or(""))
}

fn ext(path: &str) -> &str {
    let last = path.rsplit('/').next().unwrap_or("");
    last.rfind('.').and_then(|dot| last.get(dot..)).unwrap_or("")
}

/// Go's `path.Clean`.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if rooted => {}
            other => kept.push(other),
        }
    }
    match (rooted, kept.join("/")) {
        (true, joined) => format!("/{joined}"),
        (false, joined) if joined.is_empty() => ".".to_owned(),
        (false, joined) => joined,
    }
}
