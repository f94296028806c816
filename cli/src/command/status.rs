//! `ktl stack status`

use std::path::PathBuf;

use ktl_report::words::duration;
use ktl_store::State;
use serde_json::json;

use super::runs::{columns, open, time};
use super::{Format, print};
use crate::error::{Failure, Outcome};
use crate::exit::Exit;
use crate::project::state_directory;

#[derive(clap::Args)]
pub struct Arguments {
    /// The stack's directory, whose last run is shown; unless `KTL_STATE_DIR` is set
    #[arg(long, value_name = "DIR", default_value = ".")]
    config: PathBuf,

    /// A run, as `ktl stack runs` lists it [default: the last one]
    #[arg(value_name = "RUN")]
    run: Option<String>,

    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    output: Format,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let failed = |error| Failure::new(Exit::Store, error);
    let nothing = || {
        let directory = state_directory(&arguments.config);
        Failure::new(Exit::Store, format!("no run is recorded in `{}`", directory.display()))
            .help("`ktl stack apply` records one; `--config DIR` names the stack's directory")
    };
    let store = open(&arguments.config)?.ok_or_else(nothing)?;
    let run = match &arguments.run {
        Some(id) => store.run(id).map_err(failed)?.ok_or_else(|| {
            Failure::new(Exit::Store, format!("there is no run `{id}`")).help("`ktl stack runs` lists them")
        })?,
        None => store
            .runs(None)
            .map_err(failed)?
            .into_iter()
            .next()
            .ok_or_else(nothing)?,
    };
    let releases = store.releases(&run.id).map_err(failed)?;
    let objects = store.objects(&run.id).map_err(failed)?;
    if arguments.output == Format::Json {
        let value = json!({ "run": run, "releases": releases, "objects": objects });
        print(&format!("{value:#}\n"));
        return Ok(());
    }

    let mut out = format!(
        "run {} of {}, {}, started {}: {}\n",
        run.id,
        run.stack,
        run.command,
        time(run.started),
        run.status
    );
    if let Some(summary) = &run.summary {
        let summary = ktl_report::run::summary(&run.stack, run.command, run.dry_run, run.status, summary);
        out.push_str(&format!("{summary}\n"));
    }
    out.push('\n');
    let mut table = vec![["RELEASE", "STATE", "TOOK", "DETAIL"].map(str::to_owned)];
    for release in &releases {
        let took = release
            .started_ms
            .zip(release.done_ms)
            .map(|(from, to)| duration(to.saturating_sub(from)));
        let state = format!("{:?}", release.state).to_lowercase();
        table.push([
            release.id.clone(),
            state,
            took.unwrap_or_default(),
            release.detail.clone(),
        ]);
    }
    out.push_str(&columns(&table));
    for object in objects.iter().filter(|object| object.state == State::Failed) {
        out.push_str(&format!("\nfailed {}\n", object.id));
        for line in object.detail.lines() {
            out.push_str(&format!("  {line}\n"));
        }
    }
    print(&out);
    Ok(())
}
