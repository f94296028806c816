//! What must hold whatever is asked: the same every time, and rest when there is nothing to do.

use std::time::Duration;

use ktl_sim::{Cluster, Options};
use serde_json::{Value, json};

use crate::transcript::send;

const JSON: &str = "application/json";

fn deployment(name: &str, annotations: Value) -> String {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
        "spec": {
            "replicas": 3,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name }, "annotations": annotations },
                "spec": { "containers": [{ "name": "main", "image": "example.com/main:1" }] },
            },
        },
    })
    .to_string()
}

async fn story(seed: u64) -> (Vec<Value>, Duration) {
    let begin = tokio::time::Instant::now();
    let cluster = Cluster::new(Options {
        seed,
        ..Options::default()
    });
    let path = "/apis/apps/v1/namespaces/default/deployments";
    for name in ["one", "two"] {
        send(&cluster, "POST", path, JSON, deployment(name, json!({}))).await;
    }
    loop {
        let (_, list) = send(&cluster, "GET", path, JSON, "").await;
        let ready = |item: &Value| item["status"]["readyReplicas"] == 3;
        if list["items"].as_array().unwrap().iter().all(ready) {
            break;
        }
        let path = format!(
            "{path}?watch=1&timeoutSeconds=1&resourceVersion={}",
            list["metadata"]["resourceVersion"].as_str().unwrap()
        );
        send(&cluster, "GET", &path, JSON, "").await;
    }
    send(&cluster, "DELETE", &format!("{path}/one"), JSON, "").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    (cluster.snapshot(), begin.elapsed())
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_cluster() {
    let (first, second) = (story(7).await, story(7).await);
    assert_eq!(first, second);
    assert_ne!(first.0, story(8).await.0, "the seed has no effect");
}

/// With a paused clock a timer that rearms itself would make time run away while nobody waits for anything.
#[tokio::test(start_paused = true)]
async fn a_cluster_comes_to_rest() {
    let cluster = Cluster::new(Options::default());
    let path = "/apis/apps/v1/namespaces/default/deployments";
    for (name, script) in [
        ("fine", ""),
        ("crashing", "crash-loop"),
        ("missing", "image-pull"),
        ("slow", "never-ready"),
    ] {
        let (code, _) = send(
            &cluster,
            "POST",
            path,
            JSON,
            deployment(name, json!({ "sim.ktl.io/fail": script })),
        )
        .await;
        assert_eq!(code, 201);
    }
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let before = cluster.snapshot();
    tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    assert_eq!(before, cluster.snapshot(), "something moved in a day without requests");
    let deployment = |name: &str| {
        before
            .iter()
            .find(|object| object["kind"] == "Deployment" && object["metadata"]["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(deployment("fine")["status"]["availableReplicas"], 3);
    let reason = |name: &str| {
        deployment(name)["status"]["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .find(|condition| condition["type"] == "Progressing")
            .unwrap()["reason"]
            .clone()
    };
    assert_eq!(reason("fine"), "NewReplicaSetAvailable");
    for name in ["crashing", "missing", "slow"] {
        assert_eq!(reason(name), "ProgressDeadlineExceeded", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn pods_take_half_a_second_to_two_and_speed_scales_that() {
    for (speed, low, high) in [(1.0, 500, 2100), (4.0, 125, 600)] {
        for seed in 0..20 {
            let cluster = Cluster::new(Options {
                seed,
                speed,
                ..Options::default()
            });
            let pod = json!({
                "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p" },
                "spec": { "containers": [{ "name": "main", "image": "example.com/main:1" }] },
            });
            send(
                &cluster,
                "POST",
                "/api/v1/namespaces/default/pods",
                JSON,
                pod.to_string(),
            )
            .await;
            let begin = tokio::time::Instant::now();
            loop {
                let (_, pod) = send(&cluster, "GET", "/api/v1/namespaces/default/pods/p", JSON, "").await;
                let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
                if conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True") {
                    break;
                }
                assert!(begin.elapsed() < Duration::from_secs(10), "never ready");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let took = begin.elapsed().as_millis();
            assert!((low..=high).contains(&took), "seed {seed} at speed {speed}: {took} ms");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_beyond_three_mebibytes_are_refused() {
    let cluster = Cluster::new(Options::default());
    let body = " ".repeat(3 * 1024 * 1024 + 1);
    let (code, status) = send(&cluster, "POST", "/api/v1/namespaces/default/configmaps", JSON, body).await;
    assert_eq!((code, status["reason"].as_str()), (413, Some("RequestEntityTooLarge")));
}

/// Whatever the bytes, there is an answer with a status.
#[tokio::test(start_paused = true)]
async fn nonsense_gets_an_answer() {
    let cluster = Cluster::new(Options::default());
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let nested = format!("{}1{}", "{\"a\":".repeat(120), "}".repeat(120));
    let objects =
        format!("{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"name\":\"a\"}},\"data\":{nested}}}");
    let bodies = [
        "",
        "{",
        "[]",
        "null",
        "1",
        "\"x\"",
        "{}",
        "\u{0}",
        "{\"kind\":1}",
        "{\"metadata\":[]}",
        &deep,
        &objects,
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":\"x\"}",
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\",\"labels\":[1]}}",
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\",\"managedFields\":[{\"fieldsV1\":{\"k:{\":{}}}]}}",
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\",\"ownerReferences\":[1,{}]}}",
    ];
    let paths = [
        ("POST", "/api/v1/namespaces/default/configmaps", JSON),
        ("PUT", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt", JSON),
        (
            "PATCH",
            "/api/v1/namespaces/default/configmaps/a?fieldManager=x",
            "application/apply-patch+yaml",
        ),
        (
            "PATCH",
            "/api/v1/namespaces/default/configmaps/kube-root-ca.crt",
            "application/merge-patch+json",
        ),
        (
            "PATCH",
            "/api/v1/namespaces/default/configmaps/kube-root-ca.crt",
            "application/json-patch+json",
        ),
        (
            "PATCH",
            "/api/v1/namespaces/default/configmaps/kube-root-ca.crt",
            "application/strategic-merge-patch+json",
        ),
        ("DELETE", "/api/v1/namespaces/default/configmaps/nothing", JSON),
        ("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", JSON),
        ("PUT", "/api/v1/namespaces/default/services/kubernetes/status", JSON),
        (
            "PATCH",
            "/apis/apps/v1/namespaces/default/deployments/x/scale",
            "application/merge-patch+json",
        ),
        ("OPTIONS", "/api/v1/%ff/..//x?limit=%zz&watch", "text/plain"),
        ("GET", "/api/v1/pods?limit=x&continue=%00", JSON),
    ];
    for (method, path, kind) in paths {
        for body in bodies {
            let (code, answer) = send(&cluster, method, path, kind, body.to_owned()).await;
            assert!((200..600).contains(&code), "{method} {path} {body:.60}: {code}");
            if code >= 400 {
                assert_eq!(answer["kind"], "Status", "{method} {path} {body:.60}: {answer}");
            }
        }
    }
}

/// A protobuf body cut off anywhere, or with any byte changed, is read or refused.
#[tokio::test(start_paused = true)]
async fn damaged_protobuf_gets_an_answer() {
    // A pod `p` with one container: what a Go client sends.
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let container = [field(1, b"main"), field(2, b"nginx")].concat();
    let pod = [field(1, &field(1, b"p")), field(2, &field(2, &container))].concat();
    let meta = [field(1, b"v1"), field(2, b"Pod")].concat();
    let body = [b"k8s\0".to_vec(), field(1, &meta), field(2, &pod)].concat();
    let path = "/api/v1/namespaces/default/pods?dryRun=All";
    let kind = "application/vnd.kubernetes.protobuf";
    let cluster = Cluster::new(Options::default());
    let (code, made) = send(&cluster, "POST", path, kind, body.clone()).await;
    assert_eq!(
        (code, &made["spec"]["containers"][0]["image"]),
        (201, &json!("nginx")),
        "{made}"
    );
    for index in 0..body.len() {
        let (code, _) = send(&cluster, "POST", path, kind, body[..index].to_vec()).await;
        assert!(code >= 400, "cut off at {index}");
        for flip in [1, 0x80, 0xff] {
            let mut body = body.clone();
            body[index] ^= flip;
            let (code, _) = send(&cluster, "POST", path, kind, body).await;
            assert!((200..600).contains(&code));
        }
    }
}
