//! Combining values: Helm's rules for defaults, sub-charts, globals and null.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::chart::Chart;
use crate::error::ChartError;

/// A mapping of values.
pub(crate) type Table = serde_json::Map<String, Json>;

/// Puts `over` on top of `base`, as Helm layers values files and `--set`: mappings are merged, anything else is
/// replaced. A null replaces too, and stays: when the chart is rendered it removes the chart's default.
pub fn merge_values(base: Json, over: Json) -> Json {
    match (base, over) {
        (Json::Object(mut base), Json::Object(over)) => {
            overlay(&mut base, over);
            Json::Object(base)
        }
        (base, Json::Null) => base,
        (_, over) => over,
    }
}

/// The same in place, as with several documents of one values file.
pub(crate) fn overlay(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Json::Object(base)), Json::Object(over)) => overlay(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// The values that a chart is rendered with: `supplied` on top of the chart's own and its sub-charts' defaults.
/// With `keep_nulls` nulls stay, for a later round.
pub(crate) fn coalesce(chart: &Chart, supplied: &Table, keep_nulls: bool) -> Result<Table, ChartError> {
    let mut values = supplied.clone();
    coalesce_into(chart, &mut values, keep_nulls)?;
    Ok(values)
}

fn coalesce_into(chart: &Chart, values: &mut Table, keep_nulls: bool) -> Result<(), ChartError> {
    own_defaults(chart, values, keep_nulls);
    for sub in &chart.dependencies {
        let name = &sub.metadata.name;
        let globals = match values.get("global") {
            None => Some(Table::new()),
            Some(Json::Object(globals)) => Some(globals.clone()),
            // Globals that are no mapping are left alone.
            Some(_) => None,
        };
        let inner = values.entry(name.clone()).or_insert_with(|| Json::Object(Table::new()));
        let Json::Object(inner) = inner else {
            let message = format!("the values under `{name}` must be a mapping, for they go to the sub-chart `{name}`");
            return Err(ChartError::new("", message));
        };
        if let Some(globals) = globals {
            push_globals(inner, globals);
        }
        coalesce_into(sub, inner, keep_nulls)?;
    }
    Ok(())
}

fn push_globals(inner: &mut Table, globals: Table) {
    let own = inner.entry("global").or_insert_with(|| Json::Object(Table::new()));
    let Json::Object(own) = own else { return };
    for (key, value) in globals {
        match (value, own.get_mut(&key)) {
            (Json::Object(mut table), Some(Json::Object(known))) => {
                // The outer chart's globals win over the inner one's.
                merge_tables(&mut table, std::mem::take(known), true);
                own.insert(key, Json::Object(table));
            }
            (Json::Object(table), None) => {
                own.insert(key, Json::Object(table));
            }
            (Json::Object(_), Some(_)) | (_, Some(Json::Object(_))) => {}
            (value, _) => {
                own.insert(key, value);
            }
        }
    }
}

fn own_defaults(chart: &Chart, values: &mut Table, keep_nulls: bool) {
    let subcharts: BTreeSet<&str> = chart
        .dependencies
        .iter()
        .map(|sub| sub.metadata.name.as_str())
        .collect();
    for (key, default) in &chart.values {
        match (values.get_mut(key), default) {
            (Some(Json::Null), _) if !keep_nulls => {
                values.remove(key);
            }
            (Some(Json::Object(table)), Json::Object(defaults)) => {
                let keep_nulls = keep_nulls || subcharts.contains(key.as_str());
                let mut defaults = defaults.clone();
                if !keep_nulls {
                    drop_nulls(&mut defaults);
                }
                merge_tables(table, defaults, keep_nulls);
            }
            (Some(_), _) => {}
            (None, default) => {
                if !keep_nulls && default.is_null() {
                    continue;
                }
                let mut default = default.clone();
                if let (false, Json::Object(table)) = (keep_nulls, &mut default) {
                    drop_nulls(table);
                }
                values.insert(key.clone(), default);
            }
        }
    }
}

/// Removes nulls from nested mappings, so that a default of null does not show.
fn drop_nulls(table: &mut Table) {
    table.retain(|_, value| !value.is_null());
    for value in table.values_mut() {
        if let Json::Object(table) = value {
            drop_nulls(table);
        }
    }
}

/// Fills `over` with what only `base` has. A null in `over` removes the key, unless nulls are kept.
pub(crate) fn merge_tables(over: &mut Table, base: Table, keep_nulls: bool) {
    for (key, value) in base {
        match (over.get_mut(&key), value) {
            (Some(Json::Null), value) => {
                if !keep_nulls && !value.is_null() {
                    over.remove(&key);
                }
            }
            (Some(Json::Object(over)), Json::Object(base)) => merge_tables(over, base, keep_nulls),
            (Some(_), _) => {}
            (None, value) => {
                over.insert(key, value);
            }
        }
    }
}

/// The mapping at a dotted path.
pub(crate) fn table_at<'t>(values: &'t Table, path: &str) -> Option<&'t Table> {
    let mut table = values;
    for name in path.split('.') {
        table = table.get(name)?.as_object()?;
    }
    Some(table)
}

/// The value at a dotted path, unless it is a mapping.
pub(crate) fn value_at<'t>(values: &'t Table, path: &str) -> Option<&'t Json> {
    let value = match path.rsplit_once('.') {
        Some((folder, name)) => table_at(values, folder)?.get(name)?,
        None => values.get(path)?,
    };
    (!value.is_object()).then_some(value)
}
