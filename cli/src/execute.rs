//! Running a plan: what `apply` and `delete` have in common.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ktl_bundle::open;
use ktl_cluster::{Cluster, ConnectError, ConnectOptions};
use ktl_engine::{Cancel, EngineError, RunRequest, RunSummary};
use ktl_plan::{FailMode, Objects, Plan};
use ktl_store::Store;
use ktl_store::event::RunStatus;

pub use ktl_store::event::Command;

use crate::command::{Format, TrustArguments, refused, warn};
use crate::confirm::confirm;
use crate::console::Console;
use crate::error::{Failure, Outcome};
use crate::exit::Exit;
use crate::project::{self, Project, state_directory};

/// When the simulated cluster of `--sim` begins: 2026-01-01. Fixed, so that its runs are the same every time.
const SIMULATED_START: i64 = 1_767_225_600;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: project::StackArguments,

    /// Execute this bundle instead of compiling a stack
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "profile", "inputs"])]
    from_bundle: Option<PathBuf>,

    #[command(flatten)]
    trust: TrustArguments,

    /// Run against a simulated cluster that is empty, lives as long as this command, and takes no real time
    #[arg(long, conflicts_with_all = ["kubeconfig", "context"])]
    sim: bool,

    /// The kubeconfig [default: `$KUBECONFIG`, then `~/.kube/config`]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The kubeconfig's context, for a stack with one cluster
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// Rollouts at the same time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: Option<u32>,

    /// What happens after a failure
    #[arg(long, value_enum)]
    fail_mode: Option<crate::command::FailMode>,

    /// Ask the API server what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Do not ask before changing a cluster
    #[arg(long)]
    yes: bool,

    /// What to print: lines for people, or one JSON event per line
    #[arg(long, value_enum, default_value = "text")]
    output: Format,
}

/// A plan that may be executed, and how.
struct Work {
    plan: Arc<Plan>,
    objects: Arc<Objects>,
    concurrency: u32,
    fail_mode: FailMode,
    state: PathBuf,
    /// What a kubeconfig path in the plan is relative to.
    root: PathBuf,
}

/// Runs the plan of the arguments, from sources or from a bundle.
pub fn execute(arguments: &Arguments, command: Command) -> Outcome {
    let work = match &arguments.from_bundle {
        Some(file) => from_bundle(file, arguments, command)?,
        None => from_sources(arguments)?,
    };
    let concurrency = arguments.concurrency.unwrap_or(work.concurrency);
    let fail_mode = arguments.fail_mode.map_or(work.fail_mode, Into::into);
    if !arguments.sim && !arguments.dry_run {
        let verb = if command == Command::Apply { "Apply" } else { "Delete" };
        let question = format!(
            "{verb} {} ({})?",
            work.plan.stack,
            ktl_report::plan::summary(&work.plan)
        );
        confirm(arguments.yes, &question)?;
    }
    let options = connections(arguments, &work)?;
    let stack = work.plan.stack.clone();
    let finished = runtime(arguments.sim)?.block_on(async {
        let mut clusters = BTreeMap::new();
        for (name, options) in options {
            let cluster = match options {
                Some(options) => Cluster::connect(options)
                    .await
                    .map_err(|error| unreachable(&name, &error))?,
                None => simulated(),
            };
            clusters.insert(name, cluster);
        }
        // A run of the simulator is over when the process is: recording it would hide the runs that were real.
        let store = if arguments.sim {
            None
        } else {
            Some(Store::open(&work.state).map_err(|e| Failure::new(Exit::Store, e))?)
        };
        let (ask, cancel) = Cancel::channel();
        let started = if arguments.sim { SIMULATED_START } else { now() };
        let mut console = Console::new(arguments.output == Format::Json, arguments.sim);
        let request = RunRequest {
            plan: work.plan,
            objects: work.objects,
            clusters,
            command,
            concurrency,
            fail_mode,
            dry_run: arguments.dry_run,
            store,
            run_id: run_id(started, arguments.sim)?,
            started,
            events: Box::new(move |event| console.show(event)),
            cancel,
        };
        if arguments.sim {
            // On a paused clock waiting for a signal would be waiting for nothing.
            return ktl_engine::run(request).await.map_err(failed);
        }
        tokio::select! {
            finished = ktl_engine::run(request) => finished.map_err(failed),
            never = interrupts(ask) => match never {},
        }
    })?;
    conclude(arguments, command, &stack, &finished)
}

fn from_sources(arguments: &Arguments) -> Result<Work, Failure> {
    let project = Project::find(&arguments.stack)?;
    let output = project.compile()?;
    Ok(Work {
        concurrency: output.plan.runner.concurrency,
        fail_mode: output.plan.runner.fail_mode,
        plan: Arc::new(output.plan),
        objects: Arc::new(output.objects),
        state: project.state_directory(),
        root: project.root,
    })
}

fn from_bundle(file: &std::path::Path, arguments: &Arguments, command: Command) -> Result<Work, Failure> {
    let (trust, warnings) = arguments.trust.trust()?;
    let opened = open(file, &trust).map_err(|error| refused(&error))?;
    warn(warnings.iter().chain(&opened.warnings));
    let sealed = match opened.statement.predicate.command {
        ktl_bundle::Command::Apply => Command::Apply,
        ktl_bundle::Command::Delete => Command::Delete,
    };
    if sealed != command {
        let message = format!(
            "`{}` was sealed to {sealed} the stack, not to {command} it",
            file.display()
        );
        return Err(Failure::new(Exit::Usage, message)
            .help(format!("use `ktl stack {sealed} --from-bundle {}`", file.display())));
    }
    Ok(Work {
        concurrency: opened.statement.predicate.runtime.concurrency,
        fail_mode: opened.statement.predicate.runtime.fail_mode,
        plan: Arc::new(opened.plan),
        objects: Arc::new(opened.objects),
        state: state_directory(std::path::Path::new(".")),
        root: PathBuf::from("."),
    })
}

/// How to reach each cluster of the plan; `None` for a simulated one.
fn connections(arguments: &Arguments, work: &Work) -> Result<BTreeMap<String, Option<ConnectOptions>>, Failure> {
    let several = work.plan.clusters.len() > 1;
    if several && let Some(context) = &arguments.context {
        let names: Vec<&str> = work.plan.clusters.keys().map(String::as_str).collect();
        let message = format!(
            "`--context {context}` names one context, and the stack goes to {}",
            ktl_report::words::list(&names)
        );
        return Err(Failure::new(Exit::Usage, message).help("give each `cluster` of the stack its `context`"));
    }
    let mut connections = BTreeMap::new();
    for (name, cluster) in &work.plan.clusters {
        if arguments.sim {
            connections.insert(name.clone(), None);
            continue;
        }
        let context = arguments.context.clone().or_else(|| cluster.context.clone());
        if several && context.is_none() {
            let message = format!("cluster `{name}` has no context, and the stack goes to several clusters");
            return Err(Failure::new(Exit::Usage, message).help(format!("write `cluster {name} {{ context: \"…\" }}`")));
        }
        let own = cluster.kubeconfig.as_ref().map(|path| work.root.join(path));
        let kubeconfig = arguments.kubeconfig.clone().or(own);
        connections.insert(name.clone(), Some(ConnectOptions { kubeconfig, context }));
    }
    Ok(connections)
}

fn simulated() -> Cluster {
    let options = ktl_sim::Options {
        start: SIMULATED_START,
        ..Default::default()
    };
    Cluster::from_service(ktl_sim::Cluster::new(options).service())
}

/// Real time, or for the simulator a clock that jumps to whatever is next.
fn runtime(paused: bool) -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(paused)
        .build();
    runtime.map_err(|error| Failure::new(Exit::Internal, format!("cannot start: {error}")))
}

/// The first Ctrl-C drains, the second stops.
async fn interrupts(ask: tokio::sync::watch::Sender<Cancel>) -> std::convert::Infallible {
    for cancel in [Cancel::Drain, Cancel::Stop] {
        if tokio::signal::ctrl_c().await.is_err() {
            break;
        }
        // The run may be over already.
        let _ = ask.send(cancel);
    }
    std::future::pending().await
}

/// Says how it ended.
fn conclude(arguments: &Arguments, command: Command, stack: &str, finished: &RunSummary) -> Outcome {
    let RunSummary { status, summary } = finished;
    if arguments.output == Format::Text {
        let text = ktl_report::run::summary(stack, command, arguments.dry_run, *status, summary);
        crate::command::print(&format!("{text}\n"));
    }
    match status {
        RunStatus::Succeeded => Ok(()),
        RunStatus::Cancelled => Err(next_step(arguments, Failure::told(Exit::RunCancelled))),
        RunStatus::Failed | RunStatus::Running => Err(next_step(arguments, Failure::told(Exit::RunFailed))),
    }
}

fn next_step(arguments: &Arguments, failure: Failure) -> Failure {
    if arguments.sim || arguments.dry_run {
        return failure;
    }
    failure.help("`ktl stack status` shows what failed; the same command again continues where this one ended")
}

fn failed(error: EngineError) -> Failure {
    let exit = match &error {
        EngineError::Plan(_) | EngineError::Body { .. } => Exit::Diagnostics,
        EngineError::NoCluster(_) => Exit::Internal,
        EngineError::Unreachable { .. } | EngineError::Refused { .. } => Exit::Cluster,
        EngineError::Store(_) => Exit::Store,
    };
    Failure::new(exit, error)
}

fn unreachable(cluster: &str, error: &ConnectError) -> Failure {
    let failure = Failure::new(Exit::Cluster, format!("cluster `{cluster}`: {error}"));
    match error {
        ConnectError::Unreachable { .. } => {
            failure.help("check that the cluster runs, and that this machine reaches it")
        }
        ConnectError::Refused { .. } => failure.help("check the user of the kubeconfig's context"),
        _ => failure.help("name a kubeconfig with `--kubeconfig`, or try `--sim` for a simulated cluster"),
    }
}

/// `20261123-094512-3f2a`: sorts by time, and two of the same second differ.
fn run_id(started: i64, sim: bool) -> Result<String, Failure> {
    let time = jiff::Timestamp::from_second(started)
        .unwrap_or_default()
        .strftime("%Y%m%d-%H%M%S");
    let mut tail = [0_u8; 2];
    if !sim {
        getrandom::fill(&mut tail).map_err(|error| Failure::new(Exit::Internal, format!("no randomness: {error}")))?;
    }
    let [first, second] = tail;
    Ok(format!("{time}-{first:02x}{second:02x}"))
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
