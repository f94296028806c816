//! The compiler's view of a directory on disk, for the command line and the editor.
//!
//! ```no_run
//! use ktl_compiler::{Request, check};
//! use ktl_world::DiskWorld;
//!
//! let checked = check(&DiskWorld::new("examples/shop"), &Request::default());
//! assert!(checked.diagnostics.is_empty());
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ktl_compiler::{ReadError, World};

/// No source file is larger; what is, is no source file.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// A project directory, with what an editor has open laid over it. A path of the compiler never leads out of it.
#[derive(Clone, Debug)]
pub struct DiskWorld<'a> {
    root: PathBuf,
    open: Option<&'a BTreeMap<PathBuf, Arc<str>>>,
}

impl<'a> DiskWorld<'a> {
    /// The world of the files below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        DiskWorld {
            root: root.into(),
            open: None,
        }
    }

    /// Lays open documents over the files: their texts, by absolute path.
    pub fn with_open(self, open: &'a BTreeMap<PathBuf, Arc<str>>) -> Self {
        DiskWorld {
            open: Some(open),
            ..self
        }
    }

    /// The place of a project path. The compiler hands out no path with `..` in it; one that came through all the same
    /// is treated as missing.
    fn locate(&self, path: &str) -> Result<PathBuf, ReadError> {
        let inside = path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..");
        if inside {
            Ok(self.root.join(path))
        } else {
            Err(ReadError::NotFound(path.to_owned()))
        }
    }
}

impl World for DiskWorld<'_> {
    fn read(&self, path: &str) -> Result<Arc<[u8]>, ReadError> {
        let place = self.locate(path)?;
        if let Some(text) = self.open.and_then(|open| open.get(&place)) {
            return Ok(Arc::from(text.as_bytes()));
        }
        let size = fs::metadata(&place).map_err(|error| unreadable(path, &error))?.len();
        if size > LARGEST_FILE {
            let why = format!("it has {size} bytes, more than the {LARGEST_FILE} that a source file may have");
            return Err(ReadError::Unreadable {
                path: path.to_owned(),
                why,
            });
        }
        fs::read(&place)
            .map(Arc::from)
            .map_err(|error| unreadable(path, &error))
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, ReadError> {
        let place = self.locate(directory)?;
        let mut files = Vec::new();
        walk(&place, directory, &mut files)?;
        let open = self.open.into_iter().flat_map(BTreeMap::keys);
        let unsaved = open.filter_map(|open| open.strip_prefix(&place).ok()?.to_str());
        files.extend(unsaved.map(|below| format!("{directory}/{below}")));
        files.sort();
        files.dedup();
        Ok(files)
    }
}

fn walk(place: &Path, path: &str, files: &mut Vec<String>) -> Result<(), ReadError> {
    for entry in fs::read_dir(place).map_err(|error| unreadable(path, &error))? {
        let entry = entry.map_err(|error| unreadable(path, &error))?;
        let name = entry.file_name();
        let path = format!("{path}/{}", name.to_string_lossy());
        let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
        if name.to_str().is_none() {
            return Err(ReadError::Unreadable {
                path,
                why: "its name is not UTF-8".to_owned(),
            });
        } else if kind.is_symlink() {
            // A link could lead out of the project, and a bundle could not hold what it leads to under this name.
            return Err(ReadError::Unreadable {
                path,
                why: "it is a symbolic link; put the file itself there".to_owned(),
            });
        } else if kind.is_dir() {
            walk(&entry.path(), &path, files)?;
        } else if kind.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

fn unreadable(path: &str, error: &io::Error) -> ReadError {
    if error.kind() == io::ErrorKind::NotFound {
        ReadError::NotFound(path.to_owned())
    } else {
        ReadError::Unreadable {
            path: path.to_owned(),
            why: error.to_string(),
        }
    }
}
