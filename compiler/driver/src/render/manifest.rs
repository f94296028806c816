//! `k8s.Manifests`: YAML files deployed as they are.

use ktl_gotmpl::yaml;
use ktl_plan::Source;
use ktl_syntax::{Diagnostic, Span};
use serde_json::Value;

use super::{Context, Raw};
use crate::host::text;

/// Adds the objects of the files that `pattern` names; `*` in its last part stands for any characters but `/`.
pub(super) fn read(context: &mut Context, release: usize, pattern: &str, span: Span, raw: &mut Vec<Raw>) {
    let found = match matching(context, pattern) {
        Ok(found) => found,
        Err(error) => return context.diagnostics.push(Diagnostic::error("K0610", span, error)),
    };
    for path in found {
        file(context, release, &path, span, raw);
    }
}

fn matching(context: &Context, pattern: &str) -> Result<Vec<String>, String> {
    let (directory, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let Some((before, after)) = last.split_once('*') else {
        return Ok(vec![pattern.to_owned()]);
    };
    let listed = context.world.list(directory).map_err(|error| error.to_string())?;
    let fits = |path: &String| {
        let name = path
            .strip_prefix(directory)
            .map(|name| name.trim_start_matches('/'))
            .unwrap_or_default();
        let between = name.strip_prefix(before).and_then(|name| name.strip_suffix(after));
        between.is_some_and(|between| !between.contains('/'))
    };
    let found: Vec<String> = listed.into_iter().filter(fits).collect();
    if found.is_empty() {
        Err(format!("no file matches `{pattern}`"))
    } else {
        Ok(found)
    }
}

fn file(context: &mut Context, release: usize, path: &str, span: Span, raw: &mut Vec<Raw>) {
    let bytes = match context.world.read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            return context
                .diagnostics
                .push(Diagnostic::error("K0610", span, error.to_string()));
        }
    };
    let content = match text(path, &bytes) {
        Ok(content) => content,
        Err(error) => return context.diagnostics.push(Diagnostic::error("K0610", span, error)),
    };
    let id = context.sources.add(path, content);
    let at = |context: &Context, line: u32, column: u32| context.sources.get(id).span_at(id, line, column);
    let documents = match yaml::parse_documents(content) {
        Ok(documents) => documents,
        Err(error) => {
            let place = at(context, error.line, error.column);
            let diagnostic = Diagnostic::error("K0611", place, format!("this is no YAML: {}", error.message))
                .related(span, "the file is named here");
            return context.diagnostics.push(diagnostic);
        }
    };
    for document in documents {
        let (line, column) = (document.root.line, document.root.column);
        let source = Source {
            file: path.to_owned(),
            line,
            column,
        };
        let place = at(context, line, column);
        for body in items(document.root.to_json()) {
            raw.push(Raw {
                release,
                body,
                span: place,
                source: source.clone(),
            });
        }
    }
}

/// A document's objects: none for an empty one, the items of a `List`, else itself.
pub(super) fn items(body: Value) -> Vec<Value> {
    match body {
        Value::Null => Vec::new(),
        Value::Object(mut list)
            if list.get("kind").and_then(Value::as_str) == Some("List")
                && list.get("apiVersion").and_then(Value::as_str) == Some("v1") =>
        {
            match list.remove("items") {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            }
        }
        body => vec![body],
    }
}
