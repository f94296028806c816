//! Edges that nobody wrote: what a rendered object names, it needs.
//!
//! Each rule reads one kind of reference and answers with the place in the object where it stands: that is the edge's
//! evidence. A reference to something that the stack does not hold makes no edge: it is expected to exist.

mod access;
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

/// All edges between objects of the same cluster, sorted, each pair and reason once.
pub fn infer(objects: &[RenderedObject]) -> Vec<Inferred> {
    let index = Index::new(objects);
    let mut found = BTreeSet::new();
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
        depends_on(&mut finder);
        access::find(&mut finder);
        pods::find(&mut finder);
        selectors::find(&mut finder);
    }
    found.into_iter().collect()
}

/// Objects by what references name.
struct Index<'a> {
    objects: &'a [RenderedObject],
    by_key: BTreeMap<&'a ObjectKey, usize>,
    /// The CRD of a (cluster, group, kind).
    definitions: BTreeMap<(&'a str, &'a str, &'a str), usize>,
    /// The APIService of a (cluster, group, version).
    aggregated: BTreeMap<(&'a str, &'a str, &'a str), usize>,
    /// The bindings that give rights to a (cluster, namespace, service account).
    bindings: BTreeMap<(&'a str, &'a str, &'a str), Vec<usize>>,
}

impl<'a> Index<'a> {
    fn new(objects: &'a [RenderedObject]) -> Self {
        let by_key = objects
            .iter()
            .enumerate()
            .map(|(index, object)| (&object.key, index))
            .collect();
        let text = |object: &'a RenderedObject, pointer: &str| {
            object.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
        };
        let of_kind = |kind: &'static str, group: &'static str| {
            let matches = move |object: &RenderedObject| object.key.kind == kind && object.key.group == group;
            objects.iter().enumerate().filter(move |(_, object)| matches(object))
        };
        let definitions = of_kind("CustomResourceDefinition", "apiextensions.k8s.io")
            .map(|(index, crd)| {
                (
                    (
                        crd.key.cluster.as_str(),
                        text(crd, "/spec/group"),
                        text(crd, "/spec/names/kind"),
                    ),
                    index,
                )
            })
            .collect();
        let aggregated = of_kind("APIService", "apiregistration.k8s.io")
            .filter(|(_, service)| service.body.pointer("/spec/service").is_some())
            .map(|(index, service)| {
                (
                    (
                        service.key.cluster.as_str(),
                        text(service, "/spec/group"),
                        text(service, "/spec/version"),
                    ),
                    index,
                )
            })
            .collect();
        Index {
            objects,
            by_key,
            definitions,
            aggregated,
            bindings: access::bindings(objects),
        }
    }
}

/// One object's search for what it needs.
struct Finder<'a> {
    index: &'a Index<'a>,
    from: usize,
    object: &'a RenderedObject,
    found: &'a mut BTreeSet<Inferred>,
}

impl Finder<'_> {
    /// The object's own namespace, or `default` where it has none.
    fn namespace(&self) -> &str {
        self.object.key.namespace.as_deref().unwrap_or("default")
    }

    /// Whether the object is of this kind of this group.
    fn is(&self, group: &str, kind: &str) -> bool {
        self.object.key.kind == kind && self.object.key.group == group
    }

    /// Adds an edge to the named object if the stack holds it.
    fn need(&mut self, to: &Target, until: Until, rule: &str, evidence: impl Into<String>) {
        let key = ObjectKey {
            cluster: self.object.key.cluster.clone(),
            namespace: to.namespace.map(str::to_owned),
            kind: to.kind.to_owned(),
            group: to.group.to_owned(),
            name: to.name.to_owned(),
        };
        if let Some(to) = self.index.by_key.get(&key).copied() {
            self.need_index(to, until, rule, evidence);
        }
    }

    fn need_index(&mut self, to: usize, until: Until, rule: &str, evidence: impl Into<String>) {
        if to != self.from {
            let reason = Reason::Inferred {
                rule: rule.to_owned(),
                evidence: evidence.into(),
            };
            self.found.insert(Inferred {
                from: self.from,
                to,
                until,
                reason,
            });
        }
    }
}

/// What a reference names.
struct Target<'a> {
    group: &'a str,
    kind: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
}

fn namespace(finder: &mut Finder) {
    let Some(namespace) = finder.object.key.namespace.clone() else {
        return;
    };
    let to = Target {
        group: "",
        kind: "Namespace",
        namespace: None,
        name: &namespace,
    };
    finder.need(
        &to,
        Until::Ready,
        "namespace",
        format!("metadata.namespace is {namespace}"),
    );
}

fn custom_resource(finder: &mut Finder) {
    let ObjectKey {
        cluster, group, kind, ..
    } = &finder.object.key;
    if let Some(definition) = finder
        .index
        .definitions
        .get(&(cluster.as_str(), group.as_str(), kind.as_str()))
    {
        let evidence = format!("apiVersion {}, kind {kind}", finder.object.api_version);
        finder.need_index(*definition, Until::Served, "custom-resource", evidence);
    }
}

fn aggregated(finder: &mut Finder) {
    let version = finder.object.api_version.rsplit('/').next().unwrap_or_default();
    let ObjectKey { cluster, group, .. } = &finder.object.key;
    if let Some(service) = finder
        .index
        .aggregated
        .get(&(cluster.as_str(), group.as_str(), version))
    {
        let evidence = format!("apiVersion {}", finder.object.api_version);
        finder.need_index(*service, Until::Ready, "api-service", evidence);
    }
}

/// `ktl.io/depends-on: "Job/migrate, data/StatefulSet/db"`: for what no rule can see.
fn depends_on(finder: &mut Finder) {
    let Some(list) = finder
        .object
        .body
        .pointer("/metadata/annotations/ktl.io~1depends-on")
        .and_then(Value::as_str)
    else {
        return;
    };
    for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let parts: Vec<&str> = item.split('/').collect();
        let (namespace, kind, name) = match parts.as_slice() {
            [kind, name] => (finder.object.key.namespace.as_deref(), *kind, *name),
            [namespace, kind, name] => (Some(*namespace), *kind, *name),
            _ => continue,
        };
        let cluster = &finder.object.key.cluster;
        let matches = |object: &RenderedObject| {
            let key = &object.key;
            key.cluster == *cluster
                && key.kind == kind
                && key.name == name
                && (key.namespace.is_none() || key.namespace.as_deref() == namespace)
        };
        if let Some(to) = finder.index.objects.iter().position(matches) {
            finder.need_index(
                to,
                Until::Ready,
                "depends-on",
                format!("annotation ktl.io/depends-on names {item}"),
            );
        }
    }
}
