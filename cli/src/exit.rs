//! Exit codes, defined once. `docs/exit-codes.md` says the same; a test compares them.

use std::process::ExitCode;

/// How a command ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked.
    Success = 0,
    /// The stack has errors, or a test of it failed.
    Diagnostics = 1,
    /// The command line makes no sense; clap uses the same number.
    Usage = 2,
    /// A file cannot be read or written.
    File = 3,
    /// A cluster cannot be reached, or does not let us in.
    Cluster = 4,
    /// The run ended, and not everything is as it should be.
    RunFailed = 5,
    /// The run was stopped by the user.
    RunCancelled = 6,
    /// The run store cannot be used.
    Store = 7,
    /// A defect of ktl.
    Internal = 70,
}

/// Every code that is not about a bundle, with its meaning.
pub const MEANINGS: [(Exit, &str); 9] = [
    (Exit::Success, "the command did what was asked"),
    (
        Exit::Diagnostics,
        "the stack has errors, or a test of it failed; nothing was done",
    ),
    (Exit::Usage, "the command line makes no sense"),
    (Exit::File, "a file cannot be read or written"),
    (Exit::Cluster, "a cluster cannot be reached, or does not let us in"),
    (Exit::RunFailed, "the run ended, and not everything is ready (or gone)"),
    (Exit::RunCancelled, "the run was stopped by the user"),
    (Exit::Store, "the run store cannot be used"),
    (Exit::Internal, "a defect of ktl"),
];

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
