//! The shape of a plan, version 1. Field names are those of its JSON, in camelCase.
//!
//! Unknown fields are refused: a runner must never execute a plan of which it understands a part.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// What the `format` field of a plan holds.
pub const FORMAT: &str = "ktl.plan/v1";

/// A compiled stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// Always [`FORMAT`].
    pub format: String,
    /// The version of ktl that compiled it.
    pub ktl: String,
    /// The stack's name.
    pub stack: String,
    /// The language edition of the stack.
    pub edition: u32,
    /// The profile laid over it, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Inputs by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Input>,
    /// Every file that was read, by path from the project root, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceFile>,
    /// The clusters that releases go to, by name.
    pub clusters: BTreeMap<String, Cluster>,
    /// How the stack wants to be run.
    pub runner: Runner,
    /// Releases in an order that respects every edge; ties by id.
    pub releases: Vec<Release>,
    /// Who needs whom, sorted by `from`, `to`, reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Edge>,
}

/// The value of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// The value as compact JSON text; text, because a plan holds no fractions.
    pub value: String,
    /// Whether the stack's own default was used.
    pub default: bool,
}

/// A file that took part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceFile {
    /// From the project root, `/`-separated.
    pub path: String,
    /// Its bytes' digest.
    pub digest: Digest,
}

/// A place in a source file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// From the project root; `std/…` for the standard library.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// How to reach a cluster. Everything absent means the kubeconfig's current context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// A context of the kubeconfig.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// A kubeconfig file, from the project root or absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<String>,
    /// The zone it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// One release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Release {
    /// `cluster/namespace/name`
    pub id: String,
    /// Its name.
    pub name: String,
    /// The cluster's name in [`Plan::clusters`].
    pub cluster: String,
    /// The namespace of its namespaced objects unless they say otherwise.
    pub namespace: String,
    /// What made its objects: `k8s.Workload`, `chart ./charts/redis`.
    pub kind: String,
    /// Where it is declared.
    pub source: Source,
    /// Its tags, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Its labels, those of the stack among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// How long its readiness may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Releases of one group share a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallelism_group: Option<String>,
    /// Higher goes first among what is ready to start.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i64,
    /// Its objects, in the order of [`crate::ObjectKey`].
    pub objects: Vec<Object>,
    /// Over its objects' ids and digests.
    pub digest: Digest,
}

/// One object of a release; its body is in [`crate::Objects`] under `digest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Object {
    /// `cluster/namespace/Kind/name`, see [`crate::ObjectKey`].
    pub id: String,
    /// `apps/v1`
    pub api_version: String,
    /// `Deployment`
    pub kind: String,
    /// Absent for what belongs to the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `metadata.name`
    pub name: String,
    /// Of the body's JSON.
    pub digest: Digest,
    /// What it was made from: a declaration, a manifest or a template.
    pub source: Source,
}

/// `from` needs `to`. Both are ids of releases, or both of objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Edge {
    /// Who needs.
    pub from: String,
    /// Who is needed.
    pub to: String,
    /// Between releases or between objects.
    pub between: EdgeKind,
    /// How far `to` must have come.
    pub until: Until,
    /// Why, each reason once, sorted; never empty.
    pub reasons: Vec<Reason>,
}

/// What an edge joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EdgeKind {
    /// Releases: everything of `from` waits for everything of `to`.
    Releases,
    /// Objects: only these two wait.
    Objects,
}

/// How far the needed one must have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Until {
    /// The API server has accepted it.
    Applied,
    /// The API server serves the type that it defines.
    Served,
    /// It is ready, by the rule of its kind.
    Ready,
}

/// Why an edge exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum Reason {
    /// A value of the one is used by the other.
    Reference {
        /// `env.DB_HOST uses db.host`
        text: String,
        /// Where the reference stands.
        source: Source,
    },
    /// The author asked for the order.
    Needs {
        /// Where.
        source: Source,
    },
    /// Seen in the rendered objects.
    Inferred {
        /// The rule: `namespace`, `custom-resource`, `config-map`, …
        rule: String,
        /// What was seen: the path and value in the object.
        evidence: String,
    },
}

/// How the stack wants to be run. The words and numbers are explained in the guide to the runner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Runner {
    /// Rollouts at the same time, at least 1.
    pub concurrency: u32,
    /// What happens after a failure.
    pub fail_mode: FailMode,
    /// Whether the number of rollouts adapts, with `concurrency` as its ceiling.
    pub progressive_concurrency: bool,
    /// Fixed limits beside it.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// How the number adapts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptive: Option<Adaptive>,
    /// Requests per second to one API server, if it is to be limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube_qps: Option<u32>,
    /// Requests that may exceed `kubeQps` for a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube_burst: Option<u32>,
    /// Requests in flight to one API server, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_max_in_flight: Option<u32>,
}

impl Default for Runner {
    fn default() -> Self {
        Runner {
            concurrency: 8,
            fail_mode: FailMode::FailFast,
            progressive_concurrency: false,
            limits: Limits::default(),
            adaptive: None,
            kube_qps: None,
            kube_burst: None,
            api_max_in_flight: None,
        }
    }
}

/// What happens after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailMode {
    /// Nothing new starts; what runs is waited for.
    FailFast,
    /// Everything that does not need the failed one goes on.
    Continue,
}

impl std::fmt::Display for FailMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FailMode::FailFast => "fail-fast",
            FailMode::Continue => "continue",
        })
    }
}

/// Fixed limits on rollouts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// In one namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parallel_per_namespace: Option<u32>,
    /// Of one kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub max_parallel_kind: BTreeMap<String, u32>,
    /// Within one `parallelismGroup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallelism_group_limit: Option<u32>,
}

impl Limits {
    fn is_empty(&self) -> bool {
        *self == Limits::default()
    }
}

/// How the number of rollouts adapts. Absent numbers come from the mode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Adaptive {
    /// The preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<AdaptiveMode>,
    /// Never below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// Outcomes that are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// One more after so many successes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_after_successes: Option<u32>,
    /// No growth above this share of failures, in thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_max_failure_permille: Option<u32>,
    /// Outcomes to wait after a severe failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown_severe: Option<u32>,
}

/// A preset of [`Adaptive`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each is its own documentation")]
pub enum AdaptiveMode {
    Conservative,
    Balanced,
    Aggressive,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}
