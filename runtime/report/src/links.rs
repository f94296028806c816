//! Edges between releases: those the plan says, and those its edges between objects amount to.

use std::collections::BTreeMap;

use ktl_plan::{Edge, EdgeKind, Plan};

/// By (`from`, `to`), as indexes of [`Plan::releases`]; each with the edges that make it. An edge between objects of the
/// same release makes none.
pub(crate) fn links(plan: &Plan) -> BTreeMap<(usize, usize), Vec<&Edge>> {
    let mut index: BTreeMap<(EdgeKind, &str), usize> = BTreeMap::new();
    for (at, release) in plan.releases.iter().enumerate() {
        index.insert((EdgeKind::Releases, release.id.as_str()), at);
        for object in &release.objects {
            index.insert((EdgeKind::Objects, object.id.as_str()), at);
        }
    }
    let mut links: BTreeMap<(usize, usize), Vec<&Edge>> = BTreeMap::new();
    for edge in &plan.edges {
        let end = |id: &String| index.get(&(edge.between, id.as_str())).copied();
        if let (Some(from), Some(to)) = (end(&edge.from), end(&edge.to))
            && from != to
        {
            links.entry((from, to)).or_default().push(edge);
        }
    }
    links
}
