//! Which types the API server serves. Asked per `apiVersion`, when one is first used.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::connect::Cluster;
use crate::failure::{Class, Failure};
use crate::object::ObjectRef;
use crate::transport::{LIST_DEADLINE, segment};

/// A type that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectType {
    /// `apps/v1`
    pub api_version: String,
    /// `Deployment`
    pub kind: String,
    /// `deployments`
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

#[derive(Default)]
pub(crate) struct Types {
    versions: Mutex<BTreeMap<String, Arc<OnceCell<Vec<ObjectType>>>>>,
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    kind: String,
    #[serde(default)]
    namespaced: bool,
}

impl Cluster {
    /// The type of an object. What was found is remembered, what was not is asked for again.
    ///
    /// # Errors
    /// Class [`Class::NotServed`] when the API server does not have the type.
    pub async fn object_type(&self, api_version: &str, kind: &str) -> Result<ObjectType, Failure> {
        for _ in 0..2 {
            let cell = Arc::clone(self.types.lock().entry(api_version.to_owned()).or_default());
            let known = cell.initialized();
            let types = cell.get_or_try_init(|| self.discover(api_version)).await?;
            if let Some(found) = types.iter().find(|candidate| candidate.kind == kind) {
                return Ok(found.clone());
            }
            self.forget_types(api_version);
            if !known {
                break;
            }
        }
        let message = format!("the API server does not serve `{kind}` of `{api_version}`");
        Err(Failure::new(Class::NotServed, message))
    }

    /// Forgets what is served under an `apiVersion`, because it may have changed.
    pub fn forget_types(&self, api_version: &str) {
        self.types.lock().remove(api_version);
    }

    async fn discover(&self, api_version: &str) -> Result<Vec<ObjectType>, Failure> {
        let mut path = String::from(if api_version.contains('/') { "/apis" } else { "/api" });
        api_version.split('/').for_each(|part| segment(&mut path, part));
        let list = self
            .read(path, LIST_DEADLINE)
            .await
            .map_err(|failure| match failure.class {
                Class::NotServed | Class::NotFound => Failure::new(
                    Class::NotServed,
                    format!("the API server does not serve `{api_version}`"),
                ),
                _ => failure,
            })?;
        let list: ResourceList = serde_json::from_value(list).map_err(Failure::malformed)?;
        // A name with a slash is a part of a resource: `deployments/scale`.
        let resources = list
            .resources
            .into_iter()
            .filter(|resource| !resource.name.contains('/'));
        let types = resources.map(|resource| ObjectType {
            api_version: api_version.to_owned(),
            kind: resource.kind,
            plural: resource.name,
            namespaced: resource.namespaced,
        });
        Ok(types.collect())
    }

    /// The path of one object.
    pub(crate) async fn object_path(&self, object: &ObjectRef) -> Result<String, Failure> {
        let object_type = self.object_type(&object.api_version, &object.kind).await?;
        let mut path = collection_path(&object_type, object.namespace.as_deref())?;
        segment(&mut path, &object.name);
        Ok(path)
    }
}

/// The path of all objects of a type, in one namespace or in all.
pub(crate) fn collection_path(object_type: &ObjectType, namespace: Option<&str>) -> Result<String, Failure> {
    let ObjectType {
        api_version,
        kind,
        plural,
        namespaced,
    } = object_type;
    let mut path = String::from(if api_version.contains('/') { "/apis" } else { "/api" });
    api_version.split('/').for_each(|part| segment(&mut path, part));
    match (namespace, namespaced) {
        (Some(namespace), true) => {
            segment(&mut path, "namespaces");
            segment(&mut path, namespace);
        }
        (None, false) => {}
        (Some(namespace), false) => {
            let message = format!("`{kind}` belongs to the whole cluster and cannot be in namespace `{namespace}`");
            return Err(Failure::new(Class::Invalid, message));
        }
        (None, true) => {
            let message = format!("`{kind}` belongs to a namespace, and none is given");
            return Err(Failure::new(Class::Invalid, message));
        }
    }
    segment(&mut path, plural);
    Ok(path)
}

/// The path of all objects of a type, whatever their namespace.
pub(crate) fn all_path(object_type: &ObjectType) -> String {
    let mut path = String::from(if object_type.api_version.contains('/') {
        "/apis"
    } else {
        "/api"
    });
    object_type
        .api_version
        .split('/')
        .for_each(|part| segment(&mut path, part));
    segment(&mut path, &object_type.plural);
    path
}

impl Types {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<OnceCell<Vec<ObjectType>>>>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
