//! What a person sees while a run goes on: lines that stay, and on a terminal below them what is under way.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use ktl_report::run::Lines;
use ktl_report::words::visible;
use ktl_store::event::{Event, EventKind};

/// Where a run's events go.
pub enum Console {
    /// Lines on standard error.
    Lines(Lines),
    /// Lines, and below them a bar for each running release and one for the whole.
    Live(Live),
    /// One JSON object per line on standard output.
    Json,
}

impl Console {
    /// The console for a run: live only where time passes and somebody watches.
    pub fn new(json: bool, paused: bool) -> Self {
        match (json, paused || !std::io::stderr().is_terminal()) {
            (true, _) => Console::Json,
            (false, true) => Console::Lines(Lines::new()),
            (false, false) => Console::Live(Live::new()),
        }
    }

    /// Shows one event.
    pub fn show(&mut self, event: &Event) {
        match self {
            Console::Json => {
                let line = serde_json::to_string(event).expect("an event can be written");
                crate::command::print(&(line + "\n"));
            }
            Console::Lines(lines) => {
                if let Some(lines) = lines.show(event) {
                    anstream::eprintln!("{lines}");
                }
            }
            Console::Live(live) => live.show(event),
        }
    }
}

/// The bars of a live console.
pub struct Live {
    lines: Lines,
    screen: MultiProgress,
    total: ProgressBar,
    running: BTreeMap<String, ProgressBar>,
}

impl Live {
    fn new() -> Self {
        let screen = MultiProgress::new();
        let total =
            screen.add(ProgressBar::new(0).with_style(style("{elapsed:>7} {bar:24} {pos}/{len} objects {wide_msg}")));
        total.enable_steady_tick(std::time::Duration::from_millis(200));
        Live {
            lines: Lines::new(),
            screen,
            total,
            running: BTreeMap::new(),
        }
    }

    fn show(&mut self, event: &Event) {
        if let Some(lines) = self.lines.show(event) {
            // A screen that cannot be written to is no reason to stop a run.
            let _ = self.screen.println(lines);
        }
        match &event.kind {
            EventKind::RunStarted { objects, .. } => self.total.set_length(*objects),
            EventKind::ReleaseStarted { release, objects } => {
                let bar = ProgressBar::new(*objects)
                    .with_style(style("        {spinner} {prefix} {pos}/{len} {wide_msg:.dim}"));
                let bar = self.screen.insert_before(&self.total, bar);
                bar.set_prefix(visible(release).into_owned());
                bar.enable_steady_tick(std::time::Duration::from_millis(200));
                self.running.insert(release.clone(), bar);
            }
            EventKind::ReleaseReady { release, .. }
            | EventKind::ReleaseFailed { release, .. }
            | EventKind::ReleaseBlocked { release, .. } => {
                if let Some(bar) = self.running.remove(release) {
                    bar.finish_and_clear();
                }
            }
            EventKind::ObjectReady { .. } | EventKind::ObjectDeleted { .. } => {
                self.total.inc(1);
                if let Some(bar) = self.bar(event) {
                    bar.inc(1);
                }
            }
            EventKind::ObjectFailed { .. } | EventKind::ObjectBlocked { .. } => self.total.inc(1),
            EventKind::ObjectApplying { object, .. } => self.say(event, object, "is being applied"),
            EventKind::ObjectApplied { object, .. } => self.say(event, object, "waits to become ready"),
            EventKind::ObjectDeleting { object, .. } => self.say(event, object, "is being deleted"),
            EventKind::ObjectProgressing { object, evidence, .. } => self.say(event, object, evidence),
            EventKind::RunFinished { .. } => {
                self.running.values().for_each(ProgressBar::finish_and_clear);
                self.total.finish_and_clear();
            }
            EventKind::ObjectRetrying { .. } | EventKind::CancelRequested { .. } => {}
        }
    }

    fn bar(&self, event: &Event) -> Option<&ProgressBar> {
        self.running.get(event.kind.release()?)
    }

    /// Says on the release's bar what one of its objects does: `Deployment/api: status.readyReplicas 1 of 3`.
    fn say(&self, event: &Event, object: &str, what: &str) {
        if let Some(bar) = self.bar(event) {
            let name = object.splitn(3, '/').last().unwrap_or(object);
            bar.set_message(format!("{}: {}", visible(name), visible(what)));
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    style.progress_chars("━━ ")
}
