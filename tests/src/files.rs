//! Walking and copying the repository's own files.

use std::fs;
use std::path::{Path, PathBuf};

/// Every file below a directory, sorted, without dot-files and build output.
///
/// # Panics
/// When a directory cannot be read.
pub fn below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in entries(directory) {
        if path.is_dir() {
            files.extend(below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// What a directory holds, sorted, without dot-files and build output.
///
/// # Panics
/// When the directory cannot be read.
pub fn entries(directory: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory).and_then(|entries| {
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths.collect::<std::io::Result<Vec<PathBuf>>>()
    });
    let mut paths = paths.unwrap_or_else(|error| panic!("cannot read `{}`: {error}", directory.display()));
    paths.retain(|path| !name(path).starts_with('.') && name(path) != "target");
    paths.sort();
    paths
}

/// The text of a file.
///
/// # Panics
/// When it cannot be read.
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()))
}

/// The last part of a path.
pub fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// Copies a directory with everything in it, except dot-files.
///
/// # Panics
/// When something cannot be read or written.
pub fn copy(from: &Path, to: &Path) {
    for file in below(from) {
        let inside = file
            .strip_prefix(from)
            .expect("a file found below a directory is in it");
        let target = to.join(inside);
        fs::create_dir_all(target.parent().expect("it is in a directory"))
            .and_then(|()| fs::copy(&file, &target))
            .unwrap_or_else(|error| panic!("cannot copy `{}` to `{}`: {error}", file.display(), target.display()));
    }
}
