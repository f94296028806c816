//! Lists: whole or by pages, now or as of an earlier version.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::objects::{metadata, shown};
use super::query::Format;
use super::{Call, Reply};
use crate::cluster::State;
use crate::ops::Target;
use crate::select::Selector;
use crate::status::Failure;
use crate::table;
use crate::value::{int, name, namespace, put, text};

/// Answers a list.
pub fn answer(state: &State, call: &Call, target: &Target) -> Result<Reply, Failure> {
    let resource = &target.resource;
    let query = &call.query;
    let format = query.try_format()?;
    let selector = Selector::parse(
        query.get("labelSelector"),
        query.get("fieldSelector"),
        &resource.collection,
    )?;
    let limit = query
        .number("limit")?
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| *limit > 0);
    let (version, after) = start(state, call)?;
    let now = state.store.version();
    let mut objects = if version == now {
        state.store.list(&resource.collection, &target.namespace)
    } else {
        state.store.list_at(&resource.collection, &target.namespace, version).ok_or_else(|| {
            Failure::expired("The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.")
        })?
    };
    if let Some((ns, title)) = &after {
        objects.retain(|object| (namespace(object), name(object)) > (ns.as_str(), title.as_str()));
    }
    objects.retain(|object| selector.matches(object));
    let mut meta = json!({ "resourceVersion": version.to_string() });
    if let Some(limit) = limit.filter(|limit| objects.len() > *limit) {
        let rest = objects.len() - limit;
        objects.truncate(limit);
        if let Some(last) = objects.last() {
            let token = json!({ "rv": version, "ns": namespace(last), "name": name(last) });
            put(
                &mut meta,
                &["continue"],
                BASE64_URL_SAFE_NO_PAD.encode(token.to_string()),
            );
            put(&mut meta, &["remainingItemCount"], rest as u64);
        }
    }
    let body = match format {
        Format::Table => {
            let rows: Vec<&Value> = objects.iter().map(|object| &**object).collect();
            let mut table = table::of(
                state,
                resource,
                &rows,
                &version.to_string(),
                query.get("includeObject"),
                true,
            );
            put(&mut table, &["metadata"], meta);
            table
        }
        Format::Metadata => json!({
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": meta,
            "items": objects.iter().map(|object| metadata(object)).collect::<Vec<_>>(),
        }),
        _ => json!({
            "kind": format!("{}List", resource.kind),
            "apiVersion": resource.api_version(),
            "metadata": meta,
            "items": items(target, &objects),
        }),
    };
    Ok(Reply::formatted(200, &body, &format))
}

/// Items of built-in kinds leave out what the list says already.
fn items(target: &Target, objects: &[Arc<Value>]) -> Vec<Value> {
    let one = |object: &Arc<Value>| {
        let mut out = shown(&target.resource, object);
        if target.resource.custom.is_none() {
            crate::value::take(&mut out, &["apiVersion"]);
            crate::value::take(&mut out, &["kind"]);
        }
        out
    };
    objects.iter().map(one).collect()
}

/// The version that the list shows, and the object after which it starts.
fn start(state: &State, call: &Call) -> Result<(u64, Option<(String, String)>), Failure> {
    let now = state.store.version();
    let token = call.query.get("continue");
    if !token.is_empty() {
        let bad = || Failure::bad_request("continue key is not valid");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| bad())?;
        let token: Value = serde_json::from_slice(&bytes).map_err(|_| bad())?;
        let version = int(&token, &["rv"])
            .and_then(|version| u64::try_from(version).ok())
            .ok_or_else(bad)?;
        let after = (text(&token, &["ns"]).to_owned(), text(&token, &["name"]).to_owned());
        return Ok((version.min(now), Some(after)));
    }
    let given = call.query.number("resourceVersion").map_err(|_| {
        Failure::bad_request(format!(
            "invalid resource version \"{}\"",
            call.query.get("resourceVersion")
        ))
    })?;
    let exact = call.query.get("resourceVersionMatch") == "Exact";
    match given {
        Some(version) if version > now => Err(too_large(version, now)),
        Some(version) if exact => Ok((version, None)),
        _ => Ok((now, None)),
    }
}

/// The answer to a version that does not exist yet.
pub fn too_large(version: u64, now: u64) -> Failure {
    let why = format!("Timeout: Too large resource version: {version}, current: {now}");
    let mut failure = Failure::new(504, "Timeout", why);
    failure.details = json!({
        "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }],
        "retryAfterSeconds": 1,
    });
    failure
}
