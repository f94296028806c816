//! `ktl stack runs`

use std::path::PathBuf;

use ktl_report::words::duration;
use ktl_store::Store;

use super::{Format, print};
use crate::error::{Failure, Outcome};
use crate::exit::Exit;
use crate::project::state_directory;

#[derive(clap::Args)]
pub struct Arguments {
    /// The stack's directory, whose runs are listed; unless `KTL_STATE_DIR` is set
    #[arg(long, value_name = "DIR", default_value = ".")]
    config: PathBuf,

    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    output: Format,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let runs = open(&arguments.config)?.map_or(Ok(Vec::new()), |store| store.runs(None));
    let runs = runs.map_err(|error| Failure::new(Exit::Store, error))?;
    if arguments.output == Format::Json {
        let json = serde_json::to_string_pretty(&runs).expect("runs can be written");
        print(&(json + "\n"));
        return Ok(());
    }
    if runs.is_empty() {
        anstream::eprintln!(
            "no runs are recorded in `{}`",
            state_directory(&arguments.config).display()
        );
        return Ok(());
    }
    let mut table = vec![["RUN", "STACK", "COMMAND", "STARTED", "TOOK", "STATUS"].map(str::to_owned)];
    for run in runs {
        let command = if run.dry_run {
            format!("{} (dry run)", run.command)
        } else {
            run.command.to_string()
        };
        let took = run.duration_ms.map(duration).unwrap_or_default();
        table.push([
            run.id,
            run.stack,
            command,
            time(run.started),
            took,
            run.status.to_string(),
        ]);
    }
    print(&columns(&table));
    Ok(())
}

/// The store of a stack's directory; `None` where nothing was ever recorded.
pub fn open(config: &std::path::Path) -> Result<Option<Store>, Failure> {
    let root = if config.is_file() {
        config.parent().unwrap_or(config)
    } else {
        config
    };
    let directory = state_directory(root);
    if !directory.is_dir() {
        return Ok(None);
    }
    Store::open(&directory)
        .map(Some)
        .map_err(|error| Failure::new(Exit::Store, error))
}

/// `2026-11-23 09:45:12Z`
pub fn time(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Rows under each other, columns as wide as their widest cell, two spaces apart.
pub fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = width(column).unwrap_or_default();
            line.push_str(&format!("{cell:<width$}  "));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
