//! The run: the one loop that joins scheduler, attempts, store and events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ktl_cluster::{Class, Failure};
use ktl_plan::Digest;
use ktl_scheduler::{Budgets, Command as Order, Event as Happened, NodeId, ReleaseId, ReleaseOutcome, Scheduler};
use ktl_store::event::{Cause, Command, DeleteOutcome, Event, EventKind, Outcome, RunStatus, Summary};
use ktl_store::{NewOperation, NewRun, OperationId, OperationResult, StoreError};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::apply::{self, Mode};
use crate::delete;
use crate::graph::{self, History, Task, Tasks};
use crate::preimage::{self, Before};
use crate::request::{Cancel, EngineError, RunRequest, RunSummary};
use crate::retry;

/// What an attempt tells the run.
#[derive(Debug)]
pub(crate) enum Report {
    /// The API server has accepted the apply, or did not need one.
    Applied {
        outcome: Outcome,
        uid: Option<String>,
        resource_version: Option<String>,
    },
    /// The API server has accepted the delete.
    Accepted {
        uid: String,
    },
    Progressing(String),
    Ready(String),
    Deleted(DeleteOutcome),
    Failed {
        failure: Failure,
        evidence: Vec<String>,
    },
    /// The time to repeat a request has come.
    Again,
}

impl Report {
    pub fn applied(outcome: Outcome, object: Option<&Value>) -> Self {
        let text = |pointer| object.and_then(|object| object.pointer(pointer)?.as_str().map(str::to_owned));
        Report::Applied {
            outcome,
            uid: text("/metadata/uid"),
            resource_version: text("/metadata/resourceVersion"),
        }
    }
}

/// Makes the clusters match the plan, or deletes from them what the plan names.
///
/// A failure of an object is no error: it is an event, and part of the summary.
///
/// # Errors
/// The run could not begin, and nothing was changed; or it could not be recorded any more, and was given up.
pub async fn run(request: RunRequest) -> Result<RunSummary, EngineError> {
    let began = Instant::now();
    ktl_plan::validate(&request.plan, &request.objects)?;
    let tasks = graph::build(&request, &History::read(&request)?)?;
    let sent_before: u64 = request.clusters.values().map(ktl_cluster::Cluster::requests).sum();
    let before = match request.command {
        Command::Apply => preimage::read(&tasks.tasks).await?,
        Command::Delete => {
            reachable(&tasks.tasks).await?;
            vec![Before::Unknown; tasks.tasks.len()]
        }
    };
    let mut run = Run::new(request, tasks, before, began, sent_before)?;
    run.begin()?;
    run.drive().await?;
    run.finish()
}

/// A delete asks for each object when it is its turn; whether there is anybody to ask is found out before.
async fn reachable(tasks: &[Arc<Task>]) -> Result<(), EngineError> {
    let clusters: BTreeMap<&String, &Arc<Task>> = tasks.iter().map(|task| (&task.cluster_name, task)).collect();
    for (name, task) in clusters {
        let Err(failure) = task.cluster.probe().await else {
            continue;
        };
        let cluster = name.clone();
        return Err(match failure.code {
            None => EngineError::Unreachable { cluster, failure },
            Some(_) => EngineError::Refused { cluster, failure },
        });
    }
    Ok(())
}

struct Run {
    request: RunRequest,
    scheduler: Scheduler,
    nodes: Vec<NodeRun>,
    releases: Vec<ReleaseRun>,
    mode: Mode,
    began: Instant,
    seq: u64,
    summary: Summary,
    sent_before: u64,
    cancelled: Cancel,
    attempts: JoinSet<()>,
    sender: mpsc::UnboundedSender<(NodeId, Report)>,
    reports: mpsc::UnboundedReceiver<(NodeId, Report)>,
}

struct NodeRun {
    task: Arc<Task>,
    before: Before,
    attempts: u32,
    first_attempt: Option<Instant>,
    operation: Option<OperationId>,
    accepted: bool,
    changed: bool,
    in_doubt: bool,
}

struct ReleaseRun {
    id: String,
    size: u64,
    started: Option<Instant>,
    changed: bool,
}

impl Run {
    fn new(
        request: RunRequest,
        tasks: Tasks,
        before: Vec<Before>,
        began: Instant,
        sent_before: u64,
    ) -> Result<Self, EngineError> {
        let runner = &request.plan.runner;
        let budgets = Budgets {
            rollouts: request.concurrency,
            requests: runner.api_max_in_flight.unwrap_or(Budgets::default().requests),
            limits: runner.limits.clone(),
        };
        // A sound plan has an order, and so has its graph: what is added to it only waits for nothing.
        let scheduler = Scheduler::new(tasks.graph, budgets, request.fail_mode)
            .map_err(|cyclic| EngineError::Plan(ktl_plan::Invalid::Cycle(names(&cyclic.0, &tasks.tasks))))?;
        let nodes = tasks.tasks.into_iter().zip(before).map(|(task, before)| NodeRun {
            task,
            before,
            attempts: 0,
            first_attempt: None,
            operation: None,
            accepted: false,
            changed: false,
            in_doubt: false,
        });
        let releases = tasks
            .releases
            .into_iter()
            .zip(tasks.sizes)
            .map(|(id, size)| ReleaseRun {
                id,
                size,
                started: None,
                changed: false,
            });
        let (sender, reports) = mpsc::unbounded_channel();
        Ok(Run {
            mode: Mode {
                manager: format!("ktl/{}", request.plan.stack).into(),
                dry_run: request.dry_run,
                in_doubt: false,
            },
            scheduler,
            nodes: nodes.collect(),
            releases: releases.collect(),
            request,
            began,
            seq: 0,
            summary: Summary::default(),
            sent_before,
            cancelled: Cancel::No,
            attempts: JoinSet::new(),
            sender,
            reports,
        })
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        let (plan, request) = (Arc::clone(&self.request.plan), &mut self.request);
        if let Some(store) = &mut request.store {
            let canonical = serde_json::to_vec(&*plan).expect("a plan can be written as JSON");
            store.begin_run(&NewRun {
                id: request.run_id.clone(),
                stack: plan.stack.clone(),
                command: request.command,
                plan: Digest::of(&canonical).to_string(),
                dry_run: request.dry_run,
                started: request.started,
            })?;
        }
        let started = EventKind::RunStarted {
            run: request.run_id.clone(),
            stack: plan.stack.clone(),
            command: request.command,
            dry_run: request.dry_run,
            concurrency: request.concurrency,
            fail_mode: request.fail_mode,
            releases: self.releases.len() as u64,
            objects: self.nodes.len() as u64,
        };
        self.emit(started)
    }

    async fn drive(&mut self) -> Result<(), StoreError> {
        let mut cancel = self.request.cancel.clone();
        let mut may_cancel = true;
        // It may have been asked for before the run began.
        self.cancel(*cancel.borrow_and_update())?;
        loop {
            if self.turn()? {
                return Ok(());
            }
            tokio::select! {
                biased;
                asked = cancel.changed(), if may_cancel => match asked {
                    Ok(()) => self.cancel(*cancel.borrow_and_update())?,
                    Err(_) => may_cancel = false,
                },
                report = self.reports.recv() => {
                    let mut next = report;
                    // Whatever else has arrived is recorded in the same commit.
                    while let Some((id, report)) = next {
                        self.take(id, report)?;
                        next = self.reports.try_recv().ok();
                    }
                }
            }
            while self.attempts.try_join_next().is_some() {}
        }
    }

    /// Follows the scheduler's orders; whether all is over.
    fn turn(&mut self) -> Result<bool, StoreError> {
        let mut over = false;
        let mut starts = Vec::new();
        for order in self.scheduler.poll() {
            match order {
                Order::ReleaseStarted(id) => self.release_started(id)?,
                Order::Start(id) => {
                    self.start(id)?;
                    starts.push(id);
                }
                Order::Blocked(id, cause) => {
                    let cause = self.cause(cause);
                    if let Some(task) = self.task(id) {
                        self.summary.blocked += 1;
                        self.emit(EventKind::ObjectBlocked {
                            release: task.release.clone(),
                            object: task.id.clone(),
                            cause,
                        })?;
                    }
                }
                Order::ReleaseFinished(id, outcome) => self.release_finished(id, outcome)?,
                Order::Finished => over = true,
            }
        }
        // Nothing is sent that is not recorded.
        self.flush()?;
        starts.into_iter().for_each(|id| self.send(id));
        Ok(over)
    }

    fn start(&mut self, id: NodeId) -> Result<(), StoreError> {
        let at_ms = self.at_ms();
        let command = self.request.command;
        let Some(node) = self.nodes.get_mut(id.0) else {
            return Ok(());
        };
        node.attempts += 1;
        node.first_attempt.get_or_insert_with(Instant::now);
        let (release, object) = (node.task.release.clone(), node.task.id.clone());
        if let (Some(store), false) = (&mut self.request.store, self.mode.dry_run) {
            let operation = NewOperation {
                node: object.clone(),
                attempt: node.attempts,
                op: command.to_string(),
                digest: if command == Command::Apply {
                    node.task.digest.to_string()
                } else {
                    String::new()
                },
                at_ms,
            };
            node.operation = Some(store.intent(&self.request.run_id, &operation)?);
        }
        self.emit(match command {
            Command::Apply => EventKind::ObjectApplying { release, object },
            Command::Delete => EventKind::ObjectDeleting { release, object },
        })
    }

    fn send(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get(id.0) else { return };
        let (task, before, mode) = (Arc::clone(&node.task), node.before.clone(), self.mode.clone());
        let mode = Mode {
            in_doubt: node.in_doubt,
            ..mode
        };
        let (sender, command) = (self.sender.clone(), self.request.command);
        self.attempts.spawn(async move {
            let _guard = OnPanic(id, sender.clone());
            // The receiver lives as long as the run, and a run that is over needs no reports.
            let report = |report| drop(sender.send((id, report)));
            match command {
                Command::Apply => apply::attempt(&task, before, &mode, &report).await,
                Command::Delete => delete::attempt(&task, &mode, &report).await,
            }
        });
    }

    fn take(&mut self, id: NodeId, report: Report) -> Result<(), StoreError> {
        let Some(task) = self.task(id) else { return Ok(()) };
        let (release, object) = (task.release.clone(), task.id.clone());
        match report {
            Report::Applied {
                outcome,
                uid,
                resource_version,
            } => {
                let (word, count) = match &outcome {
                    Outcome::Created => ("created", &mut self.summary.created),
                    Outcome::Changed => ("changed", &mut self.summary.changed),
                    Outcome::Unchanged => ("unchanged", &mut self.summary.unchanged),
                    Outcome::NotChecked { .. } => ("not-checked", &mut self.summary.not_checked),
                };
                *count += 1;
                self.accepted(id, outcome != Outcome::Unchanged);
                self.result(id, word, uid, resource_version)?;
                self.emit(EventKind::ObjectApplied {
                    release,
                    object,
                    outcome,
                })?;
                self.scheduler.handle(Happened::Applied(id));
            }
            Report::Accepted { uid } => {
                self.accepted(id, true);
                self.result(id, "accepted", Some(uid), None)?;
                self.scheduler.handle(Happened::Applied(id));
            }
            Report::Progressing(evidence) => {
                self.emit(EventKind::ObjectProgressing {
                    release,
                    object,
                    evidence,
                })?;
            }
            Report::Ready(evidence) => {
                self.timing(id)?;
                self.emit(EventKind::ObjectReady {
                    release,
                    object,
                    evidence,
                })?;
                self.scheduler.handle(Happened::Ready(id));
            }
            Report::Deleted(outcome) => {
                let (word, count) = match outcome {
                    DeleteOutcome::Deleted => ("deleted", &mut self.summary.deleted),
                    DeleteOutcome::Absent => ("absent", &mut self.summary.absent),
                    DeleteOutcome::Kept => ("kept", &mut self.summary.kept),
                };
                *count += 1;
                self.result(id, word, None, None)?;
                self.emit(EventKind::ObjectDeleted {
                    release,
                    object,
                    outcome,
                })?;
                self.scheduler.handle(Happened::Ready(id));
            }
            Report::Failed { failure, evidence } => self.failed(id, failure, evidence)?,
            Report::Again => self.scheduler.handle(Happened::Resumed(id)),
        }
        Ok(())
    }

    fn failed(&mut self, id: NodeId, failure: Failure, evidence: Vec<String>) -> Result<(), StoreError> {
        self.result(id, failure.class.as_str(), None, None)?;
        let Some(node) = self.nodes.get(id.0) else {
            return Ok(());
        };
        let (release, object, attempt) = (node.task.release.clone(), node.task.id.clone(), node.attempts);
        let attempts = retry::Attempts {
            run: &self.request.run_id,
            node: &object,
            count: node.attempts,
            elapsed: node.first_attempt.map_or(Duration::ZERO, |first| first.elapsed()),
            timeout: node.task.timeout,
            type_in_plan: node.task.type_in_plan,
        };
        let delay = if node.accepted {
            None
        } else {
            retry::delay(&failure, &attempts)
        };
        let Some(delay) = delay else {
            self.summary.failed += 1;
            self.emit(EventKind::ObjectFailed {
                release,
                object,
                class: failure.class.to_string(),
                message: failure.message,
                evidence,
            })?;
            self.scheduler.handle(Happened::Failed(id));
            return Ok(());
        };
        if let Some(node) = self.nodes.get_mut(id.0) {
            node.in_doubt |= failure.class == Class::Ambiguous;
        }
        self.summary.retries += 1;
        self.emit(EventKind::ObjectRetrying {
            release,
            object,
            class: failure.class.to_string(),
            message: failure.message,
            attempt,
            delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
        })?;
        self.scheduler.handle(Happened::Deferred(id));
        let sender = self.sender.clone();
        self.attempts.spawn(async move {
            tokio::time::sleep(delay).await;
            drop(sender.send((id, Report::Again)));
        });
        Ok(())
    }

    fn cancel(&mut self, asked: Cancel) -> Result<(), StoreError> {
        if asked <= self.cancelled {
            return Ok(());
        }
        self.cancelled = asked;
        self.emit(EventKind::CancelRequested {
            hard: asked == Cancel::Stop,
        })?;
        self.scheduler.handle(Happened::Cancelled);
        if asked == Cancel::Stop {
            self.attempts.abort_all();
            let running: Vec<NodeId> = self.scheduler.running().collect();
            for id in running {
                let Some(node) = self.nodes.get(id.0) else { continue };
                let what = if node.accepted {
                    "was not waited for"
                } else {
                    "was cut off; its request may have been sent"
                };
                let failure = Failure::new(Class::Cancelled, what);
                self.failed(id, failure, Vec::new())?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<RunSummary, EngineError> {
        let sent: u64 = self.request.clusters.values().map(ktl_cluster::Cluster::requests).sum();
        self.summary.requests = sent.saturating_sub(self.sent_before);
        self.summary.duration_ms = self.at_ms();
        let unfinished = self.summary.blocked > 0 || self.cancelled == Cancel::Stop;
        let status = match (self.cancelled, self.summary.failed) {
            (Cancel::Drain | Cancel::Stop, _) if unfinished => RunStatus::Cancelled,
            (_, 0) => RunStatus::Succeeded,
            _ => RunStatus::Failed,
        };
        self.emit(EventKind::RunFinished {
            status,
            summary: self.summary.clone(),
        })?;
        self.flush()?;
        Ok(RunSummary {
            status,
            summary: self.summary,
        })
    }

    fn release_started(&mut self, id: ReleaseId) -> Result<(), StoreError> {
        let Some(release) = self.releases.get_mut(id.0) else {
            return Ok(());
        };
        release.started = Some(Instant::now());
        let started = EventKind::ReleaseStarted {
            release: release.id.clone(),
            objects: release.size,
        };
        self.emit(started)
    }

    fn release_finished(&mut self, id: ReleaseId, outcome: ReleaseOutcome) -> Result<(), StoreError> {
        let cause = match outcome {
            ReleaseOutcome::Blocked(cause) => Some(self.cause(cause)),
            _ => None,
        };
        let Some(state) = self.releases.get(id.0) else {
            return Ok(());
        };
        let release = state.id.clone();
        let duration = state.started.map_or(Duration::ZERO, |started| started.elapsed());
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let finished = match (outcome, cause) {
            (ReleaseOutcome::Failed(failed), _) => {
                self.summary.releases_failed += 1;
                EventKind::ReleaseFailed {
                    release,
                    failed: failed as u64,
                    duration_ms,
                }
            }
            (_, Some(cause)) => {
                self.summary.releases_blocked += 1;
                EventKind::ReleaseBlocked { release, cause }
            }
            (_, None) => {
                self.summary.releases_ready += 1;
                EventKind::ReleaseReady {
                    release,
                    unchanged: !state.changed,
                    duration_ms,
                }
            }
        };
        self.emit(finished)
    }

    fn cause(&self, cause: ktl_scheduler::Cause) -> Cause {
        let name = |id| self.task(id).map(|task| task.id.clone()).unwrap_or_default();
        match cause {
            ktl_scheduler::Cause::Needs(id) => Cause::Needs { failed: name(id) },
            ktl_scheduler::Cause::FailFast(id) => Cause::FailFast { failed: name(id) },
            ktl_scheduler::Cause::Cancelled => Cause::Cancelled,
        }
    }

    fn accepted(&mut self, id: NodeId, changed: bool) {
        let Some(node) = self.nodes.get_mut(id.0) else { return };
        node.accepted = true;
        node.changed = changed;
        let release = node.task.release.as_ref();
        let release = self
            .releases
            .iter_mut()
            .find(|candidate| Some(&candidate.id) == release);
        if let Some(release) = release {
            release.changed |= changed;
        }
    }

    /// How long rollouts that had something to do take is remembered: it decides what goes first next time.
    fn timing(&mut self, id: NodeId) -> Result<(), StoreError> {
        let Some(node) = self.nodes.get(id.0) else {
            return Ok(());
        };
        let (Some(first), Some(store)) = (node.first_attempt, &mut self.request.store) else {
            return Ok(());
        };
        if !node.task.rollout || !node.changed || self.mode.dry_run {
            return Ok(());
        }
        let took = u64::try_from(first.elapsed().as_millis()).unwrap_or(u64::MAX);
        store.record_timing(&self.request.plan.stack, &node.task.id, took)
    }

    /// Closes the journal's entry of a node's last request.
    fn result(
        &mut self,
        id: NodeId,
        result: &str,
        uid: Option<String>,
        resource_version: Option<String>,
    ) -> Result<(), StoreError> {
        let at_ms = self.at_ms();
        let operation = self.nodes.get_mut(id.0).and_then(|node| node.operation.take());
        let (Some(operation), Some(store)) = (operation, &mut self.request.store) else {
            return Ok(());
        };
        store.result(
            operation,
            &OperationResult {
                result: result.to_owned(),
                uid,
                resource_version,
                at_ms,
            },
        )
    }

    fn emit(&mut self, kind: EventKind) -> Result<(), StoreError> {
        self.seq += 1;
        let event = Event {
            seq: self.seq,
            at_ms: self.at_ms(),
            kind,
        };
        if let Some(store) = &mut self.request.store {
            store.append(&self.request.run_id, &event)?;
        }
        (self.request.events)(&event);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.request.store.as_mut().map_or(Ok(()), ktl_store::Store::flush)
    }

    fn task(&self, id: NodeId) -> Option<Arc<Task>> {
        self.nodes.get(id.0).map(|node| Arc::clone(&node.task))
    }

    fn at_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Reports an attempt that panics, which would otherwise be waited for for ever.
struct OnPanic(NodeId, mpsc::UnboundedSender<(NodeId, Report)>);

impl Drop for OnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let failure = Failure::new(Class::Unknown, "ktl failed inside, which is a defect of ktl");
            drop(self.1.send((
                self.0,
                Report::Failed {
                    failure,
                    evidence: Vec::new(),
                },
            )));
        }
    }
}

fn names(ids: &[NodeId], tasks: &[Arc<Task>]) -> Vec<String> {
    ids.iter()
        .filter_map(|id| tasks.get(id.0))
        .map(|task| task.id.clone())
        .collect()
}
