//! The simulated API, over HTTP: transcripts in `tests/cases`, and the real kubectl.

mod kubectl;
mod properties;
mod transcript;
