//! Tables: the rows that `kubectl get` prints.

mod columns;
mod human;
mod workloads;

use serde_json::{Value, json};

use crate::cluster::State;
use crate::resources::Resource;
use columns::{Column, Row};

/// Objects as a `Table`. Each row carries the object (`include` = `Object`), its metadata (the default) or nothing
/// (`None`); `head` says whether the columns are described.
pub fn of(state: &State, resource: &Resource, objects: &[&Value], version: &str, include: &str, head: bool) -> Value {
    let (columns, cells) = columns::of(resource);
    let now = state.clock.unix();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let row = Row { object, now };
            let carried = match include {
                "None" => Value::Null,
                "Object" => crate::http::shown(resource, object),
                _ => crate::http::metadata(object),
            };
            let cells: Vec<Value> = cells.iter().map(|cell| cell(&row)).collect();
            json!({ "cells": cells, "object": carried })
        })
        .collect();
    let mut table = json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": { "resourceVersion": version },
        "columnDefinitions": if head { columns.iter().map(Column::to_json).collect::<Vec<_>>() } else { Vec::new() },
        "rows": rows,
    });
    if !head {
        crate::value::put(&mut table, &["columnDefinitions"], Value::Null);
    }
    table
}
