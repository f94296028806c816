//! The one error that commands return: what a person reads, and the number that a script gets.

use std::fmt;

use crate::exit::Exit;

/// A command's failure. Printed as `error: …` with an optional `help: …` line.
#[derive(Debug)]
pub struct Failure {
    message: Option<String>,
    help: Option<String>,
    code: u8,
}

impl Failure {
    /// A failure with its message: lower case, no full stop.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Failure {
            message: Some(message.to_string()),
            help: None,
            code: exit as u8,
        }
    }

    /// A failure whose story has been told already, by diagnostics or by the run's summary.
    pub fn told(exit: Exit) -> Self {
        Failure {
            message: None,
            help: None,
            code: exit as u8,
        }
    }

    /// A failure to verify a bundle, whose code says which step failed.
    pub fn verification(code: u8, message: impl fmt::Display) -> Self {
        Failure {
            message: Some(message.to_string()),
            help: None,
            code,
        }
    }

    /// Says how to mend it.
    pub fn help(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(help.to_string());
        self
    }

    /// Prints it to standard error, and returns the process's exit code.
    pub fn report(&self) -> std::process::ExitCode {
        if let Some(message) = &self.message {
            let bad = ktl_report::style::BAD;
            anstream::eprintln!("{bad}error:{bad:#} {message}");
        }
        if let Some(help) = &self.help {
            let good = ktl_report::style::GOOD;
            anstream::eprintln!("{good}help:{good:#} {help}");
        }
        std::process::ExitCode::from(self.code)
    }
}

/// What a command returns.
pub type Outcome = Result<(), Failure>;
