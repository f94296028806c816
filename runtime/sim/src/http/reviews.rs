//! Reviews: questions in the form of objects. Everybody is an administrator here.

use serde_json::{Value, json};

use crate::resources::Resource;
use crate::value::put;

/// Whether the kind is a question rather than something stored.
pub fn is_review(resource: &Resource) -> bool {
    resource.kind.ends_with("Review") && !resource.allows("get")
}

/// The question with its answer.
pub fn answer(resource: &Resource, mut body: Value) -> Value {
    let user = json!({ "username": "sim-admin", "groups": ["system:masters", "system:authenticated"] });
    let status = match resource.kind.as_str() {
        "TokenReview" => json!({ "authenticated": true, "user": user }),
        "SelfSubjectReview" => json!({ "userInfo": user }),
        "SelfSubjectRulesReview" => json!({
            "resourceRules": [{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }],
            "nonResourceRules": [{ "verbs": ["*"], "nonResourceURLs": ["*"] }],
            "incomplete": false,
        }),
        _ => json!({ "allowed": true }),
    };
    put(&mut body, &["status"], status);
    body
}
