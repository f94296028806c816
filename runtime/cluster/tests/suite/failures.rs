//! Every class of failure, by what the API server answers.

use std::time::Duration;

use ktl_cluster::{Class, Failure, ObjectRef};
use serde::Deserialize;
use serde_json::Value;

use crate::server::{Answer, Server, core_types};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Case {
    code: u16,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    details: Value,
    on_change: String,
    on_read: String,
}

async fn change(answer: Answer) -> Failure {
    let line = "PATCH /api/v1/namespaces/shop/configmaps/c?fieldManager=ktl%2Fshop&fieldValidation=Strict&force=false";
    let object = ObjectRef::new("v1", "ConfigMap", Some("shop"), "c");
    let server = Server::new([core_types(), (line, answer)]);
    server
        .cluster()
        .apply(&object, b"{}", "ktl/shop", false)
        .await
        .expect_err("a failure was scripted")
}

async fn read(answer: Answer) -> Failure {
    let server = Server::new([core_types(), ("GET /api/v1/namespaces?limit=1", answer)]);
    server
        .cluster()
        .probe_type("v1", "Namespace")
        .await
        .expect_err("a failure was scripted")
}

#[tokio::test(start_paused = true)]
async fn answers_are_classified_by_code_reason_and_causes() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../failures.json")).unwrap();
    for case in cases {
        // The message says something else on purpose: nobody may look at it.
        let status = serde_json::json!({
            "kind": "Status", "code": case.code, "reason": case.reason, "details": case.details,
            "message": "exceeded quota, FieldManagerConflict, failed calling webhook, already exists",
        });
        let answer = || Answer::Json(case.code, status.clone());
        let found = (
            change(answer()).await.class.to_string(),
            read(answer()).await.class.to_string(),
        );
        let about = format!("{} {} {}", case.code, case.reason, case.details);
        assert_eq!(found, (case.on_change, case.on_read), "{about}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_the_connection_broke_is_in_doubt() {
    assert_eq!(change(Answer::Broken).await.class, Class::Ambiguous);
    assert_eq!(read(Answer::Broken).await.class, Class::Transport);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_not_waited_for() {
    let failure = change(Answer::Silence).await;
    assert_eq!(
        (failure.class, failure.message.as_str()),
        (Class::Ambiguous, "no answer within 35 s")
    );
    assert_eq!(read(Answer::Silence).await.class, Class::Overload);
}

#[tokio::test(start_paused = true)]
async fn the_wish_to_come_back_later_is_kept() {
    let failure = change(Answer::RetryAfter(429, "7")).await;
    assert_eq!(
        (failure.class, failure.retry_after),
        (Class::Throttle, Some(Duration::from_secs(7)))
    );
    let status = serde_json::json!({"kind": "Status", "code": 503, "details": {"retryAfterSeconds": 3}});
    assert_eq!(
        change(Answer::Json(503, status)).await.retry_after,
        Some(Duration::from_secs(3))
    );
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_no_json_are_no_panic() {
    let failure = change(Answer::Text(502, "<html>bad gateway</html>")).await;
    assert_eq!(
        (failure.class, failure.message.as_str()),
        (Class::Ambiguous, "<html>bad gateway</html>")
    );
    let failure = change(Answer::Text(200, "<html>hello</html>")).await;
    assert!(
        failure.message.starts_with("the API server's answer cannot be read"),
        "{failure}"
    );
}
