//! `ktl check`

use ktl_compiler::{Checked, Severity, check};
use ktl_world::DiskWorld;

use super::{Format, print};
use crate::diagnostics;
use crate::error::{Failure, Outcome};
use crate::exit::Exit;
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
    let project = Project::find(&arguments.stack)?;
    let Checked { sources, diagnostics } = check(&DiskWorld::new(&project.root), &project.request);
    match arguments.output {
        Format::Text if diagnostics.is_empty() => anstream::eprintln!("no errors"),
        Format::Text => diagnostics::print(&sources, &diagnostics),
        Format::Json => print(&format!("{:#}\n", diagnostics::json(&sources, &diagnostics))),
    }
    if diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error)
    {
        return Err(Failure::told(Exit::Diagnostics));
    }
    Ok(())
}
