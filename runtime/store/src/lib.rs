//! Runs, events and timings in SQLite.
