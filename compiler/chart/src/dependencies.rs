//! Which sub-charts take part, under which names, and what values they hand up.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::chart::Chart;
use crate::error::ChartError;
use crate::metadata::Dependency;
use crate::values::{Table, coalesce, merge_tables, table_at, value_at};

/// Removes disabled sub-charts, applies aliases and imports values, as Helm does before rendering.
pub(crate) fn process(chart: &mut Chart, supplied: &Table) -> Result<(), ChartError> {
    select(chart, supplied, "")?;
    import_all(chart)
}

fn select(chart: &mut Chart, supplied: &Table, path: &str) -> Result<(), ChartError> {
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let present = std::mem::take(&mut chart.dependencies);
    let asked = std::mem::take(&mut chart.metadata.dependencies);
    // Charts that nobody asked for are part of the chart too.
    let mut selected: Vec<Chart> = present
        .iter()
        .filter(|sub| !asked.iter().any(|dependency| fits(dependency, sub)))
        .cloned()
        .collect();
    let mut dependencies = Vec::new();
    for mut dependency in asked {
        if let Some(found) = present.iter().find(|sub| fits(&dependency, sub)) {
            let mut sub = found.clone();
            if !dependency.alias.is_empty() {
                sub.metadata.name = dependency.alias.clone();
            }
            selected.push(sub);
        }
        if !dependency.alias.is_empty() {
            dependency.name = dependency.alias.clone();
        }
        dependency.enabled = true;
        dependencies.push(dependency);
    }
    chart.dependencies = selected;
    let all = coalesce(chart, supplied, false)?;
    for dependency in &mut dependencies {
        apply_tags(dependency, &all);
        apply_condition(dependency, &all, path);
    }
    let disabled: BTreeSet<String> = dependencies
        .iter()
        .filter(|dependency| !dependency.enabled)
        .map(|dependency| dependency.name.clone())
        .collect();
    chart.dependencies.retain(|sub| !disabled.contains(&sub.metadata.name));
    dependencies.retain(|dependency| !disabled.contains(&dependency.name));
    chart.metadata.dependencies = dependencies;
    for sub in &mut chart.dependencies {
        let inner = format!("{path}{}.", sub.metadata.name);
        select(sub, &all, &inner)?;
    }
    Ok(())
}

fn fits(dependency: &Dependency, chart: &Chart) -> bool {
    dependency.name == chart.metadata.name
        && ktl_gotmpl::version_satisfies(&dependency.version, &chart.metadata.version).unwrap_or(false)
}

fn apply_tags(dependency: &mut Dependency, all: &Table) {
    let Some(Json::Object(tags)) = all.get("tags") else {
        return;
    };
    let states: Vec<bool> = dependency
        .tags
        .iter()
        .filter_map(|tag| tags.get(tag)?.as_bool())
        .collect();
    if !states.is_empty() {
        dependency.enabled = states.contains(&true);
    }
}

/// The first condition that has a value decides.
fn apply_condition(dependency: &mut Dependency, all: &Table, path: &str) {
    let conditions = dependency
        .condition
        .trim()
        .split(',')
        .filter(|condition| !condition.is_empty());
    let decided = conditions
        .into_iter()
        .find_map(|condition| value_at(all, &format!("{path}{condition}"))?.as_bool());
    if let Some(enabled) = decided {
        dependency.enabled = enabled;
    }
}

fn import_all(chart: &mut Chart) -> Result<(), ChartError> {
    for sub in &mut chart.dependencies {
        import_all(sub)?;
    }
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let mut combined = coalesce(chart, &Table::new(), true)?;
    let mut imported = Table::new();
    for dependency in &chart.metadata.dependencies {
        for import in &dependency.import_values {
            let (child, parent) = match import {
                Json::String(name) => (format!("exports.{name}"), ".".to_owned()),
                Json::Object(fields) => {
                    let field = |name: &str| fields.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
                    (field("child"), field("parent"))
                }
                _ => continue,
            };
            if let Some(table) = table_at(&combined, &format!("{}.{child}", dependency.name)) {
                merge_tables(&mut imported, nested(&parent, table.clone()), true);
            }
        }
    }
    merge_tables(&mut combined, imported, true);
    chart.values = combined;
    Ok(())
}

/// The table at a dotted path of a new one.
fn nested(path: &str, table: Table) -> Table {
    if path == "." {
        return table;
    }
    path.rsplit('.').fold(table, |inner, name| {
        [(name.to_owned(), Json::Object(inner))].into_iter().collect()
    })
}
