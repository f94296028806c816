//! What went wrong with a request, and of which class it is. The classes are told apart here and nowhere else, by the
//! status code, the reason and the causes of the API server's answer, never by the words of a message.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use serde::Deserialize;

/// A request that did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to do about it.
    pub class: Class,
    /// What went wrong, one line, without a full stop.
    pub message: String,
    /// The status code, if there was an answer.
    pub code: Option<u16>,
    /// The details that the API server gave.
    pub causes: Vec<FailureCause>,
    /// Not to be repeated before this has passed.
    pub retry_after: Option<Duration>,
}

/// One detail of a [`Failure`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct FailureCause {
    /// `FieldManagerConflict`, `FieldValueInvalid`, …
    #[serde(default)]
    pub reason: String,
    /// In words.
    #[serde(default)]
    pub message: String,
    /// The path in the object, if it is about one.
    #[serde(default)]
    pub field: String,
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The API server asks for fewer requests.
    Throttle,
    /// A disruption budget forbids it for now.
    PolicyWait,
    /// The API server cannot keep up.
    Overload,
    /// A change was sent, and whether it was made is not known.
    Ambiguous,
    /// The API server could not be reached.
    Transport,
    /// The API server does not serve the type, or not yet.
    NotServed,
    /// The namespace is not there.
    NamespaceMissing,
    /// The namespace is being deleted.
    NamespaceTerminating,
    /// The object is not there.
    NotFound,
    /// It is not allowed, by access rules, quota or an admission policy.
    Denied,
    /// The API server does not know who we are.
    Auth,
    /// Another manager owns fields that we want to set.
    Conflict,
    /// Somebody else was faster; the same request may work now.
    Race,
    /// It is there already.
    Exists,
    /// The object is wrong.
    Invalid,
    /// The object is too large.
    TooLarge,
    /// The resource version is too old to watch or page from.
    Expired,
    /// The API server, or a webhook that it called, failed inside.
    Internal,
    /// It was accepted and will not become ready.
    RolloutFailed,
    /// It was accepted and did not become ready in time.
    RolloutSlow,
    /// The user asked to stop.
    Cancelled,
    /// Nothing of the above.
    Unknown,
}

impl Class {
    /// One kebab-case word, as events and reports show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Throttle => "throttle",
            Class::PolicyWait => "policy-wait",
            Class::Overload => "overload",
            Class::Ambiguous => "ambiguous",
            Class::Transport => "transport",
            Class::NotServed => "not-served",
            Class::NamespaceMissing => "namespace-missing",
            Class::NamespaceTerminating => "namespace-terminating",
            Class::NotFound => "not-found",
            Class::Denied => "denied",
            Class::Auth => "auth",
            Class::Conflict => "conflict",
            Class::Race => "race",
            Class::Exists => "exists",
            Class::Invalid => "invalid",
            Class::TooLarge => "too-large",
            Class::Expired => "expired",
            Class::Internal => "internal",
            Class::RolloutFailed => "rollout-failed",
            Class::RolloutSlow => "rollout-slow",
            Class::Cancelled => "cancelled",
            Class::Unknown => "unknown",
        }
    }

    /// Whether the same request may work later. Server-side apply and a delete by UID may be sent twice, so that an
    /// ambiguous one may be repeated too.
    pub fn may_pass(self) -> bool {
        matches!(
            self,
            Class::Throttle
                | Class::PolicyWait
                | Class::Overload
                | Class::Ambiguous
                | Class::Transport
                | Class::NotServed
                | Class::NamespaceTerminating
                | Class::Race
                | Class::Expired
                | Class::Internal
                | Class::Unknown
        )
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}

/// Whether a request changes something, which decides what a lost answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Read,
    Change,
}

/// `metav1.Status`, as far as it is needed here.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Status {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    code: u16,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    #[serde(default)]
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    causes: Vec<FailureCause>,
    #[serde(default)]
    retry_after_seconds: u64,
}

impl Failure {
    /// A failure that ktl found itself.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Failure {
            class,
            message: message.into(),
            code: None,
            causes: Vec::new(),
            retry_after: None,
        }
    }

    /// From an answer with an error code.
    pub(crate) fn from_answer(code: u16, retry_after: Option<Duration>, body: &[u8], intent: Intent) -> Self {
        let status = serde_json::from_slice::<Status>(body)
            .ok()
            .filter(|status| status.kind == "Status");
        let is_status = status.is_some();
        let mut status = status.unwrap_or_default();
        if !is_status {
            // Proxies and paths that do not exist answer with plain text.
            let text = String::from_utf8_lossy(body);
            status.message = text.trim().chars().take(300).collect();
        }
        status.code = code;
        let mut failure = Self::from_status(status, intent);
        failure.retry_after = retry_after.or(failure.retry_after);
        failure
    }

    pub(crate) fn from_status(status: Status, intent: Intent) -> Self {
        let details = status.details.unwrap_or_default();
        let class = classify(status.code, &status.reason, &details, intent);
        let message = match class {
            Class::Conflict => conflict_message(&details.causes),
            _ if status.message.is_empty() => format!("the API server answered {} without a message", status.code),
            _ => status
                .message
                .lines()
                .collect::<Vec<_>>()
                .join(" ")
                .trim_end_matches('.')
                .to_owned(),
        };
        Failure {
            class,
            message,
            code: Some(status.code),
            causes: details.causes,
            retry_after: (details.retry_after_seconds > 0).then(|| Duration::from_secs(details.retry_after_seconds)),
        }
    }

    /// From a request that got no answer.
    pub(crate) fn from_transport(error: &(dyn Error + 'static), intent: Intent) -> Self {
        let class = if intent == Intent::Read || before_sending(error) {
            Class::Transport
        } else {
            Class::Ambiguous
        };
        Failure::new(class, chain(error))
    }

    /// The answer did not come in time.
    pub(crate) fn deadline(after: Duration, intent: Intent) -> Self {
        let class = if intent == Intent::Read {
            Class::Overload
        } else {
            Class::Ambiguous
        };
        Failure::new(class, format!("no answer within {} s", after.as_secs()))
    }

    /// An answer that cannot be understood.
    pub(crate) fn malformed(what: impl fmt::Display) -> Self {
        Failure::new(
            Class::Unknown,
            format!("the API server's answer cannot be read: {what}"),
        )
    }
}

fn classify(code: u16, reason: &str, details: &Details, intent: Intent) -> Class {
    let caused_by = |reason: &str| details.causes.iter().any(|cause| cause.reason == reason);
    match (code, reason) {
        (429, _) if caused_by("DisruptionBudget") => Class::PolicyWait,
        (429, _) => Class::Throttle,
        (401, _) => Class::Auth,
        (403, _) if caused_by("NamespaceTerminating") => Class::NamespaceTerminating,
        (403, _) => Class::Denied,
        // A path that does not exist names no object.
        (404, _) if details.name.is_empty() => Class::NotServed,
        (404, _) if details.kind == "namespaces" => Class::NamespaceMissing,
        (404, _) => Class::NotFound,
        (409, _) if caused_by("FieldManagerConflict") => Class::Conflict,
        (409, "AlreadyExists") => Class::Exists,
        (409, _) => Class::Race,
        (410, _) => Class::Expired,
        (413, _) => Class::TooLarge,
        (400 | 405 | 406 | 415 | 422, _) => Class::Invalid,
        (500, "ServerTimeout") | (503, _) => Class::Overload,
        (502 | 504, _) if intent == Intent::Change => Class::Ambiguous,
        (502 | 504, _) => Class::Overload,
        (500, "InternalError") | (501..=599, _) => Class::Internal,
        _ => Class::Unknown,
    }
}

/// `.spec.replicas: conflict with "kubectl" using apps/v1`, one after the other.
fn conflict_message(causes: &[FailureCause]) -> String {
    let fields = causes.iter().filter(|cause| cause.reason == "FieldManagerConflict");
    let fields: Vec<String> = fields
        .map(|cause| format!("`{}`: {}", cause.field, cause.message))
        .collect();
    format!(
        "other field managers own {} of the fields: {}",
        fields.len(),
        fields.join("; ")
    )
}

/// Whether nothing can have reached the API server.
fn before_sending(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|error| {
        let connect = error
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(|error| error.is_connect());
        let refused = error.downcast_ref::<io::Error>().map(io::Error::kind) == Some(io::ErrorKind::ConnectionRefused);
        connect || refused
    })
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // A chain that bites its own tail must not hang a run.
    let next = |error: &&'a (dyn Error + 'static)| -> Option<&'a (dyn Error + 'static)> { (*error).source() };
    std::iter::successors(Some(error), next).take(16)
}

/// The innermost causes say most: `client error (Connect): tcp connect error: Connection refused`.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for error in causes(error) {
        let text = error.to_string();
        // Many errors show their source as well; the source alone says it better.
        if let Some(last) = parts.last_mut()
            && let Some(front) = last.strip_suffix(&text)
        {
            *last = front.trim_end_matches([' ', ':']).to_owned();
        }
        parts.push(text);
    }
    parts.retain(|part| !part.is_empty() && part != "ServiceError" && part != "HyperError");
    parts.join(": ")
}
