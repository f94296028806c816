//! A plan as text: what would be rolled out, in which order, and why in that order.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use ktl_plan::{Edge, Plan, Reason, Release};

use crate::graph::reason;
use crate::links::links;
use crate::style::{FAINT, STRONG, paint};
use crate::words::{count, list, visible};

/// Releases in order of execution with their objects and reasons, then one line that counts.
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    let profile = plan
        .profile
        .as_ref()
        .map(|profile| format!(", profile {}", visible(profile)))
        .unwrap_or_default();
    let clusters: Vec<Cow<str>> = plan.clusters.keys().map(|name| visible(name)).collect();
    let clusters = match clusters.as_slice() {
        [] => "no cluster".to_owned(),
        clusters => list(clusters),
    };
    let stack = paint(STRONG, visible(&plan.stack));
    let _ = writeln!(out, "{stack}{profile}, for {clusters}");

    let mut needs: BTreeMap<usize, Vec<(usize, Vec<&Edge>)>> = BTreeMap::new();
    for ((from, to), edges) in links(plan) {
        needs.entry(from).or_default().push((to, edges));
    }
    for (index, release) in plan.releases.iter().enumerate() {
        if index == 0 {
            out.push('\n');
        }
        let place = if plan.clusters.len() > 1 {
            format!("{}/{}", release.cluster, release.namespace)
        } else {
            release.namespace.clone()
        };
        let (name, kind) = (paint(STRONG, visible(&release.name)), visible(&release.kind));
        let _ = writeln!(out, "{name} in {} ({kind})", visible(&place));
        for line in wrapped(&objects(release), 96) {
            let _ = writeln!(out, "    {line}");
        }
        let mut inferred = Vec::new();
        for (to, edges) in needs.get(&index).into_iter().flatten() {
            let name = plan.releases.get(*to).map_or("", |release| release.name.as_str());
            let name = visible(name);
            let reasons = || edges.iter().flat_map(|edge| &edge.reasons);
            let written: BTreeSet<String> = reasons().filter(|reason| rule(reason).is_none()).map(reason).collect();
            let rules: BTreeSet<&str> = reasons().filter_map(rule).collect();
            for reason in &written {
                let _ = writeln!(out, "    needs {name}: {}", paint(FAINT, visible(reason)));
            }
            if written.is_empty() {
                let rules: Vec<&str> = rules.into_iter().collect();
                inferred.push(format!("{name} ({})", visible(&rules.join(", "))));
            }
        }
        if !inferred.is_empty() {
            let _ = writeln!(out, "    inferred: {}", paint(FAINT, inferred.join(", ")));
        }
    }
    let _ = writeln!(out, "\n{}", summary(plan));
    out
}

/// `13 releases, 58 objects, 40 edges (12 written, 28 inferred)`
pub fn summary(plan: &Plan) -> String {
    let objects = plan.releases.iter().map(|release| release.objects.len()).sum();
    let is_inferred = |reason: &Reason| matches!(reason, Reason::Inferred { .. });
    let inferred = plan
        .edges
        .iter()
        .filter(|edge| edge.reasons.iter().all(is_inferred))
        .count();
    let written = plan.edges.len() - inferred;
    format!(
        "{}, {}, {} ({written} written, {inferred} inferred)",
        count(plan.releases.len(), "release"),
        count(objects, "object"),
        count(plan.edges.len(), "edge"),
    )
}

/// The plan as JSON, for people's eyes and machines' tools; the sealed form is canonical and has no line breaks.
pub fn json(plan: &Plan) -> String {
    serde_json::to_string_pretty(plan).expect("a plan can be written") + "\n"
}

/// The rule of an inferred reason.
fn rule(reason: &Reason) -> Option<&str> {
    match reason {
        Reason::Inferred { rule, .. } => Some(rule),
        Reason::Reference { .. } | Reason::Needs { .. } => None,
    }
}

fn objects(release: &Release) -> Vec<String> {
    let namespace = release.namespace.as_str();
    let shown = release.objects.iter().map(|object| match &object.namespace {
        Some(other) if other != namespace => format!("{other}/{}/{}", object.kind, object.name),
        _ => format!("{}/{}", object.kind, object.name),
    });
    shown.map(|object| visible(&object).into_owned()).collect()
}

/// Words two spaces apart, in lines of at most `width` characters where words allow.
fn wrapped(words: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 2 + word.chars().count() <= width => {
                line.push_str("  ");
                line.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
    lines
}
