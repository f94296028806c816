//! The releases of a plan and who needs whom, for other tools to draw.
//!
//! An arrow goes from the one that needs to the one that is needed. A solid line was written in the stack, a dashed one
//! was inferred from objects.

use std::collections::BTreeSet;
use std::fmt::Write;

use ktl_plan::{Edge, Plan, Reason};
use serde::Serialize;

use crate::links::links;
use crate::words::visible;

/// Graphviz.
pub fn dot(plan: &Plan) -> String {
    let mut out = format!(
        "digraph {} {{\n  rankdir=LR\n  node [shape=box, fontname=\"sans-serif\"]\n",
        quoted(&plan.stack)
    );
    for release in &plan.releases {
        let label = format!("{}\n{}", release.name, release.kind);
        let _ = writeln!(out, "  {} [label={}]", quoted(&release.id), quoted(&label));
    }
    for link in data(plan).edges {
        let style = if link.inferred { " [style=dashed]" } else { "" };
        let _ = writeln!(out, "  {} -> {}{style}", quoted(link.from), quoted(link.to));
    }
    out.push_str("}\n");
    out
}

/// Mermaid, as GitHub and GitLab draw it inside Markdown.
pub fn mermaid(plan: &Plan) -> String {
    let mut out = "flowchart LR\n".to_owned();
    for (index, release) in plan.releases.iter().enumerate() {
        let label = format!("{}<br/>{}", entities(&release.name), entities(&release.kind));
        let _ = writeln!(out, "  r{index}[\"{label}\"]");
    }
    for ((from, to), edges) in links(plan) {
        let arrow = if is_inferred(&edges) { "-.->" } else { "-->" };
        let _ = writeln!(out, "  r{from} {arrow} r{to}");
    }
    out
}

/// As JSON: `{"stack", "nodes": [{"id", "name", "kind", …}], "edges": [{"from", "to", "inferred", "reasons"}]}`.
pub fn json(plan: &Plan) -> String {
    serde_json::to_string_pretty(&data(plan)).expect("a graph can be written") + "\n"
}

#[derive(Serialize)]
struct Graph<'a> {
    stack: &'a str,
    nodes: Vec<Node<'a>>,
    edges: Vec<Link<'a>>,
}

#[derive(Serialize)]
struct Node<'a> {
    id: &'a str,
    name: &'a str,
    cluster: &'a str,
    namespace: &'a str,
    kind: &'a str,
    objects: usize,
}

#[derive(Serialize)]
struct Link<'a> {
    from: &'a str,
    to: &'a str,
    inferred: bool,
    reasons: BTreeSet<String>,
}

fn data(plan: &Plan) -> Graph<'_> {
    let nodes = plan.releases.iter().map(|release| Node {
        id: &release.id,
        name: &release.name,
        cluster: &release.cluster,
        namespace: &release.namespace,
        kind: &release.kind,
        objects: release.objects.len(),
    });
    let edges = links(plan).into_iter().filter_map(|((from, to), edges)| {
        Some(Link {
            from: &plan.releases.get(from)?.id,
            to: &plan.releases.get(to)?.id,
            inferred: is_inferred(&edges),
            reasons: edges.iter().flat_map(|edge| &edge.reasons).map(reason).collect(),
        })
    });
    Graph {
        stack: &plan.stack,
        nodes: nodes.collect(),
        edges: edges.collect(),
    }
}

fn is_inferred(edges: &[&Edge]) -> bool {
    edges
        .iter()
        .flat_map(|edge| &edge.reasons)
        .all(|reason| matches!(reason, Reason::Inferred { .. }))
}

/// One line: why, and where that stands.
pub(crate) fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Reference { text, source } => format!("{text} ({source})"),
        Reason::Needs { source } => format!("needs ({source})"),
        Reason::Inferred { rule, evidence } => format!("{evidence} (inferred: {rule})"),
    }
}

/// A quoted id or label of Graphviz, which knows two escapes and reads `&` as the start of an entity.
fn quoted(text: &str) -> String {
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| {
            let line = visible(line).replace('\\', "\\\\").replace('"', "\\\"");
            line.replace('&', "&amp;")
        })
        .collect();
    format!("\"{}\"", lines.join("\\n"))
}

/// A label of Mermaid, which has no escape but entities, written with `#`; a backtick would begin Markdown.
fn entities(text: &str) -> String {
    let mut out = String::new();
    for character in visible(text).chars() {
        if "#&\"<>`\\".contains(character) {
            let _ = write!(out, "#{};", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out
}
