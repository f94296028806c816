//! From releases to objects: typed objects as they are, manifests from YAML, charts through the chart engine.

mod chart;
mod files;
mod identity;
mod manifest;

use std::collections::BTreeMap;
use std::rc::Rc;

use ktl_lang::stack::{Release, ReleaseKind, Stack};
use ktl_plan::{RenderedObject, Source};
use ktl_syntax::{Diagnostics, FileId, Sources, Span};
use serde_json::Value;

use crate::assemble::source;
use crate::world::World;

/// An object of a release.
pub(crate) struct Rendered {
    /// Index into [`Stack::releases`].
    pub release: usize,
    /// The object.
    pub object: RenderedObject,
    /// What a diagnostic about it points at.
    pub span: Span,
    /// Where it was made: a declaration, a manifest or a template.
    pub source: Source,
}

/// A body before it is known which object it is.
struct Raw {
    release: usize,
    body: Value,
    /// The language made it, and has filled in a namespace if its kind lives in one.
    typed: bool,
    span: Span,
    source: Source,
}

/// What rendering needs at hand. What several releases use is read once.
struct Context<'a> {
    world: &'a dyn World,
    sources: &'a mut Sources,
    diagnostics: &'a mut Diagnostics,
    /// Files in `sources`, by path.
    texts: BTreeMap<String, FileId>,
    /// Values files, by path.
    values: BTreeMap<String, Rc<Value>>,
    /// Charts, by directory.
    charts: BTreeMap<String, Rc<ktl_chart::Chart>>,
}

/// The objects of all releases. What cannot be rendered is reported, and left out.
pub(crate) fn render(
    world: &dyn World,
    stack: &Stack,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Vec<Rendered> {
    let mut context = Context {
        world,
        sources,
        diagnostics,
        texts: BTreeMap::new(),
        values: BTreeMap::new(),
        charts: BTreeMap::new(),
    };
    let mut raw = Vec::new();
    for (index, release) in stack.releases.iter().enumerate() {
        one(&mut context, index, release, &mut raw);
    }
    identity::identify(stack, raw, context.sources, context.diagnostics)
}

fn one(context: &mut Context, index: usize, release: &Release, raw: &mut Vec<Raw>) {
    match &release.kind {
        ReleaseKind::Objects(objects) => raw.extend(objects.iter().map(|object| {
            // The standard library is nobody's to mend: what it makes comes from the release that uses it.
            let path = context.sources.get(object.span.file).path();
            let span = match ktl_stdlib::module(path) {
                Some(_) => release.span,
                None => object.span,
            };
            Raw {
                release: index,
                body: object.body.to_json(),
                typed: true,
                span,
                source: source(context.sources, span),
            }
        })),
        ReleaseKind::Manifests(files) => manifest::read(context, index, files, raw),
        ReleaseKind::Chart {
            directory,
            values,
            value_files,
            set,
        } => {
            let request = chart::Request {
                release,
                directory,
                values,
                value_files,
                set,
            };
            chart::render(context, index, &request, raw);
        }
    }
}
