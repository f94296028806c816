//! `ktl test`

use std::path::PathBuf;

use ktl_compiler::{Diagnostic, Severity, Sources, Span, TestOutcome, Tested, test};
use ktl_report::style::{BAD, GOOD, paint};
use ktl_report::words::count;
use ktl_world::DiskWorld;
use serde_json::{Value, json};

use super::{Format, print};
use crate::diagnostics;
use crate::error::{Failure, Outcome};
use crate::exit::Exit;
use crate::project::{Project, StackArguments};

#[derive(clap::Args)]
pub struct Arguments {
    /// The stack: a directory that holds `stack.ktl`, or a file
    #[arg(long, value_name = "DIR|FILE", default_value = ".")]
    config: PathBuf,

    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    output: Format,
}

pub fn run(arguments: &Arguments) -> Outcome {
    // Each test says itself which profile and inputs it is about.
    let project = Project::find(&StackArguments {
        config: arguments.config.clone(),
        profile: None,
        inputs: Vec::new(),
    })?;
    let Tested { checked, tests } = test(&DiskWorld::new(&project.root), &project.request);
    let sources = &checked.sources;
    let broken = checked
        .diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error);
    let failed = tests.iter().filter(|test| !test.passed()).count();
    match arguments.output {
        Format::Json => {
            let report = json!({
                "diagnostics": list(sources, &checked.diagnostics),
                "tests": tests.iter().map(|test| outcome(sources, test)).collect::<Vec<_>>(),
                "passed": tests.len() - failed,
                "failed": failed,
            });
            print(&format!("{report:#}\n"));
        }
        Format::Text => {
            diagnostics::print(sources, &checked.diagnostics);
            for test in &tests {
                text(sources, test);
            }
            if !tests.is_empty() {
                print(&format!("{}, {failed} failed\n", count(tests.len(), "test")));
            }
        }
    }
    if broken {
        return Err(Failure::told(Exit::Diagnostics));
    }
    if tests.is_empty() {
        return Err(Failure::new(Exit::Diagnostics, "the stack has no tests")
            .help("add one to its entry file: `test \"every image is pinned\" { expect … }`"));
    }
    if failed > 0 {
        return Err(Failure::told(Exit::Diagnostics));
    }
    Ok(())
}

/// A line for each test, and below one that failed what was found.
fn text(sources: &Sources, test: &TestOutcome) {
    let verdict = if test.passed() {
        paint(GOOD, "ok")
    } else {
        paint(BAD, "failed")
    };
    print(&format!("test \"{}\" … {verdict}\n", test.name));
    let colour = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    for diagnostic in &test.diagnostics {
        print(&format!("{}\n", diagnostics::render(sources, diagnostic, colour)));
    }
}

fn outcome(sources: &Sources, test: &TestOutcome) -> Value {
    let Span { file, start, .. } = test.span;
    let file = sources.get(file);
    json!({
        "name": test.name,
        "file": file.path(),
        "line": file.position(start).line,
        "passed": test.passed(),
        "diagnostics": list(sources, &test.diagnostics),
    })
}

fn list(sources: &Sources, found: &[Diagnostic]) -> Value {
    diagnostics::json(sources, found)
        .get("diagnostics")
        .cloned()
        .unwrap_or_default()
}
