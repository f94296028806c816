//! The compiler's view of a directory on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ktl_compiler::{ReadError, World};

/// No source file is larger; what is, is no source file.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// A project directory. Nothing outside it can be read through this.
#[derive(Clone, Debug)]
pub struct DiskWorld {
    root: PathBuf,
}

impl DiskWorld {
    /// The world of the files below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        DiskWorld { root: root.into() }
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

impl World for DiskWorld {
    fn read(&self, path: &str) -> Result<Arc<[u8]>, ReadError> {
        let place = self.locate(path)?;
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
        let mut files = Vec::new();
        walk(&self.locate(directory)?, directory, &mut files)?;
        files.sort();
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
