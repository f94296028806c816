//! What a request is refused with: the `Status` object of the Kubernetes API.

use serde_json::{Value, json};

/// One entry of `details.causes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Such as `FieldValueInvalid`.
    pub reason: String,
    /// For people.
    pub message: String,
    /// A path such as `spec.replicas`; may be empty.
    pub field: String,
}

impl Cause {
    fn new(reason: &str, field: &str, message: String) -> Self {
        Self {
            reason: reason.to_owned(),
            message,
            field: field.to_owned(),
        }
    }

    /// A field that must be given.
    pub fn required(field: &str, detail: &str) -> Self {
        let detail = if detail.is_empty() {
            String::new()
        } else {
            format!(": {detail}")
        };
        Self::new("FieldValueRequired", field, format!("Required value{detail}"))
    }

    /// A field with a value that cannot be.
    pub fn invalid(field: &str, value: &str, detail: &str) -> Self {
        Self::new("FieldValueInvalid", field, format!("Invalid value: {value}: {detail}"))
    }

    /// A field with a value outside a fixed set.
    pub fn unsupported(field: &str, value: &str, allowed: &[&str]) -> Self {
        let allowed = allowed
            .iter()
            .map(|word| format!("\"{word}\""))
            .collect::<Vec<_>>()
            .join(", ");
        let message = format!("Unsupported value: \"{value}\": supported values: {allowed}");
        Self::new("FieldValueNotSupported", field, message)
    }

    /// Two entries of a list that must differ.
    pub fn duplicate(field: &str, value: &str) -> Self {
        Self::new("FieldValueDuplicate", field, format!("Duplicate value: {value}"))
    }

    /// A field that may not be set here.
    pub fn forbidden(field: &str, detail: &str) -> Self {
        Self::new("FieldValueForbidden", field, format!("Forbidden: {detail}"))
    }
}

/// A refused request.
#[derive(Clone, Debug)]
pub struct Failure {
    /// HTTP status.
    pub code: u16,
    /// Machine-readable word; empty when the real server gives none.
    pub reason: &'static str,
    /// For people.
    pub message: String,
    /// `details` of the `Status`; `null` when there are none.
    pub details: Value,
}

/// How a resource is named in messages: `deployments.apps`, or `pods` in the core group.
pub fn qualified(group: &str, plural: &str) -> String {
    if group.is_empty() {
        plural.to_owned()
    } else {
        format!("{plural}.{group}")
    }
}

impl Failure {
    /// A failure without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: Value::Null,
        }
    }

    fn about(code: u16, reason: &'static str, message: String, group: &str, kind: &str, name: &str) -> Self {
        let mut details = json!({ "name": name, "kind": kind });
        if !group.is_empty() {
            crate::value::put(&mut details, &["group"], group);
        }
        Self {
            code,
            reason,
            message,
            details,
        }
    }

    /// The request makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// No object of that name.
    pub fn not_found(group: &str, plural: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", qualified(group, plural));
        Self::about(404, "NotFound", message, group, plural, name)
    }

    /// No such path.
    pub fn no_path() -> Self {
        let mut failure = Self::new(404, "NotFound", "the server could not find the requested resource");
        failure.details = json!({});
        failure
    }

    /// The object exists.
    pub fn already_exists(group: &str, plural: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", qualified(group, plural));
        Self::about(409, "AlreadyExists", message, group, plural, name)
    }

    /// A write that lost a race.
    pub fn conflict(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            qualified(group, plural)
        );
        Self::about(409, "Conflict", message, group, plural, name)
    }

    /// A write from an outdated copy.
    pub fn modified(group: &str, plural: &str, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(group, plural, name, why)
    }

    /// Server-side apply against other managers: (manager description, field path).
    pub fn managers(conflicts: &[(String, String)]) -> Self {
        let mut by_manager: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
        for (manager, field) in conflicts {
            by_manager.entry(manager).or_default().push(field);
        }
        let text = if let (1, Some((manager, fields))) = (by_manager.len(), by_manager.iter().next()) {
            match fields.as_slice() {
                [field] => format!("conflict with {manager}: {field}"),
                fields => format!("conflicts with {manager}:\n- {}", fields.join("\n- ")),
            }
        } else {
            by_manager
                .iter()
                .map(|(manager, fields)| format!("conflicts with {manager}:\n- {}", fields.join("\n- ")))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let plural = if conflicts.len() == 1 { "conflict" } else { "conflicts" };
        let message = format!("Apply failed with {} {plural}: {text}", conflicts.len());
        let causes: Vec<Value> = conflicts
            .iter()
            .map(|(manager, field)| {
                json!({ "reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": field })
            })
            .collect();
        Self {
            code: 409,
            reason: "Conflict",
            message,
            details: json!({ "causes": causes }),
        }
    }

    /// An object that breaks rules of its kind.
    pub fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        let texts: Vec<String> = causes
            .iter()
            .map(|cause| {
                if cause.field.is_empty() {
                    cause.message.clone()
                } else {
                    format!("{}: {}", cause.field, cause.message)
                }
            })
            .collect();
        let text = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{} \"{name}\" is invalid: {text}", qualified(group, kind));
        let mut failure = Self::about(422, "Invalid", message, group, kind, name);
        let causes: Vec<Value> = causes
            .iter()
            .map(|cause| json!({ "reason": cause.reason, "message": cause.message, "field": cause.field }))
            .collect();
        crate::value::put(&mut failure.details, &["causes"], causes);
        failure
    }

    /// Nobody may do this now.
    pub fn forbidden(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", qualified(group, plural));
        Self::about(403, "Forbidden", message, group, plural, name)
    }

    /// A watch or a continued list from too long ago.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// A verb the resource does not have.
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        let mut failure = Self::new(405, "MethodNotAllowed", message);
        failure.details = json!({});
        failure
    }

    /// The `Status` object.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            crate::value::put(&mut body, &["reason"], self.reason);
        }
        if !self.details.is_null() {
            crate::value::put(&mut body, &["details"], self.details.clone());
        }
        body
    }
}
