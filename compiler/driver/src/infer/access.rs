//! Who may do what: bindings need their roles, and pods need the bindings of their account.

use std::collections::BTreeMap;

use ktl_plan::{RenderedObject, Until};
use serde_json::Value;

use super::pods::{list, pod_spec};
use super::{Finder, Target};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn find(finder: &mut Finder) {
    if finder.object.key.group == RBAC && finder.object.key.kind.ends_with("Binding") {
        binding(finder);
    } else {
        account(finder);
    }
}

fn binding(finder: &mut Finder) {
    let object = finder.object;
    let namespace = finder.namespace().to_owned();
    let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
    if let Some(role) = object.body.get("roleRef")
        && let (Some(kind), Some(name)) = (text(role, "kind"), text(role, "name"))
    {
        let scope = (kind == "Role").then_some(namespace.as_str());
        let to = Target {
            group: RBAC,
            kind: &kind,
            namespace: scope,
            name: &name,
        };
        finder.need(&to, Until::Applied, "role", format!("roleRef names {kind} {name}"));
    }
    for (i, subject) in list(&object.body, "subjects") {
        if text(subject, "kind").as_deref() == Some("ServiceAccount")
            && let Some(name) = text(subject, "name")
        {
            let scope = text(subject, "namespace").unwrap_or_else(|| namespace.clone());
            let to = Target {
                group: "",
                kind: "ServiceAccount",
                namespace: Some(&scope),
                name: &name,
            };
            finder.need(
                &to,
                Until::Applied,
                "service-account",
                format!("subjects[{i}] names ServiceAccount {name}"),
            );
        }
    }
}

fn account(finder: &mut Finder) {
    let object = finder.object;
    let Some((path, spec)) = pod_spec(&object.key.kind, &object.key.group, &object.body) else {
        return;
    };
    let Some(account) = spec.get("serviceAccountName").and_then(Value::as_str) else {
        return;
    };
    let key = (object.key.cluster.as_str(), finder.namespace(), account);
    for index in finder.index.bindings.get(&key).cloned().unwrap_or_default() {
        let evidence = format!("{path}.serviceAccountName is {account}, which the binding gives rights");
        finder.need_index(index, Until::Applied, "access", evidence);
    }
}

/// Which bindings name which account.
pub(super) fn bindings(objects: &[RenderedObject]) -> BTreeMap<(&str, &str, &str), Vec<usize>> {
    let mut bindings: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, object) in objects
        .iter()
        .enumerate()
        .filter(|(_, object)| object.key.group == RBAC)
    {
        for (_, subject) in list(&object.body, "subjects") {
            let text = |field: &str| subject.get(field).and_then(Value::as_str);
            if text("kind") == Some("ServiceAccount")
                && let Some(name) = text("name")
                && let Some(namespace) = text("namespace").or(object.key.namespace.as_deref())
            {
                bindings
                    .entry((object.key.cluster.as_str(), namespace, name))
                    .or_default()
                    .push(index);
            }
        }
    }
    bindings
}
