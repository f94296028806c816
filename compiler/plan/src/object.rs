//! Objects: which one it is, and where its body is kept.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::digest::Digest;

/// Object bodies by digest, as compact JSON with sorted keys: what is sent to the API server, byte for byte.
pub type Objects = BTreeMap<Digest, Arc<[u8]>>;

/// Which object it is, whatever its body says. Ordered by cluster, namespace, kind, name.
///
/// Shown as `cluster/namespace/Kind/name`, with `-` for the namespace of what belongs to the whole cluster. A kind of a
/// group that Kubernetes does not own is shown with its group: `Certificate.cert-manager.io`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The cluster's name in the plan.
    pub cluster: String,
    /// Absent for what belongs to the whole cluster.
    pub namespace: Option<String>,
    /// `Deployment`
    pub kind: String,
    /// `apps`; empty for the core group. The version is no part of the identity.
    pub group: String,
    /// `metadata.name`
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ObjectKey {
            cluster,
            namespace,
            kind,
            group,
            name,
        } = self;
        write!(f, "{cluster}/{}/{kind}", namespace.as_deref().unwrap_or("-"))?;
        if group.contains('.') && !group.ends_with(".k8s.io") {
            write!(f, ".{group}")?;
        }
        write!(f, "/{name}")
    }
}

/// A body with what the plan needs to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedObject {
    /// Which object.
    pub key: ObjectKey,
    /// `apps/v1`
    pub api_version: String,
    /// The whole object.
    pub body: Value,
}

impl RenderedObject {
    /// The bytes of the body, and their digest.
    pub fn encode(&self) -> (Digest, Arc<[u8]>) {
        let bytes: Arc<[u8]> = serde_json::to_vec(&self.body)
            .expect("a JSON value can be written")
            .into();
        (Digest::of(&bytes), bytes)
    }
}
