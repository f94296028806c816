//! Bundles from outside: what is sealed can be opened, and what was tampered with cannot.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "this is a test: a panic is how it fails"
)]

mod archives;
mod fixture;
mod forge;
mod json;
mod key_files;
mod mutations;
mod names;
mod round_trip;
mod signatures;
