//! `.Capabilities`: what templates may know of the cluster.

use std::any::Any;
use std::rc::Rc;

use ktl_gotmpl::{Map, Object, Type, Value};

/// The version of Kubernetes that Helm assumes without a cluster.
pub(crate) const KUBE_VERSION: &str = "v1.36.0";

/// The version that templates see under `.Capabilities.HelmVersion`.
const HELM_VERSION: &str = "v4.2.3";

/// The API versions that Helm assumes without a cluster, in its order.
pub(crate) const API_VERSIONS: [&str; 55] = [
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha2",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// A version of Kubernetes.
#[derive(Clone, Debug)]
pub(crate) struct KubeVersion {
    /// As given, with a `v`.
    version: String,
    /// Without what follows the three numbers.
    pub(crate) normalized: String,
    major: String,
    minor: String,
}

impl KubeVersion {
    /// Reads a version such as `1.31`, `v1.31.2` or `v1.31.2-gke.1`.
    pub(crate) fn parse(text: &str) -> Option<KubeVersion> {
        let bare = text.trim().strip_prefix('v').unwrap_or(text.trim());
        let end = bare
            .find(|character: char| !character.is_ascii_digit() && character != '.')
            .unwrap_or(bare.len());
        let numbers: Option<Vec<u64>> = bare
            .get(..end)?
            .trim_end_matches('.')
            .split('.')
            .map(|part| part.parse().ok())
            .collect();
        let numbers = numbers.filter(|numbers| (2..=4).contains(&numbers.len()))?;
        let (major, minor) = (numbers.first()?.to_string(), numbers.get(1)?.to_string());
        let patch = numbers.get(2).copied().unwrap_or(0);
        Some(KubeVersion {
            version: format!("v{bare}"),
            normalized: format!("v{major}.{minor}.{patch}"),
            major,
            minor,
        })
    }
}

impl Object for KubeVersion {
    fn type_name(&self) -> &str {
        "common.KubeVersion"
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "Version" => self.version.as_str().into(),
            "Major" => self.major.as_str().into(),
            "Minor" => self.minor.as_str().into(),
            _ => return None,
        })
    }

    fn method(&self, name: &str) -> Option<&'static [Type]> {
        matches!(name, "String" | "GitVersion").then_some(&[])
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, String> {
        Ok(if name == "GitVersion" {
            self.version.as_str()
        } else {
            self.normalized.as_str()
        }
        .into())
    }

    fn show(&self) -> Option<String> {
        Some(self.normalized.clone())
    }

    fn plain(&self) -> Value {
        struct_value(
            ["Version", "Major", "Minor"]
                .iter()
                .filter_map(|name| Some((*name, self.field(name)?))),
        )
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The API versions of a cluster.
#[derive(Clone, Debug)]
struct ApiVersions(Vec<String>);

impl Object for ApiVersions {
    fn type_name(&self) -> &str {
        "common.VersionSet"
    }

    fn kind(&self) -> &'static str {
        "slice"
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<&'static [Type]> {
        (name == "Has").then_some(&[Type::Str])
    }

    fn call(&self, _: &str, args: &[Value]) -> Result<Value, String> {
        let wanted = args.first().and_then(Value::as_text).unwrap_or_else(|| "".into());
        Ok(Value::Bool(
            self.0.iter().any(|version| version.as_str() == wanted.as_ref()),
        ))
    }

    fn show(&self) -> Option<String> {
        None
    }

    fn plain(&self) -> Value {
        Value::strings(self.0.iter().map(String::as_str))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `.Capabilities` as a whole.
#[derive(Debug)]
struct Capabilities {
    kube_version: Rc<KubeVersion>,
    api_versions: Rc<ApiVersions>,
}

impl Object for Capabilities {
    fn type_name(&self) -> &str {
        "*common.Capabilities"
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "KubeVersion" => Value::Object(Rc::clone(&self.kube_version) as Rc<dyn Object>),
            "APIVersions" => Value::Object(Rc::clone(&self.api_versions) as Rc<dyn Object>),
            "HelmVersion" => struct_value([
                ("Version", HELM_VERSION.into()),
                ("GitCommit", "".into()),
                ("GitTreeState", "".into()),
                ("GoVersion", "go1.26".into()),
                ("KubeClientVersion", "v1.36".into()),
            ]),
            _ => return None,
        })
    }

    fn method(&self, _: &str) -> Option<&'static [Type]> {
        None
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, String> {
        Err(format!("{name} is not a method"))
    }

    fn show(&self) -> Option<String> {
        None
    }

    fn plain(&self) -> Value {
        let names = ["KubeVersion", "APIVersions", "HelmVersion"];
        struct_value(names.iter().filter_map(|name| Some((*name, self.field(name)?))))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn struct_value<'n>(fields: impl IntoIterator<Item = (&'n str, Value)>) -> Value {
    Value::Map(fields.into_iter().collect::<Map>())
}

/// The value of `.Capabilities`.
pub(crate) fn value(kube_version: KubeVersion, api_versions: Vec<String>) -> Value {
    Value::Object(Rc::new(Capabilities {
        kube_version: Rc::new(kube_version),
        api_versions: Rc::new(ApiVersions(api_versions)),
    }))
}
