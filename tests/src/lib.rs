//! Test suites over the whole of ktl, their harness, and the repository's own commands.
//!
//! A suite drives the built `ktl` as a user would: through its arguments, files and output. It names no crate that does
//! ktl's work, except to compare a list that is defined there. The suites are below `tests/tests`, one binary each, and
//! their cases are files beside them. [`transcript`] runs console sessions that are written down in Markdown:
//!
//! ````markdown
//! ```ktl file=stack.ktl
//! stack hello edition 1 { namespace: "hello" }
//! ```
//!
//! ```console
//! $ ktl check
//! ok: no errors
//! ```
//! ````

pub mod binary;
pub mod files;
pub mod transcript;

use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the tests' folder is in the repository")
        .to_owned()
}

/// Whether expected output is to be written instead of compared: `UPDATE=1`.
pub fn update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}
