//! Drives the scheduler against clusters: a plan goes in, events come out, and the clusters match the plan.
//!
//! The engine decides nothing about order ([`ktl_scheduler`] does) and speaks no HTTP ([`ktl_cluster`] does). It sends
//! what the scheduler starts, waits for readiness, repeats what may pass, and tells the store and the caller all of it.
//! It knows tokio's clock alone and nothing of terminals, files or the language.
//!
//! ```no_run
//! # async fn example(plan: ktl_plan::Plan, objects: ktl_plan::Objects) -> Result<(), Box<dyn std::error::Error>> {
//! use std::{collections::BTreeMap, sync::Arc};
//! use ktl_cluster::{Cluster, ConnectOptions};
//! use ktl_engine::{Cancel, RunRequest, run};
//! use ktl_store::event::Command;
//!
//! let cluster = Cluster::connect(ConnectOptions::default()).await?;
//! let (cancel, cancelled) = Cancel::channel();
//! let summary = run(RunRequest {
//!     concurrency: plan.runner.concurrency,
//!     fail_mode: plan.runner.fail_mode,
//!     plan: Arc::new(plan),
//!     objects: Arc::new(objects),
//!     clusters: BTreeMap::from([("main".to_owned(), cluster)]),
//!     command: Command::Apply,
//!     dry_run: false,
//!     store: None,
//!     run_id: "r1".into(),
//!     started: 0,
//!     events: Box::new(|event| println!("{event:?}")),
//!     cancel: cancelled,
//! })
//! .await?;
//! # drop(cancel);
//! # Ok(())
//! # }
//! ```

mod apply;
mod delete;
mod evidence;
mod graph;
mod preimage;
mod request;
mod retry;
mod run;
mod wait;

pub use request::{Cancel, EngineError, EventSink, RunRequest, RunSummary};
pub use run::run;
