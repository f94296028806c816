//! A small plan in every form, and each event and summary as text. What is expected stands in `tests/golden`; `UPDATE=1`
//! writes what is found.

#![expect(clippy::unwrap_used, reason = "a test that fails here has found something")]

use std::path::Path;

use ktl_plan::{
    Cluster, Digest, Edge, EdgeKind, FORMAT, FailMode, Object, Plan, Reason, Release, Runner, Source, Until,
};
use ktl_report::run::Lines;
use ktl_report::{graph, plan, run};
use ktl_store::event::{Cause, Command, DeleteOutcome, Event, EventKind, Outcome, RunStatus, Summary};

/// Compares with `tests/golden/<name>`, styles written as `<1>` and `</>`.
fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let found = shown(found);
    if std::env::var("UPDATE").is_ok() {
        std::fs::write(&path, &found).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "{name}");
}

fn shown(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split("\u{1b}[");
    out.push_str(parts.next().unwrap());
    for part in parts {
        let (code, rest) = part.split_once('m').unwrap();
        out.push_str(&if code == "0" {
            "</>".to_owned()
        } else {
            format!("<{code}>")
        });
        out.push_str(rest);
    }
    assert!(
        !out.contains(|character: char| character.is_control() && character != '\n'),
        "{out:?}"
    );
    out
}

fn source(line: u32) -> Source {
    Source {
        file: "stack.ktl".to_owned(),
        line,
        column: 3,
    }
}

fn release(name: &str, kind: &str, objects: &[(&str, Option<&str>, &str)]) -> Release {
    let object = |(kind, namespace, name): &(&str, Option<&str>, &str)| Object {
        id: format!("eu/{}/{kind}/{name}", namespace.unwrap_or("-")),
        api_version: "v1".to_owned(),
        kind: (*kind).to_owned(),
        namespace: namespace.map(str::to_owned),
        name: (*name).to_owned(),
        digest: Digest::of(b""),
        source: source(1),
    };
    Release {
        id: format!("eu/shop/{name}"),
        name: name.to_owned(),
        cluster: "eu".to_owned(),
        namespace: "shop".to_owned(),
        kind: kind.to_owned(),
        source: source(1),
        tags: Vec::new(),
        labels: [].into(),
        timeout_ms: None,
        parallelism_group: None,
        priority: 0,
        objects: objects.iter().map(object).collect(),
        digest: Digest::of(b""),
    }
}

/// Three releases; `db` has a name that lies about itself.
fn small() -> Plan {
    let db = "d\"b & <co> #1 `x` \\ \u{202e}\u{1b}[31m";
    let edge = |between, from: &str, to: &str, reasons| Edge {
        from: from.to_owned(),
        to: to.to_owned(),
        between,
        until: Until::Ready,
        reasons,
    };
    let inferred = |rule: &str, evidence: &str| Reason::Inferred {
        rule: rule.to_owned(),
        evidence: evidence.to_owned(),
    };
    Plan {
        format: FORMAT.to_owned(),
        ktl: "0.1.0".to_owned(),
        stack: "shop".to_owned(),
        edition: 1,
        profile: Some("prod".to_owned()),
        inputs: [].into(),
        sources: Vec::new(),
        clusters: [("eu".to_owned(), Cluster::default())].into(),
        runner: Runner::default(),
        releases: vec![
            release(
                "base",
                "k8s.Objects",
                &[("Namespace", None, "shop"), ("ConfigMap", Some("shop"), "settings")],
            ),
            release(
                db,
                "chart ./charts/db",
                &[("StatefulSet", Some("shop"), "db"), ("Secret", Some("vault"), "key\nx")],
            ),
            release(
                "web",
                "k8s.Workload",
                &[("Deployment", Some("shop"), "web"), ("Service", Some("shop"), "web")],
            ),
        ],
        edges: vec![
            edge(
                EdgeKind::Releases,
                "eu/shop/web",
                &format!("eu/shop/{db}"),
                vec![
                    Reason::Needs { source: source(9) },
                    Reason::Reference {
                        text: "env.URL uses db.url".to_owned(),
                        source: source(7),
                    },
                ],
            ),
            edge(
                EdgeKind::Objects,
                "eu/shop/Deployment/web",
                "eu/shop/ConfigMap/settings",
                vec![inferred("config-map", "spec.volumes[0] names ConfigMap settings")],
            ),
            edge(
                EdgeKind::Objects,
                "eu/shop/Service/web",
                "eu/-/Namespace/shop",
                vec![inferred("namespace", "metadata.namespace is shop")],
            ),
            edge(
                EdgeKind::Objects,
                "eu/shop/ConfigMap/settings",
                "eu/-/Namespace/shop",
                vec![inferred("namespace", "metadata.namespace is shop")],
            ),
        ],
    }
}

#[test]
fn a_plan_is_drawn_and_written() {
    let plan = small();
    golden("plan.txt", &plan::text(&plan));
    golden("graph.dot", &graph::dot(&plan));
    golden("graph.mermaid", &graph::mermaid(&plan));
    golden("graph.json", &graph::json(&plan));
    let read: Plan = serde_json::from_str(&plan::json(&plan)).unwrap();
    assert_eq!(read, plan);
}

#[test]
fn a_plan_without_releases_has_words_too() {
    let plan = Plan {
        profile: None,
        releases: Vec::new(),
        edges: Vec::new(),
        clusters: [].into(),
        ..small()
    };
    golden("empty-plan.txt", &plan::text(&plan));
}

/// The lines of a run whose events come 100 ms apart.
fn lines(events: Vec<EventKind>) -> String {
    let mut lines = Lines::new();
    let mut out = String::new();
    for (index, kind) in events.into_iter().enumerate() {
        let seq = index as u64 + 1;
        let at_ms = index as u64 * 100;
        if let Some(shown) = lines.show(&Event { seq, at_ms, kind }) {
            out.push_str(&shown);
            out.push('\n');
        }
    }
    out
}

fn started(command: Command, dry_run: bool) -> EventKind {
    EventKind::RunStarted {
        run: "1".to_owned(),
        stack: "shop".to_owned(),
        command,
        dry_run,
        concurrency: 8,
        fail_mode: FailMode::FailFast,
        releases: 3,
        objects: 6,
    }
}

fn begins(release: &str) -> EventKind {
    EventKind::ReleaseStarted {
        release: release.to_owned(),
        objects: 2,
    }
}

fn ready(release: &str, unchanged: bool) -> EventKind {
    EventKind::ReleaseReady {
        release: release.to_owned(),
        unchanged,
        duration_ms: 1500,
    }
}

fn applied(release: &str, outcome: Outcome) -> EventKind {
    EventKind::ObjectApplied {
        release: Some(release.to_owned()),
        object: "eu/shop/Deployment/web".to_owned(),
        outcome,
    }
}

fn deleted(release: &str, outcome: DeleteOutcome) -> EventKind {
    EventKind::ObjectDeleted {
        release: Some(release.to_owned()),
        object: "eu/shop/Deployment/web".to_owned(),
        outcome,
    }
}

fn finished() -> EventKind {
    EventKind::RunFinished {
        status: RunStatus::Succeeded,
        summary: Summary::default(),
    }
}

#[test]
fn a_run_is_told() {
    let (release, object) = (
        || Some("eu/shop/web".to_owned()),
        || "eu/shop/Deployment/web".to_owned(),
    );
    let apply = lines(vec![
        started(Command::Apply, false),
        begins("eu/shop/web"),
        EventKind::ObjectApplying {
            release: release(),
            object: object(),
        },
        applied("eu/shop/web", Outcome::Unchanged),
        applied("eu/shop/web", Outcome::Created),
        applied("eu/shop/web", Outcome::Changed),
        EventKind::ObjectProgressing {
            release: release(),
            object: object(),
            evidence: "status.readyReplicas 1 of 3".to_owned(),
        },
        EventKind::ObjectReady {
            release: release(),
            object: object(),
            evidence: "status.readyReplicas 3".to_owned(),
        },
        ready("eu/shop/web", false),
        // Nothing changed, but it had to be waited for.
        begins("eu/shop/slow"),
        applied("eu/shop/slow", Outcome::Unchanged),
        EventKind::ObjectProgressing {
            release: Some("eu/shop/slow".to_owned()),
            object: object(),
            evidence: "status.readyReplicas 1 of 3".to_owned(),
        },
        ready("eu/shop/slow", true),
        begins("eu/shop/api"),
        EventKind::ObjectRetrying {
            release: Some("eu/shop/api".to_owned()),
            object: object(),
            class: "throttled".to_owned(),
            message: "too many requests\u{1b}[2J".to_owned(),
            attempt: 1,
            delay_ms: 1000,
        },
        EventKind::ObjectFailed {
            release: Some("eu/shop/api".to_owned()),
            object: object(),
            class: "crash-loop".to_owned(),
            message: "container web keeps crashing".to_owned(),
            evidence: vec![
                "container web keeps crashing".to_owned(),
                "exit code 1\nsee the log\u{202e}".to_owned(),
            ],
        },
        EventKind::ObjectBlocked {
            release: Some("eu/shop/api".to_owned()),
            object: object(),
            cause: Cause::Needs { failed: object() },
        },
        EventKind::ReleaseFailed {
            release: "eu/shop/api".to_owned(),
            failed: 1,
            duration_ms: 1,
        },
        EventKind::ReleaseBlocked {
            release: "eu/shop/front".to_owned(),
            cause: Cause::Needs { failed: object() },
        },
        // A release that never began is in the summary, one that did is told.
        EventKind::ReleaseBlocked {
            release: "eu/shop/other".to_owned(),
            cause: Cause::FailFast { failed: object() },
        },
        begins("eu/shop/half"),
        applied("eu/shop/half", Outcome::Created),
        EventKind::ReleaseBlocked {
            release: "eu/shop/half".to_owned(),
            cause: Cause::Cancelled,
        },
        EventKind::CancelRequested { hard: false },
        EventKind::CancelRequested { hard: true },
        finished(),
    ]);
    let dry = lines(vec![
        started(Command::Apply, true),
        begins("eu/shop/web"),
        applied("eu/shop/web", Outcome::Created),
        applied(
            "eu/shop/web",
            Outcome::NotChecked {
                reason: "its namespace does not exist yet".to_owned(),
            },
        ),
        ready("eu/shop/web", false),
        finished(),
    ]);
    let delete = lines(vec![
        started(Command::Delete, false),
        begins("eu/shop/web"),
        EventKind::ObjectDeleting {
            release: release(),
            object: object(),
        },
        deleted("eu/shop/web", DeleteOutcome::Absent),
        deleted("eu/shop/web", DeleteOutcome::Deleted),
        deleted("eu/shop/web", DeleteOutcome::Kept),
        ready("eu/shop/web", false),
        begins("eu/shop/none"),
        deleted("eu/shop/none", DeleteOutcome::Absent),
        ready("eu/shop/none", true),
        finished(),
    ]);
    let dry_delete = lines(vec![started(Command::Delete, true), finished()]);
    golden("run.txt", &[apply, dry, delete, dry_delete].join("\n"));
}

/// Two hundred releases that are as they should be are one line, and the summary.
#[test]
fn what_is_unchanged_is_not_told() {
    let mut events = vec![started(Command::Apply, false)];
    for number in 0..200 {
        let release = format!("eu/shop/r{number}");
        events.extend([
            begins(&release),
            applied(&release, Outcome::Unchanged),
            ready(&release, true),
        ]);
    }
    events.push(finished());
    assert_eq!(lines(events).lines().count(), 1);
}

#[test]
fn a_run_is_summed_up() {
    let base = Summary {
        releases_ready: 2,
        duration_ms: 42_000,
        ..Summary::default()
    };
    let created = Summary {
        created: 58,
        changed: 2,
        unchanged: 1,
        ..base.clone()
    };
    let same = Summary {
        unchanged: 1,
        ..base.clone()
    };
    let gone = Summary {
        deleted: 5,
        absent: 1,
        kept: 1,
        ..base.clone()
    };
    let broken = Summary {
        created: 3,
        failed: 1,
        blocked: 4,
        releases_failed: 1,
        releases_blocked: 2,
        not_checked: 1,
        ..base.clone()
    };
    let mut out = String::new();
    for (command, dry_run, status, summary) in [
        (Command::Apply, false, RunStatus::Succeeded, &created),
        (Command::Apply, false, RunStatus::Succeeded, &same),
        (Command::Apply, true, RunStatus::Succeeded, &created),
        (Command::Apply, false, RunStatus::Failed, &broken),
        (Command::Apply, true, RunStatus::Failed, &broken),
        (Command::Apply, false, RunStatus::Cancelled, &broken),
        (Command::Apply, false, RunStatus::Running, &base),
        (Command::Delete, false, RunStatus::Succeeded, &gone),
        (Command::Delete, true, RunStatus::Succeeded, &gone),
        (Command::Delete, false, RunStatus::Failed, &broken),
        (Command::Delete, false, RunStatus::Cancelled, &broken),
    ] {
        out.push_str(&run::summary("shop", command, dry_run, status, summary));
        out.push('\n');
    }
    golden("summaries.txt", &out);
}
