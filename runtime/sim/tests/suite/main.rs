//! The simulated API, over HTTP: transcripts in `tests/cases`, and the real kubectl.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may panic as tests do"
)]

mod kubectl;
mod properties;
mod transcript;
