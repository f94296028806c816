//! Which resources are served, built in and custom.

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_schema::Stability;
use serde_json::Value;

use crate::schema::{Node, Structural};
use crate::status::qualified;
use crate::value::{at, flag, items, text};

/// A resource in one version.
#[derive(Clone, Debug)]
pub struct Resource {
    /// API group, empty for the core group.
    pub group: String,
    /// Version, such as `v1`.
    pub version: String,
    /// Kind, such as `Deployment`.
    pub kind: String,
    /// Name in paths, such as `deployments`.
    pub plural: String,
    /// Singular name.
    pub singular: String,
    /// Further names.
    pub short_names: Vec<String>,
    /// Groups such as `all`.
    pub categories: Vec<String>,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// What may be done, sorted.
    pub verbs: Vec<String>,
    /// Parts with paths of their own.
    pub subresources: Vec<Part>,
    /// The schema of whole objects.
    pub node: Node,
    /// `additionalPrinterColumns` and the scale paths of a custom resource.
    pub custom: Option<Arc<Custom>>,
    /// How collections are keyed: `deployments.apps`.
    pub collection: String,
}

/// A subresource as discovery lists it.
#[derive(Clone, Debug)]
pub struct Part {
    /// Such as `status`.
    pub name: String,
    /// Group of what is written there.
    pub group: String,
    /// Version of it.
    pub version: String,
    /// Kind of it.
    pub kind: String,
    /// What may be done, sorted.
    pub verbs: Vec<String>,
}

/// What only custom resources have.
#[derive(Debug)]
pub struct Custom {
    /// `additionalPrinterColumns` of the version.
    pub columns: Vec<Value>,
    /// `subresources.scale` of the version, or `null`.
    pub scale: Value,
    /// `schema.openAPIV3Schema` of the version.
    pub schema: Value,
    /// The version that objects are stored in.
    pub storage: String,
}

impl Resource {
    /// `apps/v1`, or `v1`.
    pub fn api_version(&self) -> String {
        group_version(&self.group, &self.version)
    }

    /// The version that objects are stored in.
    pub fn storage_api_version(&self) -> String {
        let version = self.custom.as_ref().map_or(&self.version, |custom| &custom.storage);
        group_version(&self.group, version)
    }

    /// Whether there is a subresource of that name.
    pub fn has(&self, subresource: &str) -> bool {
        self.subresources.iter().any(|part| part.name == subresource)
    }

    /// Whether the verb is allowed.
    pub fn allows(&self, verb: &str) -> bool {
        self.verbs.iter().any(|allowed| allowed == verb)
    }

    /// Whether `metadata.generation` counts changes of what the object wants.
    pub fn counts_generations(&self) -> bool {
        const COUNTED: &[&str] = &[
            "deployments.apps",
            "replicasets.apps",
            "statefulsets.apps",
            "daemonsets.apps",
            "controllerrevisions.apps",
            "jobs.batch",
            "cronjobs.batch",
            "pods",
            "replicationcontrollers",
            "ingresses.networking.k8s.io",
            "networkpolicies.networking.k8s.io",
            "ingressclasses.networking.k8s.io",
            "poddisruptionbudgets.policy",
            "customresourcedefinitions.apiextensions.k8s.io",
            "validatingwebhookconfigurations.admissionregistration.k8s.io",
            "mutatingwebhookconfigurations.admissionregistration.k8s.io",
            "validatingadmissionpolicies.admissionregistration.k8s.io",
            "validatingadmissionpolicybindings.admissionregistration.k8s.io",
            "priorityclasses.scheduling.k8s.io",
            "endpointslices.discovery.k8s.io",
        ];
        self.custom.is_some() || COUNTED.contains(&self.collection.as_str())
    }
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

/// Every served resource.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// By group and version, in the order of discovery, then by plural name.
    by_path: BTreeMap<(String, String, String), Arc<Resource>>,
    /// Groups in the order of discovery, with their versions, the preferred one first.
    groups: Vec<(String, Vec<String>)>,
    /// How many of `groups` are built in.
    fixed: usize,
}

/// Versions that would need a conversion to share objects with the preferred one.
const NOT_SERVED: &[(&str, &str)] = &[("autoscaling", "v1"), ("events.k8s.io", "v1")];

impl Registry {
    /// The stable built-in kinds.
    pub fn built_in() -> Self {
        let mut registry = Self::default();
        for kind in ktl_schema::kinds() {
            if kind.stability() != Stability::Stable || NOT_SERVED.contains(&(kind.group, kind.version)) {
                continue;
            }
            let own = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
            let part = |part: &ktl_schema::Subresource| Part {
                name: part.name.to_owned(),
                group: part.group.to_owned(),
                version: part.version.to_owned(),
                kind: part.kind.to_owned(),
                verbs: own(part.verbs),
            };
            let resource = Resource {
                group: kind.group.to_owned(),
                version: kind.version.to_owned(),
                kind: kind.kind.to_owned(),
                plural: kind.plural.to_owned(),
                singular: kind.singular.to_owned(),
                short_names: own(kind.short_names),
                categories: own(kind.categories),
                namespaced: kind.namespaced,
                verbs: own(kind.verbs),
                subresources: kind.subresources.iter().map(part).collect(),
                node: Node::Known(kind.schema()),
                custom: None,
                collection: qualified(kind.group, kind.plural),
            };
            registry.insert(resource);
        }
        for group in ktl_schema::groups() {
            let served = |version: &&&str| {
                registry
                    .by_path
                    .keys()
                    .any(|(g, v, _)| g == group.name && v == **version)
            };
            let versions: Vec<String> = group.versions.iter().filter(served).map(|&v| v.to_owned()).collect();
            if !versions.is_empty() {
                registry.groups.push((group.name.to_owned(), versions));
            }
        }
        registry.fixed = registry.groups.len();
        registry
    }

    fn insert(&mut self, resource: Resource) {
        let key = (
            resource.group.clone(),
            resource.version.clone(),
            resource.plural.clone(),
        );
        self.by_path.insert(key, Arc::new(resource));
    }

    /// Groups in the order of discovery, each with its versions, the preferred one first.
    pub fn groups(&self) -> &[(String, Vec<String>)] {
        &self.groups
    }

    /// The resources of one version of a group, by plural name.
    pub fn version<'a>(&'a self, group: &'a str, version: &'a str) -> impl Iterator<Item = &'a Arc<Resource>> {
        self.by_path
            .values()
            .filter(move |resource| resource.group == group && resource.version == version)
    }

    /// Whether anything is served in that version of the group.
    pub fn has_version(&self, group: &str, version: &str) -> bool {
        self.version(group, version).next().is_some()
    }

    /// The resource at a path.
    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.by_path
            .get(&(group.to_owned(), version.to_owned(), plural.to_owned()))
    }

    /// The preferred version of a collection such as `deployments.apps`.
    pub fn collection(&self, collection: &str) -> Option<&Arc<Resource>> {
        let mut found: Vec<_> = self
            .by_path
            .values()
            .filter(|resource| resource.collection == collection)
            .collect();
        found.sort_by_key(|resource| resource.storage_api_version() != resource.api_version());
        found.first().copied()
    }

    /// One resource per collection.
    pub fn collections(&self) -> BTreeMap<&str, &Arc<Resource>> {
        self.by_path
            .values()
            .map(|resource| (resource.collection.as_str(), resource))
            .collect()
    }

    /// Serves the custom resources of established definitions, and those alone.
    pub fn set_custom<'a>(&mut self, definitions: impl Iterator<Item = &'a Value>) {
        self.by_path.retain(|_, resource| resource.custom.is_none());
        self.groups.truncate(self.fixed);
        for definition in definitions {
            for resource in custom_resources(definition) {
                let (group, version) = (resource.group.clone(), resource.version.clone());
                self.insert(resource);
                match self.groups.iter_mut().find(|(name, _)| *name == group) {
                    Some((_, versions)) if versions.contains(&version) => {}
                    Some((_, versions)) => {
                        versions.push(version);
                        versions.sort_by_key(|version| std::cmp::Reverse(priority(version)));
                    }
                    None => self.groups.push((group, vec![version])),
                }
            }
        }
        if let Some(custom) = self.groups.get_mut(self.fixed..) {
            custom.sort();
        }
    }
}

/// `v2` before `v1` before `v1beta2` before `v1alpha1`.
fn priority(version: &str) -> (u8, u64, u64) {
    let Some(rest) = version.strip_prefix('v') else {
        return (0, 0, 0);
    };
    let number = |text: &str| text.parse::<u64>().unwrap_or_default();
    if let Some((major, minor)) = rest.split_once("alpha") {
        (1, number(major), number(minor))
    } else if let Some((major, minor)) = rest.split_once("beta") {
        (2, number(major), number(minor))
    } else {
        (3, number(rest), 0)
    }
}

fn custom_resources(definition: &Value) -> Vec<Resource> {
    let spec = definition.get("spec").unwrap_or(&Value::Null);
    let names = spec.get("names").unwrap_or(&Value::Null);
    let words = |path: &[&str]| {
        items(names, path)
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let group = text(spec, &["group"]).to_owned();
    let plural = text(names, &["plural"]).to_owned();
    let versions = items(spec, &["versions"]);
    let storage = versions.iter().find(|version| flag(version, &["storage"]));
    let storage = storage.map(|version| text(version, &["name"])).unwrap_or_default();
    let read = ["get", "patch", "update"].map(str::to_owned).to_vec();
    versions
        .iter()
        .filter(|version| flag(version, &["served"]))
        .map(|version| {
            let name = text(version, &["name"]).to_owned();
            let kind = text(names, &["kind"]).to_owned();
            let schema = at(version, &["schema", "openAPIV3Schema"])
                .cloned()
                .unwrap_or(Value::Null);
            let scale = at(version, &["subresources", "scale"]).cloned().unwrap_or(Value::Null);
            let mut subresources = Vec::new();
            if !scale.is_null() {
                subresources.push(Part {
                    name: "scale".to_owned(),
                    group: "autoscaling".to_owned(),
                    version: "v1".to_owned(),
                    kind: "Scale".to_owned(),
                    verbs: read.clone(),
                });
            }
            if at(version, &["subresources", "status"]).is_some() {
                subresources.push(Part {
                    name: "status".to_owned(),
                    group: group.clone(),
                    version: name.clone(),
                    kind: kind.clone(),
                    verbs: read.clone(),
                });
            }
            let mut verbs = [
                "create",
                "delete",
                "deletecollection",
                "get",
                "list",
                "patch",
                "update",
                "watch",
            ];
            verbs.sort_unstable();
            Resource {
                version: name,
                kind,
                singular: text(names, &["singular"]).to_owned(),
                short_names: words(&["shortNames"]),
                categories: words(&["categories"]),
                namespaced: text(spec, &["scope"]) == "Namespaced",
                verbs: verbs.map(str::to_owned).to_vec(),
                subresources,
                node: Structural::root(&schema),
                custom: Some(Arc::new(Custom {
                    columns: items(version, &["additionalPrinterColumns"]).to_vec(),
                    scale,
                    schema,
                    storage: storage.to_owned(),
                })),
                collection: qualified(&group, &plural),
                group: group.clone(),
                plural: plural.clone(),
            }
        })
        .collect()
}
