//! `ktl stack verify`

use std::path::PathBuf;

use ktl_bundle::{Outcome as StepOutcome, Verdict, open};
use ktl_report::style::{BAD, FAINT, GOOD, WARN, paint};

use super::{Format, print};
use crate::error::{Failure, Outcome};
use crate::exit::Exit;

#[derive(clap::Args)]
pub struct Arguments {
    /// The bundle
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,

    #[command(flatten)]
    trust: super::TrustArguments,

    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    output: Format,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let (trust, key_warnings) = arguments.trust.trust()?;
    let opened = open(&arguments.bundle, &trust);
    let verdict = match &opened {
        Ok(opened) => &opened.verdict,
        Err(error) => error.verdict(),
    };
    match arguments.output {
        Format::Text => print(&text(verdict)),
        Format::Json => {
            let json = serde_json::to_string_pretty(verdict).expect("a verdict can be written");
            print(&(json + "\n"));
        }
    }
    let opened = opened.map_err(|error| super::refused(&error))?;
    super::warn(key_warnings.iter().chain(&opened.warnings));
    if opened.verdict.steps.is_empty() {
        return Err(Failure::new(Exit::Internal, "no step of the verification was taken"));
    }
    let by = match opened.signers.as_slice() {
        [] => "nobody that could be checked".to_owned(),
        signers => ktl_report::words::list(signers),
    };
    anstream::eprintln!("{} is whole; signed by {by}", arguments.bundle.display());
    Ok(())
}

fn text(verdict: &Verdict) -> String {
    let lines = verdict.steps.iter().map(|step| {
        let outcome = match step.outcome {
            StepOutcome::Passed => paint(GOOD, "passed        "),
            StepOutcome::Failed => paint(BAD, "failed        "),
            StepOutcome::NotConfigured => paint(FAINT, "not configured"),
            StepOutcome::Skipped => paint(WARN, "skipped       "),
        };
        format!("{:<11} {outcome} {}\n", step.id.to_string(), step.detail)
    });
    lines.collect()
}
