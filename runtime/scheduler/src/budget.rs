//! Budgets: what may go on at the same time, and what a node draws on.

use std::collections::BTreeMap;
use std::fmt;

use ktl_plan::Limits;

use crate::graph::{Graph, Node};

/// What may go on at the same time. A limit of 0 counts as 1, since nothing could ever end with it.
#[derive(Clone, Debug)]
pub struct Budgets {
    /// Rollouts, over all clusters.
    pub rollouts: u32,
    /// Requests in flight to one cluster.
    pub requests: u32,
    /// Narrower limits on rollouts. A kind that is named here is limited even if it is no rollout.
    pub limits: Limits,
}

impl Default for Budgets {
    fn default() -> Self {
        Budgets {
            rollouts: 8,
            requests: 32,
            limits: Limits::default(),
        }
    }
}

/// One budget, as the reason why something waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Budget {
    /// Requests in flight to a cluster.
    Requests {
        /// The cluster.
        cluster: usize,
    },
    /// All rollouts.
    Rollouts,
    /// Rollouts of one namespace.
    Namespace {
        /// The cluster.
        cluster: usize,
        /// The namespace.
        namespace: String,
    },
    /// Objects of one kind.
    Kind {
        /// The kind.
        kind: String,
    },
    /// Rollouts of one `parallelismGroup`.
    Group {
        /// The group.
        group: String,
    },
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Budget::Requests { .. } => f.write_str("requests in flight"),
            Budget::Rollouts => f.write_str("`concurrency`"),
            Budget::Namespace { namespace, .. } => write!(f, "`maxParallelPerNamespace` of `{namespace}`"),
            Budget::Kind { kind } => write!(f, "`maxParallelKind` of `{kind}`"),
            Budget::Group { group } => write!(f, "`parallelismGroupLimit` of `{group}`"),
        }
    }
}

/// The budgets that a node draws on: its request slot, and what it holds from start to verdict. Nodes of one lane can
/// only start together or not at all, so only the first of each lane needs a look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lane {
    pub request: Budget,
    pub held: Vec<Budget>,
}

impl Lane {
    pub fn of(node: &Node, graph: &Graph, budgets: &Budgets) -> Self {
        let limits = &budgets.limits;
        let mut held = Vec::new();
        if node.rollout {
            held.push(Budget::Rollouts);
            if limits.max_parallel_per_namespace.is_some() {
                held.push(Budget::Namespace {
                    cluster: node.cluster,
                    namespace: node.namespace.clone(),
                });
            }
            let release = node.release.and_then(|release| graph.releases.get(release.0));
            let group = release.and_then(|release| release.group.clone());
            if let (Some(_), Some(group)) = (limits.parallelism_group_limit, group) {
                held.push(Budget::Group { group });
            }
        }
        if limits.max_parallel_kind.contains_key(&node.kind) {
            held.push(Budget::Kind {
                kind: node.kind.clone(),
            });
        }
        Lane {
            request: Budget::Requests { cluster: node.cluster },
            held,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Budget> {
        std::iter::once(&self.request).chain(&self.held)
    }
}

/// How much of each budget is in use.
#[derive(Debug)]
pub(crate) struct Usage {
    budgets: Budgets,
    used: BTreeMap<Budget, u32>,
}

impl Usage {
    pub fn new(budgets: Budgets) -> Self {
        Usage {
            budgets,
            used: BTreeMap::new(),
        }
    }

    /// The first budget of a lane that has nothing left.
    pub fn exhausted<'a>(&self, lane: &'a Lane) -> Option<&'a Budget> {
        lane.all().find(|budget| self.is_exhausted(budget))
    }

    pub fn is_exhausted(&self, budget: &Budget) -> bool {
        self.used.get(budget).copied().unwrap_or(0) >= self.limit(budget)
    }

    pub fn take(&mut self, budget: &Budget) {
        *self.used.entry(budget.clone()).or_insert(0) += 1;
    }

    pub fn give_back(&mut self, budget: &Budget) {
        if let Some(used) = self.used.get_mut(budget) {
            *used = used.saturating_sub(1);
        }
    }

    fn limit(&self, budget: &Budget) -> u32 {
        let limits = &self.budgets.limits;
        let limit = match budget {
            Budget::Requests { .. } => Some(self.budgets.requests),
            Budget::Rollouts => Some(self.budgets.rollouts),
            Budget::Namespace { .. } => limits.max_parallel_per_namespace,
            Budget::Kind { kind } => limits.max_parallel_kind.get(kind).copied(),
            Budget::Group { .. } => limits.parallelism_group_limit,
        };
        limit.unwrap_or(u32::MAX).max(1)
    }
}
