//! Nodes, releases and the order between them.

use ktl_plan::Until;

/// A node, by its position in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub usize);

/// A release, by its position in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReleaseId(pub usize);

/// What is to be done, and in which order. Ids are given in the order of insertion.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub(crate) releases: Vec<Release>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) node_edges: Vec<(NodeId, NodeId, Until)>,
    pub(crate) release_edges: Vec<(ReleaseId, ReleaseId, Until)>,
}

/// One object.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// The release that it belongs to, and with whose order it goes.
    pub release: Option<ReleaseId>,
    /// Nodes of one cluster share its request slots.
    pub cluster: usize,
    /// Empty for what belongs to the whole cluster.
    pub namespace: String,
    /// `Deployment`
    pub kind: String,
    /// Whether its readiness means pods, so that it draws on the budget of rollouts.
    pub rollout: bool,
    /// How long it is expected to take until it is ready, in milliseconds. Only the order depends on it.
    pub expected_ms: u64,
}

/// A group of nodes: an edge between releases holds for everything of both.
#[derive(Clone, Debug, Default)]
pub struct Release {
    /// Higher goes first.
    pub priority: i64,
    /// Releases of one group share a limit.
    pub group: Option<String>,
}

/// The graph has no order: these need each other, releases shown by a node of theirs if they have one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} nodes of the graph need each other", .0.len())]
pub struct Cyclic(pub Vec<NodeId>);

impl Graph {
    /// Adds a release.
    pub fn release(&mut self, release: Release) -> ReleaseId {
        self.releases.push(release);
        ReleaseId(self.releases.len() - 1)
    }

    /// Adds a node.
    pub fn node(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    /// `from` waits until `to` has come so far. Ends that the graph does not have are ignored.
    pub fn edge(&mut self, from: NodeId, to: NodeId, until: Until) {
        if from.0 < self.nodes.len() && to.0 < self.nodes.len() {
            self.node_edges.push((from, to, until));
        }
    }

    /// Every node of `from` waits until every node of `to` has come so far. Ends that the graph does not have are
    /// ignored.
    pub fn release_edge(&mut self, from: ReleaseId, to: ReleaseId, until: Until) {
        if from.0 < self.releases.len() && to.0 < self.releases.len() {
            self.release_edges.push((from, to, until));
        }
    }

    /// The graph for deleting: who was needed waits until those who needed it are gone.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.node_edges = self
            .node_edges
            .iter()
            .map(|(from, to, _)| (*to, *from, Until::Ready))
            .collect();
        self.release_edges = self
            .release_edges
            .iter()
            .map(|(from, to, _)| (*to, *from, Until::Ready))
            .collect();
        self
    }

    /// The expected time from each node's start to the end of all that waits for it, in milliseconds.
    pub(crate) fn remaining(&self) -> Result<Vec<u64>, Cyclic> {
        // A release begins before its nodes and ends after them: both moments are nodes of the ordered graph.
        let (releases, nodes) = (self.releases.len(), self.nodes.len());
        let begin = |release: ReleaseId| release.0;
        let end = |release: ReleaseId| releases + release.0;
        let object = |node: NodeId| 2 * releases + node.0;
        let total = 2 * releases + nodes;
        let mut order = ktl_plan::Graph::new(total);
        let mut waiting: Vec<Vec<(usize, Until)>> = vec![Vec::new(); total];
        let mut join = |from: usize, to: usize, until: Until| {
            order.need(from, to);
            if let Some(list) = waiting.get_mut(to) {
                list.push((from, until));
            }
        };
        for release in (0..releases).map(ReleaseId) {
            join(end(release), begin(release), Until::Ready);
        }
        for (index, node) in self.nodes.iter().enumerate() {
            if let Some(release) = node.release {
                join(object(NodeId(index)), begin(release), Until::Ready);
                join(end(release), object(NodeId(index)), Until::Ready);
            }
        }
        for (from, to, until) in &self.node_edges {
            join(object(*from), object(*to), *until);
        }
        for (from, to, until) in &self.release_edges {
            join(begin(*from), end(*to), *until);
        }
        let sorted = order.order().map_err(|cycles| {
            let members = cycles.into_iter().next().map(|cycle| cycle.0).unwrap_or_default();
            Cyclic(
                members
                    .into_iter()
                    .filter_map(|member| member.checked_sub(2 * releases))
                    .map(NodeId)
                    .collect(),
            )
        })?;
        let mut remaining = vec![0; total];
        for at in sorted.into_iter().rev() {
            let own = at
                .checked_sub(2 * releases)
                .and_then(|node| self.nodes.get(node))
                .map_or(0, |node| node.expected_ms);
            let longest = waiting
                .get(at)
                .into_iter()
                .flatten()
                .fold(own, |longest, (next, until)| {
                    let after = remaining.get(*next).copied().unwrap_or(0);
                    // Who waits only for the request does not wait for the rollout.
                    let before = if *until == Until::Applied { 0 } else { own };
                    longest.max(after + before)
                });
            if let Some(slot) = remaining.get_mut(at) {
                *slot = longest;
            }
        }
        Ok(remaining.split_off(2 * releases))
    }
}
