//! `ktl stack seal`

use std::path::{Path, PathBuf};

use ktl_bundle::{SealRequest, seal, write_atomically};
use ktl_report::style::{STRONG, paint};

use super::FailMode;
use crate::error::{Failure, Outcome};
use crate::exit::Exit;
use crate::project::{self, Project};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: project::StackArguments,

    /// What the bundle is for
    #[arg(long, value_enum, default_value = "apply")]
    command: Command,

    /// Rollouts at the same time [default: what the stack's `runner` says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: Option<u32>,

    /// What happens after a failure
    #[arg(long, value_enum, default_value = "fail-fast")]
    fail_mode: FailMode,

    /// The directory that the files are written to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Also write the single-file bundle, under its usual name `bundle.tgz`
    #[arg(long)]
    bundle: bool,

    /// Also write the single-file bundle, under this name in the directory
    #[arg(long, value_name = "FILE")]
    bundle_file: Option<PathBuf>,

    /// The name of the plan in the directory
    #[arg(long, value_name = "FILE", default_value = "plan.json")]
    plan_file: PathBuf,

    /// The name of the attestation in the directory
    #[arg(long, value_name = "FILE", default_value = "attestation.json")]
    attestation_file: PathBuf,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Command {
    /// Make clusters match the stack
    Apply,
    /// Delete what the stack deployed
    Delete,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let output = Project::find(&arguments.stack)?.compile()?;
    let stack = output.plan.stack.clone();
    let request = SealRequest {
        command: match arguments.command {
            Command::Apply => ktl_bundle::Command::Apply,
            Command::Delete => ktl_bundle::Command::Delete,
        },
        concurrency: arguments.concurrency.unwrap_or(output.plan.runner.concurrency),
        fail_mode: arguments.fail_mode.into(),
        plan: output.plan,
        objects: output.objects,
        sources: output.files,
    };
    let sealed = seal(&request).map_err(|error| Failure::new(Exit::Diagnostics, error))?;

    let directory = &arguments.out;
    let bundle_file = arguments
        .bundle_file
        .clone()
        .or_else(|| arguments.bundle.then(|| PathBuf::from("bundle.tgz")));
    write(directory, &arguments.plan_file, &sealed.plan_json)?;
    write(directory, &arguments.attestation_file, &sealed.attestation_json)?;
    write(directory, Path::new("inputs.tar.gz"), &sealed.inputs_tar_gz)?;
    let summary = ktl_report::plan::summary(&request.plan);
    anstream::eprintln!("sealed {}: {summary}", paint(STRONG, stack));
    anstream::eprintln!("  content {}", sealed.content_digest);
    match bundle_file {
        Some(file) => {
            let bundle = write(directory, &file, &sealed.bundle())?;
            anstream::eprintln!("  bundle  {}", bundle.display());
            anstream::eprintln!("next: `ktl stack sign --bundle {} --key KEY`", bundle.display());
        }
        None => anstream::eprintln!("  files   {}", directory.display()),
    }
    Ok(())
}

fn write(directory: &Path, name: &Path, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let path = directory.join(name);
    let folder = path.parent().unwrap_or(directory);
    let result = std::fs::create_dir_all(folder).and_then(|()| write_atomically(&path, bytes));
    result.map_err(|error| Failure::new(Exit::File, format!("cannot write `{}`: {error}", path.display())))?;
    Ok(path)
}
