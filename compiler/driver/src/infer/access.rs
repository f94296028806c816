//! Who may do what: bindings need their roles, and pods need their account and its bindings.

use std::collections::BTreeMap;

use ktl_plan::{RenderedObject, Until};
use serde_json::Value;

use super::pods::pod_spec;
use super::{Finder, Kind, SECRET, SERVICE_ACCOUNT, list};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn find(finder: &mut Finder) {
    let object = finder.object;
    if object.key.group == RBAC && object.key.kind.ends_with("Binding") {
        binding(finder);
    } else if finder.is("", "ServiceAccount") {
        for (i, secret) in list(&object.body, "imagePullSecrets") {
            finder.need(SECRET, secret.get("name"), || format!("imagePullSecrets[{i}]"));
        }
    } else if finder.is("", "Secret") {
        // Kubernetes deletes a token whose account is not there.
        let account = object
            .body
            .pointer("/metadata/annotations/kubernetes.io~1service-account.name");
        finder.need(SERVICE_ACCOUNT, account, || {
            "annotation kubernetes.io/service-account.name".to_owned()
        });
    } else {
        account(finder);
    }
}

fn binding(finder: &mut Finder) {
    let body = &finder.object.body;
    let role = |field: &str| body.pointer("/roleRef").and_then(|role| role.get(field));
    let kind = role("kind").and_then(Value::as_str).unwrap_or_default();
    let kind = Kind::new(RBAC, kind, kind == "Role", "role");
    finder.need(kind, role("name"), || "roleRef".to_owned());
    for (i, subject) in list(body, "subjects") {
        if subject.get("kind").and_then(Value::as_str) == Some("ServiceAccount") {
            let namespace = subject.get("namespace").and_then(Value::as_str);
            let namespace = namespace.unwrap_or(finder.namespace());
            finder.need_in(SERVICE_ACCOUNT, namespace, subject.get("name"), || {
                format!("subjects[{i}]")
            });
        }
    }
}

/// The account of a pod, and what gives it rights: a pod that starts before may find doors closed.
fn account(finder: &mut Finder) {
    let Some((path, spec)) = pod_spec(finder.object) else {
        return;
    };
    let written = ["serviceAccountName", "serviceAccount"]
        .into_iter()
        .find_map(|field| Some((field, spec.get(field).filter(|name| name.as_str() != Some(""))?)));
    let (name, evidence) = match written {
        Some((field, name)) => {
            finder.need(SERVICE_ACCOUNT, Some(name), || format!("{path}.{field}"));
            let name = name.as_str().unwrap_or_default();
            (
                name,
                format!("{path}.{field} is {name}, which the binding gives rights"),
            )
        }
        None => (
            "default",
            format!("{path} has the account default, which the binding gives rights"),
        ),
    };
    let key = (finder.object.key.cluster.as_str(), finder.namespace(), name);
    for to in finder.index.bindings.get(&key).into_iter().flatten() {
        finder.add(*to, Until::Applied, "access", evidence.clone());
    }
}

/// Which bindings name which account.
pub(super) fn bindings<'a>(objects: &[&'a RenderedObject]) -> BTreeMap<(&'a str, &'a str, &'a str), Vec<usize>> {
    let mut bindings: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    let all = objects.iter().enumerate();
    for (index, object) in all.filter(|(_, object)| object.key.group == RBAC) {
        for (_, subject) in list(&object.body, "subjects") {
            let text = |field: &str| subject.get(field).and_then(Value::as_str);
            if text("kind") == Some("ServiceAccount")
                && let Some(name) = text("name")
                && let Some(namespace) = text("namespace").or(object.key.namespace.as_deref())
            {
                let key = (object.key.cluster.as_str(), namespace, name);
                bindings.entry(key).or_default().push(index);
            }
        }
    }
    bindings
}
