//! Types of fields, and fields that do not exist.

use ktl_schema::Type;
use serde_json::Value;

use crate::resources::Resource;
use crate::schema::{Node, Shape};
use crate::status::{Cause, Failure};

/// How deep objects may nest.
const MAX_DEPTH: usize = 100;

/// Checks the types of fields, removes those the schema does not know, and gives their paths.
pub fn decode(resource: &Resource, object: &mut Value) -> Result<Vec<String>, Failure> {
    let mut walk = Walk::default();
    walk.visit(object, &resource.node, &mut Vec::new());
    if let Some(first) = walk.wrong.first() {
        return Err(match &resource.custom {
            None => {
                let (kind, version) = (&resource.kind, &resource.version);
                let what = format!(
                    "{kind} in version \"{version}\" cannot be handled as a {kind}: json: {}",
                    first.go
                );
                Failure::bad_request(what)
            }
            Some(_) => {
                let causes: Vec<Cause> = walk.wrong.iter().map(Wrong::cause).collect();
                Failure::invalid(&resource.group, &resource.kind, crate::value::name(object), &causes)
            }
        });
    }
    Ok(walk.unknown)
}

/// What server-side apply says about a configuration that does not fit the schema.
pub fn typed(resource: &Resource, namespace: &str, object: &Value) -> Result<(), Failure> {
    let mut walk = Walk::default();
    let mut copy = object.clone();
    walk.visit(&mut copy, &resource.node, &mut Vec::new());
    let mut errors: Vec<String> = walk
        .wrong
        .iter()
        .map(|wrong| format!(".{}: {}", wrong.path, wrong.smd))
        .collect();
    if resource.custom.is_none() {
        errors.extend(
            walk.unknown
                .iter()
                .map(|path| format!(".{path}: field not declared in schema")),
        );
    }
    lists(object, &resource.node, &mut String::new(), &mut errors, 0);
    let text = match errors.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        many => format!("errors:\n  {}", many.join("\n  ")),
    };
    let (version, kind) = (resource.api_version(), &resource.kind);
    let name = crate::value::name(object);
    let place = if namespace.is_empty() {
        format!("/{name}")
    } else {
        format!("{namespace}/{name}")
    };
    let message = format!("failed to create typed patch object ({place}; {version}, Kind={kind}): {text}");
    Err(Failure::new(500, "", message))
}

#[derive(Debug)]
struct Wrong {
    path: String,
    /// As Go's JSON decoder says it.
    go: String,
    /// As structured-merge-diff says it.
    smd: String,
    expected: String,
    got: Value,
}

impl Wrong {
    fn cause(&self) -> Cause {
        let got = if self.got.is_object() || self.got.is_array() {
            kind_of(&self.got).to_owned()
        } else {
            self.got.to_string()
        };
        let (path, expected, got_type) = (&self.path, &self.expected, kind_of(&self.got));
        let detail = format!("{path} in body must be of type {expected}: \"{got_type}\"");
        let mut cause = Cause::invalid(path, &got, &detail);
        cause.reason = "FieldValueTypeInvalid".to_owned();
        cause
    }
}

#[derive(Default)]
struct Walk {
    unknown: Vec<String>,
    wrong: Vec<Wrong>,
}

impl Walk {
    fn visit(&mut self, value: &mut Value, node: &Node, path: &mut Vec<String>) {
        if path.len() > MAX_DEPTH || value.is_null() {
            return;
        }
        if let Some((expected, go)) = mismatch(value, node) {
            let place = join(path);
            let kind = kind_of(value);
            self.wrong.push(Wrong {
                go: format!(
                    "cannot unmarshal {} into Go struct field {place} of type {go}",
                    if kind == "boolean" { "bool" } else { kind }
                ),
                smd: format!("expected {expected}, got &value.valueUnstructured{{Value:{value}}}"),
                expected: expected.to_owned(),
                got: value.clone(),
                path: place,
            });
            return;
        }
        match value {
            Value::Object(map) => {
                let names: Vec<String> = map.keys().cloned().collect();
                for name in names {
                    path.push(name.clone());
                    match node.declared(&name) {
                        Some(inner) => {
                            if let Some(child) = map.get_mut(&name) {
                                self.visit(child, &inner, path);
                            }
                        }
                        None => {
                            self.unknown.push(join(path));
                            map.remove(&name);
                        }
                    }
                    path.pop();
                }
            }
            Value::Array(list) => {
                let inner = node.item();
                for (index, child) in list.iter_mut().enumerate() {
                    path.push(format!("[{index}]"));
                    self.visit(child, &inner, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }
}

fn join(path: &[String]) -> String {
    let mut out = String::new();
    for step in path {
        if !out.is_empty() && !step.starts_with('[') {
            out.push('.');
        }
        out.push_str(step);
    }
    out
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What was expected instead of `value`: in the words of schemas, and of Go.
fn mismatch(value: &Value, node: &Node) -> Option<(&'static str, &'static str)> {
    let expected = match node {
        Node::Known(ty) => match ty {
            Type::Record { .. } if !value.is_object() => ("object", "object"),
            Type::Map { .. } if !value.is_object() => ("map", "map[string]string"),
            Type::List { .. } if !value.is_array() => ("list", "[]"),
            Type::String | Type::Enum(_) | Type::Time | Type::MicroTime | Type::Base64 if !value.is_string() => {
                ("string", "string")
            }
            Type::Boolean if !value.is_boolean() => ("boolean", "bool"),
            Type::Int32 if value.as_i64().and_then(|number| i32::try_from(number).ok()).is_none() => {
                ("integer", "int32")
            }
            Type::Int64 if !(value.is_i64() || value.is_u64()) => ("integer", "int64"),
            Type::Number if !value.is_number() => ("number", "float64"),
            Type::IntOrString if !(value.is_i64() || value.is_string()) => ("integer or string", "intstr.IntOrString"),
            Type::Quantity if !(value.is_number() || value.is_string()) => ("quantity", "resource.Quantity"),
            _ => return None,
        },
        Node::Custom(structural) if structural.int_or_string => {
            if value.is_i64() || value.is_string() {
                return None;
            }
            ("integer or string", "intstr.IntOrString")
        }
        Node::Custom(structural) => match structural.ty.as_str() {
            "object" if !value.is_object() => ("object", "object"),
            "array" if !value.is_array() => ("array", "[]"),
            "string" if !value.is_string() => ("string", "string"),
            "boolean" if !value.is_boolean() => ("boolean", "bool"),
            "integer" if !(value.is_i64() || value.is_u64()) => ("integer", "int64"),
            "number" if !value.is_number() => ("number", "float64"),
            _ => return None,
        },
        Node::Any => return None,
    };
    Some(expected)
}

/// Items of keyed lists and sets must tell themselves apart.
fn lists(value: &Value, node: &Node, path: &mut String, errors: &mut Vec<String>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(map) => {
            for (name, child) in map {
                let length = path.len();
                path.push_str(&format!(".{name}"));
                lists(child, &node.member(name), path, errors, depth + 1);
                path.truncate(length);
            }
        }
        Value::Array(list) => {
            let mut seen = std::collections::BTreeSet::new();
            let shape = node.shape(value);
            let inner = node.item();
            for item in list {
                let id = match &shape {
                    Shape::Set => Some(item.to_string()),
                    Shape::Keyed(keys) => {
                        let mut id = Vec::new();
                        for key in keys {
                            match item.get(&key.name).or(key.default.as_ref()) {
                                Some(value) => id.push(format!("{}={value}", key.name)),
                                None => {
                                    let name = &key.name;
                                    let what = format!(
                                        "associative list with keys has an element that omits key field \"{name}\" (and doesn't have default value)"
                                    );
                                    errors.push(format!("{path}: element 0: {what}"));
                                }
                            }
                        }
                        (id.len() == keys.len()).then(|| id.join(","))
                    }
                    _ => None,
                };
                if let Some(id) = id
                    && !seen.insert(id.clone())
                {
                    errors.push(format!("{path}: duplicate entries for key [{id}]"));
                }
                lists(item, &inner, path, errors, depth + 1);
            }
        }
        _ => {}
    }
}
