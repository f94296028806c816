//! `Chart.yaml`.

use ktl_gotmpl::Value;
use ktl_gotmpl::yaml::{self, Content, Node};
use serde_json::Value as Json;

use crate::error::ChartError;

/// What `Chart.yaml` says about a chart.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    /// `apiVersion`: `v1` or `v2`.
    pub api_version: String,
    /// The chart's name.
    pub name: String,
    /// The chart's version, a semantic version.
    pub version: String,
    /// The version of what the chart deploys.
    pub app_version: String,
    /// `application`, `library` or nothing.
    pub kind: String,
    /// One sentence.
    pub description: String,
    /// A constraint on the version of Kubernetes.
    pub kube_version: String,
    /// Whether the chart says that it should not be used any more.
    pub deprecated: bool,
    /// The sub-charts that the chart asks for.
    pub dependencies: Vec<Dependency>,
    /// The remaining fields, by their names in Go, for templates.
    pub(crate) others: Vec<(&'static str, Json)>,
}

/// A sub-chart that a chart asks for.
#[derive(Clone, Debug, Default)]
pub struct Dependency {
    /// The sub-chart's name, or its alias once dependencies are processed.
    pub name: String,
    /// A constraint on its version.
    pub version: String,
    /// Where it comes from.
    pub repository: String,
    /// Paths of values that switch it on or off, separated by commas.
    pub condition: String,
    /// Tags that switch it on or off.
    pub tags: Vec<String>,
    /// The name under which it is used.
    pub alias: String,
    /// Values to copy from the sub-chart into this chart.
    pub(crate) import_values: Vec<Json>,
    pub(crate) enabled: bool,
}

impl Metadata {
    /// Reads `Chart.yaml`.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Metadata, ChartError> {
        let root = root(file, text)?;
        let mut metadata = Metadata {
            api_version: string(file, &root, "apiVersion")?,
            name: string(file, &root, "name")?,
            version: string(file, &root, "version")?,
            app_version: string(file, &root, "appVersion")?,
            kind: string(file, &root, "type")?,
            description: string(file, &root, "description")?,
            kube_version: string(file, &root, "kubeVersion")?,
            deprecated: boolean(file, &root, "deprecated")?,
            dependencies: Vec::new(),
            others: vec![
                ("Home", string(file, &root, "home")?.into()),
                ("Icon", string(file, &root, "icon")?.into()),
                ("Condition", string(file, &root, "condition")?.into()),
                ("Tags", string(file, &root, "tags")?.into()),
                ("Sources", Json::from(strings(file, &root, "sources")?)),
                ("Keywords", Json::from(strings(file, &root, "keywords")?)),
                ("Annotations", annotations(file, &root)?),
                ("Maintainers", maintainers(file, &root)?),
            ],
        };
        if metadata.api_version.is_empty() {
            metadata.api_version = "v1".to_owned();
        }
        metadata.dependencies = dependencies(file, &root)?;
        Ok(metadata)
    }

    /// Adds what `requirements.yaml` asks for, the place of dependencies in charts of `apiVersion: v1`.
    pub(crate) fn add_requirements(&mut self, file: &str, text: &str) -> Result<(), ChartError> {
        let requirements = dependencies(file, &root(file, text)?)?;
        if !requirements.is_empty() {
            self.dependencies = requirements;
        }
        Ok(())
    }

    /// Whether the chart only offers templates to others.
    pub fn is_library(&self) -> bool {
        self.kind.eq_ignore_ascii_case("library")
    }

    pub(crate) fn validate(&self) -> Result<(), ChartError> {
        let fail = |message: String| Err(ChartError::new("Chart.yaml", message));
        if self.name.is_empty() {
            return fail("`name` is required".to_owned());
        }
        if self.name == "." || self.name == ".." || self.name.contains(['/', '\\']) {
            return fail(format!("the name `{}` is not allowed", self.name));
        }
        if self.version.is_empty() {
            return fail("`version` is required".to_owned());
        }
        if ktl_gotmpl::version_satisfies("*", &self.version).is_err() {
            return fail(format!(
                "the version `{}` is no semantic version, such as `1.2.3`",
                self.version
            ));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return fail(format!(
                "`type` must be `application` or `library`, not `{}`",
                self.kind
            ));
        }
        let mut names = std::collections::BTreeSet::new();
        for dependency in &self.dependencies {
            let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
            if !dependency.alias.chars().all(allowed) {
                return fail(format!(
                    "the alias `{}` may hold letters, digits, `_` and `-` only",
                    dependency.alias
                ));
            }
            let name = if dependency.alias.is_empty() {
                &dependency.name
            } else {
                &dependency.alias
            };
            if !names.insert(name) {
                return fail(format!("more than one dependency is named `{name}`"));
            }
        }
        Ok(())
    }

    /// The metadata as templates see it: by the names of Go's fields.
    pub(crate) fn to_value(&self, is_root: bool) -> ktl_gotmpl::Map {
        let mut fields: Vec<(&'static str, Value)> = vec![
            ("APIVersion", self.api_version.as_str().into()),
            ("Name", self.name.as_str().into()),
            ("Version", self.version.as_str().into()),
            ("AppVersion", self.app_version.as_str().into()),
            ("Type", self.kind.as_str().into()),
            ("Description", self.description.as_str().into()),
            ("KubeVersion", self.kube_version.as_str().into()),
            ("Deprecated", self.deprecated.into()),
            ("IsRoot", is_root.into()),
            (
                "Dependencies",
                Value::list(self.dependencies.iter().map(Dependency::to_value).collect()),
            ),
        ];
        for (name, value) in &self.others {
            let value = match (Value::from_json(value), *name) {
                (Value::Map(map), "Annotations") => Value::Map(map.as_kind(ktl_gotmpl::MapKind::Str)),
                (other, _) => other,
            };
            fields.push((name, value));
        }
        fields.into_iter().collect()
    }
}

impl Dependency {
    fn to_value(&self) -> Value {
        let fields: Vec<(&str, Value)> = vec![
            ("Name", self.name.as_str().into()),
            ("Version", self.version.as_str().into()),
            ("Repository", self.repository.as_str().into()),
            ("Condition", self.condition.as_str().into()),
            (
                "Tags",
                Value::list(self.tags.iter().map(|tag| Value::from(tag.as_str())).collect()),
            ),
            ("Enabled", self.enabled.into()),
            (
                "ImportValues",
                Value::list(self.import_values.iter().map(Value::from_json).collect()),
            ),
            ("Alias", self.alias.as_str().into()),
        ];
        Value::Map(fields.into_iter().collect())
    }
}

fn root(file: &str, text: &str) -> Result<Node, ChartError> {
    let documents = yaml::parse_documents(text).map_err(|error| ChartError::yaml(file, error))?;
    match documents.into_iter().next() {
        Some(document) if matches!(document.root.content, Content::Map(_) | Content::Null) => Ok(document.root),
        Some(document) => Err(ChartError::at(
            file,
            document.root.line,
            document.root.column,
            "expected a mapping of fields",
        )),
        None => Ok(Node {
            content: Content::Null,
            line: 1,
            column: 1,
        }),
    }
}

fn wrong(file: &str, node: &Node, field: &str, wanted: &str) -> ChartError {
    ChartError::at(file, node.line, node.column, format!("`{field}` must be {wanted}"))
}

/// The text of a scalar; Helm takes numbers and booleans for text too.
fn scalar(file: &str, node: &Node, field: &str) -> Result<String, ChartError> {
    Ok(match &node.content {
        Content::Null => String::new(),
        Content::Str(text) => sanitize(text),
        Content::Bool(value) => value.to_string(),
        Content::Int(value) => value.to_string(),
        Content::Uint(value) => value.to_string(),
        Content::Float(value) => short_float(*value),
        Content::List(_) | Content::Map(_) => return Err(wrong(file, node, field, "text")),
    })
}

/// A float with the digits of single precision, as Helm writes a number that should have been text.
fn short_float(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "Helm shortens the same way")]
    let short = value as f32;
    let digits: f64 = short.to_string().parse().unwrap_or(value);
    match Value::Float(digits) {
        Value::Float(number) if number.abs() < 1e6 && number.abs() >= 1e-4 => number.to_string(),
        _ => format!("{digits:e}"),
    }
}

/// Helm turns all white space into spaces and drops what cannot be printed.
fn sanitize(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_whitespace() { ' ' } else { character })
        .filter(|character| !character.is_control())
        .collect()
}

fn string(file: &str, root: &Node, field: &str) -> Result<String, ChartError> {
    root.get(field)
        .map_or(Ok(String::new()), |node| scalar(file, node, field))
}

fn boolean(file: &str, root: &Node, field: &str) -> Result<bool, ChartError> {
    match root.get(field) {
        None => Ok(false),
        Some(node) => match &node.content {
            Content::Bool(value) => Ok(*value),
            Content::Null => Ok(false),
            _ => Err(wrong(file, node, field, "`true` or `false`")),
        },
    }
}

fn items<'n>(file: &str, root: &'n Node, field: &str) -> Result<&'n [Node], ChartError> {
    match root.get(field) {
        None => Ok(&[]),
        Some(node) => match &node.content {
            Content::List(items) => Ok(items),
            Content::Null => Ok(&[]),
            _ => Err(wrong(file, node, field, "a list")),
        },
    }
}

fn strings(file: &str, root: &Node, field: &str) -> Result<Vec<String>, ChartError> {
    items(file, root, field)?
        .iter()
        .map(|node| scalar(file, node, field))
        .collect()
}

fn annotations(file: &str, root: &Node) -> Result<Json, ChartError> {
    let none = || Ok(Json::Object(serde_json::Map::new()));
    let Some(node) = root.get("annotations") else {
        return none();
    };
    match &node.content {
        Content::Null => none(),
        Content::Map(entries) => entries
            .iter()
            .map(|entry| {
                let text = match &entry.value.content {
                    // Annotations keep their line breaks.
                    Content::Str(text) => text.to_string(),
                    _ => scalar(file, &entry.value, "annotations")?,
                };
                Ok((entry.key.to_string(), Json::from(text)))
            })
            .collect::<Result<serde_json::Map<_, _>, _>>()
            .map(Json::Object),
        _ => Err(wrong(file, node, "annotations", "a mapping of names to text")),
    }
}

fn maintainers(file: &str, root: &Node) -> Result<Json, ChartError> {
    let all: Result<Vec<Json>, ChartError> = items(file, root, "maintainers")?
        .iter()
        .map(|node| {
            let mut fields = serde_json::Map::new();
            for (name, field) in [("Name", "name"), ("Email", "email"), ("URL", "url")] {
                fields.insert(name.to_owned(), string(file, node, field)?.into());
            }
            Ok(Json::Object(fields))
        })
        .collect();
    Ok(Json::Array(all?))
}

fn dependencies(file: &str, root: &Node) -> Result<Vec<Dependency>, ChartError> {
    items(file, root, "dependencies")?
        .iter()
        .map(|node| {
            if !matches!(node.content, Content::Map(_)) {
                return Err(wrong(file, node, "dependencies", "a list of mappings"));
            }
            Ok(Dependency {
                name: string(file, node, "name")?,
                version: string(file, node, "version")?,
                repository: string(file, node, "repository")?,
                condition: string(file, node, "condition")?,
                tags: strings(file, node, "tags")?,
                alias: string(file, node, "alias")?,
                import_values: items(file, node, "import-values")?.iter().map(Node::to_json).collect(),
                enabled: boolean(file, node, "enabled")?,
            })
        })
        .collect()
}
