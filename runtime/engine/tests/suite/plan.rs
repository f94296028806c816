//! A plan from the releases of a scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ktl_plan::{
    Cluster, Digest, Edge, EdgeKind, FORMAT, Limits, Object, ObjectKey, Objects, Plan, Reason, Release, RenderedObject,
    Runner, Source, Until,
};
use serde::Deserialize;
use serde_json::Value;

/// A release of a scenario, on cluster `main`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReleaseCase {
    pub name: String,
    #[serde(default = "shop")]
    pub namespace: String,
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    #[serde(default)]
    pub priority: i64,
    pub objects: Vec<Value>,
}

fn shop() -> String {
    "shop".to_owned()
}

/// An edge of a scenario: of names of releases without `until`, of ids of objects with it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeCase {
    pub from: String,
    pub to: String,
    pub until: Option<Until>,
}

fn source() -> Source {
    Source {
        file: "stack.ktl".to_owned(),
        line: 1,
        column: 1,
    }
}

/// The plan and its bodies.
pub fn plan(releases: &[ReleaseCase], edges: &[EdgeCase], limits: &Limits) -> (Plan, Objects) {
    let mut bodies = Objects::new();
    let ids: BTreeMap<&str, String> = releases
        .iter()
        .map(|release| {
            (
                release.name.as_str(),
                format!("main/{}/{}", release.namespace, release.name),
            )
        })
        .collect();
    let releases = releases.iter().map(|release| {
        let mut objects: Vec<Object> = release
            .objects
            .iter()
            .map(|body| object(release, body, &mut bodies))
            .collect();
        objects.sort_by(|a, b| a.id.cmp(&b.id));
        Release {
            id: ids.get(release.name.as_str()).cloned().unwrap(),
            name: release.name.clone(),
            cluster: "main".to_owned(),
            namespace: release.namespace.clone(),
            kind: "k8s.Objects".to_owned(),
            source: source(),
            tags: Vec::new(),
            labels: BTreeMap::new(),
            timeout_ms: release.timeout_ms,
            parallelism_group: None,
            priority: release.priority,
            digest: Digest::of(release.name.as_bytes()),
            objects,
        }
    });
    let releases: Vec<Release> = releases.collect();
    let known: BTreeSet<&String> = releases
        .iter()
        .flat_map(|release| &release.objects)
        .map(|object| &object.id)
        .collect();
    let edges = edges.iter().map(|edge| {
        let (between, until) = match edge.until {
            None => (EdgeKind::Releases, Until::Ready),
            Some(until) => (EdgeKind::Objects, until),
        };
        let end = |name: &String| ids.get(name.as_str()).unwrap_or(name).clone();
        if between == EdgeKind::Objects {
            assert!(
                known.contains(&edge.from) && known.contains(&edge.to),
                "{} -> {}",
                edge.from,
                edge.to
            );
        }
        Edge {
            from: end(&edge.from),
            to: end(&edge.to),
            between,
            until,
            reasons: vec![Reason::Needs { source: source() }],
        }
    });
    let plan = Plan {
        format: FORMAT.to_owned(),
        ktl: "0.1.0".to_owned(),
        stack: "shop".to_owned(),
        edition: 1,
        profile: None,
        inputs: BTreeMap::new(),
        sources: Vec::new(),
        clusters: BTreeMap::from([("main".to_owned(), Cluster::default())]),
        runner: Runner {
            limits: limits.clone(),
            ..Runner::default()
        },
        edges: edges.collect(),
        releases,
    };
    (plan, bodies)
}

fn object(release: &ReleaseCase, body: &Value, bodies: &mut Objects) -> Object {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let (api_version, kind) = (text("/apiVersion").unwrap(), text("/kind").unwrap());
    let whole_cluster = matches!(kind.as_str(), "Namespace" | "CustomResourceDefinition" | "ClusterRole");
    let namespace = text("/metadata/namespace").or_else(|| (!whole_cluster).then(|| release.namespace.clone()));
    let key = ObjectKey {
        cluster: "main".to_owned(),
        namespace: namespace.clone(),
        group: api_version.split_once('/').map_or("", |(group, _)| group).to_owned(),
        kind: kind.clone(),
        name: text("/metadata/name").unwrap(),
    };
    let rendered = RenderedObject {
        key,
        api_version: api_version.clone(),
        body: body.clone(),
    };
    let (digest, bytes): (Digest, Arc<[u8]>) = rendered.encode();
    bodies.insert(digest, bytes);
    let name = rendered.key.name.clone();
    Object {
        id: rendered.key.to_string(),
        api_version,
        kind,
        namespace,
        name,
        digest,
        source: source(),
    }
}
