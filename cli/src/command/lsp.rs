//! `ktl lsp`

use crate::error::{Failure, Outcome};
use crate::exit::Exit;

pub fn run() -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Internal, format!("cannot start: {error}")))?;
    runtime.block_on(ktl_lsp::serve_stdio());
    Ok(())
}
