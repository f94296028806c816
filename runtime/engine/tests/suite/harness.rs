//! Plays a scenario and compares what happens with what is expected.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ktl_cluster::{Cluster, ObjectRef};
use ktl_engine::{Cancel, RunRequest, run};
use ktl_plan::{FailMode, Limits, Objects, Plan};
use ktl_store::event::{Command, Event, EventKind};
use ktl_store::{NewRun, Store};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::plan::{EdgeCase, ReleaseCase, plan};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What is shown.
    #[expect(dead_code, reason = "for those who read the file")]
    about: String,
    releases: Vec<ReleaseCase>,
    #[serde(default)]
    edges: Vec<EdgeCase>,
    #[serde(default)]
    limits: Limits,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", deny_unknown_fields)]
enum Step {
    /// Runs the plan.
    Apply(Box<Expected>),
    /// Deletes it.
    Delete(Box<Expected>),
    /// Somebody else applies an object.
    Foreign { manager: String, object: Value },
    /// Looks at the cluster: `Kind namespace/name`, with more text for what must or must not be there.
    Look {
        #[serde(default)]
        there: Vec<String>,
        #[serde(default)]
        gone: Vec<String>,
    },
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct Expected {
    fail_mode: Option<FailMode>,
    concurrency: Option<u32>,
    dry_run: bool,
    /// When the user asks to stop: the first drains, the second stops.
    cancel_at_ms: Vec<u64>,
    /// Replaces the data of an object of the plan, by `Kind/name`, before the run: a change of the stack.
    with: BTreeMap<String, Value>,
    status: String,
    /// The numbers that matter.
    summary: BTreeMap<String, u64>,
    /// Lines of the log, by their beginnings: each before the next.
    order: Vec<Vec<String>>,
    /// Parts of lines that must be there.
    contains: Vec<String>,
    /// Parts of lines that must not.
    lacks: Vec<String>,
    /// The most requests that the run may send.
    requests_at_most: Option<u64>,
}

/// What came of it.
pub struct Played {
    pub complaints: Vec<String>,
    /// All events of all runs, as JSON.
    pub log: Vec<String>,
}

/// Plays a scenario from an empty cluster, in a runtime of its own with the clock paused.
pub fn play(scenario: &Scenario) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let simulated = ktl_sim::Cluster::new(ktl_sim::Options::default());
        let cluster = Cluster::from_service(simulated.service());
        let folder = TempDir::new().unwrap();
        let mut played = Played {
            complaints: Vec::new(),
            log: Vec::new(),
        };
        let mut releases = scenario.releases.clone();
        for (index, step) in scenario.steps.iter().enumerate() {
            let complaints = match step {
                Step::Apply(expected) | Step::Delete(expected) => {
                    change(&mut releases, &expected.with);
                    let (plan, objects) = plan(&releases, &scenario.edges, &scenario.limits);
                    let command = if matches!(step, Step::Apply(_)) {
                        Command::Apply
                    } else {
                        Command::Delete
                    };
                    let run = format!("r{index}");
                    one_run(
                        &run,
                        command,
                        (plan, objects),
                        expected,
                        &cluster,
                        &folder,
                        &mut played.log,
                    )
                    .await
                }
                Step::Foreign { manager, object } => foreign(&cluster, manager, object).await,
                Step::Look { there, gone } => look(&simulated.snapshot(), there, gone),
            };
            played.complaints.extend(
                complaints
                    .into_iter()
                    .map(|complaint| format!("step {index}: {complaint}")),
            );
        }
        played
    })
}

async fn one_run(
    id: &str,
    command: Command,
    (plan, objects): (Plan, Objects),
    expected: &Expected,
    cluster: &Cluster,
    folder: &TempDir,
    log: &mut Vec<String>,
) -> Vec<String> {
    let events: Arc<Mutex<Vec<Event>>> = Arc::default();
    let sink = Arc::clone(&events);
    let (asks, cancel) = Cancel::channel();
    let times = expected.cancel_at_ms.clone();
    tokio::spawn(async move {
        let began = tokio::time::Instant::now();
        for (at, what) in times.into_iter().zip([Cancel::Drain, Cancel::Stop]) {
            tokio::time::sleep_until(began + Duration::from_millis(at)).await;
            asks.send_replace(what);
        }
    });
    let summary = run(RunRequest {
        concurrency: expected.concurrency.unwrap_or(8),
        fail_mode: expected.fail_mode.unwrap_or(FailMode::FailFast),
        plan: Arc::new(plan),
        objects: Arc::new(objects),
        clusters: BTreeMap::from([("main".to_owned(), cluster.clone())]),
        command,
        dry_run: expected.dry_run,
        store: Some(Store::open(folder.path()).unwrap()),
        run_id: id.to_owned(),
        started: 1_767_225_600,
        events: Box::new(move |event| sink.lock().unwrap().push(event.clone())),
        cancel,
    })
    .await
    .unwrap();
    let events = std::mem::take(&mut *events.lock().unwrap());
    let lines: Vec<String> = events.iter().map(line).collect();
    let mut complaints = sound(&events);
    let store = Store::open(folder.path()).unwrap();
    if store.verify(id).unwrap() != events.len() as u64 || store.events(id).unwrap() != events {
        complaints.push("the store has other events".to_owned());
    }
    if store
        .operations(id)
        .unwrap()
        .iter()
        .any(|operation| operation.result.is_none())
        && expected.cancel_at_ms.is_empty()
    {
        complaints.push("the journal has a request without a result".to_owned());
    }
    let recorded = store.run(id).unwrap().unwrap();
    if (recorded.status, recorded.summary.as_ref()) != (summary.status, Some(&summary.summary)) {
        complaints.push(format!("the store says {recorded:?}"));
    }
    if summary.status.to_string() != expected.status {
        complaints.push(format!("the run is {}, expected {}", summary.status, expected.status));
    }
    let numbers = serde_json::to_value(&summary.summary).unwrap();
    for (field, count) in &expected.summary {
        if numbers.get(field).and_then(Value::as_u64) != Some(*count) {
            complaints.push(format!("{field} is not {count}: {numbers}"));
        }
    }
    if expected
        .requests_at_most
        .is_some_and(|most| summary.summary.requests > most)
    {
        complaints.push(format!("{} requests were sent", summary.summary.requests));
    }
    let place = |start: &String| lines.iter().position(|line| line.starts_with(start.as_str()));
    for chain in &expected.order {
        let places: Vec<Option<usize>> = chain.iter().map(place).collect();
        if places.contains(&None) || !places.is_sorted() {
            complaints.push(format!("not in this order: {chain:?} at {places:?}"));
        }
    }
    let has = |part: &String| lines.iter().any(|line| line.contains(part.as_str()));
    complaints.extend(
        expected
            .contains
            .iter()
            .filter(|part| !has(part))
            .map(|part| format!("no line has `{part}`")),
    );
    complaints.extend(
        expected
            .lacks
            .iter()
            .filter(|part| has(part))
            .map(|part| format!("a line has `{part}`")),
    );
    if !complaints.is_empty() {
        complaints.push(lines.join("\n"));
    }
    log.extend(events.iter().map(|event| serde_json::to_string(event).unwrap()));
    complaints
}

/// What holds of every run.
fn sound(events: &[Event]) -> Vec<String> {
    let mut complaints = Vec::new();
    let numbered = events.iter().zip(1..).all(|(event, seq)| event.seq == seq);
    let in_time = events.is_sorted_by_key(|event| event.at_ms);
    let framed = matches!(
        events.first().map(|event| &event.kind),
        Some(EventKind::RunStarted { .. })
    ) && matches!(
        events.last().map(|event| &event.kind),
        Some(EventKind::RunFinished { .. })
    );
    if !(numbered && in_time && framed) {
        complaints.push("the events are not numbered, ordered and framed".to_owned());
    }
    let (mut objects, mut releases) = (BTreeMap::new(), BTreeMap::new());
    for event in events {
        let kind = &event.kind;
        let verdict = matches!(
            kind,
            EventKind::ObjectReady { .. }
                | EventKind::ObjectDeleted { .. }
                | EventKind::ObjectFailed { .. }
                | EventKind::ObjectBlocked { .. }
        );
        let over = matches!(
            kind,
            EventKind::ReleaseReady { .. } | EventKind::ReleaseFailed { .. } | EventKind::ReleaseBlocked { .. }
        );
        match (kind.object(), kind.release()) {
            (Some(object), _) => *objects.entry(object).or_insert(0) += u32::from(verdict),
            (None, Some(release)) => *releases.entry(release).or_insert(0) += u32::from(over),
            _ => {}
        }
    }
    let wrong = objects.iter().chain(&releases).filter(|(_, verdicts)| **verdicts != 1);
    complaints.extend(wrong.map(|(id, verdicts)| format!("{id} has {verdicts} verdicts")));
    complaints
}

/// `objectReady main/shop/Deployment/web status.availableReplicas 2 of 2`
fn line(event: &Event) -> String {
    let json = serde_json::to_value(event).unwrap();
    let fields = json.as_object().unwrap();
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut parts: Vec<String> = ["type", "object"].into_iter().filter_map(text).collect();
    if parts.len() == 1 {
        parts.extend(text("release"));
    }
    for (name, value) in fields {
        if !["seq", "atMs", "type", "object", "release", "durationMs", "run"].contains(&name.as_str()) {
            parts.push(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    parts.join(" ")
}

fn change(releases: &mut [ReleaseCase], with: &BTreeMap<String, Value>) {
    for object in releases.iter_mut().flat_map(|release| &mut release.objects) {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let key = format!("{}/{}", text("/kind"), text("/metadata/name"));
        let (Some(patch), Some(fields)) = (with.get(&key), object.as_object_mut()) else {
            continue;
        };
        for (name, value) in patch.as_object().unwrap() {
            fields.insert(name.clone(), value.clone());
        }
    }
}

async fn foreign(cluster: &Cluster, manager: &str, object: &Value) -> Vec<String> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let target = ObjectRef::new(
        text("/apiVersion").unwrap(),
        text("/kind").unwrap(),
        text("/metadata/namespace"),
        text("/metadata/name").unwrap(),
    );
    let applied = cluster
        .apply(&target, object.to_string().as_bytes(), manager, false)
        .await;
    applied.err().map(|failure| failure.to_string()).into_iter().collect()
}

fn look(objects: &[Value], there: &[String], gone: &[String]) -> Vec<String> {
    let shown: Vec<String> = objects
        .iter()
        .map(|object| {
            let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
            let rest = json!({"data": object.get("data"), "spec": object.get("spec"), "labels": object.pointer("/metadata/labels")});
            format!("{} {}/{} {rest}", text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
        })
        .collect();
    let has = |wanted: &String| {
        let mut words = wanted.splitn(3, ' ');
        let start = format!(
            "{} {} ",
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default()
        );
        let part = words.next().unwrap_or_default();
        shown
            .iter()
            .any(|object| object.starts_with(&start) && object.contains(part))
    };
    let missing = there
        .iter()
        .filter(|wanted| !has(wanted))
        .map(|wanted| format!("`{wanted}` is not there"));
    let left = gone
        .iter()
        .filter(|unwanted| has(unwanted))
        .map(|unwanted| format!("`{unwanted}` is there"));
    missing.chain(left).collect()
}

/// A run without a store, whose events nobody wants to see.
pub fn request(id: &str, command: Command, plan: &Plan, objects: &Objects, cluster: &Cluster) -> RunRequest {
    RunRequest {
        plan: Arc::new(plan.clone()),
        objects: Arc::new(objects.clone()),
        clusters: BTreeMap::from([("main".to_owned(), cluster.clone())]),
        command,
        concurrency: 8,
        fail_mode: FailMode::FailFast,
        dry_run: false,
        store: None,
        run_id: id.to_owned(),
        started: 0,
        events: Box::new(|_| {}),
        cancel: Cancel::channel().1,
    }
}

/// A run that is only recorded.
pub fn new_run(id: &str) -> NewRun {
    NewRun {
        id: id.to_owned(),
        stack: "shop".to_owned(),
        command: Command::Apply,
        plan: String::new(),
        dry_run: false,
        started: 0,
    }
}
