//! The store from outside: what was written is there, damage is found, and foreign files are left alone.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::fs;

use ktl_plan::FailMode;
use ktl_store::event::{Cause, Command, Event, EventKind, Outcome, RunStatus, Summary};
use ktl_store::{NewOperation, NewRun, OperationResult, State, Store, StoreError};
use tempfile::TempDir;

fn new_run(id: &str, started: i64) -> NewRun {
    NewRun {
        id: id.to_owned(),
        stack: "shop".to_owned(),
        command: Command::Apply,
        plan: "sha256:0".to_owned(),
        dry_run: false,
        started,
    }
}

fn events() -> Vec<Event> {
    let (release, web, db) = ("c/n/web", "c/n/Deployment/web", "c/n/Deployment/db");
    let of = |release: &str| Some(release.to_owned());
    let kinds = [
        EventKind::RunStarted {
            run: "r1".into(),
            stack: "shop".into(),
            command: Command::Apply,
            dry_run: false,
            concurrency: 8,
            fail_mode: FailMode::FailFast,
            releases: 2,
            objects: 2,
        },
        EventKind::ReleaseStarted {
            release: "c/n/db".into(),
            objects: 1,
        },
        EventKind::ObjectApplying {
            release: of("c/n/db"),
            object: db.into(),
        },
        EventKind::ObjectApplied {
            release: of("c/n/db"),
            object: db.into(),
            outcome: Outcome::Created,
        },
        EventKind::ObjectFailed {
            release: of("c/n/db"),
            object: db.into(),
            class: "rollout-failed".into(),
            message: "deadline".into(),
            evidence: vec!["pod db-0: CrashLoopBackOff".into()],
        },
        EventKind::ObjectBlocked {
            release: of(release),
            object: web.into(),
            cause: Cause::Needs { failed: db.into() },
        },
        EventKind::ReleaseBlocked {
            release: release.into(),
            cause: Cause::Needs { failed: db.into() },
        },
        EventKind::ReleaseFailed {
            release: "c/n/db".into(),
            failed: 1,
            duration_ms: 7,
        },
        EventKind::RunFinished {
            status: RunStatus::Failed,
            summary: Summary {
                failed: 1,
                blocked: 1,
                duration_ms: 9,
                ..Summary::default()
            },
        },
    ];
    let numbered = kinds.into_iter().zip(1..);
    numbered
        .map(|(kind, seq)| Event {
            seq,
            at_ms: seq * 10,
            kind,
        })
        .collect()
}

fn written() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin_run(&new_run("r1", 100)).unwrap();
    events().iter().for_each(|event| store.append("r1", event).unwrap());
    store.flush().unwrap();
    (folder, store)
}

#[test]
fn a_run_is_read_back_as_it_was_written() {
    let (folder, store) = written();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.events("r1").unwrap(), events());
    assert_eq!(store.verify("r1").unwrap(), 9);
    let run = store.latest("shop").unwrap().unwrap();
    assert_eq!(
        (run.status, run.duration_ms, run.started),
        (RunStatus::Failed, Some(9), 100)
    );
    assert_eq!(run.summary.unwrap().blocked, 1);
    let states = |state: &[(String, State)]| {
        state
            .iter()
            .map(|(id, state)| format!("{id} {state:?}"))
            .collect::<Vec<_>>()
    };
    let releases: Vec<_> = store
        .releases("r1")
        .unwrap()
        .into_iter()
        .map(|release| (release.id, release.state))
        .collect();
    assert_eq!(states(&releases), ["c/n/db Failed", "c/n/web Blocked"]);
    let objects = store.objects("r1").unwrap();
    assert_eq!(
        objects[0].detail,
        "rollout-failed: deadline\npod db-0: CrashLoopBackOff"
    );
    assert_eq!(
        (objects[0].outcome.as_str(), objects[0].attempts, objects[0].applied_ms),
        ("created", 1, Some(40))
    );
    assert_eq!(objects[1].detail, "needs `c/n/Deployment/db`, which failed");
}

#[test]
fn runs_are_listed_latest_first() {
    let (_folder, mut store) = written();
    store.begin_run(&new_run("r2", 200)).unwrap();
    store
        .begin_run(&NewRun {
            dry_run: true,
            ..new_run("r3", 300)
        })
        .unwrap();
    store
        .begin_run(&NewRun {
            stack: "other".into(),
            ..new_run("r4", 400)
        })
        .unwrap();
    store.flush().unwrap();
    let ids = |stack| {
        store
            .runs(stack)
            .unwrap()
            .into_iter()
            .map(|run| run.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(None), ["r4", "r3", "r2", "r1"]);
    assert_eq!(ids(Some("shop")), ["r3", "r2", "r1"]);
    assert_eq!(
        store.latest("shop").unwrap().unwrap().id,
        "r2",
        "a dry run says nothing about the cluster"
    );
    assert_eq!(store.latest("none").unwrap(), None);
}

#[test]
fn every_kind_of_tampering_breaks_the_chain() {
    let tampering = [
        "UPDATE events SET payload = replace(payload, 'created', 'changed') WHERE seq = 4",
        "DELETE FROM events WHERE seq = 5",
        "DELETE FROM events WHERE seq = 9",
        "UPDATE events SET seq = 10 WHERE seq = 9",
        "INSERT INTO events SELECT run, 10, payload, prev_hash, hash FROM events WHERE seq = 9",
    ];
    for sql in tampering {
        let (folder, store) = written();
        drop(store);
        let file = folder.path().join("runs.db");
        rusqlite::Connection::open(file).unwrap().execute(sql, []).unwrap();
        let error = Store::open(folder.path()).unwrap().verify("r1").unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{sql}: {error}");
    }
}

#[test]
fn what_is_not_flushed_is_not_there() {
    let (folder, mut store) = written();
    store.begin_run(&new_run("r2", 200)).unwrap();
    let other = Store::open(folder.path()).unwrap();
    assert_eq!(other.run("r2").unwrap(), None);
    store.flush().unwrap();
    assert_eq!(other.run("r2").unwrap().unwrap().status, RunStatus::Running);
}

#[test]
fn the_journal_keeps_intents_without_results() {
    let (_folder, mut store) = written();
    let operation = |attempt| NewOperation {
        node: "c/n/Deployment/db".into(),
        attempt,
        op: "apply".into(),
        digest: "sha256:1".into(),
        at_ms: 3,
    };
    let first = store.intent("r1", &operation(1)).unwrap();
    store.intent("r1", &operation(2)).unwrap();
    store
        .result(
            first,
            &OperationResult {
                result: "overload".into(),
                at_ms: 5,
                ..OperationResult::default()
            },
        )
        .unwrap();
    let results: Vec<_> = store
        .operations("r1")
        .unwrap()
        .into_iter()
        .map(|op| (op.attempt, op.result))
        .collect();
    assert_eq!(results, [(1, Some("overload".to_owned())), (2, None)]);
}

#[test]
fn what_a_stack_created_is_known_by_its_latest_uid() {
    let (_folder, mut store) = written();
    let made = |store: &mut Store, result: &str, uid: &str| {
        let operation = NewOperation {
            node: "c/-/Namespace/n".into(),
            attempt: 1,
            op: "apply".into(),
            digest: String::new(),
            at_ms: 0,
        };
        let operation = store.intent("r1", &operation).unwrap();
        let result = OperationResult {
            result: result.into(),
            uid: Some(uid.into()),
            ..OperationResult::default()
        };
        store.result(operation, &result).unwrap();
    };
    made(&mut store, "created", "u1");
    made(&mut store, "created", "u2");
    made(&mut store, "changed", "u3");
    assert_eq!(store.created("shop").unwrap()["c/-/Namespace/n"], "u2");
    assert!(store.created("other").unwrap().is_empty());
}

#[test]
fn timings_are_averaged_per_stack() {
    let (_folder, mut store) = written();
    for (stack, took) in [("shop", 100), ("shop", 300), ("other", 7)] {
        store.record_timing(stack, "c/n/Deployment/db", took).unwrap();
    }
    let timing = store.timings("shop").unwrap()["c/n/Deployment/db"];
    assert_eq!((timing.count, timing.mean_ms, timing.last_ms), (2, 200, 300));
}

#[test]
fn files_that_are_not_ours_are_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("runs.db");
    let refused = |expected: &str| {
        let error = Store::open(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains(&file.display().to_string()) && error.contains(expected),
            "{error}"
        );
    };
    fs::write(
        &file,
        "this is no database, and long enough to be read as a header of one hundred bytes or more, which it is",
    )
    .unwrap();
    refused("not a database");
    fs::remove_file(&file).unwrap();
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute_batch("CREATE TABLE other (a)")
        .unwrap();
    refused("is not a run store of ktl");
    fs::remove_file(&file).unwrap();
    drop(Store::open(folder.path()).unwrap());
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute_batch("PRAGMA user_version = 9")
        .unwrap();
    refused("has version 9, this ktl reads up to 1");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    refused("cannot use the run store");
}

#[test]
fn events_are_flat_camel_case_json() {
    let event = &events()[3];
    let json = serde_json::to_value(event).unwrap();
    let expected = serde_json::json!({
        "seq": 4, "atMs": 40, "type": "objectApplied", "release": "c/n/db", "object": "c/n/Deployment/db",
        "outcome": {"kind": "created"},
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<Event>(json).unwrap(), *event);
}
