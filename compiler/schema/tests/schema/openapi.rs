//! The OpenAPI documents: valid JSON, closed under references, and with what kubectl looks for.

use std::collections::BTreeSet;

use ktl_schema::{groups, kinds, openapi_v3};
use serde_json::{Value, json};

fn document(group: &str, version: &str) -> Value {
    let text = openapi_v3(group, version).unwrap_or_else(|| panic!("no document for `{group}/{version}`"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("`{group}/{version}`: {error}"))
}

#[test]
fn every_version_has_a_document_whose_references_resolve() {
    for (group, version) in groups()
        .iter()
        .flat_map(|group| group.versions.iter().map(|version| (group.name, version)))
    {
        let document = document(group, version);
        let mut names = BTreeSet::new();
        references(&document, &mut names);
        assert!(!names.is_empty());
        for name in names {
            let schema = document.pointer(&format!("/components/schemas/{name}"));
            assert!(schema.is_some(), "`{group}/{version}` has no `{name}`");
        }
    }
    assert_eq!(openapi_v3("apps", "v2"), None);
    assert_eq!(openapi_v3("example.com", "v1"), None);
}

fn references<'a>(value: &'a Value, names: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            // A JSON schema has a property of that name, so only a text is a reference.
            if let Some(Value::String(reference)) = members.get("$ref") {
                names.insert(
                    reference
                        .strip_prefix("#/components/schemas/")
                        .expect("a reference to a schema"),
                );
            }
            members.values().for_each(|member| references(member, names));
        }
        Value::Array(elements) => elements.iter().for_each(|element| references(element, names)),
        _ => {}
    }
}

#[test]
fn every_kind_is_found_by_its_group_version_and_kind() {
    for (group, version) in groups()
        .iter()
        .flat_map(|group| group.versions.iter().map(|version| (group.name, version)))
    {
        let document = document(group, version);
        for kind in kinds().filter(|kind| kind.group == group && kind.version == *version) {
            let schema = &document["components"]["schemas"][kind.record.name];
            let wanted = json!([{ "group": group, "version": version, "kind": kind.kind }]);
            assert_eq!(schema["x-kubernetes-group-version-kind"], wanted, "{kind:?}");
            assert_eq!(
                schema["properties"].as_object().map_or(0, |fields| fields.len()),
                kind.record.fields.len()
            );
        }
    }
}

/// What `kubectl apply` reads: the validation parameter and the merge keys of strategic merge patches.
#[test]
fn a_deployment_can_be_patched() {
    let document = document("apps", "v1");
    let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert_eq!(
        patch["x-kubernetes-group-version-kind"],
        json!({ "group": "apps", "version": "v1", "kind": "Deployment" })
    );
    let parameters: Vec<&str> = patch["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|p| p["name"].as_str())
        .collect();
    assert_eq!(parameters, ["dryRun", "fieldManager", "fieldValidation", "force"]);
    assert!(patch["requestBody"]["content"]["application/strategic-merge-patch+json"].is_object());

    let containers = &document["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"];
    assert_eq!(
        containers["items"],
        json!({ "allOf": [{ "$ref": "#/components/schemas/io.k8s.api.core.v1.Container" }] })
    );
    assert_eq!(containers["x-kubernetes-list-type"], "map");
    assert_eq!(containers["x-kubernetes-list-map-keys"], json!(["name"]));
    assert_eq!(containers["x-kubernetes-patch-merge-key"], "name");
    assert_eq!(containers["x-kubernetes-patch-strategy"], "merge");
}

/// What `kubectl explain` reads: paths, types, enums and documentation.
#[test]
fn a_strategy_can_be_explained() {
    let document = document("apps", "v1");
    assert_eq!(
        document["paths"]["/apis/apps/v1/deployments"]["get"]["x-kubernetes-action"],
        "list"
    );
    let strategy = &document["components"]["schemas"]["io.k8s.api.apps.v1.DeploymentStrategy"];
    assert_eq!(strategy["type"], "object");
    let ty = &strategy["properties"]["type"];
    assert_eq!(
        (&ty["type"], &ty["enum"]),
        (&json!("string"), &json!(["Recreate", "RollingUpdate"]))
    );
    assert!(
        ty["description"]
            .as_str()
            .unwrap()
            .contains("\n\nPossible enum values:\n - `\"Recreate\"`")
    );
}

/// Cluster-wide kinds have no namespace in their paths, reviews only take `create`, and subresources speak their own kind.
#[test]
fn paths_follow_scope_and_verbs() {
    let core = document("", "v1");
    let paths = core["paths"].as_object().unwrap();
    assert!(paths.contains_key("/api/v1/namespaces/{name}") && paths.contains_key("/api/v1/nodes/{name}/status"));
    assert!(!paths.contains_key("/api/v1/namespaces/{namespace}/nodes"));
    let reviews = document("authorization.k8s.io", "v1");
    let review = reviews["paths"]["/apis/authorization.k8s.io/v1/subjectaccessreviews"]
        .as_object()
        .unwrap();
    assert_eq!(review.keys().collect::<Vec<_>>(), ["post"]);
    let apps = document("apps", "v1");
    let scale = &apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]["get"];
    assert_eq!(
        scale["x-kubernetes-group-version-kind"],
        json!({ "group": "autoscaling", "version": "v1", "kind": "Scale" })
    );
    let scale = &apps["components"]["schemas"]["io.k8s.api.autoscaling.v1.Scale"];
    assert_eq!(scale["x-kubernetes-group-version-kind"][0]["kind"], "Scale");
}
