//! What must hold of a plan before anything is executed, whoever made it.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Graph;
use crate::model::{EdgeKind, FORMAT, Plan};
use crate::object::Objects;

/// Why a plan cannot be executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Made by another ktl.
    #[error("the plan has format {0:?}, this ktl reads {FORMAT:?}")]
    Format(String),
    /// Two things with one id.
    #[error("`{0}` stands twice in the plan")]
    Twice(String),
    /// A release on a cluster that is not there.
    #[error("release `{release}` goes to cluster `{cluster}`, which the plan does not have")]
    NoCluster {
        /// The release's id.
        release: String,
        /// The cluster's name.
        cluster: String,
    },
    /// An edge with an end that is not there.
    #[error("an edge between {between:?} names `{id}`, which the plan does not have")]
    NoSuchEnd {
        /// The id.
        id: String,
        /// What the edge joins.
        between: EdgeKind,
    },
    /// A body that is missing.
    #[error("the body of `{0}` is missing")]
    NoBody(String),
    /// Everything waits for something.
    #[error("cycle: {}", .0.join(" needs "))]
    Cycle(Vec<String>),
    /// A number that makes no sense.
    #[error("`runner.concurrency` is 0; at least 1 rollout must be possible")]
    NoConcurrency,
}

/// Checks a plan against its object bodies.
///
/// # Errors
/// The first thing that is wrong.
pub fn validate(plan: &Plan, objects: &Objects) -> Result<(), Invalid> {
    if plan.format != FORMAT {
        return Err(Invalid::Format(plan.format.clone()));
    }
    if plan.runner.concurrency == 0 {
        return Err(Invalid::NoConcurrency);
    }
    let mut releases = BTreeMap::new();
    let mut ids = BTreeSet::new();
    let mut owner = BTreeMap::new();
    for (index, release) in plan.releases.iter().enumerate() {
        if releases.insert(release.id.as_str(), index).is_some() {
            return Err(Invalid::Twice(release.id.clone()));
        }
        if !plan.clusters.contains_key(&release.cluster) {
            return Err(Invalid::NoCluster {
                release: release.id.clone(),
                cluster: release.cluster.clone(),
            });
        }
        for object in &release.objects {
            if !ids.insert(object.id.as_str()) {
                return Err(Invalid::Twice(object.id.clone()));
            }
            if !objects.contains_key(&object.digest) {
                return Err(Invalid::NoBody(object.id.clone()));
            }
            owner.insert(object.id.as_str(), index);
        }
    }
    acyclic(plan, &releases, &owner)
}

/// Objects and releases in one graph: a release begins before its objects and ends after them, so an edge between
/// objects and an edge between releases that contradict each other are a cycle too.
fn acyclic(plan: &Plan, releases: &BTreeMap<&str, usize>, owner: &BTreeMap<&str, usize>) -> Result<(), Invalid> {
    let count = releases.len();
    let object_index: BTreeMap<&str, usize> = owner
        .keys()
        .enumerate()
        .map(|(index, id)| (*id, 2 * count + index))
        .collect();
    let mut graph = Graph::new(2 * count + owner.len());
    for (id, index) in &object_index {
        if let Some(release) = owner.get(id) {
            graph.need(*index, *release);
            graph.need(count + release, *index);
        }
    }
    for edge in &plan.edges {
        let table = match edge.between {
            EdgeKind::Releases => releases,
            EdgeKind::Objects => &object_index,
        };
        let end = |id: &String| {
            let missing = || Invalid::NoSuchEnd {
                id: id.clone(),
                between: edge.between,
            };
            table.get(id.as_str()).copied().ok_or_else(missing)
        };
        let (from, to) = (end(&edge.from)?, end(&edge.to)?);
        match edge.between {
            EdgeKind::Releases => graph.need(from, count + to),
            EdgeKind::Objects => graph.need(from, to),
        }
    }
    let Err(cycles) = graph.order() else { return Ok(()) };
    let names: BTreeMap<usize, &str> = (releases
        .iter()
        .flat_map(|(id, index)| [(*index, *id), (count + index, *id)]))
    .chain(object_index.iter().map(|(id, index)| (*index, *id)))
    .collect();
    let cycle = cycles.into_iter().next().map(|cycle| cycle.0).unwrap_or_default();
    let mut path: Vec<String> = cycle
        .iter()
        .filter_map(|index| names.get(index))
        .map(|id| (*id).to_owned())
        .collect();
    path.extend(path.first().cloned());
    path.dedup();
    Err(Invalid::Cycle(path))
}
