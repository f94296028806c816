//! From a plan to the scheduler's graph: one node per object, and one per namespace that is used but not declared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ktl_cluster::{Cluster, ObjectRef, readiness};
use ktl_plan::{Digest, EdgeKind, ObjectKey, Until};
use ktl_scheduler::{Graph, Node, NodeId, Release, ReleaseId};
use ktl_store::event::Command;
use serde_json::{Value, json};

use crate::request::{EngineError, RunRequest};

/// How long readiness may take when a release does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// All that is known of a node before the run.
pub(crate) struct Task {
    pub id: String,
    pub release: Option<String>,
    pub cluster_name: String,
    pub cluster: Cluster,
    pub object: ObjectRef,
    pub body: Arc<[u8]>,
    pub digest: Digest,
    pub timeout: Duration,
    /// The namespace is used and not declared: it is created if it is absent, and otherwise left alone.
    pub implicit_namespace: bool,
    /// The plan defines the type, so that it may be served soon.
    pub type_in_plan: bool,
    pub rollout: bool,
    /// The UID that it had when this stack created it, if the journal knows.
    pub created_uid: Option<String>,
}

/// What earlier runs of the stack have recorded, by the object's id.
#[derive(Default)]
pub(crate) struct History {
    /// How long it took on average, in milliseconds.
    pub took_ms: BTreeMap<String, u64>,
    /// The UID that it had when it was created.
    pub created: BTreeMap<String, String>,
}

impl History {
    pub fn read(request: &RunRequest) -> Result<Self, EngineError> {
        let Some(store) = &request.store else {
            return Ok(History::default());
        };
        let timings = store.timings(&request.plan.stack)?;
        Ok(History {
            took_ms: timings
                .into_iter()
                .map(|(node, timing)| (node, timing.mean_ms))
                .collect(),
            created: store.created(&request.plan.stack)?,
        })
    }
}

pub(crate) struct Tasks {
    pub graph: Graph,
    pub tasks: Vec<Arc<Task>>,
    pub releases: Vec<String>,
    /// How many objects each release has.
    pub sizes: Vec<u64>,
}

/// Builds the graph.
pub(crate) fn build(request: &RunRequest, history: &History) -> Result<Tasks, EngineError> {
    let plan = &request.plan;
    let defined = defined_types(request)?;
    let clusters: Vec<&String> = plan.clusters.keys().collect();
    let cluster_index = |name: &String| clusters.iter().position(|cluster| *cluster == name).unwrap_or(0);
    let mut graph = Graph::default();
    let mut tasks: Vec<Arc<Task>> = Vec::new();
    let mut by_id: BTreeMap<&str, NodeId> = BTreeMap::new();
    let mut release_ids: BTreeMap<&str, ReleaseId> = BTreeMap::new();
    let mut used: BTreeMap<(String, String), Vec<NodeId>> = BTreeMap::new();
    let mut declared: BTreeSet<(String, String)> = BTreeSet::new();
    for release in &plan.releases {
        let cluster = connection(request, &release.cluster)?;
        let release_id = graph.release(Release {
            priority: release.priority,
            group: release.parallelism_group.clone(),
        });
        release_ids.insert(&release.id, release_id);
        for object in &release.objects {
            let body = request.objects.get(&object.digest).ok_or_else(|| EngineError::Body {
                object: object.id.clone(),
                message: "it is missing".to_owned(),
            })?;
            let rollout = readiness::wants_pods(&object.api_version, &object.kind);
            let node = graph.node(Node {
                release: Some(release_id),
                cluster: cluster_index(&release.cluster),
                namespace: object.namespace.clone().unwrap_or_default(),
                kind: object.kind.clone(),
                rollout,
                expected_ms: history
                    .took_ms
                    .get(&object.id)
                    .copied()
                    .unwrap_or_else(|| usual_ms(&object.kind)),
            });
            by_id.insert(&object.id, node);
            if let Some(namespace) = &object.namespace {
                used.entry((release.cluster.clone(), namespace.clone()))
                    .or_default()
                    .push(node);
            }
            if object.kind == "Namespace" && object.api_version == "v1" {
                declared.insert((release.cluster.clone(), object.name.clone()));
            }
            tasks.push(Arc::new(Task {
                id: object.id.clone(),
                release: Some(release.id.clone()),
                cluster_name: release.cluster.clone(),
                cluster: cluster.clone(),
                object: ObjectRef {
                    api_version: object.api_version.clone(),
                    kind: object.kind.clone(),
                    namespace: object.namespace.clone(),
                    name: object.name.clone(),
                },
                body: Arc::clone(body),
                digest: object.digest,
                timeout: release.timeout_ms.map_or(DEFAULT_TIMEOUT, Duration::from_millis),
                implicit_namespace: false,
                type_in_plan: defined.contains(&(group(&object.api_version).to_owned(), object.kind.clone())),
                rollout,
                created_uid: history.created.get(&object.id).cloned(),
            }));
        }
    }
    for edge in &plan.edges {
        match edge.between {
            EdgeKind::Objects => {
                if let (Some(from), Some(to)) = (by_id.get(edge.from.as_str()), by_id.get(edge.to.as_str())) {
                    graph.edge(*from, *to, edge.until);
                }
            }
            EdgeKind::Releases => {
                let ends = (release_ids.get(edge.from.as_str()), release_ids.get(edge.to.as_str()));
                if let (Some(from), Some(to)) = ends {
                    graph.release_edge(*from, *to, edge.until);
                }
            }
        }
    }
    if request.command == Command::Apply {
        for ((cluster_name, namespace), users) in used {
            if declared.contains(&(cluster_name.clone(), namespace.clone())) {
                continue;
            }
            let node = graph.node(Node {
                cluster: cluster_index(&cluster_name),
                kind: "Namespace".to_owned(),
                expected_ms: usual_ms("Namespace"),
                ..Node::default()
            });
            users.iter().for_each(|user| graph.edge(*user, node, Until::Ready));
            tasks.push(Arc::new(namespace_task(request, cluster_name, &namespace)?));
        }
    } else {
        graph = graph.reversed();
    }
    Ok(Tasks {
        graph,
        tasks,
        releases: plan.releases.iter().map(|release| release.id.clone()).collect(),
        sizes: plan
            .releases
            .iter()
            .map(|release| release.objects.len() as u64)
            .collect(),
    })
}

fn namespace_task(request: &RunRequest, cluster_name: String, namespace: &str) -> Result<Task, EngineError> {
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    let body: Arc<[u8]> = body.to_string().into_bytes().into();
    let key = ObjectKey {
        cluster: cluster_name.clone(),
        namespace: None,
        kind: "Namespace".to_owned(),
        group: String::new(),
        name: namespace.to_owned(),
    };
    Ok(Task {
        id: key.to_string(),
        release: None,
        cluster: connection(request, &cluster_name)?.clone(),
        cluster_name,
        object: ObjectRef::new("v1", "Namespace", None, namespace),
        digest: Digest::of(&body),
        body,
        timeout: DEFAULT_TIMEOUT,
        implicit_namespace: true,
        type_in_plan: false,
        rollout: false,
        created_uid: None,
    })
}

fn connection<'a>(request: &'a RunRequest, name: &str) -> Result<&'a Cluster, EngineError> {
    request
        .clusters
        .get(name)
        .ok_or_else(|| EngineError::NoCluster(name.to_owned()))
}

/// Group and kind of every type that a CustomResourceDefinition of the plan defines.
fn defined_types(request: &RunRequest) -> Result<BTreeSet<(String, String)>, EngineError> {
    let objects = request.plan.releases.iter().flat_map(|release| &release.objects);
    let mut defined = BTreeSet::new();
    for object in objects.filter(|object| object.kind == "CustomResourceDefinition") {
        let body = request
            .objects
            .get(&object.digest)
            .map(|body| serde_json::from_slice::<Value>(body))
            .transpose();
        let body = body.map_err(|error| EngineError::Body {
            object: object.id.clone(),
            message: error.to_string(),
        })?;
        let text = |pointer| {
            body.as_ref()
                .and_then(|body| body.pointer(pointer)?.as_str().map(str::to_owned))
        };
        if let (Some(group), Some(kind)) = (text("/spec/group"), text("/spec/names/kind")) {
            defined.insert((group, kind));
        }
    }
    Ok(defined)
}

pub(crate) fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// What an object of a kind usually takes until it is ready, in milliseconds. Only the order depends on it.
fn usual_ms(kind: &str) -> u64 {
    match kind {
        "StatefulSet" => 30_000,
        "DaemonSet" | "Job" => 20_000,
        "Deployment" | "ReplicaSet" => 15_000,
        "Pod" => 10_000,
        "CustomResourceDefinition" | "APIService" => 2_000,
        "Namespace" => 500,
        _ => 100,
    }
}
