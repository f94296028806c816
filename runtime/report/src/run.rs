//! A run as lines of text: one per thing that a person would want to know, and a summary at the end.

use std::collections::BTreeMap;

use ktl_store::event::{Cause, Command, DeleteOutcome, Event, EventKind, Outcome, RunStatus, Summary};

use crate::style::{BAD, FAINT, GOOD, STRONG, WARN, paint};
use crate::words::{count, duration, visible};

/// Turns the events of one run into lines, in their order.
///
/// What is as it should be is not told: a second apply of an unchanged stack begins, and says at its end that nothing had
/// to change. A release is told from the moment that something of it changes or is waited for.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    run: Option<(Command, bool)>,
    /// Releases that run: how many objects each has, and whether its start was told.
    running: BTreeMap<String, (u64, bool)>,
}

impl Lines {
    /// For a run that has not begun.
    pub fn new() -> Self {
        Lines::default()
    }

    /// What the event deserves: mostly nothing, else a line, or several with newlines between them: the start of a
    /// release that was not worth telling before, the evidence of a failure.
    ///
    /// Lines begin with the time since the run started and have no newline at the end.
    pub fn show(&mut self, event: &Event) -> Option<String> {
        let lines = [self.start(&event.kind), self.text(&event.kind)];
        let time = paint(FAINT, format!("{:>7}", duration(event.at_ms)));
        let lines: Vec<String> = lines
            .into_iter()
            .flatten()
            .map(|line| format!("{time} {line}"))
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// The start of the event's release, if this event is the first to make it worth telling.
    fn start(&mut self, event: &EventKind) -> Option<String> {
        let told = match event {
            EventKind::ObjectApplied { outcome, .. } => matches!(outcome, Outcome::Created | Outcome::Changed),
            EventKind::ObjectDeleted { outcome, .. } => *outcome == DeleteOutcome::Deleted,
            EventKind::ObjectProgressing { .. } => true,
            _ => false,
        };
        let release = event.release().filter(|_| told)?;
        let (objects, started) = self.running.get_mut(release)?;
        if std::mem::replace(started, true) {
            return None;
        }
        let objects = paint(FAINT, count(number(*objects), "object"));
        Some(format!("{} {} {objects}", word(FAINT, "started"), visible(release)))
    }

    fn text(&mut self, event: &EventKind) -> Option<String> {
        let line = match event {
            EventKind::RunStarted {
                stack,
                command,
                dry_run,
                concurrency,
                fail_mode,
                releases,
                objects,
                ..
            } => {
                self.run = Some((*command, *dry_run));
                let what = match (command, dry_run) {
                    (Command::Apply, false) => "applying",
                    (Command::Apply, true) => "dry run of applying",
                    (Command::Delete, false) => "deleting",
                    (Command::Delete, true) => "dry run of deleting",
                };
                format!(
                    "{what} {}: {}, {}; {} at a time, {fail_mode}",
                    paint(STRONG, visible(stack)),
                    count(number(*releases), "release"),
                    count(number(*objects), "object"),
                    count(number(u64::from(*concurrency)), "rollout"),
                )
            }
            EventKind::ReleaseStarted { release, objects } => {
                self.running.insert(release.clone(), (*objects, false));
                return None;
            }
            EventKind::ReleaseReady {
                release,
                unchanged,
                duration_ms,
            } => {
                let (_, told) = self.running.remove(release).unwrap_or_default();
                if *unchanged && !told {
                    return None;
                }
                let done = match (unchanged, self.run) {
                    (true, _) => "unchanged",
                    (false, Some((_, true))) => "checked",
                    (false, Some((Command::Delete, _))) => "gone",
                    (false, _) => "ready",
                };
                let time = paint(FAINT, format!("in {}", duration(*duration_ms)));
                let style = if *unchanged { FAINT } else { GOOD };
                format!("{} {} {time}", word(style, done), visible(release))
            }
            EventKind::ReleaseFailed { release, failed, .. } => {
                self.running.remove(release);
                let failed = count(number(*failed), "object");
                format!("{} {} {failed}", word(BAD, "failed"), visible(release))
            }
            EventKind::ReleaseBlocked { release, cause } => {
                let (_, told) = self.running.remove(release).unwrap_or_default();
                // When all that is left is given up at once, its number is in the summary.
                if !told && !matches!(cause, Cause::Needs { .. }) {
                    return None;
                }
                let cause = visible(&cause.to_string()).into_owned();
                format!("{} {}: {cause}", word(WARN, "blocked"), visible(release))
            }
            EventKind::ObjectRetrying {
                object,
                message,
                attempt,
                delay_ms,
                ..
            } => format!(
                "{} {}: {}; attempt {} in {}",
                word(WARN, "retrying"),
                visible(object),
                visible(message),
                attempt.saturating_add(1),
                duration(*delay_ms),
            ),
            EventKind::ObjectFailed {
                object,
                message,
                evidence,
                ..
            } => {
                let seen = evidence.iter().enumerate();
                let seen = seen.filter(|(index, line)| *index > 0 || *line != message);
                let seen: String = seen.map(|(_, line)| format!("\n{:19}{}", "", visible(line))).collect();
                format!(
                    "{} {}: {}{seen}",
                    word(BAD, "failed"),
                    visible(object),
                    visible(message)
                )
            }
            EventKind::ObjectDeleted {
                object,
                outcome: DeleteOutcome::Kept,
                ..
            } => format!(
                "{} {}: it was not made by this stack",
                word(WARN, "kept"),
                visible(object)
            ),
            EventKind::ObjectApplied {
                object,
                outcome: Outcome::NotChecked { reason },
                ..
            } => format!("{} {}: {}", word(FAINT, "unchecked"), visible(object), visible(reason)),
            EventKind::CancelRequested { hard: false } => format!(
                "{} nothing new starts; press Ctrl-C again to stop waiting",
                word(WARN, "stopping")
            ),
            EventKind::CancelRequested { hard: true } => format!("{} without waiting", word(WARN, "stopping")),
            EventKind::ObjectApplying { .. }
            | EventKind::ObjectApplied { .. }
            | EventKind::ObjectProgressing { .. }
            | EventKind::ObjectReady { .. }
            | EventKind::ObjectDeleting { .. }
            | EventKind::ObjectDeleted { .. }
            | EventKind::ObjectBlocked { .. }
            | EventKind::RunFinished { .. } => return None,
        };
        Some(line)
    }
}

/// What happened, on one line: `shop is ready: 13 releases in 42.0s; 58 objects created`.
pub fn summary(stack: &str, command: Command, dry_run: bool, status: RunStatus, summary: &Summary) -> String {
    let stack = paint(STRONG, visible(stack));
    let time = duration(summary.duration_ms);
    let releases = count(number(summary.releases_ready), "release");
    let objects = objects(summary, dry_run);
    let (ready, done) = match command {
        Command::Apply => ("ready", "applied"),
        Command::Delete => ("gone", "deleted"),
    };
    match status {
        RunStatus::Succeeded if dry_run => {
            format!(
                "{} {stack}: {releases} would be {done}: {objects}",
                paint(GOOD, "dry run of")
            )
        }
        RunStatus::Succeeded if command == Command::Apply && summary.is_unchanged() => {
            let word = paint(GOOD, "up to date");
            format!("{stack} is {word}: {releases}, {objects}; nothing had to change")
        }
        RunStatus::Succeeded => format!("{stack} is {}: {releases} in {time}; {objects}", paint(GOOD, ready)),
        RunStatus::Running => format!("{stack} is still running, or its process died; {objects}"),
        RunStatus::Failed | RunStatus::Cancelled => {
            let what = if dry_run { "dry run of " } else { "" };
            let done = if dry_run { "checked" } else { ready };
            let word = match status {
                RunStatus::Cancelled => "was cancelled",
                _ => "failed",
            };
            format!(
                "{what}{stack} {} after {time}: {releases} {done}, {} failed, {} not finished; {objects}",
                paint(BAD, word),
                summary.releases_failed,
                summary.releases_blocked,
            )
        }
    }
}

/// `58 objects created, 2 failed`: what is not zero.
fn objects(summary: &Summary, dry_run: bool) -> String {
    let word = |done, planned| if dry_run { planned } else { done };
    let numbers = [
        (summary.created, word("created", "to create")),
        (summary.changed, word("changed", "to change")),
        (summary.unchanged, "unchanged"),
        (summary.deleted, word("deleted", "to delete")),
        (summary.absent, word("already gone", "not there")),
        (summary.kept, word("kept", "to keep")),
        (summary.not_checked, "not checked"),
        (summary.failed, "failed"),
        (summary.blocked, "not tried"),
    ];
    let mut parts = numbers.iter().filter(|(number, _)| *number > 0);
    let Some((first, word)) = parts.next() else {
        return "no objects".to_owned();
    };
    let rest: String = parts.map(|(number, word)| format!(", {number} {word}")).collect();
    format!("{} {word}{rest}", count(number(*first), "object"))
}

/// The first word of a line, in a column of its own.
fn word(style: anstyle::Style, word: &str) -> String {
    paint(style, format!("{word:<10}"))
}

fn number(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
