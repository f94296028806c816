//! Requests as they go out, and what is made of their answers.

use ktl_cluster::{Class, Deleted, ObjectRef, Propagation};
use serde_json::json;

use crate::server::{Answer, Server, core_types, ok};

fn settings() -> ObjectRef {
    ObjectRef::new("v1", "ConfigMap", Some("shop"), "settings")
}

const APPLY: &str =
    "PATCH /api/v1/namespaces/shop/configmaps/settings?fieldManager=ktl%2Fshop&fieldValidation=Strict&force=false";

#[tokio::test(start_paused = true)]
async fn apply_sends_the_body_as_it_is() {
    let body = br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings"},"data":{"b":"1","a":"2"}}"#;
    let applied = json!({"kind": "ConfigMap", "metadata": {"name": "settings", "resourceVersion": "7"}});
    let server = Server::new([
        core_types(),
        (APPLY, Answer::Json(201, applied.clone())),
        (APPLY, ok(applied.clone())),
    ]);
    let cluster = server.cluster();
    let first = cluster.apply(&settings(), body, "ktl/shop", false).await.unwrap();
    let second = cluster.apply(&settings(), body, "ktl/shop", false).await.unwrap();
    assert_eq!((first.created, second.created), (true, false));
    assert_eq!(first.object, applied);
    let seen = server.seen.lock().unwrap().clone();
    assert_eq!(seen[1].body.as_bytes(), body);
    assert_eq!(seen[1].content_type, "application/apply-patch+yaml");
    assert_eq!(cluster.requests(), 3, "types are asked for once");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_so() {
    let server = Server::new([
        core_types(),
        (
            concat!(
                "PATCH /api/v1/namespaces/shop/configmaps/settings?fieldManager=ktl%2Fshop",
                "&fieldValidation=Strict&force=false&dryRun=All"
            ),
            ok(json!({})),
        ),
        ("DELETE /api/v1/namespaces/shop/configmaps/settings", ok(json!({}))),
    ]);
    let cluster = server.cluster();
    cluster.apply(&settings(), b"{}", "ktl/shop", true).await.unwrap();
    cluster
        .delete(&settings(), "u1", Propagation::Background, true)
        .await
        .unwrap();
    assert!(server.seen.lock().unwrap()[2].body.contains(r#""dryRun":["All"]"#));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_lists_paths_and_managers() {
    let status = json!({
        "kind": "Status", "code": 409, "reason": "Conflict", "message": "Apply failed with 2 conflicts",
        "details": {"name": "settings", "causes": [
            {"reason": "FieldManagerConflict", "field": ".data.a", "message": "conflict with \"kubectl\" using v1"},
            {"reason": "FieldManagerConflict", "field": ".data.b", "message": "conflict with \"helm\" using v1"},
        ]},
    });
    let server = Server::new([core_types(), (APPLY, Answer::Json(409, status))]);
    let failure = server
        .cluster()
        .apply(&settings(), b"{}", "ktl/shop", false)
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Conflict);
    assert_eq!(failure.causes[1].field, ".data.b");
    let expected = "other field managers own 2 of the fields: `.data.a`: conflict with \"kubectl\" using v1; \
                    `.data.b`: conflict with \"helm\" using v1";
    assert_eq!(failure.message, expected);
}

#[tokio::test(start_paused = true)]
async fn types_that_are_not_served_yet_are_asked_for_again() {
    let widget = ObjectRef::new("example.com/v1", "Widget", Some("shop"), "w");
    let group = "GET /apis/example.com/v1";
    let types = json!({"resources": [{"name": "widgets", "kind": "Widget", "namespaced": true}]});
    let server = Server::new([
        (group, Answer::Text(404, "404 page not found")),
        (group, ok(json!({"resources": []}))),
        (group, ok(types)),
        (
            "GET /apis/example.com/v1/namespaces/shop/widgets/w",
            ok(json!({"kind": "Widget"})),
        ),
    ]);
    let cluster = server.cluster();
    for _ in 0..2 {
        let failure = cluster.apply(&widget, b"{}", "ktl/shop", false).await.unwrap_err();
        assert_eq!(failure.class, Class::NotServed);
    }
    assert_eq!(cluster.get(&widget).await.unwrap(), Some(json!({"kind": "Widget"})));
}

#[tokio::test(start_paused = true)]
async fn a_type_in_the_wrong_place_is_refused_before_anything_is_sent() {
    let server = Server::new([core_types()]);
    let cluster = server.cluster();
    for (object, expected) in [
        (
            ObjectRef::new("v1", "Namespace", Some("shop"), "n"),
            "`Namespace` belongs to the whole cluster and cannot be in namespace `shop`",
        ),
        (
            ObjectRef::new("v1", "ConfigMap", None, "c"),
            "`ConfigMap` belongs to a namespace, and none is given",
        ),
    ] {
        let failure = cluster.apply(&object, b"{}", "ktl/shop", false).await.unwrap_err();
        assert_eq!((failure.class, failure.message.as_str()), (Class::Invalid, expected));
    }
}

#[tokio::test(start_paused = true)]
async fn lists_are_read_in_pages_and_anew_when_a_page_is_too_old() {
    let page = |name: &str, next: &str| {
        ok(json!({"metadata": {"continue": next, "resourceVersion": "9"}, "items": [{"metadata": {"name": name}}]}))
    };
    let expired = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"});
    let first = "GET /api/v1/namespaces/shop/configmaps?limit=500";
    let second = "GET /api/v1/namespaces/shop/configmaps?limit=500&continue=n%2F2";
    let server = Server::new([
        core_types(),
        (first, page("a", "n/2")),
        (second, Answer::Json(410, expired)),
        (first, page("a", "n/2")),
        (second, page("b", "")),
    ]);
    let objects = server.cluster().list("v1", "ConfigMap", Some("shop")).await.unwrap();
    let names: Vec<_> = objects
        .iter()
        .map(|object| object["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert!(server.is_done());
}

#[tokio::test(start_paused = true)]
async fn delete_names_the_uid() {
    let target = "DELETE /api/v1/namespaces/shop/configmaps/settings";
    let missing = json!({"kind": "Status", "code": 404, "reason": "NotFound", "details": {"name": "settings", "kind": "configmaps"}});
    let other = json!({"kind": "Status", "code": 409, "reason": "Conflict", "message": "Precondition failed: UID"});
    let server = Server::new([
        core_types(),
        (target, ok(json!({"kind": "Status", "status": "Success"}))),
        (target, Answer::Json(404, missing)),
        (target, Answer::Json(409, other)),
    ]);
    let cluster = server.cluster();
    let settings = settings();
    let delete = || cluster.delete(&settings, "u1", Propagation::Foreground, false);
    assert_eq!(delete().await, Ok(Deleted::Accepted));
    assert_eq!(delete().await, Ok(Deleted::Absent));
    assert_eq!(delete().await.unwrap_err().class, Class::Race);
    let body = &server.seen.lock().unwrap()[1].body;
    assert!(body.contains(r#""preconditions":{"uid":"u1"}"#) && body.contains(r#""propagationPolicy":"Foreground""#));
}

#[tokio::test(start_paused = true)]
async fn names_are_escaped() {
    let role = ObjectRef::new("v1", "ConfigMap", Some("shop"), "a:b/c?d");
    let server = Server::new([
        core_types(),
        (
            "GET /api/v1/namespaces/shop/configmaps/a%3Ab%2Fc%3Fd",
            ok(json!({"kind": "ConfigMap"})),
        ),
    ]);
    assert!(server.cluster().get(&role).await.unwrap().is_some());
}
