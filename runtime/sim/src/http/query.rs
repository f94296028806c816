//! Query parameters and the headers that choose a format.

use std::collections::BTreeMap;

use ::http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use ::http::request::Parts;

use crate::ops::{How, Strictness};
use crate::status::Failure;

/// Parameters and headers of a request.
#[derive(Clone, Debug, Default)]
pub struct Query {
    parameters: BTreeMap<String, String>,
    /// The `Accept` header.
    pub accept: String,
    /// The `Content-Type` header, without parameters.
    pub content_type: String,
    agent: String,
}

/// How objects are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// As they are.
    Json,
    /// As they are, in YAML.
    Yaml,
    /// As rows of a table.
    Table,
    /// Metadata alone.
    Metadata,
    /// Aggregated discovery in that version.
    Discovery(String),
}

impl Query {
    /// Reads them.
    pub fn new(parts: &Parts) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        let header = |name| {
            let values = parts
                .headers
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok());
            values.collect::<Vec<_>>().join(",")
        };
        let content_type = header(CONTENT_TYPE);
        let content_type = content_type.split(';').next().unwrap_or_default().trim().to_lowercase();
        Self {
            parameters: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            accept: header(ACCEPT),
            content_type,
            agent: header(USER_AGENT),
        }
    }

    /// A parameter, or the empty string.
    pub fn get(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// A parameter that is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.parameters
            .get(name)
            .is_some_and(|value| !matches!(value.as_str(), "false" | "0"))
    }

    /// A whole number, or none.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        match self.get(name) {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| Failure::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax"))),
        }
    }

    /// The first format in `Accept` that can be written.
    pub fn format(&self) -> Format {
        self.try_format().unwrap_or(Format::Json)
    }

    /// The same; fails when there is none.
    pub fn try_format(&self) -> Result<Format, Failure> {
        if self.accept.trim().is_empty() {
            return Ok(Format::Json);
        }
        for choice in self.accept.split(',') {
            let mut parts = choice.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let parameters: BTreeMap<&str, &str> = parts.filter_map(|part| part.split_once('=')).collect();
            let format = match (media, parameters.get("as").copied()) {
                ("application/json", Some("Table")) => Format::Table,
                ("application/json", Some("PartialObjectMetadata" | "PartialObjectMetadataList")) => Format::Metadata,
                ("application/json", Some("APIGroupDiscoveryList")) => {
                    Format::Discovery(parameters.get("v").copied().unwrap_or("v2").to_owned())
                }
                ("application/json" | "*/*" | "application/*", None) => Format::Json,
                ("application/yaml", None) => Format::Yaml,
                _ => continue,
            };
            return Ok(format);
        }
        let why = "only the following media types are accepted: application/json, application/yaml, application/json;stream=watch";
        Err(Failure::new(406, "NotAcceptable", why))
    }

    /// How a write is meant.
    pub fn how(&self, applying: bool) -> Result<How, Failure> {
        let manager = match self.get("fieldManager") {
            "" if applying => {
                let why = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
                return Err(Failure::new(422, "Invalid", why));
            }
            "" => match self.agent.split('/').next() {
                Some(agent) if !agent.is_empty() => agent,
                _ => "unknown",
            },
            given => given,
        };
        let strictness = match self.get("fieldValidation") {
            "" | "Warn" => Strictness::Warn,
            "Ignore" => Strictness::Ignore,
            "Strict" => Strictness::Strict,
            other => {
                let why = format!(
                    "fieldValidation: Unsupported value: \"{other}\": supported values: \"Ignore\", \"Strict\", \"Warn\""
                );
                return Err(Failure::new(422, "Invalid", why));
            }
        };
        if !matches!(self.get("dryRun"), "" | "All") {
            let why = format!(
                "dryRun: Unsupported value: \"{}\": supported values: \"All\"",
                self.get("dryRun")
            );
            return Err(Failure::new(422, "Invalid", why));
        }
        if self.is_on("force") && !applying {
            let why =
                "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch";
            return Err(Failure::new(422, "Invalid", why));
        }
        let manager: String = manager.chars().take(128).collect();
        Ok(How {
            manager,
            force: self.is_on("force"),
            dry_run: self.get("dryRun") == "All",
            strictness,
            findings: Vec::new(),
            warnings: Vec::new(),
        })
    }
}
