//! What happens in a run, as one type for the console, the JSON stream and the store.

use std::fmt;

use ktl_plan::FailMode;
use serde::{Deserialize, Serialize};

/// One thing that happened. As JSON it is flat: `{"seq":3,"atMs":120,"type":"objectReady","object":…}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Position in the run, from 1 without gaps.
    pub seq: u64,
    /// Milliseconds since the run started.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened. Releases and objects are named by their ids in the plan.
///
/// Every release of the plan ends in one of `ReleaseReady`, `ReleaseFailed`, `ReleaseBlocked`, and every object in one
/// of `ObjectReady`, `ObjectDeleted`, `ObjectFailed`, `ObjectBlocked`. The only objects without a release are namespaces
/// that releases use and the stack does not declare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum EventKind {
    /// Always the first.
    RunStarted {
        /// The run's id.
        run: String,
        /// The stack's name.
        stack: String,
        /// What the run does.
        command: Command,
        /// Whether nothing is to be changed.
        dry_run: bool,
        /// Rollouts at the same time.
        concurrency: u32,
        /// What happens after a failure.
        fail_mode: FailMode,
        /// Releases of the plan.
        releases: u64,
        /// Objects, implicit namespaces included.
        objects: u64,
    },
    /// The first object of a release may go.
    ReleaseStarted {
        /// The release.
        release: String,
        /// How many objects it has.
        objects: u64,
    },
    /// The request is about to be sent.
    ObjectApplying {
        /// Its release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<String>,
        /// The object.
        object: String,
    },
    /// The API server has accepted it; its readiness may take longer.
    ObjectApplied {
        /// Its release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<String>,
        /// The object.
        object: String,
        /// What that did.
        outcome: Outcome,
    },
    /// It is not ready yet, and the evidence is not what it was.
    ObjectProgressing {
        /// Its release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<String>,
        /// The object.
        object: String,
        /// `status.readyReplicas 1 of 3`
        evidence: String,
    },
    /// It is ready by the rule of its kind. The last event of a successful apply.
    ObjectReady {
        /// Its release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<String>,
        /// The object.
        object: String,
        /// What shows it.
        evidence: String,
    },
    /// The delete request is about to be sent.
    ObjectDeleting {
        /// Its release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<String>,
        /// The object.
        object: String,
    },
    /// It is gone. The last event of a successful delete.
    ObjectDeleted {
        /// Its release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<String>,
        /// The object.
        object: String,
        /// `deleted`, `absent` when it was not there, `kept` when it is not ours to delete.
        outcome: DeleteOutcome,
    },
    /// A request failed in a way that may pass.
    ObjectRetrying {
        /// Its release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<String>,
        /// The object.
        object: String,
        /// The class of the failure, one kebab-case word.
        class: String,
        /// What went wrong.
        message: String,
        /// Attempts so far, from 1.
        attempt: u32,
        /// When the next attempt follows, in milliseconds.
        delay_ms: u64,
    },
    /// It failed for good.
    ObjectFailed {
        /// Its release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<String>,
        /// The object.
        object: String,
        /// The class of the failure, one kebab-case word.
        class: String,
        /// What went wrong, one line.
        message: String,
        /// What was seen: waiting reasons of pods, last events; one line each, possibly none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        evidence: Vec<String>,
    },
    /// It was never tried.
    ObjectBlocked {
        /// Its release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<String>,
        /// The object.
        object: String,
        /// Why not.
        cause: Cause,
    },
    /// All objects of a release are ready (or deleted).
    ReleaseReady {
        /// The release.
        release: String,
        /// Whether no object was created, changed or deleted.
        unchanged: bool,
        /// Since its `ReleaseStarted`, in milliseconds.
        duration_ms: u64,
    },
    /// At least one of its objects failed, and nothing of it runs any more.
    ReleaseFailed {
        /// The release.
        release: String,
        /// How many objects failed.
        failed: u64,
        /// Since its `ReleaseStarted`, in milliseconds.
        duration_ms: u64,
    },
    /// None of its objects failed, but some were never tried.
    ReleaseBlocked {
        /// The release.
        release: String,
        /// Why not.
        cause: Cause,
    },
    /// The user asked to stop.
    CancelRequested {
        /// `false`: nothing new starts. `true`: nothing is waited for either.
        hard: bool,
    },
    /// Always the last.
    RunFinished {
        /// How it ended.
        status: RunStatus,
        /// In numbers.
        summary: Summary,
    },
}

impl EventKind {
    /// The object that this is about.
    pub fn object(&self) -> Option<&str> {
        match self {
            EventKind::ObjectApplying { object, .. }
            | EventKind::ObjectApplied { object, .. }
            | EventKind::ObjectProgressing { object, .. }
            | EventKind::ObjectReady { object, .. }
            | EventKind::ObjectDeleting { object, .. }
            | EventKind::ObjectDeleted { object, .. }
            | EventKind::ObjectRetrying { object, .. }
            | EventKind::ObjectFailed { object, .. }
            | EventKind::ObjectBlocked { object, .. } => Some(object),
            _ => None,
        }
    }

    /// The release that this is about, also for an object's event.
    pub fn release(&self) -> Option<&str> {
        match self {
            EventKind::ObjectApplying { release, .. }
            | EventKind::ObjectApplied { release, .. }
            | EventKind::ObjectProgressing { release, .. }
            | EventKind::ObjectReady { release, .. }
            | EventKind::ObjectDeleting { release, .. }
            | EventKind::ObjectDeleted { release, .. }
            | EventKind::ObjectRetrying { release, .. }
            | EventKind::ObjectFailed { release, .. }
            | EventKind::ObjectBlocked { release, .. } => release.as_deref(),
            EventKind::ReleaseStarted { release, .. }
            | EventKind::ReleaseReady { release, .. }
            | EventKind::ReleaseFailed { release, .. }
            | EventKind::ReleaseBlocked { release, .. } => Some(release),
            EventKind::RunStarted { .. } | EventKind::CancelRequested { .. } | EventKind::RunFinished { .. } => None,
        }
    }
}

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Command {
    /// Makes the cluster match the plan.
    Apply,
    /// Deletes what the plan names.
    Delete,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Command::Apply => "apply",
            Command::Delete => "delete",
        })
    }
}

/// What an apply did to an object, or in a dry run would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Outcome {
    /// It was not there.
    Created,
    /// It was there and is now different.
    Changed,
    /// It was as it should be.
    Unchanged,
    /// Only in a dry run: the API server could not be asked.
    NotChecked {
        /// Why not: its type is not served yet, its namespace does not exist yet.
        reason: String,
    },
}

/// What a delete did to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeleteOutcome {
    /// It was there and is gone; in a dry run, would be deleted.
    Deleted,
    /// It was not there.
    Absent,
    /// It is there and was not made by this stack.
    Kept,
}

/// Why something was not tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Cause {
    /// It needs something that failed, possibly through others.
    Needs {
        /// The object that failed first.
        failed: String,
    },
    /// Something else failed, and nothing new starts after a failure.
    FailFast {
        /// The object that failed first.
        failed: String,
    },
    /// The user asked to stop.
    Cancelled,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Needs { failed } => write!(f, "needs `{failed}`, which failed"),
            Cause::FailFast { failed } => write!(f, "not started after `{failed}` failed"),
            Cause::Cancelled => f.write_str("not started after the run was cancelled"),
        }
    }
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunStatus {
    /// It has no end yet: it runs, or its process died.
    Running,
    /// Everything is ready (or gone).
    Succeeded,
    /// Something failed.
    Failed,
    /// The user stopped it.
    Cancelled,
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RunStatus::Running => "running",
            RunStatus::Succeeded => "succeeded",
            RunStatus::Failed => "failed",
            RunStatus::Cancelled => "cancelled",
        })
    }
}

/// A run in numbers. An object counts once among `created` to `not_checked` when it was accepted, and once more among
/// `failed` when it was accepted and then did not become ready.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Releases that are ready (or gone).
    pub releases_ready: u64,
    /// Releases with a failure.
    pub releases_failed: u64,
    /// Releases that were not finished for another reason.
    pub releases_blocked: u64,
    /// Objects created.
    pub created: u64,
    /// Objects changed.
    pub changed: u64,
    /// Objects that were as they should be.
    pub unchanged: u64,
    /// Objects that a dry run could not check.
    pub not_checked: u64,
    /// Objects deleted.
    pub deleted: u64,
    /// Objects that were not there to delete.
    pub absent: u64,
    /// Objects that were not ours to delete.
    pub kept: u64,
    /// Objects that failed.
    pub failed: u64,
    /// Objects that were never tried.
    pub blocked: u64,
    /// Requests sent to API servers.
    pub requests: u64,
    /// Requests that were repeated.
    pub retries: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

impl Summary {
    /// Whether the run left every object as it was.
    pub fn is_unchanged(&self) -> bool {
        self.created + self.changed + self.deleted + self.failed + self.blocked + self.not_checked == 0
    }
}
