//! Runs, events, requests and timings in SQLite, and the one event type that console, JSON stream and store share.
//!
//! The store knows nothing of clusters, plans or clocks: whoever calls it says what happened and when. It is used
//! synchronously, on the task that calls it. What is written becomes durable with [`Store::flush`], all of it or
//! nothing, so that a run can commit once per turn and before each round of requests.
//!
//! ```
//! use ktl_store::event::{Command, Event, EventKind, RunStatus, Summary};
//! use ktl_store::{NewRun, Store};
//! # let folder = std::env::temp_dir().join(format!("ktl-store-doc-{}", std::process::id()));
//! let mut store = Store::open(&folder)?;
//! store.begin_run(&NewRun {
//!     id: "r1".into(), stack: "shop".into(), command: Command::Apply, plan: "sha256:…".into(), dry_run: false, started: 0,
//! })?;
//! let kind = EventKind::RunFinished { status: RunStatus::Succeeded, summary: Summary::default() };
//! store.append("r1", &Event { seq: 1, at_ms: 5, kind })?;
//! store.flush()?;
//! assert_eq!(store.verify("r1")?, 1);
//! # std::fs::remove_dir_all(&folder).ok();
//! # Ok::<(), ktl_store::StoreError>(())
//! ```

pub mod event;
mod journal;
mod query;
mod schema;
mod store;

pub use journal::{NewOperation, OperationId, OperationResult};
pub use query::{ObjectRecord, OperationRecord, ReleaseRecord, RunRecord, State, Timing};
pub use store::{NewRun, Store, StoreError};
