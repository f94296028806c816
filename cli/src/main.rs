//! The `ktl` binary: arguments, wiring, printing, exit codes. One file per command in `command/`.

mod command;
mod confirm;
mod console;
mod diagnostics;
mod error;
mod execute;
mod exit;
mod project;

use std::process::ExitCode;

use clap::Parser;

/// Deploy many Kubernetes releases fast and with controlled risk.
#[derive(Parser)]
#[command(name = "ktl", version, propagate_version = true, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: command::Command,
}

fn main() -> ExitCode {
    match command::run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
