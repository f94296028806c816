//! A run as lines of text: one per thing that a person would want to know, and a summary at the end.

use ktl_store::event::{Command, DeleteOutcome, Event, EventKind, Outcome, RunStatus, Summary};

use crate::style::{BAD, FAINT, GOOD, STRONG, WARN, paint};
use crate::words::{count, duration};

/// The line that an event deserves, or `None` for what happens too often to be told.
///
/// Lines begin with the time since the run started and never contain a newline, but for a failure, whose evidence follows
/// on lines of its own.
pub fn line(event: &Event) -> Option<String> {
    let text = match &event.kind {
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
            let what = match (command, dry_run) {
                (Command::Apply, false) => "applying",
                (Command::Apply, true) => "dry run of applying",
                (Command::Delete, false) => "deleting",
                (Command::Delete, true) => "dry run of deleting",
            };
            format!(
                "{what} {}: {}, {}; {} at a time, {fail_mode}",
                paint(STRONG, stack),
                count(number(*releases), "release"),
                count(number(*objects), "object"),
                count(number(u64::from(*concurrency)), "rollout"),
            )
        }
        EventKind::ReleaseStarted { release, objects } => {
            format!(
                "{} {release} {}",
                word(FAINT, "started"),
                paint(FAINT, count(number(*objects), "object"))
            )
        }
        EventKind::ReleaseReady {
            release,
            unchanged: true,
            ..
        } => format!("{} {release}", word(FAINT, "unchanged")),
        EventKind::ReleaseReady {
            release, duration_ms, ..
        } => {
            format!(
                "{} {release} {}",
                word(GOOD, "ready"),
                paint(FAINT, format!("in {}", duration(*duration_ms)))
            )
        }
        EventKind::ReleaseFailed { release, failed, .. } => {
            format!("{} {release} {}", word(BAD, "failed"), count(number(*failed), "object"))
        }
        EventKind::ReleaseBlocked { release, cause } => format!("{} {release}: {cause}", word(WARN, "blocked")),
        EventKind::ObjectRetrying {
            object,
            message,
            attempt,
            delay_ms,
            ..
        } => {
            let delay = duration(*delay_ms);
            format!(
                "{} {object}: {message}; attempt {} in {delay}",
                word(WARN, "retrying"),
                attempt + 1
            )
        }
        EventKind::ObjectFailed {
            object,
            message,
            evidence,
            ..
        } => {
            let evidence: String = evidence.iter().map(|line| format!("\n{:19}{line}", "")).collect();
            format!("{} {object}: {message}{evidence}", word(BAD, "failed"))
        }
        EventKind::ObjectDeleted {
            object,
            outcome: DeleteOutcome::Kept,
            ..
        } => {
            format!("{} {object}: it was not made by this stack", word(WARN, "kept"))
        }
        EventKind::CancelRequested { hard: false } => {
            format!(
                "{} nothing new starts; press Ctrl-C again to stop waiting",
                word(WARN, "stopping")
            )
        }
        EventKind::CancelRequested { hard: true } => format!("{} without waiting", word(WARN, "stopping")),
        EventKind::ObjectApplied {
            object,
            outcome: Outcome::NotChecked { reason },
            ..
        } => {
            format!("{} {object}: {reason}", word(FAINT, "unchecked"))
        }
        EventKind::ObjectApplying { .. }
        | EventKind::ObjectApplied { .. }
        | EventKind::ObjectProgressing { .. }
        | EventKind::ObjectReady { .. }
        | EventKind::ObjectDeleting { .. }
        | EventKind::ObjectDeleted { .. }
        | EventKind::ObjectBlocked { .. }
        | EventKind::RunFinished { .. } => return None,
    };
    Some(format!(
        "{} {text}",
        paint(FAINT, format!("{:>7}", duration(event.at_ms)))
    ))
}

/// What happened, in one or two lines: `shop is ready: 13 releases in 42.0s (58 created)`.
pub fn summary(stack: &str, command: Command, dry_run: bool, status: RunStatus, summary: &Summary) -> String {
    let stack = paint(STRONG, stack);
    let time = duration(summary.duration_ms);
    let releases = count(number(summary.releases_ready), "release");
    let objects = objects(summary);
    match (status, command) {
        (RunStatus::Succeeded, Command::Apply) if dry_run => {
            format!(
                "{} {stack}: {releases} would be applied: {objects}",
                paint(GOOD, "dry run of")
            )
        }
        (RunStatus::Succeeded, Command::Delete) if dry_run => {
            format!(
                "{} {stack}: {releases} would be deleted: {objects}",
                paint(GOOD, "dry run of")
            )
        }
        (RunStatus::Succeeded, Command::Apply) if summary.is_unchanged() => {
            format!(
                "{stack} is {}: {releases}, {objects}; nothing had to change",
                paint(GOOD, "up to date")
            )
        }
        (RunStatus::Succeeded, Command::Apply) => {
            format!("{stack} is {}: {releases} in {time}; {objects}", paint(GOOD, "ready"))
        }
        (RunStatus::Succeeded, Command::Delete) => {
            format!("{stack} is {}: {releases} in {time}; {objects}", paint(GOOD, "gone"))
        }
        (RunStatus::Running, _) => format!("{stack} is still running, or its process died; {objects}"),
        (RunStatus::Failed | RunStatus::Cancelled, _) => {
            let word = if status == RunStatus::Failed {
                "failed"
            } else {
                "was cancelled"
            };
            let done = if command == Command::Apply { "ready" } else { "gone" };
            format!(
                "{stack} {} after {time}: {releases} {done}, {} failed, {} not finished; {objects}",
                paint(BAD, word),
                summary.releases_failed,
                summary.releases_blocked,
            )
        }
    }
}

/// `58 objects created, 2 failed`: what is not zero.
fn objects(summary: &Summary) -> String {
    let numbers = [
        (summary.created, "created"),
        (summary.changed, "changed"),
        (summary.unchanged, "unchanged"),
        (summary.deleted, "deleted"),
        (summary.absent, "already gone"),
        (summary.kept, "kept"),
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
