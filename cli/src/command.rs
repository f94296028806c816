//! The commands. Each file holds the arguments and the work of one.

mod apply;
mod check;
mod delete;
mod fmt;
mod graph;
mod keygen;
mod lsp;
mod plan;
mod runs;
mod seal;
mod sign;
mod sim;
mod status;
mod test;
mod verify;

use std::path::PathBuf;

use ktl_bundle::{KeyFileError, Trust, VerifyError, read_public};

use crate::error::{Failure, Outcome};
use crate::exit::Exit;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Say what is wrong with a stack
    Check(check::Arguments),
    /// Run a stack's tests
    Test(test::Arguments),
    /// Lay out `.ktl` files as everybody does
    Fmt(fmt::Arguments),
    /// Plan, seal, apply and delete a stack
    #[command(subcommand)]
    Stack(Stack),
    /// A simulated Kubernetes API
    #[command(subcommand)]
    Sim(sim::Command),
    /// The language server, over standard input and output
    Lsp,
}

#[derive(clap::Subcommand)]
pub enum Stack {
    /// Show what the stack becomes, in the order in which it would be rolled out
    Plan(plan::Arguments),
    /// Show which release needs which, for other tools to draw
    Graph(graph::Arguments),
    /// Make the plan into a bundle that is executed elsewhere exactly as it is
    Seal(seal::Arguments),
    /// Make a key pair for signing bundles
    Keygen(keygen::Arguments),
    /// Sign a bundle
    Sign(sign::Arguments),
    /// Check a bundle's digests and signatures, without executing it
    Verify(verify::Arguments),
    /// Make clusters match the stack
    Apply(apply::Arguments),
    /// Delete from clusters what the stack deployed, in reverse order
    Delete(delete::Arguments),
    /// Show how the last run of the stack ended, or how far it is
    Status(status::Arguments),
    /// List the recorded runs
    Runs(runs::Arguments),
}

pub fn run(command: Command) -> Outcome {
    match command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::Stack(stack) => match stack {
            Stack::Plan(arguments) => plan::run(&arguments),
            Stack::Graph(arguments) => graph::run(&arguments),
            Stack::Seal(arguments) => seal::run(&arguments),
            Stack::Keygen(arguments) => keygen::run(&arguments),
            Stack::Sign(arguments) => sign::run(&arguments),
            Stack::Verify(arguments) => verify::run(&arguments),
            Stack::Apply(arguments) => apply::run(&arguments),
            Stack::Delete(arguments) => delete::run(&arguments),
            Stack::Status(arguments) => status::run(&arguments),
            Stack::Runs(arguments) => runs::run(&arguments),
        },
        Command::Sim(command) => sim::run(command),
        Command::Lsp => lsp::run(),
    }
}

/// What a command prints to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For machines
    Json,
}

/// Prints data. A reader that went away (`| head`) is no failure.
pub fn print(text: &str) {
    use std::io::Write;
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// What happens after a failure.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum FailMode {
    /// Nothing new starts; what runs is waited for
    FailFast,
    /// Everything that does not need the failed one goes on
    Continue,
}

impl From<FailMode> for ktl_plan::FailMode {
    fn from(mode: FailMode) -> Self {
        match mode {
            FailMode::FailFast => ktl_plan::FailMode::FailFast,
            FailMode::Continue => ktl_plan::FailMode::Continue,
        }
    }
}

/// Whose bundles are accepted.
#[derive(clap::Args)]
pub struct TrustArguments {
    /// The public key of somebody who may seal; may be given several times
    #[arg(long = "pub", value_name = "FILE")]
    public: Vec<PathBuf>,

    /// Refuse a bundle that is not signed, or not by a known key
    #[arg(long)]
    require_signature: bool,
}

impl TrustArguments {
    /// The trust, and what is to be said about the keys.
    pub fn trust(&self) -> Result<(Trust, Vec<String>), Failure> {
        let mut warnings = Vec::new();
        let mut keys = Vec::new();
        for file in &self.public {
            let read = read_public(file).map_err(|error| key_failure(&error))?;
            if read.from_private {
                let file = file.display();
                warnings.push(format!(
                    "`{file}` is a private key; whoever verifies should only have the public one"
                ));
            }
            keys.push(read.key);
        }
        let trust = if keys.is_empty() {
            Trust::none()
        } else {
            Trust::public_keys(keys)
        };
        Ok((
            if self.require_signature {
                trust.require_signature()
            } else {
                trust
            },
            warnings,
        ))
    }
}

fn key_failure(error: &KeyFileError) -> Failure {
    let failure = Failure::new(Exit::File, error);
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// A bundle that is refused, with the exit code of the step that failed.
pub fn refused(error: &VerifyError) -> Failure {
    let failure = Failure::verification(error.exit_code(), error);
    if error.help().is_empty() {
        failure
    } else {
        failure.help(error.help())
    }
}

/// Prints warnings to standard error.
pub fn warn<'a>(warnings: impl Iterator<Item = &'a String>) {
    for warning in warnings {
        anstream::eprintln!(
            "{} {warning}",
            ktl_report::style::paint(ktl_report::style::WARN, "warning:")
        );
    }
}
