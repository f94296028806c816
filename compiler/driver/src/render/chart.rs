//! Charts: files from the world, values from three places, templates through the chart engine.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use ktl_chart::{Chart, ChartError, Hook, Object, RenderRequest, merge_values, set_value};
use ktl_lang::stack::{Data, Release};
use ktl_plan::Source;
use ktl_syntax::{Diagnostic, Span};
use serde_json::Value;

use super::{Context, Raw};
use crate::host::text;

/// A release of a chart.
pub(super) struct Request<'a> {
    pub release: &'a Release,
    pub directory: &'a str,
    pub values: &'a Data,
    pub value_files: &'a [(String, Span)],
    pub set: &'a [(String, Span)],
}

/// Adds the objects of a chart's release.
pub(super) fn render(context: &mut Context, index: usize, request: &Request, raw: &mut Vec<Raw>) {
    let Some(values) = values(context, request) else { return };
    let release = request.release;
    let rendered = load(context, request.directory).and_then(|chart| {
        let wanted = RenderRequest {
            release_name: release.name.clone(),
            namespace: release.namespace.clone(),
            values,
            ..RenderRequest::default()
        };
        let name = chart.metadata().name.clone();
        objects(&chart, &wanted)
            .map(|objects| (objects, name.clone()))
            .map_err(|failure| Problem::Render(failure, name))
    });
    let (objects, name) = match rendered {
        Ok(rendered) => rendered,
        Err(problem) => {
            let diagnostic = diagnose(context, request, problem);
            return context.diagnostics.push(diagnostic);
        }
    };
    for object in objects {
        let file = project_path(request.directory, &name, &object.template);
        if let Some(hook) = &object.hook {
            context.diagnostics.extend(refuse(hook, &file, release.span));
            continue;
        }
        raw.push(Raw {
            release: index,
            body: object.body,
            typed: false,
            span: release.span,
            // A line of the rendered text is not the template's: the template is as far as an origin goes here.
            source: Source {
                file,
                line: 1,
                column: 1,
            },
        });
    }
}

/// Tests are not part of a rollout; every other hook is, and must not be dropped in silence.
fn refuse(hook: &Hook, file: &str, span: Span) -> Option<Diagnostic> {
    if hook.events.is_empty() {
        let message = format!("`{file}` is a Helm hook of no event that Helm 4 knows, and is left out, as Helm does");
        return Some(Diagnostic::warning("K0609", span, message).help("turn it off in the values"));
    }
    if hook.events.iter().all(|event| event == "test") {
        return None;
    }
    let events = hook.events.join(", ");
    let message = format!("`{file}` is a Helm hook ({events}), which this version of ktl does not run");
    let help = "turn the hook off in the values, and use a `k8s.JobWorkload` that others need";
    Some(Diagnostic::error("K0609", span, message).help(help))
}

/// What can be wrong with a chart.
enum Problem {
    /// Its files cannot be read.
    Files(String),
    /// It cannot be loaded.
    Load(ChartError),
    /// It cannot be rendered; with its name.
    Render(Failure, String),
}

/// Why a chart does not render.
struct Failure {
    error: ChartError,
    /// The line of rendered text that the error is about: templates do not have it.
    rendered: Option<String>,
}

impl From<ChartError> for Failure {
    fn from(error: ChartError) -> Self {
        Failure { error, rendered: None }
    }
}

fn objects(chart: &Chart, wanted: &RenderRequest) -> Result<Vec<Object>, Failure> {
    let rendered = chart.render(wanted)?;
    let mut objects = rendered.crd_objects()?;
    let templates = rendered.objects().map_err(|error| {
        let manifest = rendered
            .manifests
            .iter()
            .find(|manifest| manifest.template == error.file);
        let line = (error.line as usize).checked_sub(1);
        let line = line.and_then(|line| manifest?.text.lines().nth(line));
        Failure {
            rendered: Some(line.unwrap_or_default().trim().to_owned()),
            error,
        }
    })?;
    objects.extend(templates);
    Ok(objects)
}

/// The chart of a directory; one that several releases use is loaded once.
fn load(context: &mut Context, directory: &str) -> Result<Rc<Chart>, Problem> {
    if let Some(chart) = context.charts.get(directory) {
        return Ok(Rc::clone(chart));
    }
    let world = context.world;
    let listed = world
        .list(directory)
        .map_err(|error| Problem::Files(error.to_string()))?;
    let mut files: BTreeMap<String, Arc<[u8]>> = BTreeMap::new();
    for path in listed {
        let bytes = world.read(&path).map_err(|error| Problem::Files(error.to_string()))?;
        let inside = path.strip_prefix(directory).unwrap_or(&path).trim_start_matches('/');
        files.insert(inside.to_owned(), bytes);
    }
    let chart = Rc::new(Chart::load(&files).map_err(Problem::Load)?);
    context.charts.insert(directory.to_owned(), Rc::clone(&chart));
    Ok(chart)
}

/// Helm's order of strength: files, then the `values` of the release, then `set`.
fn values(context: &mut Context, request: &Request) -> Option<Value> {
    let mut merged = Value::Object(serde_json::Map::new());
    let mut whole = true;
    for (path, span) in request.value_files {
        match value_file(context, path, *span) {
            Ok(values) => merged = merge_values(merged, (*values).clone()),
            Err(diagnostic) => {
                context.diagnostics.push(*diagnostic);
                whole = false;
            }
        }
    }
    merged = merge_values(merged, request.values.to_json());
    for (text, span) in request.set {
        if let Err(error) = set_value(&mut merged, text) {
            let diagnostic = Diagnostic::error("K0616", *span, format!("`set` cannot be applied: {error}"));
            let help = "write `a.b=value`, as for `helm --set`";
            context.diagnostics.push(diagnostic.help(help));
            whole = false;
        }
    }
    whole.then_some(merged)
}

/// The values of a file; one that several releases use is read once.
fn value_file(context: &mut Context, path: &str, span: Span) -> Result<Rc<Value>, Box<Diagnostic>> {
    if let Some(values) = context.values.get(path) {
        return Ok(Rc::clone(values));
    }
    let (id, documents) = context.documents(path, span)?;
    let fail = |place: Span, message: &str| {
        let diagnostic = Diagnostic::error("K0611", place, message);
        Err(Box::new(diagnostic.related(span, "the file is named here")))
    };
    let values = match documents.as_slice() {
        [] => Value::Null,
        [document] => match document.root.to_json() {
            values @ (Value::Null | Value::Object(_)) => values,
            _ => {
                let place = context.place(id, document.root.line, document.root.column);
                return fail(place, "expected names and values, as in a chart's `values.yaml`");
            }
        },
        [_, second, ..] => {
            let place = context.place(id, second.root.line, second.root.column);
            return fail(place, "a values file holds one document, and this is its second");
        }
    };
    let values = Rc::new(values);
    context.values.insert(path.to_owned(), Rc::clone(&values));
    Ok(values)
}

fn diagnose(context: &mut Context, request: &Request, problem: Problem) -> Diagnostic {
    let (span, name) = (request.release.span, &request.release.name);
    let (failure, chart, does) = match problem {
        Problem::Files(message) => return Diagnostic::error("K0606", span, message),
        Problem::Load(error) => (Failure::from(error), String::new(), "cannot be loaded"),
        Problem::Render(failure, chart) => (failure, chart, "does not render"),
    };
    let Failure { error, rendered } = failure;
    let path = project_path(request.directory, &chart, &error.file);
    let message = match &error.template {
        Some(template) => &template.message,
        None => &error.message,
    };
    let message = format!("the chart of `{name}` {does}: {message}");
    let content = context.world.read(&path).ok();
    let content = content.as_deref().and_then(|bytes| text(&path, bytes).ok());
    let Some(content) = content.filter(|_| error.line > 0) else {
        let place = if error.file.is_empty() {
            String::new()
        } else {
            format!(" ({path})")
        };
        return Diagnostic::error("K0607", span, format!("{message}{place}"));
    };
    let id = context.file(&path, content);
    let place = match rendered {
        Some(_) => context.place(id, 1, 1),
        None => context.place(id, error.line, error.column),
    };
    let diagnostic = Diagnostic::error("K0607", place, message).related(span, "rendered for this release");
    match rendered {
        Some(line) if line.is_empty() => diagnostic.help(format!("see line {} of the rendered text", error.line)),
        Some(line) => diagnostic.help(format!("line {} of the rendered text is `{line}`", error.line)),
        None => diagnostic,
    }
}

/// `shop/templates/web.yaml` of the chart `shop` in `charts/shop`, as a path of the project.
fn project_path(directory: &str, chart: &str, file: &str) -> String {
    let inside = file.strip_prefix(chart).and_then(|rest| rest.strip_prefix('/'));
    format!("{directory}/{}", inside.unwrap_or(file))
}
