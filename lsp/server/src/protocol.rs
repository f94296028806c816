//! The language server protocol: the only file that names its types.

use std::path::Path;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tower::Service;
use tower_lsp_server::jsonrpc::{self, Request, Response};
use tower_lsp_server::ls_types::{
    self as lsp, DiagnosticSeverity, InitializeParams, InitializeResult, MessageType, NumberOrString,
    PositionEncodingKind, ServerCapabilities, ServerInfo, TextDocumentContentChangeEvent, TextDocumentSyncCapability,
    TextDocumentSyncKind, TextDocumentSyncOptions, Uri,
};
use tower_lsp_server::{Client as LspClient, ExitedError, LanguageServer, LspService, Server};

use crate::analysis::{Finding, Place};
use crate::document::{Change, Encoding, Point};
use crate::state::{Analyse, Client, Event, Shown, State};

/// Serves one client until it leaves; says whether it said `shutdown` before.
pub(crate) async fn serve(input: impl AsyncRead + Unpin, output: impl AsyncWrite, analyse: Analyse) -> bool {
    let (events, queue) = unbounded_channel();
    let shut_down = Arc::new(AtomicBool::new(false));
    let mut state = None;
    let (service, socket) = LspService::new(|client| {
        state = Some(State::new(Outlet(client.clone()), analyse));
        Backend {
            events: events.clone(),
            shut_down: Arc::clone(&shut_down),
        }
    });
    let running = state.map(|state| tokio::spawn(state.run(queue)));
    let ingress = Ingress {
        service,
        events,
        started: false,
    };
    Server::new(input, output, socket).serve(ingress).await;
    if let Some(running) = running {
        running.abort();
    }
    shut_down.load(Ordering::Relaxed)
}

/// Requests. Documents are handled before, by [`Ingress`].
struct Backend {
    events: UnboundedSender<Event>,
    shut_down: Arc<AtomicBool>,
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> jsonrpc::Result<InitializeResult> {
        let offered = params
            .capabilities
            .general
            .and_then(|general| general.position_encodings)
            .unwrap_or_default();
        // UTF-16 is what a client that offers nothing means.
        let (encoding, kind) = match offered.contains(&PositionEncodingKind::UTF8) {
            true => (Encoding::Utf8, PositionEncodingKind::UTF8),
            false => (Encoding::Utf16, PositionEncodingKind::UTF16),
        };
        // Without a receiver the server is ending.
        let _ = self.events.send(Event::Start { encoding });
        let sync = TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(true.into()),
            ..TextDocumentSyncOptions::default()
        };
        Ok(InitializeResult {
            capabilities: ServerCapabilities {
                position_encoding: Some(kind),
                text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
                ..ServerCapabilities::default()
            },
            server_info: Some(ServerInfo {
                name: "ktl".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
            ..InitializeResult::default()
        })
    }

    async fn shutdown(&self) -> jsonrpc::Result<()> {
        self.shut_down.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Takes what clients say about documents off the stream of messages, in order. The service behind it answers several
/// messages at a time, in any order.
struct Ingress {
    service: LspService<Backend>,
    events: UnboundedSender<Event>,
    started: bool,
}

impl Service<Request> for Ingress {
    type Response = Option<Response>;
    type Error = ExitedError;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ExitedError>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.started |= request.method() == "initialize";
        if request.id().is_none() && self.started && is_about_documents(request.method()) {
            let (method, _, params) = request.into_parts();
            if let Some(event) = params.and_then(|params| event(&method, params)) {
                let _ = self.events.send(event);
            }
            return Box::pin(std::future::ready(Ok(None)));
        }
        Box::pin(self.service.call(request))
    }
}

/// The answer to a message, when it is there.
type Answer = Pin<Box<dyn Future<Output = Result<Option<Response>, ExitedError>> + Send>>;

fn is_about_documents(method: &str) -> bool {
    matches!(
        method,
        "textDocument/didOpen"
            | "textDocument/didChange"
            | "textDocument/didClose"
            | "textDocument/didSave"
            | "workspace/didChangeWatchedFiles"
    )
}

/// What a notification says; nothing if it does not have the shape that it should.
fn event(method: &str, params: lsp::LSPAny) -> Option<Event> {
    match method {
        "textDocument/didOpen" => {
            let params: lsp::DidOpenTextDocumentParams = serde_json::from_value(params).ok()?;
            let document = params.text_document;
            let is_file = document.uri.scheme().as_str() == "file";
            let path = is_file
                .then(|| document.uri.to_file_path().map(|path| path.into_owned()))
                .flatten();
            let name = document.uri.as_str().to_owned();
            Some(Event::Open {
                name,
                path,
                version: document.version,
                text: document.text,
            })
        }
        "textDocument/didChange" => {
            let params: lsp::DidChangeTextDocumentParams = serde_json::from_value(params).ok()?;
            let document = params.text_document;
            let changes = params.content_changes.into_iter().map(change).collect();
            Some(Event::Change {
                name: document.uri.as_str().to_owned(),
                version: document.version,
                changes,
            })
        }
        "textDocument/didClose" => {
            let params: lsp::DidCloseTextDocumentParams = serde_json::from_value(params).ok()?;
            Some(Event::Close {
                name: params.text_document.uri.as_str().to_owned(),
            })
        }
        _ => Some(Event::Disk),
    }
}

fn change(change: TextDocumentContentChangeEvent) -> Change {
    let point = |position: lsp::Position| Point {
        line: position.line,
        column: position.character,
    };
    Change {
        range: change.range.map(|range| (point(range.start), point(range.end))),
        text: change.text,
    }
}

/// The way to the client.
struct Outlet(LspClient);

impl Client for Outlet {
    async fn publish(&self, document: Shown, findings: Vec<Finding>) {
        let (uri, version) = match document {
            Shown::Open { name, version } => (Uri::from_str(&name).ok(), Some(version)),
            Shown::Closed { name } => (Uri::from_str(&name).ok(), None),
            Shown::File(path) => (uri_of(&path), None),
        };
        let Some(uri) = uri else { return };
        let diagnostics = findings.into_iter().map(|finding| diagnostic(finding, &uri)).collect();
        self.0.publish_diagnostics(uri.clone(), diagnostics, version).await;
    }

    async fn log_error(&self, message: String) {
        self.0.log_message(MessageType::ERROR, message).await;
    }
}

fn uri_of(path: &Path) -> Option<Uri> {
    Uri::from_file_path(path)
}

fn range((start, end): (Point, Point)) -> lsp::Range {
    let position = |point: Point| lsp::Position {
        line: point.line,
        character: point.column,
    };
    lsp::Range {
        start: position(start),
        end: position(end),
    }
}

fn diagnostic(finding: Finding, own: &Uri) -> lsp::Diagnostic {
    let related = finding.related.into_iter().filter_map(|(place, at, message)| {
        let uri = match place {
            Place::File(path) => uri_of(&path)?,
            Place::Other(name) => Uri::from_str(&name).ok()?,
        };
        Some(lsp::DiagnosticRelatedInformation {
            location: lsp::Location { uri, range: range(at) },
            message,
        })
    });
    let related: Vec<_> = related.collect();
    let fixes: Vec<_> = finding
        .fixes
        .into_iter()
        .map(|(title, at, text)| json!({ "title": title, "uri": own.as_str(), "range": range(at), "newText": text }))
        .collect();
    lsp::Diagnostic {
        range: range(finding.range),
        severity: Some(if finding.warning {
            DiagnosticSeverity::WARNING
        } else {
            DiagnosticSeverity::ERROR
        }),
        code: Some(NumberOrString::String(finding.code.to_owned())),
        source: Some("ktl".to_owned()),
        message: finding.message,
        related_information: (!related.is_empty()).then_some(related),
        data: (!fixes.is_empty()).then(|| json!({ "fixes": fixes })),
        ..lsp::Diagnostic::default()
    }
}
