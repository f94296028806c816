//! The plan as rules see it: rows of plain data, made by whoever rendered the stack's objects.
//!
//! Every row has the place that a finding about it points at.

use ktl_syntax::Span;
use serde_json::Value;

/// The lists of `plan`, each in the order that rules see.
#[derive(Clone, Debug, Default)]
pub struct PlanView<'a> {
    /// Every release.
    pub releases: Vec<ReleaseRow>,
    /// What depends on what, a row for each reason.
    pub edges: Vec<EdgeRow>,
    /// Every rendered object.
    pub objects: Vec<ObjectRow<'a>>,
    /// The objects that run pods.
    pub workloads: Vec<WorkloadRow>,
    /// The containers of their pods.
    pub containers: Vec<ContainerRow>,
}

/// A release.
#[derive(Clone, Debug)]
pub struct ReleaseRow {
    /// `cluster/namespace/name`
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its cluster's name.
    pub cluster: String,
    /// Sorted.
    pub tags: Vec<String>,
    /// Ids of the releases that it needs, sorted, each once.
    pub needs: Vec<String>,
    /// Where it is declared.
    pub span: Span,
}

/// `from` needs `to`.
#[derive(Clone, Debug)]
pub struct EdgeRow {
    /// A release's id.
    pub from: String,
    /// A release's id.
    pub to: String,
    /// Such as `env.DB_HOST uses db.url`.
    pub reason: String,
    /// Where the reason stands.
    pub span: Span,
}

/// An object.
#[derive(Clone, Debug)]
pub struct ObjectRow<'a> {
    /// `cluster/namespace/Kind/name`
    pub id: String,
    /// `apps/v1`
    pub api_version: String,
    /// `Deployment`
    pub kind: String,
    /// `metadata.name`
    pub name: String,
    /// Absent for what belongs to the whole cluster.
    pub namespace: Option<String>,
    /// Its cluster's name.
    pub cluster: String,
    /// Its release's name.
    pub release: String,
    /// The whole object.
    pub body: &'a Value,
    /// Where it is made.
    pub span: Span,
}

/// An object that runs pods.
#[derive(Clone, Debug)]
pub struct WorkloadRow {
    /// The object's id.
    pub id: String,
    /// `Deployment`
    pub kind: String,
    /// `metadata.name`
    pub name: String,
    /// `metadata.namespace`
    pub namespace: String,
    /// Its cluster's name.
    pub cluster: String,
    /// Its release's name.
    pub release: String,
    /// With the API's default; absent for kinds that have none.
    pub replicas: Option<i64>,
    /// Labels of the object.
    pub labels: Vec<(String, String)>,
    /// Where it is made.
    pub span: Span,
}

/// A container.
#[derive(Clone, Debug)]
pub struct ContainerRow {
    /// The workload's id, `/` and the name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The image as written; empty where there is none.
    pub image: String,
    /// The workload's id.
    pub workload: String,
    /// Its release's name.
    pub release: String,
    /// Where the workload is made.
    pub span: Span,
}

/// What a container is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It runs as long as its pod.
    Main,
    /// It is among the pod's `initContainers`.
    Init,
}

impl Role {
    /// The word that rules compare with.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Main => "main",
            Role::Init => "init",
        }
    }
}
