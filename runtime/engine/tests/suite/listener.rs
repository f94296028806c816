//! The way to a real cluster: a kubeconfig, a socket, HTTP.

use std::fs;

use ktl_cluster::{Cluster, ConnectOptions};
use ktl_engine::run;
use ktl_store::event::{Command, RunStatus};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::harness::request;
use crate::plan::{ReleaseCase, plan};

#[tokio::test]
async fn a_kubeconfig_leads_to_the_cluster() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("kubeconfig");
    fs::write(&file, ktl_sim::kubeconfig(listener.local_addr().unwrap())).unwrap();
    let simulated = ktl_sim::Cluster::new(ktl_sim::Options {
        speed: 100.0,
        ..ktl_sim::Options::default()
    });
    tokio::spawn(ktl_sim::serve(
        simulated.clone(),
        listener,
        std::future::pending::<()>(),
    ));
    let options = ConnectOptions {
        kubeconfig: Some(file),
        context: Some("sim".to_owned()),
    };
    let cluster = Cluster::connect(options).await.unwrap();
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "m:1"}]}}},
    });
    let release = ReleaseCase {
        name: "migrate".to_owned(),
        namespace: "shop".to_owned(),
        timeout_ms: None,
        priority: 0,
        objects: vec![job],
    };
    let (plan, objects) = plan(&[release], &[], &ktl_plan::Limits::default());
    let made = run(request("r1", Command::Apply, &plan, &objects, &cluster))
        .await
        .unwrap();
    assert_eq!(
        (made.status, made.summary.created),
        (RunStatus::Succeeded, 2),
        "{made:?}"
    );
    let gone = run(request("r2", Command::Delete, &plan, &objects, &cluster))
        .await
        .unwrap();
    assert_eq!(
        (gone.status, gone.summary.deleted),
        (RunStatus::Succeeded, 1),
        "{gone:?}"
    );
}
