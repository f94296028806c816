//! Allowed values of text fields. The published OpenAPI leaves them out, the generated Go code that it comes from has
//! them, one property per line and always indented alike.

use std::collections::BTreeMap;

/// The allowed values of properties, by the Go function that describes the record and the property's name.
pub type Enums = BTreeMap<(String, String), Enum>;

/// What the Go code says of one property.
#[derive(Clone)]
pub struct Enum {
    /// The allowed values, sorted.
    pub values: Vec<String>,
    /// Whether they are those of the list's elements instead of the property itself.
    pub of_items: bool,
    /// The property's documentation with a line per value; absent for elements, whose property does not list them.
    pub doc: Option<String>,
}

const PROPERTY: &str = "\t\t\t\t\t";
const ATTRIBUTE: &str = "\t\t\t\t\t\t\t";
const ITEM_ATTRIBUTE: &str = "\t\t\t\t\t\t\t\t\t\t";

/// Scans `zz_generated.openapi.go`.
pub fn read(source: &str) -> Enums {
    let mut enums = Enums::new();
    let (mut function, mut property, mut doc) = (String::new(), String::new(), None);
    for line in source.lines() {
        if let Some(rest) = line.strip_prefix("func ") {
            function = rest.split('(').next().unwrap_or_default().to_owned();
        } else if let Some(name) = indented(line, PROPERTY).and_then(|rest| rest.strip_suffix("\": {")) {
            property = name.trim_start_matches('"').to_owned();
            doc = None;
        } else if let Some(text) = indented(line, ATTRIBUTE).and_then(|rest| rest.strip_prefix("Description: ")) {
            doc = serde_json::from_str::<String>(text.trim_end_matches(',')).ok();
        } else if let Some((values, of_items)) = values(line) {
            let doc = if of_items { None } else { doc.clone() };
            enums.insert((function.clone(), property.clone()), Enum { values, of_items, doc });
        }
    }
    enums
}

/// The Go function that describes an OpenAPI definition: `io.k8s.api.core.v1.Pod` is `schema_k8sio_api_core_v1_Pod`,
/// `io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta` is `schema_pkg_apis_meta_v1_ObjectMeta`.
pub fn function(definition: &str) -> String {
    let path = match (definition.strip_prefix("io.k8s.api."), definition.find("pkg.apis.")) {
        (Some(rest), _) => format!("k8sio.api.{rest}"),
        (None, Some(at)) => definition.split_at(at).1.to_owned(),
        (None, None) => definition.to_owned(),
    };
    format!("schema_{}", path.replace('.', "_"))
}

fn values(line: &str) -> Option<(Vec<String>, bool)> {
    let (attribute, of_items) = match (indented(line, ATTRIBUTE), indented(line, ITEM_ATTRIBUTE)) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return None,
    };
    let list = attribute
        .strip_prefix("Enum:")?
        .trim()
        .strip_prefix("[]interface{}{")?
        .strip_suffix("},")?;
    let mut values: Vec<String> = serde_json::from_str(&format!("[{list}]")).ok()?;
    values.sort();
    Some((values, of_items))
}

/// What follows exactly this indentation.
fn indented<'a>(line: &'a str, indentation: &str) -> Option<&'a str> {
    line.strip_prefix(indentation).filter(|rest| !rest.starts_with('\t'))
}

#[cfg(test)]
mod tests {
    use super::{function, read};

    #[test]
    fn definitions_name_their_function() {
        for (definition, wanted) in [
            ("io.k8s.api.core.v1.Pod", "schema_k8sio_api_core_v1_Pod"),
            (
                "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
                "schema_pkg_apis_meta_v1_ObjectMeta",
            ),
            (
                "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
                "schema_pkg_apis_apiregistration_v1_APIService",
            ),
        ] {
            assert_eq!(function(definition), wanted);
        }
    }

    #[test]
    fn values_belong_to_the_property_or_to_its_elements() {
        let source = "func schema_x(ref common.ReferenceCallback) common.OpenAPIDefinition {\n\
            \t\t\t\t\t\"phase\": {\n\
            \t\t\t\t\t\tSchemaProps: spec.SchemaProps{\n\
            \t\t\t\t\t\t\tDescription: \"the \\\"phase\\\"\",\n\
            \t\t\t\t\t\t\tEnum:        []interface{}{\"Lost\", \"Bound\"},\n\
            \t\t\t\t\t\"modes\": {\n\
            \t\t\t\t\t\t\tDescription: \"modes\",\n\
            \t\t\t\t\t\t\t\t\t\tEnum:    []interface{}{\"One\"},\n\
            \t\t\t\t\t\"free\": {\n\
            \t\t\t\t\t\t\tDescription: \"anything\",\n";
        let enums = read(source);
        let found: Vec<_> = enums
            .iter()
            .map(|((_, name), found)| (name.as_str(), &found.values, found.of_items, &found.doc))
            .collect();
        let (one, both) = (vec!["One".to_owned()], vec!["Bound".to_owned(), "Lost".to_owned()]);
        let doc = Some("the \"phase\"".to_owned());
        assert_eq!(found, [("modes", &one, true, &None), ("phase", &both, false, &doc)]);
    }
}
