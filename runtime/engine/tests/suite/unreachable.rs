//! Runs that cannot begin, or cannot go on.

use std::io;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use ktl_cluster::{Cluster, RequestBody};
use ktl_engine::{EngineError, RunRequest, run};
use ktl_plan::Limits;
use ktl_store::event::Command;
use ktl_store::{Store, StoreError};
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{self, new_run};
use crate::plan::{ReleaseCase, plan};

fn request(cluster: &Cluster, command: Command, store: Option<Store>) -> RunRequest {
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
    let release = ReleaseCase {
        name: "web".to_owned(),
        namespace: "shop".to_owned(),
        timeout_ms: None,
        priority: 0,
        objects: vec![config],
    };
    let (plan, objects) = plan(&[release], &[], &Limits::default());
    RunRequest {
        store,
        ..harness::request("r1", command, &plan, &objects, cluster)
    }
}

fn nobody() -> Cluster {
    Cluster::from_service(tower::service_fn(|_: Request<RequestBody>| async {
        Err::<Response<Full<Bytes>>, _>(io::Error::from(io::ErrorKind::ConnectionRefused))
    }))
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_does_not_answer_is_one_error_and_no_run() {
    for command in [Command::Apply, Command::Delete] {
        let folder = TempDir::new().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let error = run(request(&nobody(), command, Some(store))).await.unwrap_err();
        let EngineError::Unreachable { cluster, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(cluster, "main");
        assert!(
            error.to_string().starts_with("cannot reach cluster `main`: "),
            "{error}"
        );
        assert_eq!(Store::open(folder.path()).unwrap().runs(None).unwrap(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_does_not_know_us_is_said_so() {
    let stranger = Cluster::from_service(tower::service_fn(|_: Request<RequestBody>| async {
        let status = json!({"kind": "Status", "code": 401, "reason": "Unauthorized", "message": "Unauthorized"});
        let response = Response::builder()
            .status(401)
            .body(Full::new(Bytes::from(status.to_string())));
        response.map_err(io::Error::other)
    }));
    let error = run(request(&stranger, Command::Apply, None)).await.unwrap_err();
    assert_eq!(error.to_string(), "cluster `main` refuses: Unauthorized");
}

#[tokio::test(start_paused = true)]
async fn a_plan_without_a_connection_is_refused() {
    let mut request = request(&nobody(), Command::Apply, None);
    request.clusters.clear();
    let error = run(request).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no connection is given for cluster `main` of the plan"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_be_recorded_sends_nothing() {
    let folder = TempDir::new().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin_run(&new_run("r1")).unwrap();
    store.flush().unwrap();
    let simulated = ktl_sim::Cluster::new(ktl_sim::Options::default());
    let cluster = Cluster::from_service(simulated.service());
    let error = run(request(&cluster, Command::Apply, Some(store))).await.unwrap_err();
    assert!(
        matches!(error, EngineError::Store(StoreError::Database { .. })),
        "{error}"
    );
    let made = simulated
        .snapshot()
        .iter()
        .any(|object| object.pointer("/metadata/name") == Some(&json!("a")));
    assert!(!made, "it was applied although the run's id is taken");
}
