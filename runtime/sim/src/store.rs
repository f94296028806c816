//! Objects by collection, and the log of their changes that watches read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use crate::value::{items, text, uid};

/// Namespace and name. The namespace is empty for cluster-wide objects.
pub type Name = (String, String);

/// Where an object is: collection, namespace, name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Such as `deployments.apps`.
    pub collection: String,
    /// Empty for cluster-wide objects.
    pub namespace: String,
    /// The object's name.
    pub name: String,
}

impl Place {
    /// A place from its three parts.
    pub fn new(collection: &str, namespace: &str, name: &str) -> Self {
        Self {
            collection: collection.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// One change of one object.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version that the change made.
    pub version: u64,
    /// Before; none for a creation.
    pub old: Option<Arc<Value>>,
    /// After; none for a deletion.
    pub new: Option<Arc<Value>>,
    /// The object as it was when it went, with the version of its deletion.
    pub last: Option<Arc<Value>>,
}

/// All objects of one resource.
#[derive(Debug)]
pub struct Collection {
    objects: BTreeMap<Name, Arc<Value>>,
    log: VecDeque<Change>,
    /// Changes up to this version are forgotten.
    compacted: u64,
    changed: watch::Sender<u64>,
}

impl Collection {
    fn new(version: u64) -> Self {
        let compacted = if version <= 1 { 0 } else { version };
        Self {
            objects: BTreeMap::new(),
            log: VecDeque::new(),
            compacted,
            changed: watch::Sender::new(version),
        }
    }

    /// Objects in order of namespace and name.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Arc<Value>)> {
        self.objects.iter()
    }

    /// The changes after `version`, oldest first, or none when some of them are forgotten.
    pub fn since(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        let from = self.log.partition_point(|change| change.version <= version);
        (version >= self.compacted).then(|| self.log.range(from..))
    }
}

/// Every object of the cluster.
#[derive(Debug)]
pub struct Store {
    collections: BTreeMap<String, Collection>,
    version: u64,
    /// Changes kept per collection.
    history: usize,
    alive: BTreeMap<String, Place>,
    dependents: BTreeMap<String, BTreeSet<Place>>,
}

impl Store {
    /// An empty store that remembers `history` changes per collection.
    pub fn new(history: usize) -> Self {
        let (alive, dependents) = (BTreeMap::new(), BTreeMap::new());
        Self {
            collections: BTreeMap::new(),
            version: 1,
            history: history.max(1),
            alive,
            dependents,
        }
    }

    /// The newest resource version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Makes room for a collection, so that it can be watched.
    pub fn open(&mut self, collection: &str) -> &Collection {
        self.collections
            .entry(collection.to_owned())
            .or_insert_with(|| Collection::new(self.version))
    }

    /// A collection, if it was ever written or opened.
    pub fn collection(&self, collection: &str) -> Option<&Collection> {
        self.collections.get(collection)
    }

    /// Every collection by name.
    pub fn collections(&self) -> impl Iterator<Item = (&String, &Collection)> {
        self.collections.iter()
    }

    /// Tells when a collection changes.
    pub fn subscribe(&mut self, collection: &str) -> watch::Receiver<u64> {
        self.open(collection).changed.subscribe()
    }

    /// One object.
    pub fn get(&self, collection: &str, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.collections
            .get(collection)?
            .objects
            .get(&(namespace.to_owned(), name.to_owned()))
    }

    /// The object at a place.
    pub fn at(&self, place: &Place) -> Option<&Arc<Value>> {
        self.get(&place.collection, &place.namespace, &place.name)
    }

    /// The objects of a collection in a namespace, or all of them when it is empty.
    pub fn list(&self, collection: &str, namespace: &str) -> Vec<Arc<Value>> {
        let Some(collection) = self.collections.get(collection) else {
            return Vec::new();
        };
        if namespace.is_empty() {
            return collection.objects.values().cloned().collect();
        }
        let from = (namespace.to_owned(), String::new());
        let here = collection
            .objects
            .range(from..)
            .take_while(|((ns, _), _)| ns == namespace);
        here.map(|(_, object)| Arc::clone(object)).collect()
    }

    /// The same as of an earlier version, or none when that is forgotten.
    pub fn list_at(&self, collection: &str, namespace: &str, version: u64) -> Option<Vec<Arc<Value>>> {
        let Some(collection) = self.collections.get(collection) else {
            return Some(Vec::new());
        };
        let changes: Vec<&Change> = collection.since(version)?.collect();
        let mut objects = collection.objects.clone();
        for change in changes.into_iter().rev() {
            let Some(object) = change.new.as_ref().or(change.last.as_ref()) else {
                continue;
            };
            let key = (
                crate::value::namespace(object).to_owned(),
                crate::value::name(object).to_owned(),
            );
            match &change.old {
                Some(old) => objects.insert(key, Arc::clone(old)),
                None => objects.remove(&key),
            };
        }
        objects.retain(|(ns, _), _| namespace.is_empty() || ns == namespace);
        Some(objects.into_values().collect())
    }

    /// The place of a living object.
    pub fn alive(&self, uid: &str) -> Option<&Place> {
        self.alive.get(uid)
    }

    /// The objects that name `uid` as an owner.
    pub fn dependents(&self, uid: &str) -> Vec<Place> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    /// Writes (`Some`) or removes (`None`) an object under a new resource version, and gives what is stored or was removed.
    pub fn write(&mut self, place: &Place, object: Option<Value>) -> Option<Change> {
        let key = (place.namespace.clone(), place.name.clone());
        let version = self.version + 1;
        let history = self.history;
        self.open(&place.collection);
        let collection = self.collections.get_mut(&place.collection)?;
        let old = collection.objects.get(&key).cloned();
        if old.is_none() && object.is_none() {
            return None;
        }
        self.version = version;
        let stamp = |mut object: Value| {
            crate::value::put(&mut object, &["metadata", "resourceVersion"], version.to_string());
            Arc::new(object)
        };
        let gone = object.is_none();
        let new = object.map(stamp);
        let last = gone.then(|| old.as_deref().cloned().map(stamp)).flatten();
        match &new {
            Some(new) => collection.objects.insert(key, Arc::clone(new)),
            None => collection.objects.remove(&key),
        };
        let change = Change {
            version,
            old: old.clone(),
            new: new.clone(),
            last,
        };
        collection.log.push_back(change.clone());
        if collection.log.len() > history
            && let Some(forgotten) = collection.log.pop_front()
        {
            collection.compacted = forgotten.version;
        }
        collection.changed.send_replace(version);
        self.index(place, old.as_deref(), new.as_deref());
        Some(change)
    }

    fn index(&mut self, place: &Place, old: Option<&Value>, new: Option<&Value>) {
        let owners = |object: Option<&Value>| -> BTreeSet<String> {
            let list = object
                .map(|object| items(object, &["metadata", "ownerReferences"]))
                .unwrap_or_default();
            list.iter().map(|owner| text(owner, &["uid"]).to_owned()).collect()
        };
        let (before, after) = (owners(old), owners(new));
        for gone in before.difference(&after) {
            if let Some(places) = self.dependents.get_mut(gone) {
                places.remove(place);
                if places.is_empty() {
                    self.dependents.remove(gone);
                }
            }
        }
        for fresh in after.difference(&before) {
            self.dependents.entry(fresh.clone()).or_default().insert(place.clone());
        }
        if let Some(old) = old {
            self.alive.remove(uid(old));
        }
        if let Some(new) = new {
            self.alive.insert(uid(new).to_owned(), place.clone());
        }
    }

    /// Forgets every change, so that watches from older versions expire.
    pub fn compact(&mut self) {
        for collection in self.collections.values_mut() {
            collection.log.clear();
            collection.compacted = self.version;
        }
    }
}
