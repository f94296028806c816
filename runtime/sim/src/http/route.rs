//! Paths.

use percent_encoding::percent_decode_str;

/// What a path means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/`
    Paths,
    /// `/healthz` and its like.
    Health,
    /// `/version`
    Version,
    /// `/api`
    Core,
    /// `/apis`
    Groups,
    /// `/apis/GROUP`
    Group(String),
    /// `/api/v1` and `/apis/GROUP/VERSION`
    Resources(String, String),
    /// `/openapi/v2`
    OpenApi2,
    /// `/openapi/v3`
    OpenApi3,
    /// `/openapi/v3/apis/GROUP/VERSION`
    OpenApi3Group(String, String),
    /// A collection, an object or a part of one.
    Object(ObjectPath),
}

/// Where a request goes among the resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPath {
    /// Empty for the core group.
    pub group: String,
    /// Such as `v1`.
    pub version: String,
    /// Such as `pods`.
    pub resource: String,
    /// Empty for all namespaces, and for what has none.
    pub namespace: String,
    /// Empty for the collection.
    pub name: String,
    /// Empty, or such as `status`.
    pub subresource: String,
}

impl Route {
    /// Reads a path.
    pub fn parse(path: &str) -> Option<Self> {
        let steps: Vec<String> = path
            .split('/')
            .filter(|step| !step.is_empty())
            .map(|step| percent_decode_str(step).decode_utf8().map(|text| text.into_owned()))
            .collect::<Result<_, _>>()
            .ok()?;
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        Some(match steps.as_slice() {
            [] => Route::Paths,
            ["healthz" | "livez" | "readyz", ..] => Route::Health,
            ["version"] => Route::Version,
            ["api"] => Route::Core,
            ["apis"] => Route::Groups,
            ["openapi", "v2"] => Route::OpenApi2,
            ["openapi", "v3"] => Route::OpenApi3,
            ["openapi", "v3", "api", version] => Route::OpenApi3Group(String::new(), (*version).to_owned()),
            ["openapi", "v3", "apis", group, version] => {
                Route::OpenApi3Group((*group).to_owned(), (*version).to_owned())
            }
            ["apis", group] => Route::Group((*group).to_owned()),
            ["api", version] => Route::Resources(String::new(), (*version).to_owned()),
            ["apis", group, version] => Route::Resources((*group).to_owned(), (*version).to_owned()),
            ["api", version, rest @ ..] => Route::Object(object("", version, rest)?),
            ["apis", group, version, rest @ ..] => Route::Object(object(group, version, rest)?),
            _ => return None,
        })
    }
}

fn object(group: &str, version: &str, rest: &[&str]) -> Option<ObjectPath> {
    let (namespace, rest) = match rest {
        // Only a namespace's own parts stand where a resource would.
        ["namespaces", name, part] if ["status", "finalize"].contains(part) => {
            ("", ["namespaces", name, part].to_vec())
        }
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest.to_vec()),
        rest => ("", rest.to_vec()),
    };
    let path = |resource: &str, name: &str, subresource: &str| ObjectPath {
        group: group.to_owned(),
        version: version.to_owned(),
        resource: resource.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        subresource: subresource.to_owned(),
    };
    match rest.as_slice() {
        [resource] => Some(path(resource, "", "")),
        [resource, name] => Some(path(resource, name, "")),
        [resource, name, subresource, ..] => Some(path(resource, name, subresource)),
        [] => None,
    }
}
