//! What is said when there is no connection.

use std::fs;
use std::path::PathBuf;

use ktl_cluster::{Cluster, ConnectError, ConnectOptions};
use tempfile::TempDir;

const KUBECONFIG: &str = r#"
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: u, user: {}}]
contexts: [{name: staging, context: {cluster: c, user: u}}, {name: prod, context: {cluster: c, user: u}}]
"#;

async fn refused(text: Option<&str>, context: Option<&str>) -> (PathBuf, ConnectError) {
    let folder = TempDir::new().expect("a folder for the test");
    let file = folder.path().join("kubeconfig");
    if let Some(text) = text {
        fs::write(&file, text).expect("the file can be written");
    }
    let options = ConnectOptions {
        kubeconfig: Some(file.clone()),
        context: context.map(str::to_owned),
    };
    (
        file,
        Cluster::connect(options)
            .await
            .expect_err("there is nothing to connect to"),
    )
}

#[tokio::test]
async fn every_reason_is_named() {
    let (file, error) = refused(None, None).await;
    let start = format!("cannot read the kubeconfig `{}`: No such file", file.display());
    assert!(error.to_string().starts_with(&start), "{error}");

    let (_, error) = refused(Some("contexts: [}"), None).await;
    assert!(matches!(error, ConnectError::Kubeconfig { .. }), "{error}");

    let (file, error) = refused(Some(KUBECONFIG), Some("test")).await;
    let expected = format!(
        "the kubeconfig `{}` has no context `test`; it has `staging`, `prod`",
        file.display()
    );
    assert_eq!(error.to_string(), expected);

    let (file, error) = refused(Some(KUBECONFIG), None).await;
    let expected = format!(
        "the kubeconfig `{}` has no current context; it has `staging`, `prod`",
        file.display()
    );
    assert_eq!(error.to_string(), expected);

    let (_, error) = refused(Some(KUBECONFIG), Some("prod")).await;
    let text = error.to_string();
    assert!(
        text.starts_with("cannot reach the API server at `http://127.0.0.1:9/`: "),
        "{text}"
    );
    assert!(text.to_lowercase().contains("connection refused"), "{text}");
}
