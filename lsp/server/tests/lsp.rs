//! Scripted sessions over an in-memory pipe: `sessions/*.session` say what the client does, the `.out` beside each what
//! the server said. `UPDATE=1` writes those.
//!
//! ```text
//! disk PATH          writes a file; its text follows in lines that start with `| `
//! start ENCODING     initialize; ENCODING is `utf-8`, `utf-16` or `none` (offers nothing)
//! open PATH VERSION  opens a document; its text follows
//! change PATH VERSION L:C-L:C "text"   replaces a range (`all` for everything)
//! save PATH, close PATH
//! await PATH [VERSION]   reads messages up to the findings of that document
//! request METHOD     sends a request without parameters and reads up to its answer
//! send JSON          sends any message; bytes "text" sends bytes without a frame
//! answer             reads one message
//! end                shutdown and exit; leave closes the pipe
//! ```

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests may panic as tests do"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};

#[tokio::test]
async fn sessions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions");
    let mut scripts: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    scripts.retain(|path| path.extension().is_some_and(|ending| ending == "session"));
    scripts.sort();
    assert!(!scripts.is_empty());
    let mut failures = Vec::new();
    for path in scripts {
        let script = std::fs::read_to_string(&path).unwrap();
        // Nothing here waits for time; this only turns a hang into a failure.
        let said = tokio::time::timeout(Duration::from_secs(60), play(&script)).await;
        let said = said.unwrap_or_else(|_| panic!("{} hangs", path.display()));
        let expected = path.with_extension("out");
        if std::env::var("UPDATE").is_ok_and(|value| value == "1") {
            std::fs::write(&expected, said).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != said {
            failures.push(format!("{}:\n{said}", path.display()));
        }
    }
    assert!(failures.is_empty(), "{}\n(UPDATE=1 accepts this)", failures.join("\n"));
}

async fn play(script: &str) -> String {
    let project = tempfile::tempdir().unwrap();
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (input, output) = tokio::io::split(theirs);
    let (reader, writer) = tokio::io::split(ours);
    let root = project.path().canonicalize().unwrap();
    let mut client = Client {
        root,
        reader: BufReader::new(reader),
        writer: Some(writer),
        id: 0,
        said: String::new(),
    };
    let server = ktl_lsp::serve(input, output);
    let (clean, said) = tokio::join!(server, async {
        client.play(script).await;
        client.leave().await;
        let mut rest = Vec::new();
        client.reader.read_to_end(&mut rest).await.unwrap();
        client.said
    });
    format!(
        "{said}left {}\n",
        if clean { "after shutdown" } else { "without shutdown" }
    )
}

struct Client {
    root: PathBuf,
    reader: BufReader<ReadHalf<DuplexStream>>,
    writer: Option<WriteHalf<DuplexStream>>,
    id: i64,
    said: String,
}

impl Client {
    async fn play(&mut self, script: &str) {
        let mut lines = script.lines().peekable();
        while let Some(line) = lines.next() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let mut text = String::new();
            while let Some(line) = lines.next_if(|line| line.starts_with('|')) {
                text.push_str(line.strip_prefix("| ").unwrap_or(&line[1..]));
                text.push('\n');
            }
            self.step(word, rest, text).await;
        }
    }

    async fn step(&mut self, word: &str, rest: &str, text: String) {
        let (path, more) = rest.split_once(' ').unwrap_or((rest, ""));
        let uri = self.uri(path);
        match word {
            "" | "#" => {}
            "disk" => {
                let place = self.root.join(path);
                std::fs::create_dir_all(place.parent().unwrap()).unwrap();
                std::fs::write(place, text).unwrap();
            }
            "start" => {
                let general = match rest {
                    "none" => json!({}),
                    encoding => json!({ "positionEncodings": [encoding] }),
                };
                let params = json!({ "capabilities": { "general": general } });
                self.request("initialize", Some(params)).await;
                self.notify("initialized", json!({})).await;
            }
            "open" => {
                let document = json!({ "uri": uri, "languageId": "ktl", "version": number(more), "text": text });
                self.notify("textDocument/didOpen", json!({ "textDocument": document }))
                    .await;
            }
            "change" => {
                let mut parts = more.splitn(3, ' ');
                let version = number(parts.next().unwrap());
                let range = parts.next().unwrap();
                let text: Value = serde_json::from_str(parts.next().unwrap()).unwrap();
                let change = match range.split_once('-') {
                    Some((from, to)) => json!({ "range": { "start": point(from), "end": point(to) }, "text": text }),
                    None => json!({ "text": text }),
                };
                let params = json!({ "textDocument": { "uri": uri, "version": version }, "contentChanges": [change] });
                self.notify("textDocument/didChange", params).await;
            }
            "save" => {
                self.notify("textDocument/didSave", json!({ "textDocument": { "uri": uri } }))
                    .await
            }
            "close" => {
                self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }))
                    .await
            }
            "await" => loop {
                let message = self.read().await;
                let params = &message["params"];
                let version = more.is_empty() || params["version"] == json!(number(more));
                if params["uri"] == json!(uri) && version {
                    break;
                }
            },
            "request" => self.request(rest, None).await,
            "send" => self.write(rest).await,
            "bytes" => {
                let bytes: String = serde_json::from_str(rest).unwrap();
                self.writer.as_mut().unwrap().write_all(bytes.as_bytes()).await.unwrap();
            }
            "answer" => {
                self.read().await;
            }
            "end" => {
                self.request("shutdown", None).await;
                self.write(r#"{"jsonrpc":"2.0","method":"exit"}"#).await;
            }
            "leave" => self.leave().await,
            other => panic!("unknown step `{other}`"),
        }
    }

    async fn leave(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            // The server may have gone first.
            let _ = writer.shutdown().await;
        }
    }

    fn uri(&self, path: &str) -> String {
        if path.contains(':') {
            path.to_owned()
        } else {
            format!("file://{}/{path}", self.root.display())
        }
    }

    async fn notify(&mut self, method: &str, params: Value) {
        self.write(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string())
            .await;
    }

    async fn request(&mut self, method: &str, params: Option<Value>) {
        self.id += 1;
        let mut message = json!({ "jsonrpc": "2.0", "id": self.id, "method": method });
        if let Some(params) = params {
            message["params"] = params;
        }
        self.write(&message.to_string()).await;
        while self.read().await["id"] != json!(self.id) {}
    }

    async fn write(&mut self, message: &str) {
        let message = format!("Content-Length: {}\r\n\r\n{message}", message.len());
        self.writer
            .as_mut()
            .unwrap()
            .write_all(message.as_bytes())
            .await
            .unwrap();
    }

    /// Reads a message and writes it down.
    async fn read(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut header = String::new();
            assert!(
                self.reader.read_line(&mut header).await.unwrap() > 0,
                "the server left; it said\n{}",
                self.said
            );
            match header.trim().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).await.unwrap();
        let message: Value = serde_json::from_slice(&body).unwrap();
        let root = self.root.display().to_string();
        self.said.push_str(&describe(&message).replace(&root, ""));
        message
    }
}

fn number(text: &str) -> i64 {
    text.trim().parse().unwrap()
}

fn point(text: &str) -> Value {
    let (line, column) = text.split_once(':').unwrap();
    json!({ "line": number(line), "character": number(column) })
}

fn range(value: &Value) -> String {
    let point = |end: &str| format!("{}:{}", value[end]["line"], value[end]["character"]);
    format!("{}-{}", point("start"), point("end"))
}

fn describe(message: &Value) -> String {
    let params = &message["params"];
    if message["method"] != "textDocument/publishDiagnostics" {
        return format!("{message}\n");
    }
    let mut out = format!(
        "findings of {} version {}\n",
        params["uri"].as_str().unwrap(),
        params["version"]
    );
    for finding in params["diagnostics"].as_array().unwrap() {
        let severity = if finding["severity"] == 1 { "error" } else { "warning" };
        let code = finding["code"].as_str().unwrap();
        out.push_str(&format!(
            "  {} {severity} {code} {}\n",
            range(&finding["range"]),
            finding["message"]
        ));
        for related in finding["relatedInformation"].as_array().into_iter().flatten() {
            let at = &related["location"];
            out.push_str(&format!(
                "    at {} {} {}\n",
                at["uri"].as_str().unwrap(),
                range(&at["range"]),
                related["message"]
            ));
        }
        for fix in finding["data"]["fixes"].as_array().into_iter().flatten() {
            out.push_str(&format!(
                "    fix {} {} -> {}\n",
                fix["title"],
                range(&fix["range"]),
                fix["newText"]
            ));
        }
    }
    out
}
