//! What a stack comes to once everything is known: the language's result, plain data for the rest of the compiler.

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_syntax::Span;

use crate::value::{Kind, Value};

/// An evaluated stack. Releases are in the order of their identity (`cluster/namespace/name`), so that nothing depends
/// on the order of declarations.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The name in the header.
    pub name: String,
    /// The edition in the header.
    pub edition: u32,
    /// The header.
    pub span: Span,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The profile laid over, if any: the requested one, else the header's `defaultProfile`.
    pub profile: Option<String>,
    /// Every input with the value it had, as JSON.
    pub inputs: BTreeMap<String, serde_json::Value>,
    /// Whether edges may be inferred from rendered objects.
    pub infer_deps: bool,
    /// Clusters by name. A stack that declares none has one called `default`, without a context.
    pub clusters: Vec<Cluster>,
    /// Zones by name.
    pub zones: Vec<Zone>,
    /// Settings of the runner.
    pub runner: Runner,
    /// Every release.
    pub releases: Vec<Release>,
    /// What depends on what: each pair of releases and reason once, sorted.
    pub edges: Vec<Edge>,
}

/// Where releases go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name in the stack.
    pub name: String,
    /// The zone it stands in.
    pub zone: Option<String>,
    /// The context in the kubeconfig.
    pub context: Option<String>,
    /// The kubeconfig's path as written.
    pub kubeconfig: Option<String>,
    /// The declaration, or the stack's header for a cluster that is implied.
    pub span: Span,
}

/// A place that clusters stand in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its name in the stack.
    pub name: String,
    /// Whether nothing outside it can be reached.
    pub airgapped: bool,
    /// Registries by the registry they stand in for.
    pub mirror: BTreeMap<String, String>,
    /// The declaration.
    pub span: Span,
}

/// The `runner` block. What is not set is `None`: the runner knows its defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Runner {
    /// Releases rolled out at the same time.
    pub concurrency: Option<u32>,
    /// Whether concurrency starts low and grows.
    pub progressive_concurrency: Option<bool>,
    /// At most so many at a time in one namespace.
    pub max_parallel_per_namespace: Option<u32>,
    /// At most so many at a time that hold an object of the kind.
    pub max_parallel_kind: BTreeMap<String, u32>,
    /// At most so many at a time of one `parallelismGroup`.
    pub parallelism_group_limit: Option<u32>,
    /// How concurrency follows what happens.
    pub adaptive: Option<Adaptive>,
    /// Requests per second to one API server.
    pub kube_qps: Option<u32>,
    /// Requests above that rate in a burst.
    pub kube_burst: Option<u32>,
    /// Requests in flight to one API server.
    pub api_max_in_flight: Option<u32>,
}

/// `runner.adaptive`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adaptive {
    /// `conservative`, `balanced` or `aggressive`.
    pub mode: Option<String>,
    /// The lowest concurrency.
    pub min: Option<u32>,
    /// How many finished releases are looked at.
    pub window: Option<u32>,
    /// Successes in a row before it grows.
    pub ramp_after_successes: Option<u32>,
    /// The share of failures above which it shrinks, 0 to 1, as decimal text such as `0.3`.
    pub ramp_max_failure_rate: Option<String>,
    /// Finished releases to wait for after a severe failure.
    pub cooldown_severe: Option<u32>,
}

/// One release: what is applied, ordered and reported as a unit.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its name: the declaration's, `family-key`, `use-inner`, or the field `name`.
    pub name: String,
    /// Its cluster's name.
    pub cluster: String,
    /// Its namespace.
    pub namespace: String,
    /// What it holds.
    pub kind: ReleaseKind,
    /// Its kind as written, such as `k8s.Workload` or `chart ./charts/postgresql`.
    pub kind_text: String,
    /// Sorted, each once.
    pub tags: Vec<String>,
    /// Labels of the release, the stack's among them.
    pub labels: BTreeMap<String, String>,
    /// Milliseconds.
    pub timeout: Option<u64>,
    /// Shares `runner.limits.parallelismGroupLimit` with others.
    pub parallelism_group: Option<String>,
    /// Higher goes first among those that may start.
    pub priority: Option<i64>,
    /// The name in the declaration.
    pub span: Span,
}

/// What a release holds.
#[derive(Clone, Debug)]
pub enum ReleaseKind {
    /// A Helm chart.
    Chart {
        /// The directory, relative to the project root.
        directory: String,
        /// The `values` field; null where there is none.
        values: Data,
        /// Files, relative to the project root, in the order of their strength, weakest first.
        value_files: Vec<(String, Span)>,
        /// `--set` expressions.
        set: Vec<(String, Span)>,
    },
    /// Typed objects, by key.
    Objects(Vec<Object>),
    /// YAML files, relative to the project root; the last segment may hold `*`.
    Manifests(Vec<(String, Span)>),
}

/// A typed object: `apiVersion`, `kind`, `metadata.name` and, where it has one, `metadata.namespace` are filled in.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its key in `objects`.
    pub key: String,
    /// The object.
    pub body: Data,
    /// Where it is written.
    pub span: Span,
}

/// `from` needs `to`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Index into [`Stack::releases`].
    pub from: usize,
    /// Index into [`Stack::releases`].
    pub to: usize,
    /// Why.
    pub reason: EdgeReason,
    /// Where: the entry of `needs`, or the reference.
    pub span: Span,
}

/// Why a release needs another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeReason {
    /// `needs` says so.
    Needs,
    /// A value of the other one is used.
    Reference {
        /// Such as `env.DB_HOST uses db.url`.
        text: String,
    },
}

/// An evaluated tree that knows where each part was written. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Data(pub(crate) Value);

impl Data {
    /// Wraps JSON, all of it written at one place.
    pub fn from_json(json: &serde_json::Value, span: Span) -> Self {
        Data(Value::from_json(json, span))
    }

    /// The tree as JSON: integers stay integers, decimals become numbers, units are spelt as Kubernetes does.
    pub fn to_json(&self) -> serde_json::Value {
        self.0.to_json()
    }

    /// The tree as JSON, see [`Data::to_json`].
    pub fn into_json(self) -> serde_json::Value {
        self.0.to_json()
    }

    /// Whether there is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self.0.kind, Kind::Null)
    }

    /// The part below a key, or an index written in digits.
    pub fn get(&self, key: &str) -> Option<Data> {
        match &self.0.kind {
            Kind::Fields(fields) => fields.get(key).cloned().map(Data),
            Kind::List(list) => list.items.get(key.parse::<usize>().ok()?).cloned().map(Data),
            _ => None,
        }
    }

    /// The string at a path of keys.
    pub fn text_at(&self, path: &[&str]) -> Option<&str> {
        let mut at = &self.0;
        for key in path {
            at = at.as_fields()?.get(key)?;
        }
        at.as_str().map(|text| &**text)
    }

    /// Where the whole was written.
    pub fn span(&self) -> Span {
        self.0.origin
    }

    /// Where the part at a path was written: keys, and list indexes in digits. The nearest part that exists answers.
    pub fn origin(&self, path: &[&str]) -> Span {
        let mut at = self.clone();
        for key in path {
            match at.get(key) {
                Some(next) => at = next,
                None => break,
            }
        }
        at.span()
    }

    /// Calls `visit` for each scalar, empty list and empty record with its path and place, in order.
    pub fn each_leaf(&self, visit: &mut dyn FnMut(&[Arc<str>], Span)) {
        fn walk(value: &Value, path: &mut Vec<Arc<str>>, visit: &mut dyn FnMut(&[Arc<str>], Span)) {
            match &value.kind {
                Kind::Fields(fields) if !fields.is_empty() => {
                    for (key, value) in fields.iter() {
                        path.push(key.clone());
                        walk(value, path, visit);
                        path.pop();
                    }
                }
                Kind::List(list) if !list.items.is_empty() => {
                    for (index, value) in list.items.iter().enumerate() {
                        path.push(Arc::from(index.to_string()));
                        walk(value, path, visit);
                        path.pop();
                    }
                }
                _ => visit(path, value.origin),
            }
        }
        walk(&self.0, &mut Vec::new(), visit);
    }
}
