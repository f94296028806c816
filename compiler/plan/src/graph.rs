//! Order and cycles. petgraph stays inside.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

/// Who needs whom, over indexes `0..len` of the caller's own list.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    needs: Vec<BTreeSet<usize>>,
}

/// A cycle: each needs the next, the last needs the first. Never empty; it starts at its smallest index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(pub Vec<usize>);

impl Graph {
    /// A graph of `len` nodes without edges.
    pub fn new(len: usize) -> Self {
        Graph {
            needs: vec![BTreeSet::new(); len],
        }
    }

    /// `from` needs `to`. Indexes outside the graph are ignored.
    pub fn need(&mut self, from: usize, to: usize) {
        if to < self.needs.len()
            && let Some(needs) = self.needs.get_mut(from)
        {
            needs.insert(to);
        }
    }

    /// What a node needs, by index.
    pub fn needs(&self, node: usize) -> impl Iterator<Item = usize> {
        self.needs.get(node).into_iter().flatten().copied()
    }

    /// All nodes, each after what it needs; among those that could come next the smallest index first.
    ///
    /// # Errors
    /// The shortest cycle of each group of nodes that need each other.
    pub fn order(&self) -> Result<Vec<usize>, Vec<Cycle>> {
        let mut open: Vec<usize> = self.needs.iter().map(BTreeSet::len).collect();
        let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); self.needs.len()];
        for (from, needs) in self.needs.iter().enumerate() {
            for to in needs {
                if let Some(list) = dependents.get_mut(*to) {
                    list.push(from);
                }
            }
        }
        let mut ready: BTreeSet<usize> = open
            .iter()
            .enumerate()
            .filter(|(_, count)| **count == 0)
            .map(|(node, _)| node)
            .collect();
        let mut order = Vec::with_capacity(self.needs.len());
        while let Some(node) = ready.pop_first() {
            order.push(node);
            for dependent in dependents.get(node).into_iter().flatten() {
                if let Some(count) = open.get_mut(*dependent) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert(*dependent);
                    }
                }
            }
        }
        if order.len() == self.needs.len() {
            Ok(order)
        } else {
            Err(self.cycles())
        }
    }

    fn cycles(&self) -> Vec<Cycle> {
        let mut graph: DiGraphMap<usize, ()> = DiGraphMap::new();
        for (from, needs) in self.needs.iter().enumerate() {
            for to in needs {
                graph.add_edge(from, *to, ());
            }
        }
        let mut cycles: Vec<Cycle> = tarjan_scc(&graph)
            .into_iter()
            .filter_map(|component| {
                let component = BTreeSet::from_iter(component);
                self.shortest_from(component.first().copied()?, &component)
            })
            .collect();
        cycles.sort_by(|a, b| a.0.cmp(&b.0));
        cycles
    }

    /// The shortest way from `start` back to it inside its component, breadth first.
    fn shortest_from(&self, start: usize, component: &BTreeSet<usize>) -> Option<Cycle> {
        let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            for next in self.needs(node) {
                if next == start {
                    let mut path = vec![node];
                    let mut at = node;
                    while at != start {
                        at = came_from.get(&at).copied()?;
                        path.push(at);
                    }
                    path.reverse();
                    return Some(Cycle(path));
                }
                if component.contains(&next) && !came_from.contains_key(&next) {
                    came_from.insert(next, node);
                    queue.push_back(next);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(len: usize, edges: &[(usize, usize)]) -> Graph {
        let mut graph = Graph::new(len);
        edges.iter().for_each(|(from, to)| graph.need(*from, *to));
        graph
    }

    #[test]
    fn order_follows_needs_and_then_index() {
        assert_eq!(graph(4, &[(0, 3), (1, 3), (3, 2)]).order(), Ok(vec![2, 3, 0, 1]));
        assert_eq!(graph(3, &[]).order(), Ok(vec![0, 1, 2]));
    }

    #[test]
    fn every_group_shows_its_shortest_cycle() {
        let cycles = graph(7, &[(0, 1), (1, 2), (2, 0), (1, 0), (3, 4), (4, 3), (5, 5), (6, 0)]).order();
        assert_eq!(cycles, Err(vec![Cycle(vec![0, 1]), Cycle(vec![3, 4]), Cycle(vec![5])]));
    }
}
