//! What a run is given and what it gives back.

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_cluster::{Cluster, Failure};
use ktl_plan::{FailMode, Invalid, Objects, Plan};
use ktl_store::event::{Command, Event, RunStatus, Summary};
use ktl_store::{Store, StoreError};
use tokio::sync::watch;

/// Gets every event, in order, on the task of the run: it must not take long.
pub type EventSink = Box<dyn FnMut(&Event) + Send>;

/// A run.
pub struct RunRequest {
    /// What is to be there.
    pub plan: Arc<Plan>,
    /// The bodies of the plan's objects.
    pub objects: Arc<Objects>,
    /// The plan's clusters by name.
    pub clusters: BTreeMap<String, Cluster>,
    /// Apply or delete.
    pub command: Command,
    /// Rollouts at the same time, at least 1.
    pub concurrency: u32,
    /// What happens after a failure.
    pub fail_mode: FailMode,
    /// Whether only dry-run requests are sent.
    pub dry_run: bool,
    /// Where the run is recorded, if it is.
    pub store: Option<Store>,
    /// Unique among all runs of the store. Jitter is derived from it.
    pub run_id: String,
    /// When it begins, in seconds since 1970.
    pub started: i64,
    /// Who is told.
    pub events: EventSink,
    /// Asks the run to stop; see [`Cancel::channel`].
    pub cancel: watch::Receiver<Cancel>,
}

/// Whether the user asked to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cancel {
    /// No.
    #[default]
    No,
    /// Nothing new starts, what runs is waited for: the first Ctrl-C.
    Drain,
    /// Nothing is waited for either: the second Ctrl-C.
    Stop,
}

impl Cancel {
    /// A pair to ask by and to be asked by. A sender that is dropped asks for nothing.
    pub fn channel() -> (watch::Sender<Cancel>, watch::Receiver<Cancel>) {
        watch::channel(Cancel::No)
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// How.
    pub status: RunStatus,
    /// In numbers.
    pub summary: Summary,
}

/// Why a run could not begin, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The plan is not sound.
    #[error("the plan cannot be executed: {0}")]
    Plan(#[from] Invalid),
    /// The plan names a cluster that the request does not have.
    #[error("no connection is given for cluster `{0}` of the plan")]
    NoCluster(String),
    /// An object's body is not what it should be.
    #[error("the body of `{object}` cannot be read: {message}")]
    Body {
        /// The object's id.
        object: String,
        /// What is wrong.
        message: String,
    },
    /// A cluster does not answer. Nothing was changed.
    #[error("cannot reach cluster `{cluster}`: {failure}")]
    Unreachable {
        /// The cluster's name.
        cluster: String,
        /// What happened.
        failure: Failure,
    },
    /// A cluster answers, and refuses to show what it has. Nothing was changed.
    #[error("cluster `{cluster}` refuses: {failure}")]
    Refused {
        /// The cluster's name.
        cluster: String,
        /// What it says.
        failure: Failure,
    },
    /// The run cannot be recorded any more. Nothing is sent that is not recorded.
    #[error(transparent)]
    Store(#[from] StoreError),
}
