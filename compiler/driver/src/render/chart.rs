//! Charts: files from the world, values from three places, templates through the chart engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_chart::{Chart, ChartError, RenderRequest, merge_values, parse_set};
use ktl_gotmpl::yaml;
use ktl_lang::stack::Data;
use ktl_plan::Source;
use ktl_syntax::{Diagnostic, Span};
use serde_json::Value;

use super::manifest::items;
use super::{Context, Raw};
use crate::host::text;

/// A release of a chart.
pub(super) struct Request<'a> {
    pub release: &'a ktl_lang::stack::Release,
    pub directory: &'a str,
    pub values: &'a Data,
    pub value_files: &'a [(String, Span)],
    pub set: &'a [(String, Span)],
}

/// Adds the objects of a chart's release.
pub(super) fn render(context: &mut Context, index: usize, request: &Request, raw: &mut Vec<Raw>) {
    let Some(values) = values(context, request) else { return };
    let release = request.release;
    let loaded = load(context, request.directory);
    let rendered = loaded.and_then(|(chart, name)| {
        let wanted = RenderRequest {
            release_name: release.name.clone(),
            namespace: release.namespace.clone(),
            values,
            ..RenderRequest::default()
        };
        let read = || {
            let rendered = chart.render(&wanted)?;
            let mut objects = rendered.crd_objects()?;
            objects.extend(rendered.objects()?);
            Ok(objects)
        };
        read()
            .map_err(|error| Problem::Chart(error, name.clone()))
            .map(|objects| (objects, name))
    });
    let (objects, name) = match rendered {
        Ok(rendered) => rendered,
        Err(problem) => {
            let diagnostic = diagnose(context, request, problem);
            return context.diagnostics.push(diagnostic);
        }
    };
    for object in objects {
        let path = project_path(request.directory, &name, &object.template);
        if let Some(hook) = &object.hook {
            // Tests are not part of a rollout; every other hook is, and must not be dropped in silence.
            if hook.events.iter().all(|event| event.starts_with("test")) {
                continue;
            }
            let events = hook.events.join(", ");
            let message = format!("`{path}` is a Helm hook ({events}), which this version of ktl does not run");
            let help = "turn the hook off in the values, and use a `k8s.JobWorkload` that others need";
            context
                .diagnostics
                .push(Diagnostic::error("K0609", release.span, message).help(help));
            continue;
        }
        // The rendered line is not the template's: the template is as far as an origin goes here.
        let source = Source {
            file: path,
            line: 1,
            column: 1,
        };
        for body in items(object.body) {
            raw.push(Raw {
                release: index,
                body,
                span: release.span,
                source: source.clone(),
            });
        }
    }
}

/// What can be wrong with a chart.
enum Problem {
    /// Its files cannot be read.
    Files(String),
    /// It cannot be loaded or rendered; with its name.
    Chart(ChartError, String),
}

fn load(context: &Context, directory: &str) -> Result<(Chart, String), Problem> {
    let listed = context
        .world
        .list(directory)
        .map_err(|error| Problem::Files(error.to_string()))?;
    let mut files: BTreeMap<String, Arc<[u8]>> = BTreeMap::new();
    for path in listed {
        let bytes = context
            .world
            .read(&path)
            .map_err(|error| Problem::Files(error.to_string()))?;
        let inside = path.strip_prefix(directory).unwrap_or(&path).trim_start_matches('/');
        files.insert(inside.to_owned(), bytes);
    }
    let chart = Chart::load(&files).map_err(|error| Problem::Chart(error, String::new()))?;
    let name = chart.metadata().name.clone();
    Ok((chart, name))
}

/// Helm's order of strength: files, then the `values` of the release, then `set`.
fn values(context: &mut Context, request: &Request) -> Option<Value> {
    let mut merged = Value::Object(serde_json::Map::new());
    let mut whole = true;
    for (path, span) in request.value_files {
        match value_file(context, path, *span) {
            Ok(values) => merged = merge_values(merged, values),
            Err(diagnostic) => {
                context.diagnostics.push(*diagnostic);
                whole = false;
            }
        }
    }
    merged = merge_values(merged, request.values.to_json());
    for (text, span) in request.set {
        match parse_set(text) {
            Ok(values) => merged = merge_values(merged, values),
            Err(error) => {
                let diagnostic = Diagnostic::error("K0616", *span, format!("this is no `set` expression: {error}"));
                context
                    .diagnostics
                    .push(diagnostic.help("write `a.b=value`, as for `helm --set`"));
                whole = false;
            }
        }
    }
    whole.then_some(merged)
}

fn value_file(context: &mut Context, path: &str, span: Span) -> Result<Value, Box<Diagnostic>> {
    let at = |message: String| Box::new(Diagnostic::error("K0610", span, message));
    let bytes = context.world.read(path).map_err(|error| at(error.to_string()))?;
    let content = text(path, &bytes).map_err(at)?;
    let id = context.sources.add(path, content);
    let file = context.sources.get(id);
    let documents = yaml::parse_documents(content).map_err(|error| {
        let place = file.span_at(id, error.line, error.column);
        let diagnostic = Diagnostic::error("K0611", place, format!("this is no YAML: {}", error.message));
        Box::new(diagnostic.related(span, "the file is named here"))
    })?;
    match documents.as_slice() {
        [] => Ok(Value::Null),
        [document] => match document.root.to_json() {
            Value::Null => Ok(Value::Null),
            Value::Object(values) => Ok(Value::Object(values)),
            _ => {
                let place = file.span_at(id, document.root.line, document.root.column);
                let diagnostic = Diagnostic::error("K0611", place, "expected keys and values, as in `values.yaml`");
                Err(Box::new(diagnostic.related(span, "the file is named here")))
            }
        },
        _ => Err(at(format!(
            "`{path}` holds {} documents; a values file holds one",
            documents.len()
        ))),
    }
}

fn diagnose(context: &mut Context, request: &Request, problem: Problem) -> Diagnostic {
    let span = request.release.span;
    let (error, name) = match problem {
        Problem::Files(message) => return Diagnostic::error("K0606", span, message),
        Problem::Chart(error, name) => (error, name),
    };
    let path = project_path(request.directory, &name, &error.file);
    let message = match &error.template {
        Some(template) => template.message.clone(),
        None => error.message.clone(),
    };
    let message = format!("the chart of `{}` does not render: {message}", request.release.name);
    let content = context.world.read(&path).ok();
    let content = content.as_deref().and_then(|bytes| text(&path, bytes).ok());
    let (Some(content), true) = (content, error.line > 0) else {
        let place = if error.file.is_empty() {
            String::new()
        } else {
            format!(" ({path})")
        };
        return Diagnostic::error("K0607", span, format!("{message}{place}"));
    };
    let id = context.sources.add(path, content);
    let place = context.sources.get(id).span_at(id, error.line, error.column);
    Diagnostic::error("K0607", place, message).related(span, "rendered for this release")
}

/// `shop/templates/web.yaml` of the chart `shop` in `charts/shop`, as a path of the project.
fn project_path(directory: &str, chart: &str, file: &str) -> String {
    let inside = file
        .strip_prefix(chart)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(file);
    format!("{directory}/{inside}")
}
