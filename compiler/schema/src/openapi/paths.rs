//! The paths of a kind and the requests that they take.

use super::json::Writer;
use super::{META, group_version_kind, reference};
use crate::kind::Kind;

/// Query parameters of requests that write.
const WRITE: &[&str] = &["dryRun", "fieldManager", "fieldValidation"];

/// Query parameters of patches, which server-side apply may force.
const PATCH: &[&str] = &["dryRun", "fieldManager", "fieldValidation", "force"];

/// Query parameters of requests that list or watch.
const LIST: &[&str] = &[
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "watch",
];

/// Query parameters of requests that delete.
const DELETE: &[&str] = &["dryRun", "gracePeriodSeconds", "propagationPolicy"];

/// What a request or an answer is written in.
const PLAIN: &[&str] = &["application/json", "application/yaml"];

/// What a patch is written in.
const PATCHES: &[&str] = &[
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];

/// One kind of request.
struct Request {
    verb: &'static str,
    method: &'static str,
    /// `x-kubernetes-action`.
    action: &'static str,
    parameters: &'static [&'static str],
    /// What the request may be written in; empty when it has no body.
    bodies: &'static [&'static str],
    /// What the answer holds.
    answer: Answer,
}

enum Answer {
    Object,
    List,
    Status,
}

/// What a collection takes.
const COLLECTION: &[Request] = &[
    READ_ALL,
    CREATE,
    Request {
        verb: "deletecollection",
        method: "delete",
        action: "deletecollection",
        parameters: DELETE,
        bodies: &[],
        answer: Answer::Status,
    },
];

const READ_ALL: Request = Request {
    verb: "list",
    method: "get",
    action: "list",
    parameters: LIST,
    bodies: &[],
    answer: Answer::List,
};

const CREATE: Request = Request {
    verb: "create",
    method: "post",
    action: "post",
    parameters: WRITE,
    bodies: PLAIN,
    answer: Answer::Object,
};

/// What an object takes.
const ITEM: &[Request] = &[
    Request {
        verb: "get",
        method: "get",
        action: "get",
        parameters: &[],
        bodies: &[],
        answer: Answer::Object,
    },
    Request {
        verb: "update",
        method: "put",
        action: "put",
        parameters: WRITE,
        bodies: PLAIN,
        answer: Answer::Object,
    },
    Request {
        verb: "patch",
        method: "patch",
        action: "patch",
        parameters: PATCH,
        bodies: PATCHES,
        answer: Answer::Object,
    },
    Request {
        verb: "delete",
        method: "delete",
        action: "delete",
        parameters: DELETE,
        bodies: &[],
        answer: Answer::Status,
    },
];

/// What requests under one path are about.
struct Target<'a> {
    group: &'a str,
    version: &'a str,
    kind: &'a str,
    verbs: &'a [&'a str],
    /// The record's name; none where no object is read or written, but a connection opened.
    record: Option<&'a str>,
}

pub(super) fn write(w: &mut Writer, kind: &Kind) {
    let prefix = match kind.group {
        "" => format!("/api/{}", kind.version),
        group => format!("/apis/{group}/{}", kind.version),
    };
    let everywhere = format!("{prefix}/{}", kind.plural);
    let (group, version, verbs) = (kind.group, kind.version, kind.verbs);
    let this = Target {
        group,
        version,
        kind: kind.kind,
        verbs,
        record: Some(kind.record.name),
    };
    if kind.namespaced {
        path(w, &everywhere, &this, &[READ_ALL]);
    }
    let collection = match kind.namespaced {
        true => format!("{prefix}/namespaces/{{namespace}}/{}", kind.plural),
        false => everywhere,
    };
    path(w, &collection, &this, COLLECTION);
    path(w, &format!("{collection}/{{name}}"), &this, ITEM);
    for part in kind.subresources {
        let (group, version, verbs) = (part.group, part.version, part.verbs);
        let this = Target {
            group,
            version,
            kind: part.kind,
            verbs,
            record: part.record.map(|record| record.name),
        };
        let requests: Vec<&Request> = ITEM.iter().chain([&CREATE]).collect();
        path(w, &format!("{collection}/{{name}}/{}", part.name), &this, requests);
    }
}

/// The path with those of the requests that the target allows; nothing when it allows none.
fn path<'a>(w: &mut Writer, path: &str, this: &Target<'_>, requests: impl IntoIterator<Item = &'a Request>) {
    let allowed: Vec<&Request> = requests
        .into_iter()
        .filter(|request| this.verbs.contains(&request.verb))
        .collect();
    if allowed.is_empty() {
        return;
    }
    let names: Vec<&str> = ["name", "namespace"]
        .into_iter()
        .filter(|name| path.contains(&format!("{{{name}}}")))
        .collect();
    w.member(path).object(|w| {
        for request in allowed {
            operation(w, this, request);
        }
        if !names.is_empty() {
            w.member("parameters")
                .array(&names, |w, name| parameter(w, name, "path"));
        }
    });
}

fn operation(w: &mut Writer, this: &Target<'_>, request: &Request) {
    let status = || format!("{META}Status");
    let answer = match (&request.answer, this.record) {
        (Answer::Object, Some(record)) => record.to_owned(),
        (Answer::List, Some(record)) => format!("{record}List"),
        (Answer::Status, _) | (_, None) => status(),
    };
    w.member(request.method).object(|w| {
        w.text(
            "x-kubernetes-action",
            if this.record.is_some() {
                request.action
            } else {
                "connect"
            },
        );
        w.member("x-kubernetes-group-version-kind").object(|w| {
            group_version_kind(w, this.group, this.version, this.kind);
        });
        if !request.parameters.is_empty() {
            w.member("parameters")
                .array(request.parameters, |w, name| parameter(w, name, "query"));
        }
        if let (Some(record), false) = (this.record, request.bodies.is_empty()) {
            w.member("requestBody").object(|w| content(w, request.bodies, record));
        }
        w.member("responses").object(|w| {
            w.member("200").object(|w| {
                w.text("description", "OK");
                content(w, PLAIN, &answer);
            });
        });
    });
}

fn content(w: &mut Writer, types: &[&str], record: &str) {
    w.member("content").object(|w| {
        for ty in types {
            w.member(ty)
                .object(|w| w.member("schema").object(|w| reference(w, record)));
        }
    });
}

fn parameter(w: &mut Writer, name: &str, place: &str) {
    let ty = match name {
        "force" | "watch" => "boolean",
        "gracePeriodSeconds" | "limit" => "integer",
        _ => "string",
    };
    w.object(|w| {
        w.text("name", name);
        w.text("in", place);
        if place == "path" {
            w.member("required").raw("true");
        }
        w.member("schema").object(|w| w.text("type", ty));
    });
}
