//! The ktl language server: diagnostics while one types, over the language server protocol.
//!
//! Document changes are put into one queue in the order in which they arrive and applied by one task, the only owner of
//! the open documents (`state`). Analysis is the compiler itself, run on the files on disk with the open documents laid
//! over them (`analysis`); it knows nothing of the protocol, whose types only the module `protocol` names.
//!
//! This crate must not know anything about the language: what is wrong, where, and how to mend it is the compiler's to
//! say, so that the editor and the command line never differ.

mod analysis;
mod document;
mod protocol;
mod state;

use tokio::io::{AsyncRead, AsyncWrite};

/// Serves the client on standard input and output until it says `exit` or goes away.
///
/// Says whether the client said `shutdown` before, as it should: a process then exits with 0, else with 1. Standard input
/// is read on a thread that cannot be interrupted, so the process should exit rather than wait for its runtime.
pub async fn serve_stdio() -> bool {
    serve(tokio::io::stdin(), tokio::io::stdout()).await
}

/// Serves one client on any pair of streams. Like [`serve_stdio`].
pub async fn serve(input: impl AsyncRead + Unpin, output: impl AsyncWrite) -> bool {
    protocol::serve(input, output, analysis::analyse).await
}
