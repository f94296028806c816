//! What a signature is about: an in-toto statement that names every file of the bundle by digest, and says how the plan
//! is to be run. Unknown members are refused everywhere but in `extensions`, which may only add reasons to refuse.

use std::collections::BTreeMap;

use ktl_plan::{Digest, FailMode, Plan};
use serde::{Deserialize, Serialize};

use crate::FORMAT;

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE: &str = "https://ktl.dev/attestation/sealed-plan/v1";

/// The statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Statement {
    /// That it is an in-toto statement.
    #[serde(rename = "_type")]
    pub statement_type: String,
    /// What it is about, by digest: the plan, the inputs, and the archive in the inputs.
    pub subject: Vec<Subject>,
    /// That its predicate is a [`Predicate`].
    pub predicate_type: String,
    /// What it says.
    pub predicate: Predicate,
}

/// One thing that a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// `plan.json`
    pub name: String,
    /// Its digests by algorithm.
    pub digest: Sha256,
}

/// in-toto's set of digests; this one has SHA-256 only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sha256 {
    /// Of the bytes.
    pub sha256: HexDigest,
}

/// What is said of a sealed plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Predicate {
    /// Always [`FORMAT`].
    pub format: String,
    /// The stack's name, as in the plan.
    pub stack: String,
    /// The profile that was laid over it, as in the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What the bundle is for.
    pub command: Command,
    /// How it is to be run.
    pub runtime: Runtime,
    /// The files of the bundle behind the statement, in their order.
    pub entries: Vec<Entry>,
    /// What made the objects.
    pub render: Render,
    /// Members of this object that a reader has to understand. Those of this version are always understood.
    pub critical: Vec<String>,
    /// What others want to say; may only add reasons to refuse.
    pub extensions: BTreeMap<String, serde_json::Value>,
}

/// What a bundle is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// Bring the cluster to what the plan says.
    Apply,
    /// Remove what the plan says.
    Delete,
}

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Command::Apply => "apply",
            Command::Delete => "delete",
        })
    }
}

/// How a bundle is to be run; goes over what the plan's `runner` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Runtime {
    /// Rollouts at the same time, at least 1.
    pub concurrency: u32,
    /// What happens after a failure.
    pub fail_mode: FailMode,
}

/// A file of the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// `plan.json`
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Of its bytes.
    pub sha256: HexDigest,
    /// Bytes of the archive in `inputs.tar.gz`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tar_size: Option<u64>,
    /// Of the archive's bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tar_sha256: Option<HexDigest>,
    /// Files in the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<usize>,
}

/// What made the objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Render {
    /// The version of ktl.
    pub ktl: String,
}

/// A digest as in-toto writes it: 64 lower-case hexadecimal digits alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct HexDigest(pub Digest);

impl From<HexDigest> for String {
    fn from(digest: HexDigest) -> String {
        digest.0.hex()
    }
}

impl TryFrom<String> for HexDigest {
    type Error = ktl_plan::digest::NotADigest;

    fn try_from(hex: String) -> Result<Self, Self::Error> {
        format!("sha256:{hex}").parse().map(HexDigest)
    }
}

/// What a bundle holds behind its statement, by size and digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    pub plan: Measured,
    pub inputs: Measured,
    pub tar: Measured,
    pub files: usize,
}

/// Some bytes, by size and digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    pub size: u64,
    pub digest: Digest,
}

impl Measured {
    pub fn of(bytes: &[u8]) -> Self {
        Measured {
            size: bytes.len() as u64,
            digest: Digest::of(bytes),
        }
    }

    fn entry(self, name: &str) -> Entry {
        Entry {
            name: name.to_owned(),
            size: self.size,
            sha256: HexDigest(self.digest),
            tar_size: None,
            tar_sha256: None,
            files: None,
        }
    }

    fn subject(self, name: &str) -> Subject {
        Subject {
            name: name.to_owned(),
            digest: Sha256 {
                sha256: HexDigest(self.digest),
            },
        }
    }
}

pub(crate) const PLAN: &str = "plan.json";
pub(crate) const INPUTS: &str = "inputs.tar.gz";
const INPUTS_TAR: &str = "inputs.tar";

impl Contents {
    fn entries(&self) -> Vec<Entry> {
        let inputs = Entry {
            tar_size: Some(self.tar.size),
            tar_sha256: Some(HexDigest(self.tar.digest)),
            files: Some(self.files),
            ..self.inputs.entry(INPUTS)
        };
        vec![self.plan.entry(PLAN), inputs]
    }

    fn subjects(&self) -> Vec<Subject> {
        vec![
            self.plan.subject(PLAN),
            self.inputs.subject(INPUTS),
            self.tar.subject(INPUTS_TAR),
        ]
    }
}

impl Statement {
    /// A statement about a plan and what is beside it.
    pub(crate) fn new(plan: &Plan, command: Command, runtime: Runtime, contents: &Contents) -> Self {
        Statement {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject: contents.subjects(),
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: Predicate {
                format: FORMAT.to_owned(),
                stack: plan.stack.clone(),
                environment: plan.profile.clone(),
                command,
                runtime,
                entries: contents.entries(),
                render: Render { ktl: plan.ktl.clone() },
                critical: Vec::new(),
                extensions: BTreeMap::new(),
            },
        }
    }

    /// Checks what can be checked of a statement alone, and says what it is about.
    pub(crate) fn check(&self) -> Result<Contents, String> {
        expect("`_type`", &self.statement_type, STATEMENT_TYPE)?;
        expect("`predicateType`", &self.predicate_type, PREDICATE_TYPE)?;
        let predicate = &self.predicate;
        expect("`predicate.format`", &predicate.format, FORMAT)?;
        if predicate.runtime.concurrency == 0 {
            return Err("`predicate.runtime.concurrency` is 0, at least 1 rollout must be possible".to_owned());
        }
        if let Some(member) = predicate.critical.iter().find(|member| !predicate.has(member)) {
            return Err(format!(
                "it asks to understand {member:?}, which this ktl does not know"
            ));
        }
        let contents = predicate
            .contents()
            .ok_or("`predicate.entries` must name `plan.json` and `inputs.tar.gz`")?;
        if self.subject != contents.subjects() {
            return Err("`subject` and `predicate.entries` do not name the same files".to_owned());
        }
        Ok(contents)
    }
}

impl Predicate {
    /// Whether a member of this version is there.
    fn has(&self, member: &str) -> bool {
        match member {
            "environment" => self.environment.is_some(),
            "format" | "stack" | "command" | "runtime" | "entries" | "render" | "critical" | "extensions" => true,
            _ => false,
        }
    }

    /// What the entries say, if they are the ones of this version.
    fn contents(&self) -> Option<Contents> {
        let [plan, inputs] = self.entries.as_slice() else {
            return None;
        };
        let contents = Contents {
            plan: plan.measured(),
            inputs: inputs.measured(),
            tar: Measured {
                size: inputs.tar_size?,
                digest: inputs.tar_sha256?.0,
            },
            files: inputs.files?,
        };
        (self.entries == contents.entries()).then_some(contents)
    }
}

impl Entry {
    fn measured(&self) -> Measured {
        Measured {
            size: self.size,
            digest: self.sha256.0,
        }
    }
}

fn expect(what: &str, found: &str, expected: &str) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let found: String = found.chars().take(120).collect();
    Err(format!("{what} is {found:?}, expected {expected:?}"))
}
