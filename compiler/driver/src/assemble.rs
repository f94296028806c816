//! From rendered objects to the plan: identities, duplicates, edges, order.

mod order;
mod runner;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ktl_lang::stack::{self, EdgeReason, Stack};
use ktl_plan::{
    Digest, Edge, EdgeKind, FORMAT, Input, Object, ObjectKey, Objects, Plan, Reason, Release, RenderedObject, Source,
    SourceFile, Until,
};
use ktl_syntax::{Diagnostic, Diagnostics, Sources, Span};

use crate::infer::{Inferred, infer};
use crate::render::Rendered;

/// A plan with what it was made of, for rules to look at.
pub(crate) struct Assembled {
    pub plan: Plan,
    pub objects: Objects,
    /// Sorted by identity.
    pub bodies: Vec<Body>,
    /// Between bodies.
    pub inferred: Vec<Inferred>,
}

/// The plan of a stack and the bodies of its objects; `None` when there is none to be had, with diagnostics.
pub(crate) fn assemble(
    stack: &Stack,
    rendered: Vec<Rendered>,
    given: &BTreeMap<String, String>,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Assembled> {
    let bodies = unique(rendered, stack, sources, diagnostics);
    let mut inferred = Vec::new();
    if stack.infer_deps {
        let objects: Vec<&RenderedObject> = bodies.iter().map(|body| &body.object).collect();
        let (edges, asked_in_vain) = infer(&objects);
        inferred = edges;
        for vain in asked_in_vain {
            let body = bodies.get(vain.object);
            diagnostics.extend(body.map(|body| unanswered(body, &vain.entry, vain.well_formed)));
        }
    }
    let order = order::order(stack, &bodies, &inferred, diagnostics)?;

    let mut objects = Objects::new();
    let mut planned: Vec<Vec<Object>> = vec![Vec::new(); stack.releases.len()];
    for body in &bodies {
        let (digest, bytes) = body.object.encode();
        objects.insert(digest, bytes);
        let ObjectKey {
            kind, namespace, name, ..
        } = &body.object.key;
        if let Some(list) = planned.get_mut(body.release) {
            list.push(Object {
                id: body.id.clone(),
                api_version: body.object.api_version.clone(),
                kind: kind.clone(),
                namespace: namespace.clone(),
                name: name.clone(),
                digest,
                source: body.source.clone(),
            });
        }
    }
    let releases = order.into_iter().filter_map(|index| {
        let objects = planned.get_mut(index).map(std::mem::take).unwrap_or_default();
        Some(release(stack.releases.get(index)?, objects, sources))
    });
    let plan = Plan {
        format: FORMAT.to_owned(),
        ktl: env!("CARGO_PKG_VERSION").to_owned(),
        stack: stack.name.clone(),
        edition: stack.edition,
        profile: stack.profile.clone(),
        inputs: inputs(stack, given),
        sources: Vec::new(),
        clusters: clusters(stack),
        runner: runner::runner(&stack.runner),
        releases: releases.collect(),
        edges: edges(stack, &bodies, &inferred, sources),
    };
    Some(Assembled {
        plan,
        objects,
        bodies,
        inferred,
    })
}

/// An object in the plan.
pub(crate) struct Body {
    /// `cluster/namespace/Kind/name`
    pub id: String,
    /// Index into the stack's releases.
    pub release: usize,
    pub object: RenderedObject,
    pub span: Span,
    source: Source,
}

/// Sorted by identity; of several with the same, the first is kept and the others are reported.
fn unique(mut rendered: Vec<Rendered>, stack: &Stack, sources: &Sources, diagnostics: &mut Diagnostics) -> Vec<Body> {
    rendered.sort_by(|a, b| (&a.object.key, a.release).cmp(&(&b.object.key, b.release)));
    let mut kept: Vec<Body> = Vec::with_capacity(rendered.len());
    // By id, not by key: the API server has one object for all groups that serve a kind.
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for next in rendered {
        let id = next.object.key.to_string();
        match seen.get(&id).and_then(|first| kept.get(*first)) {
            Some(first) => diagnostics.push(twice(stack, sources, first, &next)),
            None => {
                seen.insert(id.clone(), kept.len());
                kept.push(Body {
                    id,
                    release: next.release,
                    object: next.object,
                    span: next.span,
                    source: next.source,
                });
            }
        }
    }
    kept
}

fn twice(stack: &Stack, sources: &Sources, first: &Body, next: &Rendered) -> Diagnostic {
    let ObjectKey {
        cluster,
        namespace,
        kind,
        name,
        ..
    } = &next.object.key;
    let release = |index: usize| stack.releases.get(index).map_or("", |release| release.name.as_str());
    let (one, other) = (release(first.release), release(next.release));
    let place = match namespace {
        Some(namespace) => format!(" in {namespace} on cluster {cluster}"),
        None => format!(" on cluster {cluster}"),
    };
    let message = match first.release == next.release {
        true => format!("release `{one}` renders `{kind}/{name}`{place} twice"),
        false => format!("releases `{one}` and `{other}` both render `{kind}/{name}`{place}"),
    };
    // What a chart makes has its release's span.
    let template = |made: &Source, span| match *made == source(sources, span) {
        true => String::new(),
        false => format!(", by `{}`", made.file),
    };
    let message = message + &template(&next.source, next.span);
    let first_text = format!("the first is made here{}", template(&first.source, first.span));
    Diagnostic::error("K0107", next.span, message)
        .related(first.span, first_text)
        .help("an object belongs to one release: rename one of them, or leave one out")
}

/// The annotation is for ktl alone, so that what it names is meant to be in the stack.
fn unanswered(body: &Body, entry: &str, well_formed: bool) -> Diagnostic {
    let key = &body.object.key;
    let of = format!("annotation `ktl.io/depends-on` of `{}/{}`", key.kind, key.name);
    let message = match well_formed {
        true => format!("{of} names `{entry}`, which is not in the stack"),
        false => format!("{of} holds `{entry}`, which names no object"),
    };
    Diagnostic::warning("K0614", body.span, message)
        .help("write `Kind/name`, or `namespace/Kind/name` for another namespace of the same cluster")
}

/// What a plan calls a release.
fn id(release: &stack::Release) -> String {
    let stack::Release {
        name,
        cluster,
        namespace,
        ..
    } = release;
    format!("{cluster}/{namespace}/{name}")
}

fn release(release: &stack::Release, objects: Vec<Object>, sources: &Sources) -> Release {
    let parts = objects
        .iter()
        .flat_map(|object| [object.id.clone().into_bytes(), object.digest.to_string().into_bytes()]);
    let parts: Vec<Vec<u8>> = parts.collect();
    Release {
        id: id(release),
        name: release.name.clone(),
        cluster: release.cluster.clone(),
        namespace: release.namespace.clone(),
        kind: release.kind_text.clone(),
        source: source(sources, release.span),
        tags: release.tags.clone(),
        labels: release.labels.clone(),
        timeout_ms: release.timeout,
        parallelism_group: release.parallelism_group.clone(),
        priority: release.priority.unwrap_or_default(),
        digest: Digest::of_parts(parts.iter().map(Vec::as_slice)),
        objects,
    }
}

fn edges(stack: &Stack, bodies: &[Body], inferred: &[Inferred], sources: &Sources) -> Vec<Edge> {
    let id = |index: usize| stack.releases.get(index).map(id).unwrap_or_default();
    let object = |index: usize| bodies.get(index).map_or_else(String::new, |body| body.id.clone());
    let mut edges: BTreeMap<(EdgeKind, String, String), (Until, BTreeSet<Reason>)> = BTreeMap::new();
    for edge in &stack.edges {
        let source = source(sources, edge.span);
        let reason = match &edge.reason {
            EdgeReason::Needs => Reason::Needs { source },
            EdgeReason::Reference { text } => Reason::Reference {
                text: text.clone(),
                source,
            },
        };
        let key = (EdgeKind::Releases, id(edge.from), id(edge.to));
        edges
            .entry(key)
            .or_insert((Until::Ready, BTreeSet::new()))
            .1
            .insert(reason);
    }
    for edge in inferred {
        let key = (EdgeKind::Objects, object(edge.from), object(edge.to));
        let (until, reasons) = edges.entry(key).or_insert((edge.until, BTreeSet::new()));
        *until = (*until).max(edge.until);
        reasons.insert(edge.reason.clone());
    }
    let mut edges: Vec<Edge> = edges
        .into_iter()
        .map(|((between, from, to), (until, reasons))| {
            let reasons = reasons.into_iter().collect();
            Edge {
                from,
                to,
                between,
                until,
                reasons,
            }
        })
        .collect();
    edges.sort();
    edges
}

fn inputs(stack: &Stack, given: &BTreeMap<String, String>) -> BTreeMap<String, Input> {
    let input = |(name, value): (&String, &serde_json::Value)| {
        (
            name.clone(),
            Input {
                value: value.to_string(),
                default: !given.contains_key(name),
            },
        )
    };
    stack.inputs.iter().map(input).collect()
}

/// Only clusters that a release goes to: a runner connects to each.
fn clusters(stack: &Stack) -> BTreeMap<String, ktl_plan::Cluster> {
    let used: BTreeSet<&str> = stack.releases.iter().map(|release| release.cluster.as_str()).collect();
    let used = stack
        .clusters
        .iter()
        .filter(|cluster| used.contains(cluster.name.as_str()));
    used.map(|cluster| {
        let stack::Cluster {
            name,
            context,
            kubeconfig,
            zone,
            ..
        } = cluster.clone();
        (
            name,
            ktl_plan::Cluster {
                context,
                kubeconfig,
                zone,
            },
        )
    })
    .collect()
}

/// A span's place, as a plan records it.
pub(crate) fn source(sources: &Sources, span: Span) -> Source {
    let file = sources.get(span.file);
    let position = file.position(span.start);
    Source {
        file: file.path().to_owned(),
        line: position.line,
        column: position.column,
    }
}

/// The plan's record of the files it was made from.
pub(crate) fn source_files(files: &BTreeMap<String, Arc<[u8]>>) -> Vec<SourceFile> {
    files
        .iter()
        .map(|(path, bytes)| SourceFile {
            path: path.clone(),
            digest: Digest::of(bytes),
        })
        .collect()
}
