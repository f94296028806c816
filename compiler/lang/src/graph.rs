//! Cycles and order in graphs of declarations, without recursion: chains may be as long as files allow.

/// Each cycle found by a depth-first walk, once: nodes in order, each with the place of its edge to the next. A node is
/// in at most one cycle of the result.
pub(crate) fn cycles<E: Clone>(nodes: usize, edges: impl Fn(usize) -> Vec<(usize, E)>) -> Vec<Vec<(usize, E)>> {
    let mut found = Vec::new();
    walk(nodes, edges, &mut Vec::new(), &mut found);
    found
}

/// Every node after those it leads to, cycles aside.
pub(crate) fn order<E: Clone>(nodes: usize, edges: impl Fn(usize) -> Vec<(usize, E)>) -> Vec<usize> {
    let mut order = Vec::new();
    walk(nodes, edges, &mut order, &mut Vec::new());
    order
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

fn walk<E: Clone>(
    nodes: usize,
    edges: impl Fn(usize) -> Vec<(usize, E)>,
    order: &mut Vec<usize>,
    found: &mut Vec<Vec<(usize, E)>>,
) {
    let mut state = vec![State::New; nodes];
    let mut in_cycle = vec![false; nodes];
    for root in 0..nodes {
        if state.get(root) != Some(&State::New) {
            continue;
        }
        // Each open node with its edges and the number of edges already followed.
        type Open<E> = (usize, Vec<(usize, E)>, usize);
        let mut path: Vec<Open<E>> = Vec::new();
        let mut enter = Some(root);
        loop {
            if let Some(node) = enter.take() {
                if let Some(slot) = state.get_mut(node) {
                    *slot = State::Open;
                }
                path.push((node, edges(node), 0));
            }
            let Some((node, out, followed)) = path.last_mut() else {
                break;
            };
            let Some((target, _)) = out.get(*followed).cloned() else {
                if let Some(slot) = state.get_mut(*node) {
                    *slot = State::Done;
                }
                order.push(*node);
                path.pop();
                continue;
            };
            *followed += 1;
            match state.get(target) {
                Some(State::New) => enter = Some(target),
                Some(State::Open) => {
                    let start = path.iter().position(|(node, ..)| *node == target).unwrap_or(0);
                    let cycle: Vec<(usize, E)> = path
                        .iter()
                        .skip(start)
                        .filter_map(|(node, out, followed)| Some((*node, out.get(followed.checked_sub(1)?)?.1.clone())))
                        .collect();
                    if cycle.iter().all(|(node, _)| in_cycle.get(*node) == Some(&false)) {
                        for (node, _) in &cycle {
                            if let Some(flag) = in_cycle.get_mut(*node) {
                                *flag = true;
                            }
                        }
                        found.push(cycle);
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_cycles_and_order() {
        let graph: Vec<Vec<usize>> = vec![vec![1], vec![2], vec![0, 3], vec![], vec![4]];
        let edges = |node: usize| graph[node].iter().map(|to| (*to, ())).collect::<Vec<_>>();
        let found: Vec<Vec<usize>> = cycles(5, edges)
            .into_iter()
            .map(|cycle| cycle.into_iter().map(|(node, ())| node).collect())
            .collect();
        assert_eq!(found, [vec![0, 1, 2], vec![4]]);
        assert_eq!(order(5, edges), [3, 2, 1, 0, 4]);
    }

    #[test]
    fn long_chains_do_not_overflow() {
        let edges = |node: usize| {
            if node < 200_000 {
                vec![(node + 1, ())]
            } else {
                Vec::new()
            }
        };
        assert_eq!(order(200_001, edges).first(), Some(&200_000));
    }
}
