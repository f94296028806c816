//! `ktl stack graph`

use super::print;
use crate::error::Outcome;
use crate::project::{self, Project};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: project::StackArguments,

    /// The language to print the graph in
    #[arg(long, value_enum, default_value = "dot")]
    format: Language,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Language {
    /// Graphviz
    Dot,
    /// Mermaid, as Markdown renderers draw it
    Mermaid,
    /// Nodes and edges with reasons
    Json,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let output = Project::find(&arguments.stack)?.compile()?;
    print(&match arguments.format {
        Language::Dot => ktl_report::graph::dot(&output.plan),
        Language::Mermaid => ktl_report::graph::mermaid(&output.plan),
        Language::Json => ktl_report::graph::json(&output.plan),
    });
    Ok(())
}
