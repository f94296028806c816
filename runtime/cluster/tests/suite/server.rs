//! A scripted API server: a list of requests that are expected, in order, each with its answer.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use ktl_cluster::{Cluster, RequestBody};
use serde_json::{Value, json};
use tokio::sync::mpsc;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What a request looked like.
#[derive(Clone, Debug)]
pub struct Seen {
    pub content_type: String,
    pub body: String,
}

#[derive(Default)]
pub struct Server {
    script: Mutex<VecDeque<(String, Answer)>>,
    pub seen: Mutex<Vec<Seen>>,
}

pub enum Answer {
    Json(u16, Value),
    Text(u16, &'static str),
    RetryAfter(u16, &'static str),
    /// A watch: lines come as they are sent.
    Lines(mpsc::UnboundedReceiver<String>),
    /// The connection breaks.
    Broken,
    /// Nothing ever comes back.
    Silence,
}

pub fn ok(value: Value) -> Answer {
    Answer::Json(200, value)
}

/// What discovery says of the core types.
pub fn core_types() -> (&'static str, Answer) {
    let resources = json!([
        {"name": "configmaps", "kind": "ConfigMap", "namespaced": true},
        {"name": "configmaps/fake", "kind": "ConfigMap", "namespaced": true},
        {"name": "namespaces", "kind": "Namespace", "namespaced": false},
    ]);
    (
        "GET /api/v1",
        ok(json!({"kind": "APIResourceList", "resources": resources})),
    )
}

impl Server {
    pub fn new(script: impl IntoIterator<Item = (&'static str, Answer)>) -> Arc<Self> {
        let script = script
            .into_iter()
            .map(|(line, answer)| (line.to_owned(), answer))
            .collect();
        Arc::new(Server {
            script: Mutex::new(script),
            ..Server::default()
        })
    }

    pub fn cluster(self: &Arc<Self>) -> Cluster {
        let server = Arc::clone(self);
        Cluster::from_service(tower::service_fn(move |request: Request<RequestBody>| {
            let server = Arc::clone(&server);
            async move { server.answer(request).await }
        }))
    }

    /// Whether every expected request has come.
    pub fn is_done(&self) -> bool {
        self.script.lock().expect("not poisoned").is_empty()
    }

    async fn answer(&self, request: Request<RequestBody>) -> Result<Response<Body>, std::io::Error> {
        let (parts, body) = request.into_parts();
        let body = body
            .collect_bytes()
            .await
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let line = format!("{} {}", parts.method, parts.uri);
        let content_type = parts
            .headers
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        self.seen.lock().expect("not poisoned").push(Seen {
            content_type: content_type.to_owned(),
            body: body.unwrap_or_default(),
        });
        let next = self.script.lock().expect("not poisoned").pop_front();
        let Some((expected, answer)) = next else {
            panic!("`{line}` was not expected any more")
        };
        assert_eq!(line, expected);
        let full = |text: String| Full::new(Bytes::from(text)).boxed_unsync();
        let (code, retry_after, body) = match answer {
            Answer::Json(code, value) => (code, None, full(value.to_string())),
            Answer::Text(code, text) => (code, None, full(text.to_owned())),
            Answer::RetryAfter(code, after) => (code, Some(after), full(String::new())),
            Answer::Lines(lines) => (200, None, stream(lines)),
            Answer::Broken => return Err(std::io::ErrorKind::ConnectionReset.into()),
            Answer::Silence => return std::future::pending().await,
        };
        let mut response = Response::builder().status(code);
        if let Some(after) = retry_after {
            response = response.header("retry-after", after);
        }
        Ok(response.body(body).expect("a valid response"))
    }
}

fn stream(lines: mpsc::UnboundedReceiver<String>) -> Body {
    let frames = futures::stream::unfold(lines, |mut lines| async move {
        let line = lines.recv().await?;
        Some((Ok::<_, Infallible>(http_body::Frame::data(Bytes::from(line))), lines))
    });
    StreamBody::new(frames).boxed_unsync()
}
