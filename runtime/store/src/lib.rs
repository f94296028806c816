//! Runs, events and timings in SQLite, and the one event type that console, JSON stream and store share.

pub mod event;
