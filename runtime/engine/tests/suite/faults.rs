//! The engine against an API server whose answers get lost, late or refused.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use ktl_cluster::{Cluster, RequestBody};
use ktl_engine::run;
use ktl_store::event::{Command, RunStatus};
use serde_json::json;
use tower::Service as _;

use crate::harness::request;
use crate::plan::{ReleaseCase, plan};

type BoxError = Box<dyn Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, BoxError>;

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// 429 with a wish to come back later.
    Throttled,
    /// 503.
    Overloaded,
    /// 500 without a reason that says more.
    Internal,
    /// Nothing reaches the server.
    LostOnTheWay,
    /// The server does it, and the answer is lost.
    LostOnTheWayBack,
    /// The server does it, and the answer comes too late.
    Late,
    /// Watches end after a moment, in the middle of whatever they say.
    CutWatches,
}

/// A cluster of which every third request that changes something goes wrong once.
fn faulty(simulated: &ktl_sim::Cluster, fault: Fault) -> Cluster {
    let service = simulated.service();
    let count = Arc::new(AtomicU64::new(0));
    Cluster::from_service(tower::service_fn(move |request: Request<RequestBody>| {
        let mut service = service.clone();
        let count = Arc::clone(&count);
        async move {
            let watches = request.uri().query().is_some_and(|query| query.contains("watch=true"));
            let changes = request.method() != Method::GET;
            let struck = changes && count.fetch_add(1, Ordering::Relaxed) % 3 == 1;
            let refuse = |code: u16, reason: &str| {
                let status = json!({"kind": "Status", "code": code, "reason": reason, "message": "not now"});
                let body = Full::new(Bytes::from(status.to_string()))
                    .map_err(BoxError::from)
                    .boxed_unsync();
                Response::builder()
                    .status(code)
                    .header("retry-after", "2")
                    .body(body)
                    .map_err(BoxError::from)
            };
            match (struck, fault) {
                (true, Fault::Throttled) => return refuse(429, "TooManyRequests"),
                (true, Fault::Overloaded) => return refuse(503, "ServiceUnavailable"),
                (true, Fault::Internal) => return refuse(500, "InternalError"),
                (true, Fault::LostOnTheWay) => return Err(io::Error::from(io::ErrorKind::ConnectionRefused).into()),
                _ => {}
            }
            let response = service.call(request).await?;
            match (struck, fault) {
                (true, Fault::LostOnTheWayBack) => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
                (true, Fault::Late) => {
                    tokio::time::sleep(Duration::from_secs(100)).await;
                    Ok(response.map(whole))
                }
                (_, Fault::CutWatches) if watches => Ok(response.map(cut)),
                _ => Ok::<_, BoxError>(response.map(whole)),
            }
        }
    }))
}

fn whole(body: ktl_sim::SimBody) -> Body {
    body.map_err(Into::into).boxed_unsync()
}

/// Passes on what comes within 700 ms, then half of a line, then breaks.
fn cut(body: ktl_sim::SimBody) -> Body {
    let end = tokio::time::Instant::now() + Duration::from_millis(700);
    let frames = futures::stream::unfold(Some(whole(body)), move |body| async move {
        let mut body = body?;
        match tokio::time::timeout_at(end, body.frame()).await {
            Ok(frame) => Some((frame?, Some(body))),
            Err(_) => {
                let half = Bytes::from_static(b"{\"type\":\"MODIF");
                Some((Ok(Frame::data(half)), None))
            }
        }
    });
    StreamBody::new(frames).boxed_unsync()
}

fn releases() -> Vec<ReleaseCase> {
    let config =
        |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "1"}});
    let web = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "app", "image": "web:1"}]},
            },
        },
    });
    vec![ReleaseCase {
        name: "web".to_owned(),
        namespace: "shop".to_owned(),
        timeout_ms: None,
        priority: 0,
        objects: vec![config("a"), config("b"), config("c"), config("d"), web],
    }]
}

#[test]
fn whatever_passes_is_passed_through() {
    for fault in [
        Fault::Throttled,
        Fault::Overloaded,
        Fault::Internal,
        Fault::LostOnTheWay,
        Fault::LostOnTheWayBack,
        Fault::Late,
        Fault::CutWatches,
    ] {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let simulated = ktl_sim::Cluster::new(ktl_sim::Options::default());
            let (plan, objects) = plan(&releases(), &[], &ktl_plan::Limits::default());
            let bad = faulty(&simulated, fault);
            let made = run(request("r1", Command::Apply, &plan, &objects, &bad)).await.unwrap();
            assert_eq!(made.status, RunStatus::Succeeded, "{fault:?}: {made:?}");
            assert_eq!(made.summary.created, 6, "{fault:?}: {made:?}");
            let struck = !matches!(fault, Fault::CutWatches);
            assert_eq!(made.summary.retries > 0, struck, "{fault:?}: {made:?}");
            let good = Cluster::from_service(simulated.service());
            let again = run(request("r2", Command::Apply, &plan, &objects, &good))
                .await
                .unwrap();
            assert_eq!(again.summary.unchanged, 6, "{fault:?}: {again:?}");
            let gone = run(request("r3", Command::Delete, &plan, &objects, &bad))
                .await
                .unwrap();
            assert_eq!(gone.status, RunStatus::Succeeded, "{fault:?}: {gone:?}");
            assert_eq!(gone.summary.deleted, 5, "{fault:?}: {gone:?}");
        });
    }
}
