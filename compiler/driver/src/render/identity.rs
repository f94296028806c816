//! Which object a body is: its kind, its name, and the namespace that it goes to.

use std::collections::{BTreeMap, BTreeSet};

use ktl_lang::stack::{self, Stack};
use ktl_plan::{ObjectKey, RenderedObject};
use ktl_syntax::{Diagnostic, Diagnostics};
use serde_json::Value;

use super::{Raw, Rendered};

/// Whether a custom kind lives in namespaces, by cluster, group and kind.
type Scopes = BTreeMap<(String, String, String), bool>;

pub(super) fn identify(stack: &Stack, raw: Vec<Raw>, diagnostics: &mut Diagnostics) -> Vec<Rendered> {
    let scopes = scopes(stack, &raw);
    let mut unknown = BTreeSet::new();
    let mut rendered = Vec::with_capacity(raw.len());
    for Raw {
        release,
        body,
        span,
        source,
    } in raw
    {
        let Some(owner) = stack.releases.get(release) else {
            continue;
        };
        match one(owner, body, &scopes) {
            Ok((object, known)) => {
                let kind = (object.api_version.clone(), object.key.kind.clone());
                if !known && unknown.insert(kind) {
                    let kind = &object.key.kind;
                    let message = format!(
                        "`{kind}` of {} is not known here; it is taken to live in a namespace",
                        object.api_version
                    );
                    let help = format!("let the stack deploy the definition of `{kind}`, with `k8s.Manifests`");
                    diagnostics.push(Diagnostic::warning("K0613", span, message).help(help));
                }
                rendered.push(Rendered {
                    release,
                    object,
                    span,
                    source,
                });
            }
            Err(missing) => {
                let message = format!("{source} makes no Kubernetes object: {missing}");
                diagnostics.push(Diagnostic::error("K0612", span, message));
            }
        }
    }
    rendered
}

/// What the stack's own definitions say of their kinds.
fn scopes(stack: &Stack, raw: &[Raw]) -> Scopes {
    let definitions = raw
        .iter()
        .filter(|raw| text(&raw.body, "/kind") == Some("CustomResourceDefinition"));
    let scope = |raw: &Raw| {
        let cluster = stack.releases.get(raw.release)?.cluster.clone();
        let group = text(&raw.body, "/spec/group")?.to_owned();
        let kind = text(&raw.body, "/spec/names/kind")?.to_owned();
        Some((
            (cluster, group, kind),
            text(&raw.body, "/spec/scope") != Some("Cluster"),
        ))
    };
    definitions.filter_map(scope).collect()
}

/// The object, with its namespace filled in, and whether its kind is known.
fn one(release: &stack::Release, mut body: Value, scopes: &Scopes) -> Result<(RenderedObject, bool), String> {
    let required = |pointer: &str, name: &str| {
        let found = text(&body, pointer).filter(|text| !text.is_empty()).map(str::to_owned);
        found.ok_or_else(|| format!("it has no `{name}`"))
    };
    let api_version = required("/apiVersion", "apiVersion")?;
    let kind = required("/kind", "kind")?;
    let name = required("/metadata/name", "metadata.name")?;
    let group = api_version.split_once('/').map_or("", |(group, _)| group).to_owned();

    let own = (release.cluster.clone(), group.clone(), kind.clone());
    let scope = match ktl_schema::kind(&api_version, &kind) {
        Some(known) => Some(known.namespaced),
        None => scopes.get(&own).copied(),
    };
    let namespace = scope.unwrap_or(true).then(|| {
        let written = text(&body, "/metadata/namespace").filter(|namespace| !namespace.is_empty());
        written.unwrap_or(&release.namespace).to_owned()
    });
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        match &namespace {
            Some(namespace) => metadata.insert("namespace".to_owned(), Value::from(namespace.as_str())),
            None => metadata.remove("namespace"),
        };
    }
    let key = ObjectKey {
        cluster: release.cluster.clone(),
        namespace,
        kind,
        group,
        name,
    };
    Ok((RenderedObject { key, api_version, body }, scope.is_some()))
}

fn text<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    body.pointer(pointer).and_then(Value::as_str)
}
