//! The kinds that an API server serves, and finding one of them.

use crate::data::{GROUPS, KINDS, PREFERRED};
use crate::types::{Field, Record, Type};

/// A kind that the API server serves as a resource of its own, in one group and version.
#[derive(Debug)]
pub struct Kind {
    /// The API group, such as `apps`; empty for the core group.
    pub group: &'static str,
    /// The version within the group, such as `v1`.
    pub version: &'static str,
    /// The kind, such as `Deployment`.
    pub kind: &'static str,
    /// The resource's name in paths, such as `deployments`.
    pub plural: &'static str,
    /// The resource's singular name, such as `deployment`.
    pub singular: &'static str,
    /// Names that kubectl accepts too, such as `deploy`.
    pub short_names: &'static [&'static str],
    /// Groups of resources that the kind belongs to, such as `all`.
    pub categories: &'static [&'static str],
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// What the API server allows, sorted, such as `create` and `watch`.
    pub verbs: &'static [&'static str],
    /// The resource's subresources, such as `status` and `scale`, sorted by name.
    pub subresources: &'static [Subresource],
    /// The fields of its objects.
    pub record: &'static Record,
    /// The first supported minor version that serves it: `36` is Kubernetes 1.36.
    pub since: u8,
}

/// A part of a resource with a path of its own, such as `deployments/scale`.
#[derive(Debug)]
pub struct Subresource {
    /// Its name, such as `scale`.
    pub name: &'static str,
    /// The group, version and kind of what is read and written there. A connect-style subresource such as `exec` says
    /// the option kind.
    pub group: &'static str,
    /// See `group`.
    pub version: &'static str,
    /// See `group`.
    pub kind: &'static str,
    /// What the API server allows, sorted.
    pub verbs: &'static [&'static str],
    /// The fields of what is read and written there, where that is an object.
    pub record: Option<&'static Record>,
}

/// An API group and the versions that it is served in.
#[derive(Debug)]
pub struct Group {
    /// The group's name; empty for the core group.
    pub name: &'static str,
    /// Its versions, the preferred one first.
    pub versions: &'static [&'static str],
}

/// What the version of an API promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stability {
    /// `v1alpha1`: off unless the cluster asks for it, may vanish.
    Alpha,
    /// `v1beta1`: off unless the cluster asks for it, deprecated in time.
    Beta,
    /// `v1`: on, and stays.
    Stable,
}

impl Kind {
    /// `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// The shape of the kind's objects.
    pub fn schema(&self) -> Type {
        Type::Record {
            record: self.record,
            atomic: false,
        }
    }

    /// The subresource of that name, such as `scale`.
    pub fn subresource(&self, name: &str) -> Option<&'static Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }

    /// Whether objects have a status that only a write to `/status` changes.
    pub fn status_subresource(&self) -> bool {
        self.subresource("status").is_some()
    }

    /// What the kind's version promises.
    pub fn stability(&self) -> Stability {
        if self.version.contains("alpha") {
            Stability::Alpha
        } else if self.version.contains("beta") {
            Stability::Beta
        } else {
            Stability::Stable
        }
    }

    /// The field at a dotted path such as `spec.template.spec.containers.image`, looking through lists and maps.
    pub fn field(&self, path: &str) -> Option<&'static Field> {
        let mut record = Some(self.record);
        let mut found = None;
        for name in path.split('.') {
            let field = record?.field(name)?;
            record = field.ty.record();
            found = Some(field);
        }
        found
    }
}

/// Every kind, sorted by group, version and kind.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter()
}

/// The kind with that `apiVersion` (`apps/v1`, `v1`) and `kind`.
pub fn kind(api_version: &str, kind: &str) -> Option<&'static Kind> {
    let (group, version) = split(api_version);
    let wanted = (group, version, kind);
    let at = KINDS
        .binary_search_by(|kind| (kind.group, kind.version, kind.kind).cmp(&wanted))
        .ok()?;
    KINDS.get(at)
}

/// The kind behind a resource's path name, such as `deployments` in `apps/v1`.
pub fn resource(api_version: &str, plural: &str) -> Option<&'static Kind> {
    let (group, version) = split(api_version);
    let from = KINDS.partition_point(|kind| (kind.group, kind.version) < (group, version));
    let rest = KINDS.get(from..)?;
    rest.iter()
        .take_while(|kind| kind.group == group && kind.version == version)
        .find(|kind| kind.plural == plural)
}

/// The kind that a bare name means: stable versions go before beta and alpha ones, the core group before others, then
/// the order in which API servers list groups and versions. So `Event` is `v1` and `HorizontalPodAutoscaler` is
/// `autoscaling/v2`. A kind that is not stable yet is found too: see [`Kind::stability`].
pub fn preferred(kind: &str) -> Option<&'static Kind> {
    let at = PREFERRED.binary_search_by(|&(name, _)| name.cmp(kind)).ok()?;
    let &(_, index) = PREFERRED.get(at)?;
    KINDS.get(usize::from(index))
}

/// Every API group in the order in which API servers list them, the core group first.
pub fn groups() -> &'static [Group] {
    GROUPS
}

/// `apps/v1` as group and version; a version alone belongs to the core group.
fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}
