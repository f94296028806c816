//! A chart in memory, from its files.

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_gotmpl::yaml;
use serde_json::Value as Json;

use crate::archive;
use crate::error::ChartError;
use crate::ignore::Rules;
use crate::metadata::Metadata;
use crate::shape::ValuesShape;
use crate::values::{self, Table};

/// How deep sub-charts may nest.
const DEPTH: usize = 20;

/// The files of a chart, by path from its root.
type Files = BTreeMap<String, Arc<[u8]>>;

/// A loaded chart with its sub-charts. Cloning shares the files.
#[derive(Clone, Debug)]
pub struct Chart {
    pub(crate) metadata: Metadata,
    /// The defaults, with nulls.
    pub(crate) values: Table,
    pub(crate) values_text: Option<Arc<str>>,
    /// Template texts by path, such as `templates/deployment.yaml`.
    pub(crate) templates: BTreeMap<String, Arc<str>>,
    /// Everything that is neither a template nor read by Helm itself.
    pub(crate) files: Arc<Files>,
    pub(crate) dependencies: Vec<Chart>,
    pub(crate) schema: Option<Arc<str>>,
}

impl Chart {
    /// Loads a chart from the files of its directory, keyed by path from the chart's root with `/` between parts.
    /// `.helmignore` is honoured. The error names the file, and the line if there is one.
    pub fn load(files: &Files) -> Result<Chart, ChartError> {
        let rules = match files.get(".helmignore") {
            Some(text) => Rules::parse(&String::from_utf8_lossy(text))
                .map_err(|(line, message)| ChartError::at(".helmignore", line, 0, message))?,
            None => Rules::default(),
        };
        let kept = files
            .iter()
            .filter(|(path, _)| !rules.ignores(path))
            .map(|(path, data)| (path.clone(), Arc::clone(data)))
            .collect();
        load(kept, 0)
    }

    /// Loads a packaged chart, the bytes of a `.tgz`.
    pub fn load_archive(bytes: &[u8]) -> Result<Chart, ChartError> {
        load(
            archive::unpack(bytes).map_err(|message| ChartError::new("", message))?,
            0,
        )
    }

    /// What `Chart.yaml` says.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The default values of this chart, without those of its sub-charts.
    pub fn values(&self) -> Json {
        Json::Object(self.values.clone())
    }

    /// The tree of the default values with comments and lines. The text was read before, so this cannot fail.
    pub fn values_shape(&self) -> ValuesShape {
        ValuesShape::of(self.values_text.as_deref().unwrap_or(""))
    }

    /// The text of `values.schema.json`, if there is one. Rendering does not apply it.
    pub fn values_schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The sub-charts in `charts/`, whether they are enabled or not.
    pub fn dependencies(&self) -> &[Chart] {
        &self.dependencies
    }
}

fn load(files: Files, depth: usize) -> Result<Chart, ChartError> {
    if depth > DEPTH {
        return Err(ChartError::new(
            "charts",
            format!("sub-charts are nested more than {DEPTH} deep"),
        ));
    }
    let Some(chart_yaml) = files.get("Chart.yaml") else {
        return Err(ChartError::new(
            "Chart.yaml",
            "the file is missing, so this is no chart",
        ));
    };
    let mut metadata = Metadata::parse("Chart.yaml", &text("Chart.yaml", chart_yaml)?)?;
    let mut chart_files = Files::new();
    let mut templates = BTreeMap::new();
    let mut subcharts: BTreeMap<String, Files> = BTreeMap::new();
    let (mut values, mut values_text, mut schema) = (Table::new(), None, None);
    for (path, data) in files {
        let data = strip_bom(data);
        match path.as_str() {
            "Chart.yaml" | "Chart.lock" => {}
            "values.yaml" => {
                let content: Arc<str> = text(&path, &data)?.into();
                values = read_values(&path, &content)?;
                values_text = Some(content);
            }
            "values.schema.json" => schema = Some(text(&path, &data)?.into()),
            "requirements.yaml" | "requirements.lock" => {
                if path == "requirements.yaml" {
                    metadata.add_requirements(&path, &text(&path, &data)?)?;
                }
                if metadata.api_version == "v1" {
                    chart_files.insert(path, data);
                }
            }
            _ if path.starts_with("templates/") => {
                let content = text(&path, &data)?;
                templates.insert(path, content.into());
            }
            _ => match path.strip_prefix("charts/") {
                Some(_) if path.ends_with(".prov") => {
                    chart_files.insert(path, data);
                }
                Some(inner) => {
                    let (name, rest) = inner.split_once('/').unwrap_or((inner, ""));
                    subcharts
                        .entry(name.to_owned())
                        .or_default()
                        .insert(rest.to_owned(), data);
                }
                None => {
                    chart_files.insert(path, data);
                }
            },
        }
    }
    metadata.validate()?;
    let mut dependencies = Vec::new();
    for (name, files) in subcharts {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let folder = format!("charts/{name}");
        let loaded = match files.get("") {
            Some(bytes) if name.ends_with(".tgz") => {
                let unpacked = archive::unpack(bytes).map_err(|message| ChartError::new(&folder, message))?;
                load(unpacked, depth + 1)
            }
            Some(_) => Err(ChartError::new(
                "",
                "only charts may lie in `charts/`; remove the file or ignore it in `.helmignore`",
            )),
            None => load(files, depth + 1),
        };
        dependencies.push(loaded.map_err(|error| error.within(&folder))?);
    }
    Ok(Chart {
        metadata,
        values,
        values_text,
        templates,
        files: Arc::new(chart_files),
        dependencies,
        schema,
    })
}

fn strip_bom(data: Arc<[u8]>) -> Arc<[u8]> {
    match data.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest.into(),
        None => data,
    }
}

fn text(path: &str, data: &[u8]) -> Result<String, ChartError> {
    match std::str::from_utf8(data) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
        Err(error) => {
            let line = data
                .iter()
                .take(error.valid_up_to())
                .filter(|byte| **byte == b'\n')
                .count()
                + 1;
            Err(ChartError::at(
                path,
                u32::try_from(line).unwrap_or(0),
                0,
                "the file is not UTF-8 text",
            ))
        }
    }
}

/// Reads a values file. Of several documents, later ones win.
fn read_values(path: &str, text: &str) -> Result<Table, ChartError> {
    let mut merged = Table::new();
    for document in yaml::parse_documents(text).map_err(|error| ChartError::yaml(path, error))? {
        match document.root.to_json() {
            Json::Null => {}
            Json::Object(table) => values::overlay(&mut merged, table),
            _ => {
                let (line, column) = (document.root.line, document.root.column);
                return Err(ChartError::at(
                    path,
                    line,
                    column,
                    "values must be a mapping of names to values",
                ));
            }
        }
    }
    Ok(merged)
}
