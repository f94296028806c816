//! Exit codes that are not about a bundle; `ktl_bundle::Failure` has those. `docs/exit-codes.md` lists all, and a test
//! compares it with both.

/// How a command ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The stack has errors, or a test of it failed. Success is 0, which needs no name.
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
