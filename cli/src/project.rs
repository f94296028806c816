//! Which stack a command is about, and what it compiles to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ktl_compiler::{Checked, ENTRY, Output, Request, compile};
use ktl_world::DiskWorld;

use crate::diagnostics;
use crate::error::Failure;
use crate::exit::Exit;

/// The arguments of every command that compiles a stack.
#[derive(clap::Args, Clone, Debug)]
pub struct StackArguments {
    /// The stack: a directory that holds `stack.ktl`, or a file
    #[arg(long, value_name = "DIR|FILE", default_value = ".")]
    pub config: PathBuf,

    /// The profile to lay over the stack [default: the stack's own]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,

    /// The value of an input; may be given several times
    #[arg(long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
}

/// A stack on disk.
#[derive(Clone, Debug)]
pub struct Project {
    /// The directory that holds everything the stack may read.
    pub root: PathBuf,
    /// What to compile.
    pub request: Request,
}

impl Project {
    /// Finds the stack that the arguments name.
    pub fn find(arguments: &StackArguments) -> Result<Project, Failure> {
        let config = &arguments.config;
        let (root, entry) = if config.is_dir() {
            if !config.join(ENTRY).is_file() {
                let message = format!("there is no `{ENTRY}` in `{}`", config.display());
                return Err(Failure::new(Exit::File, message)
                    .help("go to the stack's directory, or name it with `--config DIR`"));
            }
            (config.clone(), ENTRY.to_owned())
        } else if config.is_file() {
            let name = config.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let root = config
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty())
                .unwrap_or(Path::new("."));
            (root.to_owned(), name)
        } else {
            let message = format!("there is no `{}`", config.display());
            return Err(Failure::new(Exit::File, message).help("`--config` takes a stack's directory, or its file"));
        };
        let request = Request {
            entry,
            profile: arguments.profile.clone(),
            inputs: inputs(&arguments.inputs)?,
            today: Some(today()?),
        };
        Ok(Project { root, request })
    }

    /// Compiles it and prints what was found. Warnings go to standard error and do not stop it.
    pub fn compile(&self) -> Result<Output, Failure> {
        let compiled = compile(&DiskWorld::new(&self.root), &self.request);
        let Checked { sources, diagnostics } = &compiled.checked;
        diagnostics::print(sources, diagnostics);
        compiled.output.ok_or_else(|| Failure::told(Exit::Diagnostics))
    }

    /// Where runs of this stack are recorded.
    pub fn state_directory(&self) -> PathBuf {
        state_directory(&self.root)
    }
}

/// `$KTL_STATE_DIR`, else `.ktl` in the given directory.
pub fn state_directory(root: &Path) -> PathBuf {
    std::env::var_os("KTL_STATE_DIR")
        .filter(|dir| !dir.is_empty())
        .map_or_else(|| root.join(".ktl"), PathBuf::from)
}

/// The date in UTC, as `YYYY-MM-DD`: of `$SOURCE_DATE_EPOCH` for builds that are repeated, else of now.
fn today() -> Result<String, Failure> {
    let now = match std::env::var_os("SOURCE_DATE_EPOCH").filter(|epoch| !epoch.is_empty()) {
        None => jiff::Timestamp::now(),
        Some(epoch) => epoch
            .to_str()
            .and_then(|epoch| epoch.parse::<i64>().ok())
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
            .ok_or_else(|| {
                let message = format!(
                    "`SOURCE_DATE_EPOCH` is `{}`, which is no point in time",
                    epoch.display()
                );
                Failure::new(Exit::Usage, message).help("set it to seconds since 1970, or unset it")
            })?,
    };
    Ok(now.to_string().chars().take_while(|c| *c != 'T').collect())
}

fn inputs(given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut inputs = BTreeMap::new();
    for text in given {
        let Some((name, value)) = text.split_once('=') else {
            let message = format!("`--input {text}` has no value");
            return Err(Failure::new(Exit::Usage, message).help(format!("write `--input {text}=VALUE`")));
        };
        if inputs.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Failure::new(Exit::Usage, format!("`--input {name}` is given twice")));
        }
    }
    Ok(inputs)
}
