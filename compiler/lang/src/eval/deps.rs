//! Sets of references that a value was computed from, each set once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::instance::InstId;
use crate::hir::SiteId;
use crate::value::Deps;

/// An output of a release, used at a place.
pub(super) type Dep = (InstId, SiteId);

#[derive(Debug)]
pub(super) struct DepSets {
    sets: Vec<Arc<[Dep]>>,
    ids: BTreeMap<Arc<[Dep]>, Deps>,
    unions: BTreeMap<(Deps, Deps), Deps>,
}

impl Default for DepSets {
    fn default() -> Self {
        let empty: Arc<[Dep]> = Arc::from([]);
        DepSets {
            sets: vec![empty.clone()],
            ids: BTreeMap::from([(empty, Deps(0))]),
            unions: BTreeMap::new(),
        }
    }
}

impl DepSets {
    pub fn one(&mut self, dep: Dep) -> Deps {
        self.intern(Arc::from([dep]))
    }

    pub fn get(&self, deps: Deps) -> &[Dep] {
        self.sets.get(deps.0 as usize).map_or(&[], |set| set)
    }

    pub fn union(&mut self, a: Deps, b: Deps) -> Deps {
        let (a, b) = (a.min(b), a.max(b));
        if a == b || a == Deps::default() {
            return b;
        }
        if let Some(known) = self.unions.get(&(a, b)) {
            return *known;
        }
        let mut merged: Vec<Dep> = self.get(a).iter().chain(self.get(b)).copied().collect();
        merged.sort();
        merged.dedup();
        let union = self.intern(merged.into());
        self.unions.insert((a, b), union);
        union
    }

    fn intern(&mut self, set: Arc<[Dep]>) -> Deps {
        if let Some(known) = self.ids.get(&set) {
            return *known;
        }
        let id = Deps(self.sets.len() as u32);
        self.sets.push(set.clone());
        self.ids.insert(set, id);
        id
    }
}
