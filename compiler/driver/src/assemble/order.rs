//! The order of releases, and what stands in its way.

use std::collections::BTreeMap;

use ktl_lang::stack::{Edge, Stack};
use ktl_plan::{Graph, Reason};
use ktl_syntax::{Diagnostic, Diagnostics};

use super::Body;
use crate::infer::Inferred;

/// Indexes of releases, each after those that it needs, ties by index.
///
/// Objects of two releases may need each other without a contradiction, as long as no release as a whole waits: such
/// releases come in the order in which they end.
pub(super) fn order(
    stack: &Stack,
    bodies: &[Body],
    inferred: &[Inferred],
    diagnostics: &mut Diagnostics,
) -> Option<Vec<usize>> {
    let whole = Nodes::new(stack, bodies);
    let ended = match whole.graph(stack, bodies, inferred).order() {
        Ok(order) => order,
        Err(cycles) => {
            for cycle in cycles {
                diagnostics.push(contradiction(stack, bodies, inferred, &whole.hops(&cycle.0)));
            }
            return None;
        }
    };
    let mut graph = Graph::new(stack.releases.len());
    for edge in &stack.edges {
        graph.need(edge.from, edge.to);
    }
    for edge in inferred {
        if let (Some(from), Some(to)) = (bodies.get(edge.from), bodies.get(edge.to))
            && from.release != to.release
        {
            graph.need(from.release, to.release);
        }
    }
    let ended = || ended.into_iter().filter_map(|node| whole.release_that_ends(node));
    Some(graph.order().unwrap_or_else(|_| ended().collect()))
}

/// What happens in a run: every release begins, its objects follow, it ends. Nodes are numbered in that order, so that
/// of what may come next the first release does.
struct Nodes {
    /// What each node is.
    nodes: Vec<Node>,
    begin: Vec<usize>,
    end: Vec<usize>,
    object: BTreeMap<usize, usize>,
}

#[derive(Clone, Copy)]
enum Node {
    Begin(usize),
    Object(usize),
    End(usize),
}

/// A step of a cycle: one needs the next.
enum Hop {
    Objects(usize, usize),
    Releases(usize, usize),
}

impl Nodes {
    fn new(stack: &Stack, bodies: &[Body]) -> Self {
        let mut own: Vec<Vec<usize>> = vec![Vec::new(); stack.releases.len()];
        for (index, body) in bodies.iter().enumerate() {
            if let Some(own) = own.get_mut(body.release) {
                own.push(index);
            }
        }
        let (mut nodes, mut begin, mut end, mut object) = (Vec::new(), Vec::new(), Vec::new(), BTreeMap::new());
        for (release, own) in own.into_iter().enumerate() {
            begin.push(nodes.len());
            nodes.push(Node::Begin(release));
            for index in own {
                object.insert(index, nodes.len());
                nodes.push(Node::Object(index));
            }
            end.push(nodes.len());
            nodes.push(Node::End(release));
        }
        Nodes {
            nodes,
            begin,
            end,
            object,
        }
    }

    fn graph(&self, stack: &Stack, bodies: &[Body], inferred: &[Inferred]) -> Graph {
        let mut graph = Graph::new(self.nodes.len());
        let mut need = |from: Option<&usize>, to: Option<&usize>| {
            if let (Some(from), Some(to)) = (from, to) {
                graph.need(*from, *to);
            }
        };
        let (begin, end) = (|release| self.begin.get(release), |release| self.end.get(release));
        let object = |index| self.object.get(&index);
        for release in 0..stack.releases.len() {
            need(end(release), begin(release));
        }
        for (index, body) in bodies.iter().enumerate() {
            need(object(index), begin(body.release));
            need(end(body.release), object(index));
        }
        for edge in &stack.edges {
            need(begin(edge.from), end(edge.to));
        }
        for edge in inferred {
            need(object(edge.from), object(edge.to));
        }
        graph
    }

    fn release_that_ends(&self, node: usize) -> Option<usize> {
        match self.nodes.get(node) {
            Some(Node::End(release)) => Some(*release),
            _ => None,
        }
    }

    /// The steps of a cycle that somebody asked for; the others lead from the objects of a release to its begin and end.
    fn hops(&self, cycle: &[usize]) -> Vec<Hop> {
        let steps = cycle.iter().zip(cycle.iter().cycle().skip(1));
        let asked = steps.filter_map(|(from, to)| match (self.nodes.get(*from)?, self.nodes.get(*to)?) {
            (Node::Object(from), Node::Object(to)) => Some(Hop::Objects(*from, *to)),
            (Node::Begin(from), Node::End(to)) => Some(Hop::Releases(*from, *to)),
            _ => None,
        });
        asked.collect()
    }
}

/// An order that objects ask for and the stack, or other objects, forbid.
fn contradiction(stack: &Stack, bodies: &[Body], inferred: &[Inferred], hops: &[Hop]) -> Diagnostic {
    let found: Vec<&Inferred> = hops.iter().filter_map(|hop| inferred_edge(inferred, hop)).collect();
    let written: Vec<&Edge> = hops.iter().filter_map(|hop| written_edge(&stack.edges, hop)).collect();
    let name = |release: usize| stack.releases.get(release).map_or("", |release| release.name.as_str());
    let object = |index: usize| {
        let body = bodies.get(index);
        body.map_or_else(String::new, |body| {
            format!("{}/{}", body.object.key.kind, body.object.key.name)
        })
    };
    let release = |index: usize| bodies.get(index).map_or("", |body| name(body.release));
    let place = |index: usize| bodies.get(index).map_or(stack.span, |body| body.span);

    // A cycle of written edges alone is reported by the language, before anything is rendered.
    let Some(first) = found.first() else {
        return Diagnostic::error("K0402", stack.span, "releases need each other");
    };
    let (from, to) = (object(first.from), object(first.to));
    let (one, other) = (release(first.from), release(first.to));
    let message = match (written.is_empty(), one == other) {
        (true, true) => format!("`{from}` and `{to}` of release `{one}` need each other"),
        (true, false) => format!("`{from}` of release `{one}` and `{to}` of release `{other}` need each other"),
        (false, _) => format!("`{from}` of release `{one}` needs `{to}` of `{other}`, but `{other}` comes after it"),
    };
    let mut diagnostic = Diagnostic::error("K0410", place(first.from), message);
    for edge in &found {
        if let Reason::Inferred { evidence, .. } = &edge.reason {
            let text = format!("`{}` needs `{}`: {evidence}", object(edge.from), object(edge.to));
            diagnostic = diagnostic.related(place(edge.from), text);
        }
    }
    for edge in &written {
        let text = format!("`{}` needs `{}` here", name(edge.from), name(edge.to));
        diagnostic = diagnostic.related(edge.span, text);
    }
    diagnostic.help(if written.is_empty() {
        "drop one of the references"
    } else {
        "turn the written edge around, move the object to the other release, or drop one of the references"
    })
}

/// The first edge of a hop, in a list sorted by its ends.
fn inferred_edge<'a>(edges: &'a [Inferred], hop: &Hop) -> Option<&'a Inferred> {
    let Hop::Objects(from, to) = hop else { return None };
    let at = edges.partition_point(|edge| (edge.from, edge.to) < (*from, *to));
    edges.get(at).filter(|edge| (edge.from, edge.to) == (*from, *to))
}

/// The same for written edges.
fn written_edge<'a>(edges: &'a [Edge], hop: &Hop) -> Option<&'a Edge> {
    let Hop::Releases(from, to) = hop else { return None };
    let at = edges.partition_point(|edge| (edge.from, edge.to) < (*from, *to));
    edges.get(at).filter(|edge| (edge.from, edge.to) == (*from, *to))
}
