//! The files of a project as the editor shows them: those on disk, with what is open and unsaved laid over.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ktl_compiler::{ReadError, World};

/// No source file is larger; what is, is no source file.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// A project directory and its open documents.
pub(crate) struct EditorWorld<'a> {
    root: PathBuf,
    /// The open documents, by absolute path.
    open: &'a BTreeMap<PathBuf, Arc<str>>,
}

impl<'a> EditorWorld<'a> {
    pub fn new(root: PathBuf, open: &'a BTreeMap<PathBuf, Arc<str>>) -> Self {
        EditorWorld { root, open }
    }

    /// The place of a project path; nothing outside the project has one.
    fn locate(&self, path: &str) -> Result<PathBuf, ReadError> {
        let inside = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if inside {
            Ok(self.root.join(path))
        } else {
            Err(ReadError::NotFound(path.to_owned()))
        }
    }
}

impl World for EditorWorld<'_> {
    fn read(&self, path: &str) -> Result<Arc<[u8]>, ReadError> {
        let place = self.locate(path)?;
        if let Some(text) = self.open.get(&place) {
            return Ok(Arc::from(text.as_bytes()));
        }
        let error = |error: io::Error| unreadable(path, &error);
        let size = fs::metadata(&place).map_err(error)?.len();
        if size > LARGEST_FILE {
            let why = format!("it has {size} bytes, more than the {LARGEST_FILE} that a source file may have");
            return Err(ReadError::Unreadable {
                path: path.to_owned(),
                why,
            });
        }
        fs::read(&place).map(Arc::from).map_err(error)
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, ReadError> {
        let place = self.locate(directory)?;
        let mut files = Vec::new();
        walk(&place, directory, &mut files)?;
        let new = self.open.keys().filter_map(|open| {
            let below = open.strip_prefix(&place).ok()?.to_str()?;
            Some(format!("{directory}/{below}"))
        });
        files.extend(new);
        files.sort();
        files.dedup();
        Ok(files)
    }
}

fn walk(place: &Path, path: &str, files: &mut Vec<String>) -> Result<(), ReadError> {
    for entry in fs::read_dir(place).map_err(|error| unreadable(path, &error))? {
        let entry = entry.map_err(|error| unreadable(path, &error))?;
        let path = format!("{path}/{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
        if kind.is_dir() {
            walk(&entry.path(), &path, files)?;
        } else if kind.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

fn unreadable(path: &str, error: &io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::NotFound => ReadError::NotFound(path.to_owned()),
        _ => ReadError::Unreadable {
            path: path.to_owned(),
            why: error.to_string(),
        },
    }
}
