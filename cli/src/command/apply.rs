//! `ktl stack apply`

use crate::error::Outcome;
use crate::execute::{self, Command};

pub use crate::execute::Arguments;

pub fn run(arguments: &Arguments) -> Outcome {
    execute::execute(arguments, Command::Apply)
}
