//! Apply, get, list, delete.

use http::Method;
use serde_json::{Value, json};

use crate::connect::Cluster;
use crate::discovery::{all_path, collection_path};
use crate::failure::{Class, Failure};
use crate::object::ObjectRef;
use crate::transport::{CHANGE_DEADLINE, LIST_DEADLINE, path};

/// What the API server made of an apply.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// Whether it was not there before.
    pub created: bool,
    /// The object as it is now.
    pub object: Value,
}

/// What became of a delete request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It was not there.
    Absent,
    /// The API server has accepted it; finalizers and dependents may still take time.
    Accepted,
}

/// What happens to the objects that belong to a deleted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted after it.
    Background,
    /// They are deleted before it.
    Foreground,
}

/// Objects per page of a list, as kubectl does.
const PAGE: &str = "500";

impl Cluster {
    /// Server-side apply with strict field validation. Never takes fields from other managers. `body` is sent as it is:
    /// JSON is YAML.
    ///
    /// # Errors
    /// Class [`Class::Conflict`] with one cause per field when other managers own fields of the body.
    pub async fn apply(
        &self,
        object: &ObjectRef,
        body: &[u8],
        field_manager: &str,
        dry_run: bool,
    ) -> Result<Applied, Failure> {
        let target = self.object_path(object).await?;
        let mut query = vec![
            ("fieldManager", field_manager),
            ("fieldValidation", "Strict"),
            ("force", "false"),
        ];
        if dry_run {
            query.push(("dryRun", "All"));
        }
        let body = Some(("application/apply-patch+yaml", body.to_vec()));
        let sent = self
            .exchange(Method::PATCH, path(&target, &query), body, CHANGE_DEADLINE)
            .await;
        let (code, object) = sent.inspect_err(|failure| {
            if failure.class == Class::NotServed {
                self.forget_types(&object.api_version);
            }
        })?;
        Ok(Applied {
            created: code == 201,
            object,
        })
    }

    /// One object, or none if it is not there or its type is not served.
    ///
    /// # Errors
    /// It cannot be told whether it is there.
    pub async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, Failure> {
        let result = async {
            let target = self.object_path(object).await?;
            self.read(target, LIST_DEADLINE).await
        };
        match result.await {
            Ok(object) => Ok(Some(object)),
            Err(failure) if is_absent(failure.class) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// All objects of a type in a namespace, or none if the type is not served; read in pages. Each says its `apiVersion`
    /// and `kind`.
    ///
    /// # Errors
    /// The list could not be read to its end.
    pub async fn list(&self, api_version: &str, kind: &str, namespace: Option<&str>) -> Result<Vec<Value>, Failure> {
        match self.list_with_version(api_version, kind, namespace).await {
            Ok((objects, _)) => Ok(objects),
            Err(failure) if is_absent(failure.class) => Ok(Vec::new()),
            Err(failure) => Err(failure),
        }
    }

    /// Asks anew whether a type is served: discovery names it, and a list of it is answered.
    ///
    /// # Errors
    /// Class [`Class::NotServed`] or [`Class::NotFound`] when it is not.
    pub async fn probe_type(&self, api_version: &str, kind: &str) -> Result<(), Failure> {
        self.forget_types(api_version);
        let object_type = self.object_type(api_version, kind).await?;
        self.read(path(&all_path(&object_type), &[("limit", "1")]), LIST_DEADLINE)
            .await
            .map(drop)
    }

    /// Deletes one object if it still has this UID.
    ///
    /// # Errors
    /// Class [`Class::Race`] when the object is there with another UID.
    pub async fn delete(
        &self,
        object: &ObjectRef,
        uid: &str,
        propagation: Propagation,
        dry_run: bool,
    ) -> Result<Deleted, Failure> {
        let target = self.object_path(object).await?;
        let policy = match propagation {
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
        };
        let mut options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": { "uid": uid },
            "propagationPolicy": policy,
        });
        if dry_run && let Some(options) = options.as_object_mut() {
            options.insert("dryRun".to_owned(), json!(["All"]));
        }
        let body = Some(("application/json", options.to_string().into_bytes()));
        match self.exchange(Method::DELETE, target, body, CHANGE_DEADLINE).await {
            Ok(_) => Ok(Deleted::Accepted),
            Err(failure) if is_absent(failure.class) => Ok(Deleted::Absent),
            Err(failure) => Err(failure),
        }
    }

    /// All pages of a list and the resource version that it shows.
    pub(crate) async fn list_with_version(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
    ) -> Result<(Vec<Value>, String), Failure> {
        let object_type = self.object_type(api_version, kind).await?;
        let target = collection_path(&object_type, namespace)?;
        let mut next = String::new();
        let mut objects = Vec::new();
        loop {
            let mut query = vec![("limit", PAGE)];
            if !next.is_empty() {
                query.push(("continue", next.as_str()));
            }
            let page = self.read(path(&target, &query), LIST_DEADLINE).await;
            if let Err(failure) = &page
                && failure.class == Class::Expired
                && !next.is_empty()
            {
                // The pages no longer fit together: from the start.
                next.clear();
                objects.clear();
                continue;
            }
            let mut page = page?;
            let text = |pointer: &str| {
                page.pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let (following, version) = (text("/metadata/continue"), text("/metadata/resourceVersion"));
            let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) else {
                return Err(Failure::malformed(format_args!("the list of `{kind}` has no `items`")));
            };
            objects.extend(items.into_iter().map(|item| named(item, api_version, kind)));
            if following.is_empty() {
                return Ok((objects, version));
            }
            next = following;
        }
    }
}

/// Items of a list do not say what they are; everywhere else an object does.
fn named(mut item: Value, api_version: &str, kind: &str) -> Value {
    if let Some(fields) = item.as_object_mut() {
        fields.insert("apiVersion".to_owned(), api_version.into());
        fields.insert("kind".to_owned(), kind.into());
    }
    item
}

fn is_absent(class: Class) -> bool {
    matches!(class, Class::NotFound | Class::NotServed | Class::NamespaceMissing)
}
