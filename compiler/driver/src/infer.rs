//! Edges that nobody wrote: what a rendered object names, it needs.
//!
//! Each rule reads one kind of reference and answers with the place in the object where it stands: that is the edge's
//! evidence. A reference to something that the stack does not hold makes no edge: it is expected to exist. A reference
//! that may go unanswered (`optional: true`) makes none either.

mod access;
mod annotation;
mod pods;
mod selectors;

pub(crate) use pods::pod_spec;

use std::collections::{BTreeMap, BTreeSet};

use ktl_plan::{ObjectKey, Reason, RenderedObject, Until};
use serde_json::Value;

/// `objects[from]` needs `objects[to]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inferred {
    /// Index of the one that needs.
    pub from: usize,
    /// Index of the one that is needed.
    pub to: usize,
    /// How far it must have come.
    pub until: Until,
    /// Always [`Reason::Inferred`].
    pub reason: Reason,
}

/// An entry of `ktl.io/depends-on` that makes no edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// Index of the object that has the annotation.
    pub object: usize,
    /// The entry.
    pub entry: String,
    /// Whether it is written as `Kind/name` or `namespace/Kind/name`.
    pub well_formed: bool,
}

/// All edges between objects of the same cluster, sorted, each pair and reason once, and what asks for one in vain.
pub fn infer(objects: &[&RenderedObject]) -> (Vec<Inferred>, Vec<Unanswered>) {
    let index = Index::new(objects);
    let (mut found, mut unanswered) = (BTreeSet::new(), Vec::new());
    for (from, object) in objects.iter().enumerate() {
        let mut finder = Finder {
            index: &index,
            from,
            object,
            found: &mut found,
        };
        namespace(&mut finder);
        custom_resource(&mut finder);
        aggregated(&mut finder);
        access::find(&mut finder);
        pods::find(&mut finder);
        selectors::find(&mut finder);
        annotation::find(&mut finder, &mut unanswered);
    }
    (found.into_iter().collect(), unanswered)
}

/// A kind that references name, and the rule that reads them.
#[derive(Clone, Copy)]
struct Kind<'a> {
    group: &'a str,
    kind: &'a str,
    namespaced: bool,
    rule: &'a str,
}

impl<'a> Kind<'a> {
    const fn new(group: &'a str, kind: &'a str, namespaced: bool, rule: &'a str) -> Self {
        Kind {
            group,
            kind,
            namespaced,
            rule,
        }
    }

    /// The same kind, named for another purpose.
    const fn by(self, rule: &'a str) -> Self {
        Kind { rule, ..self }
    }
}

const CONFIG_MAP: Kind = Kind::new("", "ConfigMap", true, "config-map");
const SECRET: Kind = Kind::new("", "Secret", true, "secret");
const SERVICE: Kind = Kind::new("", "Service", true, "service");
const SERVICE_ACCOUNT: Kind = Kind::new("", "ServiceAccount", true, "service-account");
const STORAGE_CLASS: Kind = Kind::new("storage.k8s.io", "StorageClass", false, "storage-class");

/// Objects by what references name.
struct Index<'a> {
    /// By cluster, namespace, group, kind and name.
    by_key: BTreeMap<(&'a str, Option<&'a str>, &'a str, &'a str, &'a str), usize>,
    /// By cluster, kind and name, in whichever namespace and group.
    by_name: BTreeMap<(&'a str, &'a str, &'a str), Vec<usize>>,
    objects: &'a [&'a RenderedObject],
    /// The CRD of a (cluster, group, kind).
    definitions: BTreeMap<(&'a str, &'a str, &'a str), usize>,
    /// The APIService of a (cluster, group, version).
    aggregated: BTreeMap<(&'a str, &'a str, &'a str), usize>,
    /// The bindings that give rights to a (cluster, namespace, service account).
    bindings: BTreeMap<(&'a str, &'a str, &'a str), Vec<usize>>,
    /// What makes long-lived pods in a (cluster, namespace), with the labels of those pods.
    workloads: BTreeMap<(&'a str, &'a str), Vec<(usize, &'a Value)>>,
}

impl<'a> Index<'a> {
    fn new(objects: &'a [&'a RenderedObject]) -> Self {
        let mut index = Index {
            by_key: BTreeMap::new(),
            by_name: BTreeMap::new(),
            objects,
            definitions: BTreeMap::new(),
            aggregated: BTreeMap::new(),
            bindings: access::bindings(objects),
            workloads: BTreeMap::new(),
        };
        for (at, object) in objects.iter().enumerate() {
            let ObjectKey {
                cluster,
                namespace,
                kind,
                group,
                name,
            } = &object.key;
            let key = (
                cluster.as_str(),
                namespace.as_deref(),
                group.as_str(),
                kind.as_str(),
                name.as_str(),
            );
            index.by_key.insert(key, at);
            index.by_name.entry((cluster, kind, name)).or_default().push(at);
            let text = |pointer: &str| object.body.pointer(pointer).and_then(Value::as_str);
            match (group.as_str(), kind.as_str()) {
                ("apiextensions.k8s.io", "CustomResourceDefinition") => {
                    if let (Some(group), Some(kind)) = (text("/spec/group"), text("/spec/names/kind")) {
                        index.definitions.insert((cluster, group, kind), at);
                    }
                }
                // Without a service the API server answers for the group itself.
                ("apiregistration.k8s.io", "APIService") if object.body.pointer("/spec/service/name").is_some() => {
                    if let (Some(group), Some(version)) = (text("/spec/group"), text("/spec/version")) {
                        index.aggregated.insert((cluster, group, version), at);
                    }
                }
                _ => {}
            }
            if let (Some(namespace), Some(labels)) = (namespace, pods::lasting_labels(object)) {
                index
                    .workloads
                    .entry((cluster, namespace))
                    .or_default()
                    .push((at, labels));
            }
        }
        index
    }
}

/// One object's search for what it needs.
struct Finder<'a> {
    index: &'a Index<'a>,
    from: usize,
    object: &'a RenderedObject,
    found: &'a mut BTreeSet<Inferred>,
}

impl<'a> Finder<'a> {
    /// The object's own namespace; empty for what belongs to the whole cluster, which names nothing in a namespace
    /// without saying which.
    fn namespace(&self) -> &'a str {
        self.object.key.namespace.as_deref().unwrap_or_default()
    }

    /// Whether the object is of this kind of this group.
    fn is(&self, group: &str, kind: &str) -> bool {
        self.object.key.kind == kind && self.object.key.group == group
    }

    /// The object of a name, if the stack holds it.
    fn lookup(&self, kind: Kind, namespace: &str, name: &str) -> Option<usize> {
        let namespace = kind.namespaced.then_some(namespace);
        let cluster = self.object.key.cluster.as_str();
        let key = (cluster, namespace, kind.group, kind.kind, name);
        self.index.by_key.get(&key).copied()
    }

    /// Needs what `name` holds, in the object's own namespace. `at` says where the name stands.
    fn need(&mut self, kind: Kind, name: Option<&Value>, at: impl FnOnce() -> String) {
        self.need_in(kind, self.namespace(), name, at);
    }

    /// Needs what `name` holds, in some namespace.
    fn need_in(&mut self, kind: Kind, namespace: &str, name: Option<&Value>, at: impl FnOnce() -> String) {
        if let Some(name) = name.and_then(Value::as_str)
            && let Some(to) = self.lookup(kind, namespace, name)
        {
            let evidence = format!("{} names {} {name}", at(), kind.kind);
            self.add(to, Until::Applied, kind.rule, evidence);
        }
    }

    /// Adds an edge, unless it would lead back to the object itself.
    fn add(&mut self, to: usize, until: Until, rule: &str, evidence: String) {
        if to != self.from {
            let rule = rule.to_owned();
            self.found.insert(Inferred {
                from: self.from,
                to,
                until,
                reason: Reason::Inferred { rule, evidence },
            });
        }
    }
}

fn namespace(finder: &mut Finder) {
    const NAMESPACE: Kind = Kind::new("", "Namespace", false, "namespace");
    let namespace = finder.namespace();
    if let Some(to) = finder.lookup(NAMESPACE, "", namespace) {
        let evidence = format!("metadata.namespace is {namespace}");
        finder.add(to, Until::Ready, NAMESPACE.rule, evidence);
    }
}

fn custom_resource(finder: &mut Finder) {
    let ObjectKey {
        cluster, group, kind, ..
    } = &finder.object.key;
    if let Some(to) = finder.index.definitions.get(&(cluster, group, kind)) {
        let evidence = format!("apiVersion {}, kind {kind}", finder.object.api_version);
        finder.add(*to, Until::Served, "custom-resource", evidence);
    }
}

fn aggregated(finder: &mut Finder) {
    let api_version = finder.object.api_version.as_str();
    let Some((group, version)) = api_version.split_once('/') else {
        return;
    };
    let key = (finder.object.key.cluster.as_str(), group, version);
    if let Some(to) = finder.index.aggregated.get(&key) {
        finder.add(*to, Until::Ready, "api-service", format!("apiVersion {api_version}"));
    }
}

/// The elements of a list field with their indexes; nothing where the field is no list.
fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = (usize, &'a Value)> + use<'a> {
    let list = value.get(field).and_then(Value::as_array);
    list.into_iter().flatten().enumerate()
}
