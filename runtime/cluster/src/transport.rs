//! Sending a request and reading its answer, within limits of size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, header};
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::connect::{Cluster, RequestBody};
use crate::failure::{Failure, Intent};

/// An object is at most about 1.5 MiB in etcd; a page of 500 is far below this in practice.
const LARGEST_ANSWER: usize = 256 << 20;
/// One event of a watch is one object.
const LARGEST_LINE: usize = 16 << 20;
/// How long a change may take: the API server gives up on webhooks after 30 s.
pub(crate) const CHANGE_DEADLINE: Duration = Duration::from_secs(35);
/// How long a list may take: the API server's own limit.
pub(crate) const LIST_DEADLINE: Duration = Duration::from_secs(60);

/// A path with its query, each value percent-encoded.
pub(crate) fn path(path: &str, query: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    for (index, (name, value)) in query.iter().enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.push_str(name);
        out.push('=');
        escape(&mut out, value);
    }
    out
}

/// Appends a segment of a path, percent-encoded.
pub(crate) fn segment(path: &mut String, segment: &str) {
    path.push('/');
    escape(path, segment);
}

fn escape(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

impl Cluster {
    /// GET of a JSON document.
    pub(crate) async fn read(&self, path: String, deadline: Duration) -> Result<Value, Failure> {
        let (_, value) = self.exchange(Method::GET, path, None, deadline).await?;
        Ok(value)
    }

    /// A request with a JSON answer; the status code comes with it. `body` is the content type and the bytes.
    pub(crate) async fn exchange(
        &self,
        method: Method,
        path: String,
        body: Option<(&'static str, Vec<u8>)>,
        deadline: Duration,
    ) -> Result<(u16, Value), Failure> {
        let intent = if method == Method::GET {
            Intent::Read
        } else {
            Intent::Change
        };
        let work = async {
            let mut request = Request::builder()
                .method(method)
                .uri(path)
                .header(header::ACCEPT, "application/json");
            if let Some((content_type, _)) = &body {
                request = request.header(header::CONTENT_TYPE, *content_type);
            }
            let bytes = body.map(|(_, bytes)| bytes).unwrap_or_default();
            let response = self.send(request.body(RequestBody::from(bytes)), intent).await?;
            let code = response.status().as_u16();
            let bytes = collect(response, LARGEST_ANSWER, intent).await?;
            Ok((code, serde_json::from_slice(&bytes).map_err(Failure::malformed)?))
        };
        let answer = tokio::time::timeout(deadline, work).await;
        answer.unwrap_or_else(|_| Err(Failure::deadline(deadline, intent)))
    }

    /// A watch, as its lines.
    pub(crate) async fn lines(&self, path: String) -> Result<Lines, Failure> {
        let request = Request::get(path)
            .header(header::ACCEPT, "application/json")
            // Some API servers compress each event on its own, which the client cannot read.
            .header(header::ACCEPT_ENCODING, "identity")
            .body(RequestBody::empty());
        let response = tokio::time::timeout(LIST_DEADLINE, self.send(request, Intent::Read)).await;
        let response = response.unwrap_or_else(|_| Err(Failure::deadline(LIST_DEADLINE, Intent::Read)))?;
        Ok(Lines {
            body: response.into_body(),
            buffer: BytesMut::new(),
            searched: 0,
        })
    }

    async fn send(
        &self,
        request: http::Result<Request<RequestBody>>,
        intent: Intent,
    ) -> Result<Response<RequestBody>, Failure> {
        let request = request.map_err(|error| Failure::new(crate::Class::Invalid, error.to_string()))?;
        self.count_request();
        let sent = self.client.send(request).await;
        let response = sent.map_err(|error| Cluster::transport_failure(&error, intent))?;
        let code = response.status().as_u16();
        if code < 400 {
            return Ok(response);
        }
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = collect(response, 1 << 20, intent).await?;
        Err(Failure::from_answer(code, retry_after, &body, intent))
    }
}

/// The lines of an answer that is still coming.
pub(crate) struct Lines {
    body: RequestBody,
    buffer: BytesMut,
    searched: usize,
}

impl Lines {
    /// The next line, or none at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let unseen = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(at) = unseen.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + at + 1).freeze();
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > LARGEST_LINE {
                return Err(Failure::malformed(format_args!(
                    "one event is larger than {LARGEST_LINE} bytes"
                )));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                // What was cut off in the middle of a line is not an event.
                None => return Ok(None),
                Some(Err(error)) => return Err(Cluster::transport_failure(&error, Intent::Read)),
            }
        }
    }
}

async fn collect(response: Response<RequestBody>, limit: usize, intent: Intent) -> Result<Bytes, Failure> {
    let mut body = response.into_body();
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Cluster::transport_failure(&error, intent))?;
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() > limit {
            return Err(Failure::malformed(format_args!("it is larger than {limit} bytes")));
        }
    }
    Ok(bytes.freeze())
}
