//! Rendering a chart for a release.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use ktl_gotmpl::{Engine, Limits, Map, MapKind, Value};
use serde_json::Value as Json;

use crate::capabilities::{self, API_VERSIONS, KUBE_VERSION, KubeVersion};
use crate::chart::Chart;
use crate::dependencies;
use crate::error::ChartError;
use crate::files::Files;
use crate::objects::{self, Object};
use crate::values::{self, Table};

/// What a chart is rendered for.
#[derive(Clone, Debug)]
pub struct RenderRequest {
    /// `.Release.Name`.
    pub release_name: String,
    /// `.Release.Namespace`.
    pub namespace: String,
    /// The values supplied on top of the chart's defaults, already merged with each other; a mapping or null.
    pub values: Json,
    /// `.Release.IsUpgrade`; `.Release.IsInstall` is the opposite.
    pub is_upgrade: bool,
    /// `.Release.Revision`.
    pub revision: u32,
    /// The cluster's version, such as `v1.31.2`; Helm's default if absent.
    pub kube_version: Option<String>,
    /// All API versions of the cluster, such as `apps/v1`; Helm's default set if absent.
    pub api_versions: Option<Vec<String>>,
    /// How much rendering may do.
    pub limits: Limits,
}

impl Default for RenderRequest {
    fn default() -> Self {
        RenderRequest {
            release_name: "release-name".to_owned(),
            namespace: "default".to_owned(),
            values: Json::Null,
            is_upgrade: false,
            revision: 1,
            kube_version: None,
            api_versions: None,
            limits: Limits::default(),
        }
    }
}

/// A rendered template, or a file of `crds/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The path with the chart's name in front, such as `shop/templates/web.yaml`.
    pub template: String,
    /// The text, byte for byte what Helm renders.
    pub text: String,
}

/// What rendering a chart gives.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// Every template that is not a partial, by path; some may be blank.
    pub manifests: Vec<Manifest>,
    /// The files of `crds/`, which are not templates, of this chart and then of its sub-charts.
    pub crds: Vec<Manifest>,
    /// The text of `NOTES.txt`.
    pub notes: Option<String>,
}

impl Rendered {
    /// The objects of the manifests, without those of `crds/`, in the order in which Helm installs them: by kind, hooks
    /// last.
    pub fn objects(&self) -> Result<Vec<Object>, ChartError> {
        objects::read(&self.manifests)
    }

    /// The objects of the files in `crds/`, which are installed before anything else.
    pub fn crd_objects(&self) -> Result<Vec<Object>, ChartError> {
        objects::read(&self.crds)
    }
}

impl Chart {
    /// Renders every template for a release.
    pub fn render(&self, request: &RenderRequest) -> Result<Rendered, ChartError> {
        let supplied = match &request.values {
            Json::Null => Table::new(),
            Json::Object(table) => table.clone(),
            _ => {
                return Err(ChartError::new(
                    "",
                    "the supplied values must be a mapping of names to values",
                ));
            }
        };
        if self.metadata.is_library() {
            let message = "the chart is a library, which others use; it cannot be deployed itself";
            return Err(ChartError::new("Chart.yaml", message));
        }
        let kube_version = request.kube_version.as_deref().unwrap_or(KUBE_VERSION);
        let Some(kube_version) = KubeVersion::parse(kube_version) else {
            let message = format!("`{kube_version}` is no version of Kubernetes, such as `v1.31.2`");
            return Err(ChartError::new("", message));
        };
        self.check_kube_version(&kube_version)?;
        let api_versions = match &request.api_versions {
            Some(versions) => versions.clone(),
            None => API_VERSIONS.iter().map(|version| (*version).to_owned()).collect(),
        };
        let mut chart = self.clone();
        dependencies::process(&mut chart, &supplied)?;
        let values = values::coalesce(&chart, &supplied, false)?;
        let release: Map = [
            ("Name", Value::from(request.release_name.as_str())),
            ("Namespace", request.namespace.as_str().into()),
            ("Service", "Helm".into()),
            ("IsUpgrade", request.is_upgrade.into()),
            ("IsInstall", (!request.is_upgrade).into()),
            ("Revision", Value::int(i64::from(request.revision))),
        ]
        .into_iter()
        .collect();
        let root = Root {
            release,
            capabilities: capabilities::value(kube_version, api_versions),
        };
        let mut templates = BTreeMap::new();
        let Value::Map(values) = Value::from_json(&Json::Object(values)) else {
            return Err(ChartError::new("", "the values are no mapping"));
        };
        root.collect(
            &chart,
            &chart.metadata.name,
            Some(values.as_kind(MapKind::Values)),
            true,
            &mut templates,
        );
        let texts = execute(&templates, request.limits)?;
        Ok(sort_out(&chart, texts))
    }

    fn check_kube_version(&self, version: &KubeVersion) -> Result<(), ChartError> {
        let wanted = &self.metadata.kube_version;
        if wanted.is_empty() || ktl_gotmpl::version_satisfies(wanted, &version.normalized).unwrap_or(false) {
            return Ok(());
        }
        let found = &version.normalized;
        let message = format!("the chart requires Kubernetes `{wanted}`, which `{found}` does not satisfy");
        Err(ChartError::new("Chart.yaml", message))
    }
}

/// What all charts of a release share.
struct Root {
    release: Map,
    capabilities: Value,
}

/// A template with what it is given.
struct Template {
    text: Arc<str>,
    scope: Map,
    base_path: String,
}

impl Root {
    /// Collects the templates of a chart and its sub-charts; gives the chart's scope.
    fn collect(
        &self,
        chart: &Chart,
        path: &str,
        values: Option<Map>,
        is_root: bool,
        templates: &mut BTreeMap<String, Template>,
    ) -> Map {
        let subcharts = Map::default();
        let values = values.unwrap_or_else(|| Map::new(MapKind::Values));
        let scope = Map::new(MapKind::Values);
        scope.insert("Chart", chart.metadata.to_value(is_root).into());
        scope.insert("Files", Value::Object(Rc::new(Files(Arc::clone(&chart.files)))));
        scope.insert("Release", self.release.clone().into());
        scope.insert("Capabilities", self.capabilities.clone());
        scope.insert("Values", values.clone().into());
        scope.insert("Subcharts", subcharts.clone().into());
        for sub in &chart.dependencies {
            let name = &sub.metadata.name;
            let inner = match values.get(name) {
                Some(Value::Map(inner)) => Some(inner.as_kind(MapKind::Values)),
                _ => None,
            };
            let inner = self.collect(sub, &format!("{path}/charts/{name}"), inner, false, templates);
            subcharts.insert(name.as_str(), inner.as_kind(MapKind::Any).into());
        }
        for (name, text) in &chart.templates {
            if chart.metadata.is_library() && !is_partial(name) {
                continue;
            }
            let base_path = format!("{path}/templates");
            let template = Template {
                text: Arc::clone(text),
                scope: scope.clone(),
                base_path,
            };
            templates.insert(format!("{path}/{name}"), template);
        }
        scope
    }
}

fn is_partial(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with('_'))
}

/// Parses all templates and executes those that are no partials.
fn execute(templates: &BTreeMap<String, Template>, limits: Limits) -> Result<BTreeMap<String, String>, ChartError> {
    let mut engine = Engine::new(limits);
    // Deeper paths come first, so that what a chart defines wins over what its sub-charts define.
    let mut order: Vec<(&String, &Template)> = templates.iter().collect();
    order.sort_by(|(a, _), (b, _)| {
        let depth = |path: &str| path.matches('/').count();
        depth(b).cmp(&depth(a)).then_with(|| b.cmp(a))
    });
    for (name, template) in &order {
        engine.add(name, &template.text)?;
    }
    let mut texts = BTreeMap::new();
    for (name, template) in order {
        if is_partial(name) {
            continue;
        }
        let current = Map::new(MapKind::Values);
        current.insert("Name", name.as_str().into());
        current.insert("BasePath", template.base_path.as_str().into());
        template.scope.insert("Template", current.into());
        let text = engine.render(name, template.scope.clone().into())?;
        texts.insert(name.clone(), text);
    }
    Ok(texts)
}

fn sort_out(chart: &Chart, texts: BTreeMap<String, String>) -> Rendered {
    let own_notes = format!("{}/templates/NOTES.txt", chart.metadata.name);
    let mut rendered = Rendered {
        manifests: Vec::new(),
        crds: Vec::new(),
        notes: None,
    };
    for (template, text) in texts {
        if template == own_notes {
            rendered.notes = Some(text);
        } else if !template.ends_with("NOTES.txt") {
            rendered.manifests.push(Manifest { template, text });
        }
    }
    collect_crds(chart, &chart.metadata.name, &mut rendered.crds);
    rendered
}

fn collect_crds(chart: &Chart, path: &str, crds: &mut Vec<Manifest>) {
    for (name, data) in chart.files.iter() {
        let is_manifest = [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending));
        if name.starts_with("crds/") && is_manifest {
            let text = String::from_utf8_lossy(data).into_owned();
            crds.push(Manifest {
                template: format!("{path}/{name}"),
                text,
            });
        }
    }
    for sub in &chart.dependencies {
        collect_crds(sub, &format!("{path}/charts/{}", sub.metadata.name), crds);
    }
}
