//! Requests and what their answers must hold, as text files.
//!
//! ```text
//! > POST /api/v1/namespaces/default/configmaps
//! {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
//! < 201
//! < /metadata/uid -> $uid
//! < /metadata/generation absent
//! < /message ~ already exists
//! < /metadata/name = "a"
//! sleep 2s
//! ```
//!
//! A body is YAML and is sent as JSON; a third word after the path is its content type (what a GET accepts), written `merge`, `json`,
//! `strategic`, `apply` or in full; `raw` sends the body as it stands. The answer to a watch is the list of its lines.
//! `= "…"` compares JSON, `~` looks for a part of the text, `#` compares how many members there are.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use ktl_sim::{Cluster, Options};
use serde_json::Value;
use tower::ServiceExt as _;

/// Sends a request; the answer is its status and its body as JSON (a list of lines for watches).
pub async fn send(cluster: &Cluster, method: &str, path: &str, kind: &str, body: impl Into<Bytes>) -> (u16, Value) {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header(if method == "GET" { "accept" } else { "content-type" }, kind)
        .header("user-agent", "transcript/1")
        .body(Full::new(body.into()))
        .unwrap();
    let response = cluster.service().oneshot(request).await.unwrap();
    let code = response.status().as_u16();
    let warnings: Vec<Value> = response
        .headers()
        .get_all("warning")
        .iter()
        .map(|value| Value::from(value.to_str().unwrap()))
        .collect();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let mut value = if path.contains("watch=") && code == 200 {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Value::Array(lines.map(|line| serde_json::from_slice(line).unwrap()).collect())
    } else {
        serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes).into_owned()))
    };
    if let (false, Value::Object(map)) = (warnings.is_empty(), &mut value) {
        map.insert("warnings".to_owned(), Value::Array(warnings));
    }
    (code, value)
}

struct Run {
    cluster: Cluster,
    variables: BTreeMap<String, String>,
    answer: (u16, Value),
    failures: Vec<String>,
}

impl Run {
    fn fill(&self, text: &str) -> String {
        let longest_first = self.variables.iter().rev();
        longest_first.fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    async fn request(&mut self, head: &str, body: &str) {
        let head = self.fill(head);
        let mut words = head.split_whitespace();
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let kind = match words.next().unwrap_or("application/json") {
            "merge" => "application/merge-patch+json",
            "json" => "application/json-patch+json",
            "strategic" => "application/strategic-merge-patch+json",
            "apply" => "application/apply-patch+yaml",
            "raw" => "application/json",
            other => other,
        };
        let body = self.fill(body);
        let body = if head.ends_with(" raw") || body.trim().is_empty() {
            body
        } else {
            let value: Value = serde_saphyr::from_str(&body).unwrap_or_else(|error| panic!("{head}: {error}\n{body}"));
            value.to_string()
        };
        self.answer = send(&self.cluster, method, path, kind, body).await;
    }

    fn expect(&mut self, line: &str) -> Result<(), String> {
        let line = self.fill(line.trim_start_matches('<').trim());
        let (code, body) = &self.answer;
        if let Ok(wanted) = line.parse::<u16>() {
            return if *code == wanted {
                Ok(())
            } else {
                Err(format!("answered {code}: {body}"))
            };
        }
        let (path, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let path = if path == "/" { "" } else { path };
        let found = body.pointer(path);
        if let Some(variable) = rest.strip_prefix("-> ") {
            let value = found.ok_or(format!("nothing at `{path}` in {body}"))?;
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.variables.insert(variable.to_owned(), text);
            return Ok(());
        }
        let shown = found.map_or("nothing".to_owned(), Value::to_string);
        let holds = if rest == "absent" {
            found.is_none()
        } else if let Some(wanted) = rest.strip_prefix("= ") {
            let wanted: Value = serde_json::from_str(wanted).map_err(|error| format!("{wanted}: {error}"))?;
            found == Some(&wanted)
        } else if let Some(part) = rest.strip_prefix("~ ") {
            found.is_some_and(|found| found.as_str().map_or(found.to_string(), str::to_owned).contains(part))
        } else if let Some(count) = rest.strip_prefix("# ") {
            let length = found.map_or(0, |found| {
                found.as_array().map_or(0, Vec::len) + found.as_object().map_or(0, serde_json::Map::len)
            });
            length.to_string() == count
        } else {
            return Err("a line after `<` is a status, or a path with `=`, `~`, `#`, `->` or `absent`".to_owned());
        };
        if holds {
            Ok(())
        } else {
            Err(format!("expected `{rest}`, found {shown}"))
        }
    }
}

async fn run(name: &str, text: &str) -> Vec<String> {
    let cluster = Cluster::new(Options::default());
    let mut run = Run {
        cluster,
        variables: BTreeMap::new(),
        answer: (0, Value::Null),
        failures: Vec::new(),
    };
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(head) = line.strip_prefix("> ") {
            let mut body = String::new();
            while let Some((_, line)) = lines.next_if(|(_, line)| !line.starts_with('<')) {
                body.push_str(line);
                body.push('\n');
            }
            run.request(head, &body).await;
        } else if let Some(length) = line.strip_prefix("sleep ") {
            let length = length.trim_end_matches('s').parse().unwrap();
            tokio::time::sleep(Duration::from_secs_f64(length)).await;
        } else if line.starts_with('<') {
            if let Err(why) = run.expect(line) {
                run.failures.push(format!("{name}:{}: {line}\n    {why}", number + 1));
            }
        } else {
            run.failures
                .push(format!("{name}:{}: no idea what `{line}` means", number + 1));
        }
    }
    run.failures
}

#[tokio::test(start_paused = true)]
async fn transcripts_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 5, "no cases");
    let mut failures = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        failures.extend(run(&name, &std::fs::read_to_string(&file).unwrap()).await);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
