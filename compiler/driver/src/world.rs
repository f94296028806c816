//! Where the compiler gets files from. It has no other way to the outside.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The project's files, by path from the project root, `/`-separated, without `.` and `..`.
pub trait World {
    /// The bytes of a file.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    fn read(&self, path: &str) -> Result<Arc<[u8]>, ReadError>;

    /// The paths of all files below a directory, at any depth, sorted.
    ///
    /// # Errors
    /// When there is no such directory, or it cannot be listed.
    fn list(&self, directory: &str) -> Result<Vec<String>, ReadError>;
}

/// Why a file could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is none.
    #[error("there is no `{0}`")]
    NotFound(String),
    /// There is one, but.
    #[error("cannot read `{path}`: {why}")]
    Unreadable {
        /// The path.
        path: String,
        /// What the system said.
        why: String,
    },
}

/// Files in memory: for tests, and for what an editor has not saved.
#[derive(Clone, Debug, Default)]
pub struct MemoryWorld {
    files: BTreeMap<String, Arc<[u8]>>,
}

impl MemoryWorld {
    /// Puts a file, over one of the same path.
    pub fn put(&mut self, path: impl Into<String>, bytes: impl Into<Arc<[u8]>>) {
        self.files.insert(path.into(), bytes.into());
    }
}

impl World for MemoryWorld {
    fn read(&self, path: &str) -> Result<Arc<[u8]>, ReadError> {
        self.files
            .get(path)
            .cloned()
            .ok_or_else(|| ReadError::NotFound(path.to_owned()))
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, ReadError> {
        let found: Vec<String> = self
            .files
            .keys()
            .filter(|path| is_below(path, directory))
            .cloned()
            .collect();
        if found.is_empty() {
            Err(ReadError::NotFound(directory.to_owned()))
        } else {
            Ok(found)
        }
    }
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// A world that remembers what was read: these files, and no others, are the plan's sources.
pub(crate) struct Recorder<'a> {
    world: &'a dyn World,
    files: RefCell<BTreeMap<String, Arc<[u8]>>>,
}

impl<'a> Recorder<'a> {
    pub fn new(world: &'a dyn World) -> Self {
        Recorder {
            world,
            files: RefCell::default(),
        }
    }

    pub fn into_files(self) -> BTreeMap<String, Arc<[u8]>> {
        self.files.into_inner()
    }
}

impl World for Recorder<'_> {
    fn read(&self, path: &str) -> Result<Arc<[u8]>, ReadError> {
        if let Some(bytes) = self.files.borrow().get(path) {
            return Ok(Arc::clone(bytes));
        }
        let bytes = self.world.read(path)?;
        self.files.borrow_mut().insert(path.to_owned(), Arc::clone(&bytes));
        Ok(bytes)
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, ReadError> {
        self.world.list(directory)
    }
}
