//! Edges between releases, and what the graph as a whole must not be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ktl_syntax::{Diagnostic, Span};

use super::Evaluator;
use super::instance::InstId;
use super::result::{Leaf, identity};
use crate::graph;
use crate::stack::{Cluster, Edge, EdgeReason, ReleaseKind, Zone};

impl<'p> Evaluator<'p> {
    pub(super) fn duplicates(&mut self, leaves: &[Leaf]) {
        let mut releases: BTreeMap<(&str, &str, &str), Span> = BTreeMap::new();
        // Cluster, namespace, group, kind and name, with the release and the place.
        type Known = BTreeMap<[String; 5], (String, Span)>;
        let mut objects = Known::new();
        let mut reports = Vec::new();
        for leaf in leaves {
            let release = &leaf.release;
            if let Some(first) = releases.insert(identity(release), release.span) {
                let message = format!(
                    "release `{}` stands twice in namespace {} of cluster {}",
                    release.name, release.namespace, release.cluster
                );
                reports.push(
                    Diagnostic::error("K0102", release.span, message)
                        .related(first, "the other one")
                        .help("tell them apart with `name: …`"),
                );
                continue;
            }
            let ReleaseKind::Objects(list) = &release.kind else {
                continue;
            };
            for object in list {
                let text = |path: &[&str]| -> String {
                    let mut at = object.body.clone();
                    for key in path {
                        match at.get(key) {
                            Some(next) => at = next,
                            None => return String::new(),
                        }
                    }
                    at.0.as_str().map_or_else(String::new, |text| text.to_string())
                };
                let api = text(&["apiVersion"]);
                let group = api.split_once('/').map_or("", |(group, _)| group).to_owned();
                let kind = text(&["kind"]);
                let name = text(&["metadata", "name"]);
                let namespace = text(&["metadata", "namespace"]);
                let id = [
                    release.cluster.clone(),
                    namespace.clone(),
                    group,
                    kind.clone(),
                    name.clone(),
                ];
                // What the standard library makes comes from the release that uses it.
                let std = self.sources.get(object.span.file).path().starts_with("std/");
                let span = if std { release.span } else { object.span };
                if let Some((other, first)) = objects.insert(id, (release.name.clone(), span)) {
                    let who = match other == release.name {
                        true => format!("release `{other}` renders"),
                        false => format!("releases `{other}` and `{}` both render", release.name),
                    };
                    let message = format!("{who} `{kind}/{name}` in {namespace} on cluster {}", release.cluster);
                    reports.push(
                        Diagnostic::error("K0107", span, message)
                            .related(first, "the first is made here")
                            .help("an object belongs to one release: rename one of them, or leave one out"),
                    );
                }
            }
        }
        self.diagnostics.extend(reports);
    }

    pub(super) fn edges(&mut self, leaves: &[Leaf]) -> Vec<Edge> {
        let index: BTreeMap<InstId, usize> = leaves.iter().enumerate().map(|(at, leaf)| (leaf.inst, at)).collect();
        let mut below: BTreeMap<InstId, Vec<usize>> = BTreeMap::new();
        for (inst, at) in &index {
            let mut up = Some(*inst);
            while let Some(one) = up {
                below.entry(one).or_default().push(*at);
                up = self.instance(one).and_then(|instance| instance.parent);
            }
        }
        let program = self.program;
        let mut edges: BTreeSet<Edge> = BTreeSet::new();
        let mut redundant: BTreeMap<Span, (InstId, Arc<str>)> = BTreeMap::new();
        for (from, leaf) in leaves.iter().enumerate() {
            let mut referenced: BTreeMap<usize, Arc<str>> = BTreeMap::new();
            for (inst, site) in &leaf.uses {
                let Some(site) = program.sites.get(site.index()) else {
                    continue;
                };
                for to in below.get(inst).into_iter().flatten() {
                    if *to == from {
                        continue;
                    }
                    referenced.entry(*to).or_insert_with(|| site.text.clone());
                    edges.insert(Edge {
                        from,
                        to: *to,
                        reason: EdgeReason::Reference {
                            text: site.text.to_string(),
                        },
                        span: site.span,
                    });
                }
            }
            for (inst, span, own) in &leaf.needs {
                let targets = below.get(inst).cloned().unwrap_or_default();
                let known = targets.iter().all(|to| referenced.contains_key(to)) && !targets.is_empty();
                if let (true, true, Some(text)) = (known, *own, targets.first().and_then(|to| referenced.get(to))) {
                    redundant.insert(*span, (*inst, text.clone()));
                }
                for to in targets {
                    if to != from {
                        edges.insert(Edge {
                            from,
                            to,
                            reason: EdgeReason::Needs,
                            span: *span,
                        });
                        continue;
                    }
                    let message = format!("release `{}` needs itself", leaf.release.name);
                    self.diagnostics.push(Diagnostic::error("K0402", *span, message));
                }
            }
        }
        for (span, (inst, text)) in redundant {
            let name = self.rel_of(inst).map_or("", |rel| &*rel.name);
            let what = text.split(" uses ").next().unwrap_or("");
            let message = format!("needing `{name}` here is redundant, `{what}` already depends on it");
            let (place, _) = self.entry_to_remove(span);
            self.diagnostics.push(
                Diagnostic::warning("K0403", span, message)
                    .help("`needs` is for order without data")
                    .fix("remove it", place, ""),
            );
        }
        edges.into_iter().collect()
    }

    /// The span of a list entry with one comma beside it.
    pub(super) fn entry_to_remove(&self, span: Span) -> (Span, bool) {
        let text = self.sources.get(span.file).text();
        let after = text.get(span.end as usize..).unwrap_or("");
        let blank = |text: &str| text.len() - text.trim_start_matches([' ', '\t']).len();
        let gap = blank(after);
        if after.get(gap..).is_some_and(|rest| rest.starts_with(',')) {
            let rest = after.get(gap + 1..).unwrap_or("");
            return (
                Span {
                    end: span.end + (gap + 1 + blank(rest)) as u32,
                    ..span
                },
                true,
            );
        }
        let before = text.get(..span.start as usize).unwrap_or("");
        let trimmed = before.trim_end_matches([' ', '\t']);
        match trimmed.ends_with(',') {
            true => (
                Span {
                    start: trimmed.len() as u32 - 1,
                    ..span
                },
                true,
            ),
            false => (span, false),
        }
    }

    pub(super) fn graph_cycles(&mut self, leaves: &[Leaf], edges: &[Edge]) {
        let mut out: Vec<Vec<(usize, Span)>> = vec![Vec::new(); leaves.len()];
        for edge in edges {
            if let Some(list) = out.get_mut(edge.from) {
                list.push((edge.to, edge.span));
            }
        }
        let mut reports = Vec::new();
        for cycle in graph::cycles(leaves.len(), |at| out.get(at).cloned().unwrap_or_default()) {
            let name = |at: usize| leaves.get(at).map_or("", |leaf| &*leaf.release.name);
            let Some((first, span)) = cycle.first() else { continue };
            let hops: Vec<String> = cycle
                .iter()
                .map(|(at, span)| {
                    format!(
                        "{} (line {})",
                        name(*at),
                        self.sources.get(span.file).position(span.start).line
                    )
                })
                .collect();
            let message = format!("cycle: {} → {}", hops.join(" → "), name(*first));
            let next = cycle.iter().cycle().skip(1).map(|(at, _)| name(*at));
            let mut said = cycle.iter().zip(next).map(|((at, span), next)| {
                let text = format!("`{}` needs `{next}` here", name(*at));
                (*span, text)
            });
            let mut diagnostic =
                Diagnostic::error("K0402", *span, message).help("take one of these references out, or split a release");
            if let Some((_, text)) = said.next() {
                diagnostic = diagnostic.label(text);
            }
            for (span, text) in said {
                diagnostic = diagnostic.related(span, text);
            }
            reports.push(diagnostic);
        }
        self.diagnostics.extend(reports);
    }

    /// A plan that is sealed for an air-gapped zone cannot observe what is outside it.
    pub(super) fn zone_borders(&mut self, leaves: &[Leaf], edges: &[Edge], clusters: &[Cluster], zones: &[Zone]) {
        let zone_of = |leaf: &Leaf| {
            let cluster = clusters.iter().find(|cluster| cluster.name == leaf.release.cluster)?;
            zones.iter().find(|zone| Some(&zone.name) == cluster.zone.as_ref())
        };
        let mut reports = Vec::new();
        for edge in edges {
            let (Some(from), Some(to)) = (leaves.get(edge.from), leaves.get(edge.to)) else {
                continue;
            };
            let (a, b) = (zone_of(from), zone_of(to));
            if a.map(|zone| &zone.name) == b.map(|zone| &zone.name) {
                continue;
            }
            let closed = [a, b].into_iter().flatten().find(|zone| zone.airgapped);
            if let Some(zone) = closed {
                let message = format!(
                    "{}/{} needs {}/{}, across the border of air-gapped zone {}",
                    from.release.cluster, from.release.name, to.release.cluster, to.release.name, zone.name
                );
                reports.push(
                    Diagnostic::error("K0407", edge.span, message)
                        .related(zone.span, "declared air-gapped here")
                        .help("its plan is run inside the zone, where the other side cannot be seen"),
                );
            }
        }
        self.diagnostics.extend(reports);
    }
}
