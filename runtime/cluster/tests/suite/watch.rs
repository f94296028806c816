//! Watches: shared, resumed, begun anew.

use ktl_cluster::{Class, ObjectRef, Observation, Observer};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::server::{Answer, Server, core_types, ok};

fn object(name: &str) -> ObjectRef {
    ObjectRef::new("v1", "ConfigMap", Some("shop"), name)
}

fn config(name: &str, version: &str) -> Value {
    json!({"kind": "ConfigMap", "metadata": {"name": name, "resourceVersion": version, "managedFields": [{}]}})
}

fn event(kind: &str, object: Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

fn list(version: &str, mut items: Value) -> Answer {
    // Items of a list do not say what they are.
    for item in items.as_array_mut().into_iter().flatten() {
        item.as_object_mut().map(|fields| fields.remove("kind"));
    }
    ok(json!({"metadata": {"resourceVersion": version}, "items": items}))
}

const LIST: &str = "GET /api/v1/namespaces/shop/configmaps?limit=500";

fn watch_from(version: &str) -> String {
    format!(
        "GET /api/v1/namespaces/shop/configmaps?watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds=290"
    )
}

/// The version that is seen next; `-` for absent.
async fn next(observer: &mut Observer) -> String {
    observer.changed().await;
    match observer.current() {
        Observation::Present(object) => {
            assert_eq!(object.pointer("/metadata/managedFields"), None);
            assert_eq!(
                object.get("kind"),
                Some(&json!("ConfigMap")),
                "items of a list do not say it themselves"
            );
            let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
            version.unwrap_or_default().to_owned()
        }
        Observation::Absent => "-".to_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_a_type_in_a_namespace_share_one_watch() {
    let (lines, watch) = mpsc::unbounded_channel();
    let first = watch_from("5").leak();
    let server = Server::new([
        core_types(),
        (LIST, list("5", json!([config("a", "3")]))),
        (first, Answer::Lines(watch)),
    ]);
    let cluster = server.cluster();
    let (mut a, mut b) = (cluster.observe(&object("a")), cluster.observe(&object("b")));
    assert_eq!(a.current(), Observation::Unknown);
    assert_eq!((next(&mut a).await, next(&mut b).await), ("3".into(), "-".into()));
    lines.send(event("ADDED", config("b", "6"))).unwrap();
    // An event may come in pieces.
    let modified = event("MODIFIED", config("a", "7"));
    let (front, back) = modified.split_at(20);
    lines.send(front.to_owned()).unwrap();
    lines.send(back.to_owned()).unwrap();
    assert_eq!((next(&mut b).await, next(&mut a).await), ("6".into(), "7".into()));
    lines.send(event("DELETED", config("a", "8"))).unwrap();
    assert_eq!(next(&mut a).await, "-");
    // Who comes later is told at once.
    let mut late = cluster.observe(&object("b"));
    assert!(matches!(late.current(), Observation::Present(_)));
    assert_eq!(cluster.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_goes_on_where_it_was() {
    let (lines, watch) = mpsc::unbounded_channel();
    let (again, second) = mpsc::unbounded_channel();
    let (first, resumed) = (watch_from("5").leak(), watch_from("9").leak());
    let server = Server::new([
        core_types(),
        (LIST, list("5", json!([]))),
        (first, Answer::Lines(watch)),
        (resumed, Answer::Lines(second)),
    ]);
    let cluster = server.cluster();
    let mut a = cluster.observe(&object("a"));
    assert_eq!(next(&mut a).await, "-");
    lines
        .send(event("BOOKMARK", json!({"metadata": {"resourceVersion": "9"}})))
        .unwrap();
    drop(lines);
    again.send(event("ADDED", config("a", "10"))).unwrap();
    assert_eq!(next(&mut a).await, "10");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_too_old_means_a_new_list() {
    let (lines, watch) = mpsc::unbounded_channel();
    let (_open, second) = mpsc::unbounded_channel();
    let (first, anew) = (watch_from("5").leak(), watch_from("20").leak());
    let server = Server::new([
        core_types(),
        (LIST, list("5", json!([config("a", "3")]))),
        (first, Answer::Lines(watch)),
        (LIST, list("20", json!([]))),
        (anew, Answer::Lines(second)),
    ]);
    let cluster = server.cluster();
    let mut a = cluster.observe(&object("a"));
    assert_eq!(next(&mut a).await, "3");
    let status = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"});
    lines.send(event("ERROR", status)).unwrap();
    assert_eq!(next(&mut a).await, "-", "it was deleted while nobody looked");
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_tried_again_and_a_refusal_is_final() {
    let refused = json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no"});
    let server = Server::new([core_types(), (LIST, Answer::Broken), (LIST, Answer::Json(403, refused))]);
    let cluster = server.cluster();
    let mut a = cluster.observe(&object("a"));
    a.changed().await;
    let Observation::Failed(failure) = a.current() else {
        panic!("{:?}", a.current())
    };
    assert_eq!(failure.class, Class::Denied);
    assert!(server.is_done());
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_with_its_last_observer() {
    let (lines, watch) = mpsc::unbounded_channel();
    let first = watch_from("5").leak();
    let server = Server::new([
        core_types(),
        (LIST, list("5", json!([]))),
        (first, Answer::Lines(watch)),
    ]);
    let cluster = server.cluster();
    let mut a = cluster.observe(&object("a"));
    next(&mut a).await;
    lines.send(event("ADDED", config("a", "6"))).unwrap();
    next(&mut a).await;
    drop(a);
    lines.closed().await;
}
