//! Parsing as data: what is valid, what is reported, and what survives a mistake.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod syntax {
    pub mod cases;
    pub mod files;
    pub mod format;
    pub mod limits;
    pub mod soup;
    pub mod sweep;
    pub mod trees;
}
