//! The ktl language server.
