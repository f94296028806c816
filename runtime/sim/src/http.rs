//! HTTP: the tower service, routes, and what each of them answers.

mod body;
mod input;
mod list;
mod objects;
mod parts;
mod query;
mod reviews;
mod route;
mod watch;
mod wire;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::http::header::{CONTENT_TYPE, RETRY_AFTER, WARNING};
use ::http::{HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::Value;

pub use body::SimBody;
pub(crate) use objects::{metadata, shown};

use crate::cluster::Cluster;
use crate::status::Failure;
use crate::{discovery, openapi};
use query::{Format, Query};
use route::Route;

/// The largest body that is read, as on a real API server.
const MAX_BODY: usize = 3 * 1024 * 1024;

/// The API of a [`Cluster`] as a tower service. Scheme and authority of requests are not looked at.
#[derive(Clone)]
pub struct Service {
    cluster: Cluster,
}

impl Service {
    pub(crate) fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }
}

impl<B> tower::Service<Request<B>> for Service
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<SimBody>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let cluster = self.cluster.clone();
        Box::pin(async move {
            cluster.start();
            let (parts, body) = request.into_parts();
            let body = match Limited::new(body, MAX_BODY).collect().await {
                Ok(body) => body.to_bytes(),
                Err(error) if error.is::<LengthLimitError>() => {
                    let why = format!("Request entity too large: limit is {MAX_BODY}");
                    return Ok(Reply::from(Failure::new(413, "RequestEntityTooLarge", why)).into_response());
                }
                Err(error) => return Err(io::Error::other(error)),
            };
            let call = Call {
                method: parts.method.clone(),
                path: parts.uri.path().to_owned(),
                query: Query::new(&parts),
                body,
            };
            let reply = answer(&cluster, &call).unwrap_or_else(Reply::from);
            cluster.inner.wake.notify_one();
            Ok(reply.into_response())
        })
    }
}

/// A request with its body read.
pub(crate) struct Call {
    method: Method,
    path: String,
    query: Query,
    body: Bytes,
}

/// What goes back.
pub(crate) struct Reply {
    code: u16,
    content_type: String,
    body: SimBody,
    warnings: Vec<String>,
    retry_after: Option<u64>,
}

impl Reply {
    fn json(code: u16, value: &Value) -> Self {
        Self::text(code, "application/json", format!("{value}\n"))
    }

    fn text(code: u16, content_type: &str, text: impl Into<Bytes>) -> Self {
        let body = SimBody::full(text.into());
        Self {
            code,
            content_type: content_type.to_owned(),
            body,
            warnings: Vec::new(),
            retry_after: None,
        }
    }

    /// A JSON value in the format the client asked for.
    fn formatted(code: u16, value: &Value, format: &Format) -> Self {
        match format {
            Format::Yaml => match serde_saphyr::to_string(value) {
                Ok(text) => Self::text(code, "application/yaml", text),
                Err(error) => Self::from(Failure::new(500, "InternalError", error.to_string())),
            },
            _ => Self::json(code, value),
        }
    }

    fn into_response(self) -> Response<SimBody> {
        let mut response = Response::new(self.body);
        *response.status_mut() = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&self.content_type) {
            headers.insert(CONTENT_TYPE, value);
        }
        for warning in self.warnings {
            let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
            if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
                headers.append(WARNING, value);
            }
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        headers.insert(
            "audit-id",
            HeaderValue::from_static("00000000-0000-4000-8000-000000000000"),
        );
        headers.insert("cache-control", HeaderValue::from_static("no-cache, private"));
        response
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        let mut reply = Reply::json(failure.code, &failure.body());
        if failure.code == 429 {
            reply.retry_after = Some(1);
        }
        reply
    }
}

impl From<Infallible> for Reply {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

fn answer(cluster: &Cluster, call: &Call) -> Result<Reply, Failure> {
    let route = Route::parse(&call.path).ok_or_else(Failure::no_path)?;
    let reading = call.method == Method::GET || call.method == Method::HEAD;
    let format = call.query.format();
    let state = || cluster.inner.lock();
    match route {
        Route::Object(path) => objects::answer(cluster, call, path),
        _ if !reading => Err(Failure::method_not_allowed()),
        Route::Health => Ok(Reply::text(200, "text/plain; charset=utf-8", "ok")),
        Route::Version => Ok(Reply::json(200, &discovery::version_info())),
        Route::Paths => Ok(Reply::json(200, &discovery::paths(&state().registry))),
        Route::Core | Route::Groups => {
            let core = matches!(route, Route::Core);
            match format {
                Format::Discovery(version) => {
                    let document = discovery::aggregated(&state().registry, core, &version);
                    let kind = "APIGroupDiscoveryList";
                    let content = format!("application/json;g=apidiscovery.k8s.io;v={version};as={kind}");
                    Ok(Reply::text(200, &content, document.to_string()))
                }
                _ if core => Ok(Reply::json(200, &discovery::core_versions())),
                _ => Ok(Reply::json(200, &discovery::groups(&state().registry))),
            }
        }
        Route::Group(group) => {
            let found = discovery::group(&state().registry, &group).ok_or_else(Failure::no_path)?;
            Ok(Reply::json(200, &found))
        }
        Route::Resources(group, version) => {
            let found = discovery::resources(&state().registry, &group, &version).ok_or_else(Failure::no_path)?;
            Ok(Reply::json(200, &found))
        }
        Route::OpenApi2 => {
            let wants_protobuf = call.query.accept.contains("protobuf");
            let (content, bytes) = openapi::v2(wants_protobuf);
            Ok(Reply::text(200, content, bytes))
        }
        Route::OpenApi3 => Ok(Reply::json(200, &openapi::index(&state().registry))),
        Route::OpenApi3Group(group, version) => {
            let text = openapi::group(&state().registry, &group, &version).ok_or_else(Failure::no_path)?;
            Ok(Reply::text(200, "application/json", text))
        }
    }
}
