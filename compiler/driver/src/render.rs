//! From releases to objects: typed objects as they are, manifests from YAML, charts through the chart engine.

mod chart;
mod identity;
mod manifest;

use ktl_lang::stack::{Release, ReleaseKind, Stack};
use ktl_plan::{RenderedObject, Source};
use ktl_syntax::{Diagnostics, Sources, Span};
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
    span: Span,
    source: Source,
}

/// What rendering needs at hand.
struct Context<'a> {
    world: &'a dyn World,
    sources: &'a mut Sources,
    diagnostics: &'a mut Diagnostics,
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
    };
    let mut raw = Vec::new();
    for (index, release) in stack.releases.iter().enumerate() {
        one(&mut context, index, release, &mut raw);
    }
    identity::identify(stack, raw, context.diagnostics)
}

fn one(context: &mut Context, index: usize, release: &Release, raw: &mut Vec<Raw>) {
    match &release.kind {
        ReleaseKind::Objects(objects) => raw.extend(objects.iter().map(|object| Raw {
            release: index,
            body: object.body.to_json(),
            span: object.span,
            source: source(context.sources, object.span),
        })),
        ReleaseKind::Manifests(files) => {
            for (path, span) in files {
                manifest::read(context, index, path, *span, raw);
            }
        }
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
