//! Which object a body is: its kind, its name, and the namespace that it goes to.

use std::collections::{BTreeMap, BTreeSet};

use ktl_lang::stack::{Release, Stack};
use ktl_plan::{ObjectKey, RenderedObject};
use ktl_syntax::{Diagnostic, Diagnostics, Sources, Span};
use serde_json::Value;

use super::{Raw, Rendered};
use crate::assemble::source;

/// Whether a custom kind lives in namespaces, by cluster, group and kind.
type Scopes = BTreeMap<(String, String, String), bool>;

pub(super) fn identify(
    stack: &Stack,
    raw: Vec<Raw>,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Vec<Rendered> {
    let scopes = scopes(stack, &raw);
    let mut unknown = BTreeSet::new();
    let mut rendered = Vec::with_capacity(raw.len());
    for raw in raw {
        let Some(owner) = stack.releases.get(raw.release) else {
            continue;
        };
        match one(owner, raw.body, &scopes) {
            Ok((object, known)) => {
                if !known && unknown.insert((object.api_version.clone(), object.key.kind.clone())) {
                    diagnostics.push(unknown_kind(&object, raw.span));
                }
                rendered.push(Rendered {
                    release: raw.release,
                    object,
                    span: raw.span,
                    source: raw.source,
                });
            }
            Err(problem) => {
                // A place of its own need not be named twice.
                let what = match raw.source == source(sources, raw.span) {
                    true => "this".to_owned(),
                    false => format!("`{}`", raw.source.file),
                };
                let message = format!("{what} makes no Kubernetes object: {problem}");
                diagnostics.push(Diagnostic::error("K0612", raw.span, message));
            }
        }
    }
    rendered
}

fn unknown_kind(object: &RenderedObject, span: Span) -> Diagnostic {
    let RenderedObject { key, api_version, .. } = object;
    let kind = &key.kind;
    match served(&key.group, kind) {
        Some(served) => {
            let message = format!("Kubernetes does not serve `{kind}` in {api_version}");
            let help = format!("write `apiVersion: {}`", served.api_version());
            Diagnostic::warning("K0613", span, message).help(help)
        }
        None => {
            let message = format!("`{kind}` of {api_version} is not known here; it is taken to live in a namespace");
            let help = format!("let the stack deploy the definition of `{kind}`, with `k8s.Manifests`");
            Diagnostic::warning("K0613", span, message).help(help)
        }
    }
}

/// What Kubernetes serves today for a kind of one of its own groups, in whichever version.
fn served(group: &str, kind: &str) -> Option<&'static ktl_schema::Kind> {
    let own = !group.contains('.') || group.ends_with(".k8s.io");
    ktl_schema::preferred(kind).filter(|_| own)
}

/// What the stack itself says of kinds that Kubernetes does not know: its definitions, and what the language has made of
/// those it imports.
fn scopes(stack: &Stack, raw: &[Raw]) -> Scopes {
    let mut scopes = Scopes::new();
    for raw in raw {
        let Some(release) = stack.releases.get(raw.release) else {
            continue;
        };
        let text = |pointer: &str| text(&raw.body, pointer).map(str::to_owned);
        if text("/kind").as_deref() == Some("CustomResourceDefinition")
            && let (Some(group), Some(kind)) = (text("/spec/group"), text("/spec/names/kind"))
        {
            let namespaced = text("/spec/scope").as_deref() != Some("Cluster");
            scopes.insert((release.cluster.clone(), group, kind), namespaced);
        } else if raw.typed
            && let (Some(api_version), Some(kind)) = (text("/apiVersion"), text("/kind"))
        {
            let namespaced = raw.body.pointer("/metadata/namespace").is_some();
            let key = (release.cluster.clone(), group(&api_version).to_owned(), kind);
            scopes.entry(key).or_insert(namespaced);
        }
    }
    scopes
}

/// The object, with its namespace filled in, and whether its kind is known.
fn one(release: &Release, mut body: Value, scopes: &Scopes) -> Result<(RenderedObject, bool), String> {
    if !body.is_object() {
        return Err("expected names and values, with `apiVersion`, `kind` and `metadata`".to_owned());
    }
    let required = |pointer: &str, name: &str| {
        let found = text(&body, pointer).filter(|text| !text.is_empty()).map(str::to_owned);
        found.ok_or_else(|| format!("it has no `{name}`"))
    };
    let api_version = required("/apiVersion", "apiVersion")?;
    let kind = required("/kind", "kind")?;
    if kind.ends_with("List") && body.get("items").is_some_and(Value::is_array) {
        return Err(format!("a `{kind}` cannot be inside a list"));
    }
    let name = required("/metadata/name", "metadata.name")?;
    let group = group(&api_version).to_owned();
    if !(is_path_segment(&kind) && group.split('.').all(is_path_segment)) {
        return Err(format!("{api_version:?} and {kind:?} are no `apiVersion` and `kind`"));
    }
    if !is_name(&name, &group, &kind) {
        let rule = "use lower-case letters, digits, `-` and `.`";
        return Err(format!("{name:?} is not a name for an object; {rule}"));
    }

    let known = match ktl_schema::kind(&api_version, &kind) {
        Some(known) => Some(known.namespaced),
        None => scopes
            .get(&(release.cluster.clone(), group.clone(), kind.clone()))
            .copied(),
    };
    let namespaced = known.unwrap_or_else(|| served(&group, &kind).is_none_or(|served| served.namespaced));
    let namespace = namespaced.then(|| {
        let written = text(&body, "/metadata/namespace").filter(|namespace| !namespace.is_empty());
        written.unwrap_or(&release.namespace).to_owned()
    });
    if let Some(namespace) = namespace.as_deref().filter(|namespace| !is_label(namespace)) {
        return Err(format!(
            "{namespace:?} is not a name for a namespace; use lower-case letters, digits and `-`"
        ));
    }
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
    Ok((RenderedObject { key, api_version, body }, known.is_some()))
}

fn text<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    body.pointer(pointer).and_then(Value::as_str)
}

/// `apps` of `apps/v1`; empty for `v1`.
fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// Ids and request paths are made of these parts.
fn is_path_segment(text: &str) -> bool {
    let free = |character: char| !character.is_control() && !character.is_whitespace() && !"/%?#".contains(character);
    text != "." && text != ".." && text.chars().all(free)
}

/// What the API server takes as a name. A few kinds have more freedom, such as `system:node` for a role.
fn is_name(name: &str, group: &str, kind: &str) -> bool {
    if group == "rbac.authorization.k8s.io" || matches!(kind, "ClusterTrustBundle" | "IPAddress") {
        return is_path_segment(name);
    }
    name.len() <= 253 && name.split('.').all(is_label_of_any_length)
}

fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_label_of_any_length(text)
}

fn is_label_of_any_length(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && !text.starts_with('-') && !text.ends_with('-') && text.bytes().all(inside)
}
