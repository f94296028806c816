//! From rendered objects to the plan: identities, duplicates, edges, order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ktl_lang::stack::{self, EdgeReason, Stack};
use ktl_plan::{
    Digest, Edge, EdgeKind, FORMAT, FailMode, Graph, Input, Object, ObjectKey, Objects, Plan, Reason, Release,
    RenderedObject, Runner, Source, SourceFile, Until,
};
use ktl_syntax::{Diagnostic, Diagnostics, Sources, Span};

use crate::infer::{Inferred, infer};
use crate::render::Rendered;

/// A plan with what it was made of, for rules to look at.
pub(crate) struct Assembled {
    pub plan: Plan,
    pub objects: Objects,
    /// Sorted by identity.
    pub bodies: Vec<RenderedObject>,
    /// Of each body.
    pub places: Vec<Place>,
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
    let rendered = unique(rendered, stack, diagnostics);
    let (bodies, places): (Vec<RenderedObject>, Vec<Place>) = rendered
        .into_iter()
        .map(
            |Rendered {
                 release,
                 object,
                 span,
                 source,
             }| (object, Place { release, span, source }),
        )
        .unzip();
    let inferred = if stack.infer_deps { infer(&bodies) } else { Vec::new() };
    let order = order(stack, &bodies, &places, &inferred, diagnostics)?;

    let mut objects = Objects::new();
    let mut planned: Vec<Vec<Object>> = vec![Vec::new(); stack.releases.len()];
    for (body, place) in bodies.iter().zip(&places) {
        let (digest, bytes) = body.encode();
        objects.insert(digest, bytes);
        if let Some(list) = planned.get_mut(place.release) {
            list.push(Object {
                id: body.key.to_string(),
                api_version: body.api_version.clone(),
                kind: body.key.kind.clone(),
                namespace: body.key.namespace.clone(),
                name: body.key.name.clone(),
                digest,
                source: place.source.clone(),
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
        runner: runner(stack),
        releases: releases.collect(),
        edges: edges(stack, &bodies, &inferred, sources),
    };
    Some(Assembled {
        plan,
        objects,
        bodies,
        places,
        inferred,
    })
}

/// Where an object comes from.
pub(crate) struct Place {
    /// Index into the stack's releases.
    pub release: usize,
    pub span: Span,
    source: Source,
}

/// Sorted by identity; of several with the same, the first is kept and the others are reported.
fn unique(mut rendered: Vec<Rendered>, stack: &Stack, diagnostics: &mut Diagnostics) -> Vec<Rendered> {
    rendered.sort_by(|a, b| (&a.object.key, a.release).cmp(&(&b.object.key, b.release)));
    let mut kept: Vec<Rendered> = Vec::with_capacity(rendered.len());
    for next in rendered {
        match kept.last() {
            Some(first) if first.object.key == next.object.key => {
                let ObjectKey {
                    cluster,
                    namespace,
                    kind,
                    name,
                    ..
                } = &next.object.key;
                let release = |index| {
                    stack
                        .releases
                        .get(index)
                        .map_or("", |release: &stack::Release| &release.name)
                };
                let place = namespace
                    .as_ref()
                    .map(|namespace| format!(" in {namespace}"))
                    .unwrap_or_default();
                let who = if first.release == next.release {
                    format!(
                        "release `{}` renders `{kind}/{name}`{place} twice",
                        release(first.release)
                    )
                } else {
                    let (first, next) = (release(first.release), release(next.release));
                    format!("releases `{first}` and `{next}` both render `{kind}/{name}`{place} on cluster {cluster}")
                };
                let diagnostic = Diagnostic::error("K0107", next.span, who)
                    .related(first.span, "the first is made here")
                    .help("an object belongs to one release: rename one of them, or leave one out");
                diagnostics.push(diagnostic);
            }
            _ => kept.push(next),
        }
    }
    kept
}

/// Indexes of releases in an order that respects every edge, between objects too.
///
/// The language has reported cycles that were written; what is left are cycles that inferred edges close.
fn order(
    stack: &Stack,
    bodies: &[RenderedObject],
    places: &[Place],
    inferred: &[Inferred],
    diagnostics: &mut Diagnostics,
) -> Option<Vec<usize>> {
    let count = stack.releases.len();
    let (begin, end, object) = (
        |release: usize| release,
        |release: usize| count + release,
        |index| 2 * count + index,
    );
    let mut graph = Graph::new(2 * count + bodies.len());
    for release in 0..count {
        graph.need(end(release), begin(release));
    }
    for (index, place) in places.iter().enumerate() {
        graph.need(object(index), begin(place.release));
        graph.need(end(place.release), object(index));
    }
    for edge in &stack.edges {
        graph.need(begin(edge.from), end(edge.to));
    }
    for edge in inferred {
        graph.need(object(edge.from), object(edge.to));
    }
    match graph.order() {
        Ok(order) => Some(
            order
                .into_iter()
                .filter(|node| (count..2 * count).contains(node))
                .map(|n| n - count)
                .collect(),
        ),
        Err(cycles) => {
            for cycle in cycles {
                diagnostics.push(contradiction(stack, bodies, places, inferred, &cycle.0));
            }
            None
        }
    }
}

/// An order that objects ask for and the stack forbids.
fn contradiction(
    stack: &Stack,
    bodies: &[RenderedObject],
    places: &[Place],
    inferred: &[Inferred],
    cycle: &[usize],
) -> Diagnostic {
    let count = stack.releases.len();
    let name = |release: usize| stack.releases.get(release).map_or("", |release| release.name.as_str());
    let hops = cycle.iter().zip(cycle.iter().cycle().skip(1));
    let found = hops.filter_map(|(from, to)| {
        let (from, to) = (from.checked_sub(2 * count)?, to.checked_sub(2 * count)?);
        inferred.iter().find(|edge| edge.from == from && edge.to == to)
    });
    let found: Vec<&Inferred> = found.collect();
    // A cycle without an inferred edge is one of written edges, which the language reports before objects are rendered.
    let span = stack.span;
    let Some(first) = found.first() else {
        return Diagnostic::error("K0402", span, "releases need each other");
    };
    let describe = |index: usize| {
        let object = bodies
            .get(index)
            .map(|body| format!("{}/{}", body.key.kind, body.key.name))
            .unwrap_or_default();
        let release = places.get(index).map_or("", |place| name(place.release));
        (object, release)
    };
    let ((from, from_release), (to, to_release)) = (describe(first.from), describe(first.to));
    let at = places.get(first.from).map_or(span, |place| place.span);
    let message = if from_release == to_release {
        format!("`{from}` and `{to}` of release `{from_release}` need each other")
    } else {
        format!(
            "`{from}` of release `{from_release}` needs `{to}` from `{to_release}`, but `{to_release}` comes after it"
        )
    };
    let mut diagnostic = Diagnostic::error("K0410", at, message);
    for edge in &found {
        let ((from, _), (to, _)) = (describe(edge.from), describe(edge.to));
        let Reason::Inferred { evidence, .. } = &edge.reason else {
            continue;
        };
        let place = places.get(edge.from).map_or(span, |place| place.span);
        diagnostic = diagnostic.related(place, format!("`{from}` needs `{to}`: {evidence}"));
    }
    let on_cycle = |release: usize| cycle.contains(&release) || cycle.contains(&(count + release));
    for edge in stack
        .edges
        .iter()
        .filter(|edge| on_cycle(edge.from) && on_cycle(edge.to))
    {
        diagnostic = diagnostic.related(
            edge.span,
            format!("`{}` needs `{}` here", name(edge.from), name(edge.to)),
        );
    }
    diagnostic.help("turn the written edge around, move the object to the other release, or drop one of the references")
}

fn release(release: &stack::Release, objects: Vec<Object>, sources: &Sources) -> Release {
    let parts = objects
        .iter()
        .flat_map(|object| [object.id.clone().into_bytes(), object.digest.to_string().into_bytes()]);
    let parts: Vec<Vec<u8>> = parts.collect();
    let stack::Release {
        name,
        cluster,
        namespace,
        ..
    } = release;
    Release {
        id: format!("{cluster}/{namespace}/{name}"),
        name: name.clone(),
        cluster: cluster.clone(),
        namespace: namespace.clone(),
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

fn edges(stack: &Stack, bodies: &[RenderedObject], inferred: &[Inferred], sources: &Sources) -> Vec<Edge> {
    let id = |index: usize| {
        let release = stack.releases.get(index);
        release
            .map(|release| format!("{}/{}/{}", release.cluster, release.namespace, release.name))
            .unwrap_or_default()
    };
    let object = |index: usize| bodies.get(index).map(|body| body.key.to_string()).unwrap_or_default();
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

fn runner(stack: &Stack) -> Runner {
    let (asked, default) = (&stack.runner, Runner::default());
    Runner {
        concurrency: asked.concurrency.unwrap_or(default.concurrency),
        fail_mode: FailMode::FailFast,
        progressive_concurrency: asked.progressive_concurrency.unwrap_or(default.progressive_concurrency),
        limits: ktl_plan::Limits {
            max_parallel_per_namespace: asked.max_parallel_per_namespace,
            max_parallel_kind: asked.max_parallel_kind.clone(),
            parallelism_group_limit: asked.parallelism_group_limit,
        },
        adaptive: asked.adaptive.as_ref().map(adaptive),
        kube_qps: asked.kube_qps,
        kube_burst: asked.kube_burst,
        api_max_in_flight: asked.api_max_in_flight,
    }
}

fn adaptive(asked: &stack::Adaptive) -> ktl_plan::Adaptive {
    use ktl_plan::AdaptiveMode::{Aggressive, Balanced, Conservative};
    let mode = asked.mode.as_deref().and_then(|mode| match mode {
        "conservative" => Some(Conservative),
        "balanced" => Some(Balanced),
        "aggressive" => Some(Aggressive),
        _ => None,
    });
    ktl_plan::Adaptive {
        mode,
        min: asked.min,
        window: asked.window,
        ramp_after_successes: asked.ramp_after_successes,
        ramp_max_failure_permille: asked.ramp_max_failure_rate.as_deref().and_then(permille),
        cooldown_severe: asked.cooldown_severe,
    }
}

/// `0.305` is 305, `1` is 1000; finer digits are dropped. A plan holds integers only.
fn permille(decimal: &str) -> Option<u32> {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    whole
        .parse::<u32>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(fraction.parse().ok()?)
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
