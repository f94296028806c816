//! Plans and runs as text and JSON.
