//! The state machine.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ktl_plan::{FailMode, Until};

use crate::budget::{Budget, Budgets, Lane, Usage};
use crate::graph::{Cyclic, Graph, NodeId, ReleaseId};

/// Decides what starts when. See the crate's page.
#[derive(Debug)]
pub struct Scheduler {
    graph: Graph,
    fail_mode: FailMode,
    nodes: Vec<NodeState>,
    releases: Vec<ReleaseState>,
    queue: BTreeMap<Lane, BTreeSet<Rank>>,
    usage: Usage,
    /// Why nothing new starts any more.
    stopped: Option<Cause>,
    /// Nodes without a verdict.
    open: usize,
    finished: bool,
    commands: Vec<Command>,
}

/// What happened to a node. An event that does not fit the node's state changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The API server has accepted the request.
    Applied(NodeId),
    /// The type that it defines is served.
    Served(NodeId),
    /// It is ready, or gone. A node may be ready without having been applied.
    Ready(NodeId),
    /// It failed for good, before or after it was applied.
    Failed(NodeId),
    /// Its request failed and is to be repeated later; the slot is free until then.
    Deferred(NodeId),
    /// A deferred node may be started again.
    Resumed(NodeId),
    /// The user asked to stop: nothing new starts, what runs is waited for.
    Cancelled,
}

/// What is to be done, or is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The first node of a release is about to start.
    ReleaseStarted(ReleaseId),
    /// Send the request. Answered by an event.
    Start(NodeId),
    /// It will not be started.
    Blocked(NodeId, Cause),
    /// All nodes of a release have their verdict.
    ReleaseFinished(ReleaseId, ReleaseOutcome),
    /// All nodes have their verdict. The last command.
    Finished,
}

/// Why a node is not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It needs this node, possibly through others.
    Needs(NodeId),
    /// This node failed, and nothing new starts after a failure.
    FailFast(NodeId),
    /// The user asked to stop.
    Cancelled,
}

/// How a release ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseOutcome {
    /// All its nodes are ready.
    Ready,
    /// So many nodes failed.
    Failed(usize),
    /// None failed, some were not started; why the first of them was not.
    Blocked(Cause),
}

/// Why a node is where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// For a node to come so far.
    Node(NodeId, Until),
    /// For a release to come so far.
    Release(ReleaseId, Until),
    /// For a budget.
    Budget(Budget),
    /// For nothing: the next poll starts it.
    Nothing,
    /// For the time to repeat its request.
    Retry,
    /// For the answer to its request.
    Answer,
    /// For its own readiness.
    Readiness,
    /// It has its verdict.
    Over,
}

/// Higher priority first, then the longer remaining path, then the smaller id.
type Rank = (Reverse<i64>, Reverse<u64>, NodeId);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Queued,
    Requesting,
    Parked,
    Accepted,
    Ready,
    Failed,
    Blocked,
}

#[derive(Debug)]
struct NodeState {
    stage: Stage,
    reached: Option<Until>,
    /// Edges that do not hold yet, and one while its release is not open.
    missing: usize,
    /// Who waits for it.
    waiting: Vec<(NodeId, Until)>,
    needs: Vec<(NodeId, Until)>,
    lane: Lane,
    rank: Rank,
    /// Whether it holds what its lane holds from start to verdict.
    holds: bool,
}

#[derive(Debug, Default)]
struct ReleaseState {
    nodes: Vec<NodeId>,
    missing: usize,
    waiting: Vec<(ReleaseId, Until)>,
    needs: Vec<(ReleaseId, Until)>,
    applied: usize,
    served: usize,
    ready: usize,
    failed: usize,
    blocked: usize,
    started: bool,
    finished: bool,
    reached: Option<Until>,
    /// Why the first of its nodes that was not started was not.
    cause: Option<Cause>,
    /// How far it can come at most, once a node of it will come no further; those who wait for more know.
    ceiling: Option<Option<Until>>,
    /// It will not be opened.
    barred: bool,
}

impl Scheduler {
    /// Nothing is started before the first [`Scheduler::poll`].
    ///
    /// # Errors
    /// The graph has no order.
    pub fn new(graph: Graph, budgets: Budgets, fail_mode: FailMode) -> Result<Self, Cyclic> {
        let remaining = graph.remaining()?;
        let mut releases: Vec<ReleaseState> = Vec::new();
        releases.resize_with(graph.releases.len(), ReleaseState::default);
        let mut nodes = Vec::with_capacity(graph.nodes.len());
        for ((index, node), remaining) in graph.nodes.iter().enumerate().zip(remaining) {
            let release = node.release.and_then(|release| graph.releases.get(release.0));
            let member = node.release.and_then(|release| releases.get_mut(release.0));
            let missing = usize::from(member.is_some());
            if let Some(member) = member {
                member.nodes.push(NodeId(index));
            }
            nodes.push(NodeState {
                stage: Stage::Waiting,
                reached: None,
                missing,
                waiting: Vec::new(),
                needs: Vec::new(),
                lane: Lane::of(node, &graph, &budgets),
                rank: (
                    Reverse(release.map_or(0, |release| release.priority)),
                    Reverse(remaining),
                    NodeId(index),
                ),
                holds: false,
            });
        }
        for (from, to, until) in &graph.node_edges {
            at_mut(&mut nodes, from.0).missing += 1;
            at_mut(&mut nodes, from.0).needs.push((*to, *until));
            at_mut(&mut nodes, to.0).waiting.push((*from, *until));
        }
        for (from, to, until) in &graph.release_edges {
            at_mut(&mut releases, from.0).missing += 1;
            at_mut(&mut releases, from.0).needs.push((*to, *until));
            at_mut(&mut releases, to.0).waiting.push((*from, *until));
        }
        let mut scheduler = Scheduler {
            open: nodes.len(),
            graph,
            fail_mode,
            nodes,
            releases,
            queue: BTreeMap::new(),
            usage: Usage::new(budgets),
            stopped: None,
            finished: false,
            commands: Vec::new(),
        };
        for index in 0..scheduler.nodes.len() {
            scheduler.queue_if_free(NodeId(index));
        }
        let free: Vec<usize> = scheduler
            .releases
            .iter()
            .enumerate()
            .filter(|(_, release)| release.missing == 0)
            .map(|(index, _)| index)
            .collect();
        for index in free {
            scheduler.open_release(ReleaseId(index));
        }
        Ok(scheduler)
    }

    /// What is decided since the last call. Starts as much as the budgets allow.
    pub fn poll(&mut self) -> Vec<Command> {
        while let Some((lane, rank)) = self.next() {
            if let Some(lane) = self.queue.get_mut(&lane) {
                lane.remove(&rank);
            }
            self.start(rank.2);
        }
        self.queue.retain(|_, lane| !lane.is_empty());
        if self.open == 0 && !self.finished && self.releases.iter().all(|release| release.finished) {
            self.finished = true;
            self.commands.push(Command::Finished);
        }
        std::mem::take(&mut self.commands)
    }

    /// Takes note of what happened. Call [`Scheduler::poll`] for what follows from it.
    pub fn handle(&mut self, event: Event) {
        let (id, expected): (NodeId, &[Stage]) = match event {
            Event::Applied(id) => (id, &[Stage::Requesting]),
            Event::Served(id) => (id, &[Stage::Accepted]),
            Event::Ready(id) => (id, &[Stage::Requesting, Stage::Accepted]),
            Event::Failed(id) => (id, &[Stage::Requesting, Stage::Parked, Stage::Accepted]),
            Event::Deferred(id) => (id, &[Stage::Requesting]),
            Event::Resumed(id) => (id, &[Stage::Parked]),
            Event::Cancelled => {
                self.stop(Cause::Cancelled);
                return;
            }
        };
        if !self.nodes.get(id.0).is_some_and(|node| expected.contains(&node.stage)) {
            return;
        }
        match event {
            Event::Applied(_) => {
                self.give_back_request(id);
                at_mut(&mut self.nodes, id.0).stage = Stage::Accepted;
                self.reach(id, Until::Applied);
            }
            Event::Served(_) => self.reach(id, Until::Served),
            Event::Ready(_) => {
                self.settle(id, Stage::Ready);
                self.reach(id, Until::Ready);
                self.finish_release_of(id);
            }
            Event::Failed(_) => {
                self.settle(id, Stage::Failed);
                self.spread(id, Cause::Needs(id));
                self.finish_release_of(id);
                if self.fail_mode == FailMode::FailFast {
                    self.stop(Cause::FailFast(id));
                }
            }
            Event::Deferred(_) => {
                self.give_back_request(id);
                at_mut(&mut self.nodes, id.0).stage = Stage::Parked;
                if self.stopped == Some(Cause::Cancelled) {
                    self.block(id, Cause::Cancelled);
                }
            }
            Event::Resumed(_) => self.enqueue(id),
            Event::Cancelled => {}
        }
    }

    /// Why a node is where it is. [`Waiting::Over`] for a node that the graph does not have.
    pub fn why_waiting(&self, id: NodeId) -> Waiting {
        let Some(node) = self.nodes.get(id.0) else {
            return Waiting::Over;
        };
        match node.stage {
            Stage::Waiting => {
                let release = self.graph.nodes.get(id.0).and_then(|node| node.release);
                let release = release.and_then(|release| self.releases.get(release.0));
                let closed = release.into_iter().flat_map(|release| &release.needs);
                let closed = closed
                    .copied()
                    .find(|(to, until)| at(&self.releases, to.0).reached < Some(*until));
                if let Some((to, until)) = closed {
                    return Waiting::Release(to, until);
                }
                let edge = node
                    .needs
                    .iter()
                    .copied()
                    .find(|(to, until)| at(&self.nodes, to.0).reached < Some(*until));
                edge.map_or(Waiting::Nothing, |(to, until)| Waiting::Node(to, until))
            }
            Stage::Queued => match self.exhausted(node) {
                Some(budget) => Waiting::Budget(budget.clone()),
                None => Waiting::Nothing,
            },
            Stage::Parked => Waiting::Retry,
            Stage::Requesting => Waiting::Answer,
            Stage::Accepted => Waiting::Readiness,
            Stage::Ready | Stage::Failed | Stage::Blocked => Waiting::Over,
        }
    }

    /// Nodes that were started and have no verdict yet.
    pub fn running(&self) -> impl Iterator<Item = NodeId> {
        let runs = |stage| matches!(stage, Stage::Requesting | Stage::Parked | Stage::Accepted);
        let nodes = self.nodes.iter().enumerate();
        // A deferred node that waits for a slot again holds its tokens and was started too.
        nodes
            .filter(move |(_, node)| runs(node.stage) || node.stage == Stage::Queued && node.holds)
            .map(|(index, _)| NodeId(index))
    }

    fn exhausted<'a>(&self, node: &'a NodeState) -> Option<&'a Budget> {
        if node.holds {
            self.usage
                .is_exhausted(&node.lane.request)
                .then_some(&node.lane.request)
        } else {
            self.usage.exhausted(&node.lane)
        }
    }

    /// The best of those at the heads of lanes that have budget left.
    fn next(&self) -> Option<(Lane, Rank)> {
        let heads = self
            .queue
            .iter()
            .filter_map(|(lane, ranks)| Some((lane, *ranks.first()?)));
        heads
            .filter(|(lane, _)| self.usage.exhausted(lane).is_none())
            .min_by_key(|(_, rank)| *rank)
            .map(|(lane, rank)| (lane.clone(), rank))
    }

    fn start(&mut self, id: NodeId) {
        let node = at_mut(&mut self.nodes, id.0);
        node.stage = Stage::Requesting;
        self.usage.take(&node.lane.request);
        if !node.holds {
            node.holds = true;
            node.lane.held.iter().for_each(|budget| self.usage.take(budget));
        }
        let release = self.graph.nodes.get(id.0).and_then(|node| node.release);
        if let Some(release) = release
            && let Some(state) = self.releases.get_mut(release.0)
            && !state.started
        {
            state.started = true;
            self.commands.push(Command::ReleaseStarted(release));
        }
        self.commands.push(Command::Start(id));
    }

    fn queue_if_free(&mut self, id: NodeId) {
        let node = at(&self.nodes, id.0);
        if node.stage == Stage::Waiting && node.missing == 0 {
            self.enqueue(id);
        }
    }

    fn enqueue(&mut self, id: NodeId) {
        let node = at_mut(&mut self.nodes, id.0);
        node.stage = Stage::Queued;
        let lane = node.queue_lane();
        self.queue.entry(lane).or_default().insert(node.rank);
    }

    fn give_back_request(&mut self, id: NodeId) {
        let node = at(&self.nodes, id.0);
        if node.stage == Stage::Requesting {
            self.usage.give_back(&node.lane.request);
        }
    }

    /// Gives a node its verdict and takes back what it held.
    fn settle(&mut self, id: NodeId, verdict: Stage) {
        self.give_back_request(id);
        let node = at_mut(&mut self.nodes, id.0);
        if node.stage == Stage::Queued
            && let Some(lane) = self.queue.get_mut(&node.queue_lane())
        {
            lane.remove(&node.rank);
        }
        if std::mem::take(&mut node.holds) {
            node.lane.held.iter().for_each(|budget| self.usage.give_back(budget));
        }
        node.stage = verdict;
        self.open -= 1;
        if let Some(release) = self.release_of(id) {
            match verdict {
                Stage::Failed => release.failed += 1,
                Stage::Blocked => release.blocked += 1,
                _ => {}
            }
        }
    }

    fn reach(&mut self, id: NodeId, until: Until) {
        let node = at_mut(&mut self.nodes, id.0);
        let before = node.reached;
        if before >= Some(until) {
            return;
        }
        node.reached = Some(until);
        let newly = |wanted: Until| before < Some(wanted) && wanted <= until;
        let freed: Vec<NodeId> = node
            .waiting
            .iter()
            .filter(|edge| newly(edge.1))
            .map(|edge| edge.0)
            .collect();
        for next in freed {
            at_mut(&mut self.nodes, next.0).missing -= 1;
            self.queue_if_free(next);
        }
        let Some(release) = self.graph.nodes.get(id.0).and_then(|node| node.release) else {
            return;
        };
        if let Some(state) = self.releases.get_mut(release.0) {
            state.applied += usize::from(newly(Until::Applied));
            state.served += usize::from(newly(Until::Served));
            state.ready += usize::from(newly(Until::Ready));
        }
        self.advance_release(release);
    }

    /// Opens what waits for a release that has come further.
    fn advance_release(&mut self, id: ReleaseId) {
        let release = at_mut(&mut self.releases, id.0);
        let all = release.nodes.len();
        let until = match () {
            () if release.ready == all => Until::Ready,
            () if release.served == all => Until::Served,
            () if release.applied == all => Until::Applied,
            () => return,
        };
        let before = release.reached;
        if before >= Some(until) {
            return;
        }
        release.reached = Some(until);
        let newly = |wanted: Until| before < Some(wanted) && wanted <= until;
        let freed: Vec<ReleaseId> = release
            .waiting
            .iter()
            .filter(|edge| newly(edge.1))
            .map(|edge| edge.0)
            .collect();
        for next in freed {
            let state = at_mut(&mut self.releases, next.0);
            state.missing -= 1;
            if state.missing == 0 {
                self.open_release(next);
            }
        }
    }

    fn open_release(&mut self, id: ReleaseId) {
        let release = at(&self.releases, id.0);
        if release.barred {
            return;
        }
        if release.nodes.is_empty() {
            // A release without nodes is ready as soon as it may begin.
            self.commands.push(Command::ReleaseStarted(id));
            self.commands.push(Command::ReleaseFinished(id, ReleaseOutcome::Ready));
            let release = at_mut(&mut self.releases, id.0);
            (release.started, release.finished) = (true, true);
            self.advance_release(id);
            return;
        }
        for node in release.nodes.clone() {
            at_mut(&mut self.nodes, node.0).missing -= 1;
            self.queue_if_free(node);
        }
    }

    /// Blocks all that can no longer start because `id` will not come further.
    fn spread(&mut self, id: NodeId, cause: Cause) {
        let mut nodes = vec![id];
        let mut releases: Vec<(ReleaseId, Option<Until>)> = Vec::new();
        loop {
            if let Some(id) = nodes.pop() {
                let node = at(&self.nodes, id.0);
                let reached = node.reached;
                let stuck: Vec<NodeId> = node
                    .waiting
                    .iter()
                    .filter(|edge| Some(edge.1) > reached)
                    .map(|edge| edge.0)
                    .collect();
                nodes.extend(stuck.into_iter().filter(|next| self.block_one(*next, cause)));
                // What the node has reached, its release may still reach through the others.
                let release = self.graph.nodes.get(id.0).and_then(|node| node.release);
                releases.extend(release.map(|release| (release, reached)));
            } else if let Some((id, ceiling)) = releases.pop() {
                let release = at_mut(&mut self.releases, id.0);
                if release.ceiling.is_some_and(|known| known <= ceiling) {
                    continue;
                }
                release.ceiling = Some(ceiling);
                let stuck: Vec<ReleaseId> = release
                    .waiting
                    .iter()
                    .filter(|edge| Some(edge.1) > ceiling)
                    .map(|edge| edge.0)
                    .collect();
                for next in stuck {
                    let members = self.bar(next, cause);
                    nodes.extend(members);
                    releases.push((next, None));
                }
            } else {
                return;
            }
        }
    }

    /// Keeps a release from ever opening; the nodes that are blocked by that.
    fn bar(&mut self, id: ReleaseId, cause: Cause) -> Vec<NodeId> {
        let release = at_mut(&mut self.releases, id.0);
        if release.finished || std::mem::replace(&mut release.barred, true) {
            return Vec::new();
        }
        if release.nodes.is_empty() {
            release.finished = true;
            self.commands
                .push(Command::ReleaseFinished(id, ReleaseOutcome::Blocked(cause)));
            return Vec::new();
        }
        let members = release.nodes.clone();
        members
            .into_iter()
            .filter(|node| self.block_one(*node, cause))
            .collect()
    }

    /// Blocks a node and all that needs it.
    fn block(&mut self, id: NodeId, cause: Cause) {
        if self.block_one(id, cause) {
            self.spread(id, cause);
        }
    }

    /// Whether the node was blocked by this call: one that runs is not.
    fn block_one(&mut self, id: NodeId, cause: Cause) -> bool {
        let node = at_mut(&mut self.nodes, id.0);
        let waits = match node.stage {
            Stage::Waiting => true,
            Stage::Queued => !node.holds || cause == Cause::Cancelled,
            Stage::Parked => cause == Cause::Cancelled,
            _ => false,
        };
        if !waits {
            return false;
        }
        self.settle(id, Stage::Blocked);
        self.commands.push(Command::Blocked(id, cause));
        if let Some(release) = self.release_of(id) {
            release.cause.get_or_insert(cause);
        }
        self.finish_release_of(id);
        true
    }

    fn stop(&mut self, cause: Cause) {
        if self.stopped.is_some() && cause != Cause::Cancelled {
            return;
        }
        self.stopped = Some(cause);
        for index in 0..self.nodes.len() {
            self.block_one(NodeId(index), cause);
        }
        for index in 0..self.releases.len() {
            if at(&self.releases, index).nodes.is_empty() {
                self.bar(ReleaseId(index), cause);
            }
        }
    }

    fn finish_release_of(&mut self, id: NodeId) {
        let Some(id) = self.graph.nodes.get(id.0).and_then(|node| node.release) else {
            return;
        };
        let Some(release) = self.releases.get_mut(id.0) else {
            return;
        };
        if release.finished || release.ready + release.failed + release.blocked < release.nodes.len() {
            return;
        }
        release.finished = true;
        let outcome = match (release.failed, release.cause) {
            (0, None) => ReleaseOutcome::Ready,
            (0, Some(cause)) => ReleaseOutcome::Blocked(cause),
            (failed, _) => ReleaseOutcome::Failed(failed),
        };
        self.commands.push(Command::ReleaseFinished(id, outcome));
    }

    fn release_of(&mut self, id: NodeId) -> Option<&mut ReleaseState> {
        let release = self.graph.nodes.get(id.0)?.release?;
        self.releases.get_mut(release.0)
    }
}

impl NodeState {
    /// A deferred node holds its tokens already and waits for a request slot alone.
    fn queue_lane(&self) -> Lane {
        let held = if self.holds { Vec::new() } else { self.lane.held.clone() };
        Lane {
            request: self.lane.request.clone(),
            held,
        }
    }
}

fn at<T>(list: &[T], index: usize) -> &T {
    list.get(index).expect("the graph's own ids are within it")
}

fn at_mut<T>(list: &mut [T], index: usize) -> &mut T {
    list.get_mut(index).expect("the graph's own ids are within it")
}
