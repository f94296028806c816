//! `ktl lsp`

use crate::error::{Failure, Outcome};
use crate::exit::Exit;

pub fn run() -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Internal, format!("cannot start: {error}")))?;
    let asked = runtime.block_on(ktl_lsp::serve_stdio());
    // Standard input is read on a thread that cannot be interrupted, and nothing is left to wait for.
    runtime.shutdown_background();
    // The protocol: an exit that was not announced by `shutdown` is a failure.
    if asked {
        Ok(())
    } else {
        Err(Failure::told(Exit::Diagnostics))
    }
}
