//! What must hold of every schedule, whatever the graph, the budgets and the order of events.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests may panic as tests do"
)]

use std::collections::{BTreeMap, BTreeSet};

use ktl_plan::{FailMode, Limits, Until};
use ktl_scheduler::{
    Budgets, Cause, Command, Event, Graph, Node, NodeId, Release, ReleaseId, ReleaseOutcome, Scheduler, Waiting,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// A graph as plain data, so that the test can judge a schedule without the scheduler's own view of it.
#[derive(Clone, Debug)]
struct Case {
    releases: Vec<(i64, Option<u8>)>,
    nodes: Vec<NodeCase>,
    node_edges: Vec<(usize, usize, Until)>,
    release_edges: Vec<(usize, usize, Until)>,
    budgets: Budgets,
    fail_mode: FailMode,
}

#[derive(Clone, Debug)]
struct NodeCase {
    release: Option<usize>,
    cluster: usize,
    namespace: u8,
    kind: u8,
    rollout: bool,
    expected_ms: u64,
}

fn until() -> impl Strategy<Value = Until> {
    prop_oneof![Just(Until::Applied), Just(Until::Served), Just(Until::Ready)]
}

fn limit() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![Just(None), (1..4u32).prop_map(Some)]
}

prop_compose! {
    fn budgets()(
        rollouts in 1..5u32,
        requests in 1..5u32,
        namespace in limit(),
        kind in limit(),
        group in limit(),
    ) -> Budgets {
        Budgets {
            rollouts,
            requests,
            limits: Limits {
                max_parallel_per_namespace: namespace,
                max_parallel_kind: kind.into_iter().map(|limit| ("k0".to_owned(), limit)).collect(),
                parallelism_group_limit: group,
            },
        }
    }
}

prop_compose! {
    fn case()(
        releases in vec((-1..2i64, proptest::option::of(0..2u8)), 0..5),
        nodes in vec((0..6usize, 0..2usize, 0..2u8, 0..2u8, any::<bool>(), 0..50u64), 0..24),
        node_edges in vec((0..24usize, 0..24usize, until()), 0..30),
        release_edges in vec((0..5usize, 0..5usize, until()), 0..6),
        budgets in budgets(),
        fail_fast in any::<bool>(),
    ) -> Case {
        let nodes: Vec<NodeCase> = nodes
            .into_iter()
            .map(|(release, cluster, namespace, kind, rollout, expected_ms)| NodeCase {
                release: (release < releases.len()).then_some(release),
                cluster, namespace, kind, rollout, expected_ms,
            })
            .collect();
        // Later needs earlier, by release first, so that there is no cycle. Nodes without a release come first of all.
        let place = |node: usize| (nodes[node].release, node);
        let node_edges = node_edges
            .into_iter()
            .filter(|(from, to, _)| *from < nodes.len() && *to < nodes.len() && place(*from) > place(*to))
            .collect();
        let release_edges =
            release_edges.into_iter().filter(|(from, to, _)| *from < releases.len() && from > to).collect();
        let fail_mode = if fail_fast { FailMode::FailFast } else { FailMode::Continue };
        Case { releases, nodes, node_edges, release_edges, budgets, fail_mode }
    }
}

impl Case {
    fn graph(&self) -> Graph {
        let mut graph = Graph::default();
        for (priority, group) in &self.releases {
            graph.release(Release {
                priority: *priority,
                group: group.map(|group| format!("g{group}")),
            });
        }
        for node in &self.nodes {
            graph.node(Node {
                release: node.release.map(ReleaseId),
                cluster: node.cluster,
                namespace: format!("n{}", node.namespace),
                kind: format!("k{}", node.kind),
                rollout: node.rollout,
                expected_ms: node.expected_ms,
            });
        }
        for (from, to, until) in &self.node_edges {
            graph.edge(NodeId(*from), NodeId(*to), *until);
        }
        for (from, to, until) in &self.release_edges {
            graph.release_edge(ReleaseId(*from), ReleaseId(*to), *until);
        }
        graph
    }

    /// All that must have come so far before `node` may start; an empty release passes on what it waits for itself.
    fn required(&self, node: usize) -> Vec<(usize, Until)> {
        let own = self
            .node_edges
            .iter()
            .filter(|(from, ..)| *from == node)
            .map(|(_, to, until)| (*to, *until));
        let mut required: Vec<(usize, Until)> = own.collect();
        let mut open: Vec<usize> = self.nodes[node].release.into_iter().collect();
        while let Some(release) = open.pop() {
            for (_, to, until) in self.release_edges.iter().filter(|(from, ..)| *from == release) {
                let members: Vec<usize> = (0..self.nodes.len())
                    .filter(|member| self.nodes[*member].release == Some(*to))
                    .collect();
                if members.is_empty() {
                    open.push(*to);
                }
                required.extend(members.into_iter().map(|member| (member, *until)));
            }
        }
        required
    }

    fn check_budgets(&self, requesting: &BTreeSet<usize>, holding: &BTreeSet<usize>) {
        let count = |of: &BTreeSet<usize>, test: &dyn Fn(usize, &NodeCase) -> bool| {
            of.iter().filter(|node| test(**node, &self.nodes[**node])).count() as u32
        };
        let Budgets {
            rollouts,
            requests,
            limits,
        } = &self.budgets;
        for cluster in 0..2 {
            assert!(count(requesting, &|_, node| node.cluster == cluster) <= *requests);
            for namespace in 0..2 {
                let used = count(holding, &|_, node| {
                    node.rollout && node.cluster == cluster && node.namespace == namespace
                });
                assert!(used <= limits.max_parallel_per_namespace.unwrap_or(u32::MAX));
            }
        }
        assert!(count(holding, &|_, node| node.rollout) <= *rollouts);
        let kind = limits.max_parallel_kind.get("k0").copied().unwrap_or(u32::MAX);
        assert!(count(holding, &|_, node| node.kind == 0) <= kind);
        for group in 0..2 {
            let of_group = |node: &NodeCase| {
                node.release
                    .is_some_and(|release| self.releases[release].1 == Some(group))
            };
            let used = count(holding, &|_, node| node.rollout && of_group(node));
            assert!(used <= limits.parallelism_group_limit.unwrap_or(u32::MAX));
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Requesting,
    Parked,
    Accepted,
    Served,
}

/// Runs a case: `choices` picks who is next and what happens to it. Returns all commands.
fn run(case: &Case, choices: &[(u16, u8)]) -> Vec<Command> {
    let mut scheduler = Scheduler::new(case.graph(), case.budgets.clone(), case.fail_mode).expect("no cycle");
    let mut running: BTreeMap<usize, Stage> = BTreeMap::new();
    // A node that was deferred and waits for a slot again still holds its tokens.
    let mut resumed: BTreeSet<usize> = BTreeSet::new();
    let mut reached: BTreeMap<usize, Until> = BTreeMap::new();
    let (mut failed, mut blocked, mut started) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut finished_releases: BTreeMap<usize, ReleaseOutcome> = BTreeMap::new();
    let mut stopped = false;
    let mut log = Vec::new();
    let mut choices = choices.iter().copied();
    loop {
        let commands = scheduler.poll();
        for command in &commands {
            match command {
                Command::Start(NodeId(node)) => {
                    assert!(!failed.contains(node) && !blocked.contains(node));
                    assert!(
                        resumed.remove(node) || (!stopped && started.insert(*node)),
                        "{node} started twice"
                    );
                    for (needed, until) in case.required(*node) {
                        assert!(
                            reached.get(&needed) >= Some(&until),
                            "{node} started before {needed} was {until:?}"
                        );
                    }
                    running.insert(*node, Stage::Requesting);
                }
                Command::Blocked(NodeId(node), cause) => {
                    assert!(blocked.insert(*node) && !reached.contains_key(node) && !failed.contains(node));
                    resumed.remove(node);
                    running.remove(node);
                    if let Cause::Needs(root) | Cause::FailFast(root) = cause {
                        assert!(failed.contains(&root.0));
                    }
                }
                Command::ReleaseStarted(_) => {}
                Command::ReleaseFinished(ReleaseId(release), outcome) => {
                    assert_eq!(
                        finished_releases.insert(*release, *outcome),
                        None,
                        "a release finished twice"
                    );
                }
                Command::Finished => {
                    assert!(running.is_empty());
                }
            }
        }
        let requesting: BTreeSet<usize> = running
            .iter()
            .filter(|(_, stage)| **stage == Stage::Requesting)
            .map(|(node, _)| *node)
            .collect();
        let holding: BTreeSet<usize> = running.keys().chain(&resumed).copied().collect();
        case.check_budgets(&requesting, &holding);
        for node in 0..case.nodes.len() {
            let waiting = scheduler.why_waiting(NodeId(node));
            let expected_over =
                failed.contains(&node) || blocked.contains(&node) || reached.get(&node) == Some(&Until::Ready);
            assert_eq!(waiting == Waiting::Over, expected_over, "{node}: {waiting:?}");
            assert_ne!(waiting, Waiting::Nothing, "{node} could start and did not");
        }
        let end = commands.last() == Some(&Command::Finished);
        log.extend(commands);
        if end {
            break;
        }
        let (pick, what) = choices.next().unwrap_or((0, 0));
        assert!(!running.is_empty(), "nothing runs and the run is not finished");
        let (&node, &stage) = running.iter().nth(usize::from(pick) % running.len()).unwrap();
        let id = NodeId(node);
        let event = match (stage, what) {
            (_, 250..) => Event::Cancelled,
            (_, 230..250) => Event::Failed(id),
            (Stage::Requesting, 180..230) => Event::Deferred(id),
            (Stage::Requesting, 150..180) | (Stage::Accepted, 0..200) | (Stage::Served, _) => Event::Ready(id),
            (Stage::Requesting, _) => Event::Applied(id),
            (Stage::Accepted, _) => Event::Served(id),
            (Stage::Parked, _) => Event::Resumed(id),
        };
        match event {
            Event::Cancelled => stopped = true,
            Event::Failed(_) => {
                running.remove(&node);
                failed.insert(node);
                stopped |= case.fail_mode == FailMode::FailFast;
            }
            Event::Ready(_) => {
                running.remove(&node);
                reached.insert(node, Until::Ready);
            }
            Event::Applied(_) => {
                running.insert(node, Stage::Accepted);
                reached.insert(node, Until::Applied);
            }
            Event::Served(_) => {
                running.insert(node, Stage::Served);
                reached.insert(node, Until::Served);
            }
            Event::Deferred(_) => {
                running.insert(node, Stage::Parked);
            }
            Event::Resumed(_) => {
                running.remove(&node);
                resumed.insert(node);
            }
        }
        scheduler.handle(event);
    }
    for node in 0..case.nodes.len() {
        let ready = reached.get(&node) == Some(&Until::Ready);
        let verdicts = u8::from(ready) + u8::from(failed.contains(&node)) + u8::from(blocked.contains(&node));
        assert_eq!(verdicts, 1, "{node} has {verdicts} verdicts");
    }
    for release in 0..case.releases.len() {
        let members: Vec<usize> = (0..case.nodes.len())
            .filter(|node| case.nodes[*node].release == Some(release))
            .collect();
        let failures = members.iter().filter(|node| failed.contains(*node)).count();
        match finished_releases.get(&release).expect("a release did not finish") {
            ReleaseOutcome::Failed(count) => assert_eq!(*count, failures),
            ReleaseOutcome::Ready => assert!(failures == 0 && members.iter().all(|node| !blocked.contains(node))),
            ReleaseOutcome::Blocked(_) => {
                assert!(failures == 0 && (members.is_empty() || members.iter().any(|node| blocked.contains(node))));
            }
        }
    }
    if case.fail_mode == FailMode::Continue && !stopped {
        for node in &blocked {
            assert!(
                case.required(*node)
                    .iter()
                    .any(|(needed, until)| reached.get(needed) < Some(until)),
                "{node} was blocked although all it needs came far enough"
            );
        }
    }
    log
}

proptest! {
    // The seed is fixed so that a change is judged by itself; more cases and other seeds are tried by editing this line.
    #![proptest_config(ProptestConfig {
        cases: 2000,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_schedule_is_sound(case in case(), choices in vec(any::<(u16, u8)>(), 0..120)) {
        run(&case, &choices);
    }

    #[test]
    fn the_same_events_give_the_same_commands(case in case(), choices in vec(any::<(u16, u8)>(), 0..60)) {
        prop_assert_eq!(run(&case, &choices), run(&case, &choices));
    }

    #[test]
    fn deleting_runs_the_other_way_round(case in case()) {
        let mut scheduler =
            Scheduler::new(case.graph().reversed(), case.budgets.clone(), case.fail_mode).expect("no cycle");
        let mut gone = BTreeSet::new();
        loop {
            let commands = scheduler.poll();
            for command in &commands {
                if let Command::Start(NodeId(node)) = command {
                    for (from, to, _) in &case.node_edges {
                        prop_assert!(to != node || gone.contains(from), "{} goes before {}", node, from);
                    }
                    gone.insert(*node);
                    scheduler.handle(Event::Ready(NodeId(*node)));
                }
            }
            if commands.last() == Some(&Command::Finished) {
                break;
            }
        }
        prop_assert_eq!(gone.len(), case.nodes.len());
    }
}

fn starts(commands: &[Command]) -> Vec<usize> {
    commands
        .iter()
        .filter_map(|command| match command {
            Command::Start(NodeId(node)) => Some(*node),
            _ => None,
        })
        .collect()
}

#[test]
fn a_full_budget_does_not_hold_up_others() {
    let mut graph = Graph::default();
    let rollout = |expected_ms| Node {
        rollout: true,
        expected_ms,
        ..Node::default()
    };
    for expected_ms in [30, 20] {
        graph.node(rollout(expected_ms));
    }
    graph.node(Node {
        expected_ms: 1,
        ..Node::default()
    });
    let budgets = Budgets {
        rollouts: 1,
        ..Budgets::default()
    };
    let mut scheduler = Scheduler::new(graph, budgets, FailMode::FailFast).unwrap();
    assert_eq!(starts(&scheduler.poll()), [0, 2]);
    assert!(matches!(scheduler.why_waiting(NodeId(1)), Waiting::Budget(_)));
}

#[test]
fn priority_then_the_longest_path_then_the_id() {
    let mut graph = Graph::default();
    let (low, high) = (
        graph.release(Release::default()),
        graph.release(Release {
            priority: 1,
            group: None,
        }),
    );
    let node = |release, expected_ms| Node {
        release: Some(release),
        expected_ms,
        ..Node::default()
    };
    for (release, expected_ms) in [(low, 5), (low, 9), (low, 9), (high, 1), (low, 1)] {
        graph.node(node(release, expected_ms));
    }
    let after_the_last = graph.node(node(low, 20));
    graph.edge(after_the_last, NodeId(4), Until::Ready);
    let budgets = Budgets {
        requests: 1,
        ..Budgets::default()
    };
    let mut scheduler = Scheduler::new(graph, budgets, FailMode::FailFast).unwrap();
    let mut order = Vec::new();
    while let [node] = starts(&scheduler.poll())[..] {
        order.push(node);
        scheduler.handle(Event::Ready(NodeId(node)));
    }
    assert_eq!(order, [3, 4, 5, 1, 2, 0]);
}

#[test]
fn what_failed_after_it_was_applied_does_not_block_who_waits_for_applied() {
    let mut graph = Graph::default();
    let (base, app) = (graph.release(Release::default()), graph.release(Release::default()));
    let of = |release| Node {
        release: Some(release),
        ..Node::default()
    };
    let (first, second, user) = (graph.node(of(base)), graph.node(of(base)), graph.node(of(app)));
    graph.release_edge(app, base, Until::Applied);
    let mut scheduler = Scheduler::new(graph, Budgets::default(), FailMode::Continue).unwrap();
    assert_eq!(starts(&scheduler.poll()), [first.0, second.0]);
    scheduler.handle(Event::Applied(first));
    scheduler.handle(Event::Failed(first));
    assert!(starts(&scheduler.poll()).is_empty());
    scheduler.handle(Event::Applied(second));
    assert_eq!(starts(&scheduler.poll()), [user.0]);
}

#[test]
fn a_cycle_is_refused() {
    let mut graph = Graph::default();
    let (a, b) = (graph.node(Node::default()), graph.node(Node::default()));
    graph.edge(a, b, Until::Ready);
    graph.edge(b, a, Until::Applied);
    let refused = Scheduler::new(graph, Budgets::default(), FailMode::FailFast).unwrap_err();
    assert_eq!(refused.0, [a, b]);
}
