//! `ktl stack plan`

use super::{Format, print};
use crate::error::Outcome;
use crate::project::{self, Project};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: project::StackArguments,

    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    output: Format,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let output = Project::find(&arguments.stack)?.compile()?;
    print(&match arguments.output {
        Format::Text => ktl_report::plan::text(&output.plan),
        Format::Json => ktl_report::plan::json(&output.plan),
    });
    Ok(())
}
