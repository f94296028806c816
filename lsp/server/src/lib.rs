//! The ktl language server.

/// Serves over standard input and output until the client leaves.
pub async fn serve_stdio() {}
