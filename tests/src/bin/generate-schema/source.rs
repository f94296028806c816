//! Reads the published documents of one Kubernetes version.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::enums::{self, Enums};

/// The documents of one version.
pub struct Release {
    /// `37` is Kubernetes 1.37.
    pub minor: u8,
    /// `1.37.2`.
    pub version: String,
    /// Every OpenAPI schema by its name.
    pub definitions: BTreeMap<String, Value>,
    /// The resources of every group and version, sub-resources included.
    pub resources: BTreeMap<(String, String), Vec<Value>>,
    /// Every group with its versions in the order of the API server, the core group first.
    pub groups: Vec<(String, Vec<String>)>,
    /// Allowed values, which the published OpenAPI leaves out.
    pub enums: Enums,
}

/// Reads the module folder `k8s.io/kubernetes@v1.MINOR.PATCH`.
pub fn read(folder: &Path) -> Result<Release, String> {
    let (minor, version) = version(folder)?;
    let mut definitions = BTreeMap::new();
    for path in list(&folder.join("api/openapi-spec/v3"))? {
        let document = json(&path)?;
        let Some(schemas) = document.pointer("/components/schemas").and_then(Value::as_object) else {
            continue;
        };
        definitions.extend(schemas.iter().map(|(name, schema)| (name.clone(), schema.clone())));
    }
    let discovery = folder.join("api/discovery");
    let mut resources = BTreeMap::new();
    for path in list(&discovery)? {
        let document = json(&path)?;
        if text(&document, "kind") != "APIResourceList" {
            continue;
        }
        let group_version = text(&document, "groupVersion");
        let (group, version) = group_version.split_once('/').unwrap_or(("", group_version));
        resources.insert(
            (group.to_owned(), version.to_owned()),
            array(&document, "resources").to_vec(),
        );
    }
    Ok(Release {
        minor,
        version,
        definitions,
        resources,
        groups: groups(&json(&discovery.join("apis.json"))?),
        enums: enums::read(&file(&folder.join("pkg/generated/openapi/zz_generated.openapi.go"))?),
    })
}

/// The member's text, or none.
pub fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// The member's elements, or none.
pub fn array<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value
        .get(member)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// The member's texts, or none.
pub fn texts(value: &Value, member: &str) -> Vec<String> {
    array(value, member)
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The member's own members, in order.
pub fn members<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value
        .get(member)
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
}

fn groups(document: &Value) -> Vec<(String, Vec<String>)> {
    let mut groups = vec![(String::new(), vec!["v1".to_owned()])];
    for group in array(document, "groups") {
        let preferred = group
            .pointer("/preferredVersion/version")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut versions: Vec<String> = array(group, "versions")
            .iter()
            .map(|version| text(version, "version").to_owned())
            .collect();
        // A stable sort moves the preferred version to the front and leaves the server's order otherwise.
        versions.sort_by_key(|version| version != preferred);
        groups.push((text(group, "name").to_owned(), versions));
    }
    groups
}

fn version(folder: &Path) -> Result<(u8, String), String> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let version = name.split_once("@v").map(|(_, version)| version).unwrap_or_default();
    let minor = version
        .strip_prefix("1.")
        .and_then(|rest| rest.split('.').next())
        .and_then(|minor| minor.parse().ok());
    let minor = minor.ok_or_else(|| format!("`{name}` is not named like `kubernetes@v1.37.2`"))?;
    Ok((minor, version.to_owned()))
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("cannot list `{}`: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}

fn json(path: &Path) -> Result<Value, String> {
    serde_json::from_str(&file(path)?).map_err(|error| format!("cannot parse `{}`: {error}", path.display()))
}

fn file(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}
