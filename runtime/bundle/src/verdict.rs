//! What checking a bundle came to, step by step.

use std::fmt;

use serde::Serialize;

/// The steps, in the order in which they are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Each step once.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which.
    pub id: StepId,
    /// What it came to.
    pub outcome: Outcome,
    /// What was seen, or why it failed or was skipped.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is as it must be.
    Passed,
    /// It is not.
    Failed,
    /// Nobody asked for it.
    NotConfigured,
    /// It was not looked at; the detail says why.
    Skipped,
}

/// A step of checking a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepId {
    /// The file is a plain file of a size within the limit.
    Open,
    /// The outer gzip header.
    Gzip,
    /// The first entry names the format.
    Magic,
    /// The envelope is strict JSON within the limits.
    Envelope,
    /// There are keys to check with.
    Keys,
    /// Signatures fit the statement's bytes.
    Signatures,
    /// The statement is canonical and understood.
    Statement,
    /// A rule of a trust store allows it.
    TrustRule,
    /// It is valid now.
    Time,
    /// It is newer than what was applied before.
    Sequence,
    /// It is meant for these clusters.
    Target,
    /// Every entry has the signed name, order, size and digest.
    Entries,
    /// The archive ends where it must.
    End,
    /// The inner archive has the signed size and digest, and each file in it the digest that it is known by.
    Inner,
    /// The plan is valid and speaks of exactly the files that are there.
    Plan,
    /// A policy accepts the objects.
    Policy,
}

impl StepId {
    /// In order.
    pub const ALL: [StepId; 16] = [
        StepId::Open,
        StepId::Gzip,
        StepId::Magic,
        StepId::Envelope,
        StepId::Keys,
        StepId::Signatures,
        StepId::Statement,
        StepId::TrustRule,
        StepId::Time,
        StepId::Sequence,
        StepId::Target,
        StepId::Entries,
        StepId::End,
        StepId::Inner,
        StepId::Plan,
        StepId::Policy,
    ];
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StepId::Open => "open",
            StepId::Gzip => "gzip",
            StepId::Magic => "magic",
            StepId::Envelope => "envelope",
            StepId::Keys => "keys",
            StepId::Signatures => "signatures",
            StepId::Statement => "statement",
            StepId::TrustRule => "trust-rule",
            StepId::Time => "time",
            StepId::Sequence => "sequence",
            StepId::Target => "target",
            StepId::Entries => "entries",
            StepId::End => "end",
            StepId::Inner => "inner",
            StepId::Plan => "plan",
            StepId::Policy => "policy",
        })
    }
}

/// What sort of thing is wrong with a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// It cannot be read at all.
    Unreadable,
    /// It has no signature, and needs one.
    Unsigned,
    /// A signature does not fit.
    BadSignature,
    /// Nobody signed it who is trusted.
    Untrusted,
    /// It is not written as it must be.
    Malformed,
    /// Bytes are not the signed ones.
    DigestMismatch,
    /// There is too much of it.
    Limit,
}

impl Failure {
    /// All of them, by exit code.
    pub const ALL: [Failure; 7] = [
        Failure::Unreadable,
        Failure::Unsigned,
        Failure::BadSignature,
        Failure::Untrusted,
        Failure::Malformed,
        Failure::DigestMismatch,
        Failure::Limit,
    ];

    /// What it means, for a table of exit codes.
    pub fn meaning(self) -> &'static str {
        match self {
            Failure::Unreadable => "a file cannot be read or written",
            Failure::Unsigned => "the bundle is not signed, and a signature is required",
            Failure::BadSignature => "a signature does not fit the bundle",
            Failure::Untrusted => "nobody signed the bundle who is trusted",
            Failure::Malformed => "the bundle is damaged, or not written as it must be",
            Failure::DigestMismatch => "the bundle was changed after it was sealed",
            Failure::Limit => "the bundle is larger than what is read",
        }
    }

    /// The process's exit code. That of a file that cannot be read is the one that every command has for it.
    pub fn exit_code(self) -> u8 {
        match self {
            Failure::Unreadable => 3,
            Failure::Unsigned => 20,
            Failure::BadSignature => 21,
            Failure::Untrusted => 22,
            Failure::Malformed => 26,
            Failure::DigestMismatch => 27,
            Failure::Limit => 29,
        }
    }
}

/// Why a bundle is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError(Box<Refused>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Refused {
    refusal: Refusal,
    verdict: Verdict,
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub step: StepId,
    pub failure: Failure,
    pub message: String,
    pub help: String,
}

impl VerifyError {
    /// The step that failed.
    pub fn step(&self) -> StepId {
        self.0.refusal.step
    }

    /// What sort of thing is wrong.
    pub fn failure(&self) -> Failure {
        self.0.refusal.failure
    }

    /// What to do about it.
    pub fn help(&self) -> &str {
        &self.0.refusal.help
    }

    /// How far the check came.
    pub fn verdict(&self) -> &Verdict {
        &self.0.verdict
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        self.failure().exit_code()
    }

    /// Puts the failed step and those after it into the verdict.
    pub(crate) fn new(refusal: Refusal, mut verdict: Verdict) -> Self {
        verdict.steps.push(Step {
            id: refusal.step,
            outcome: Outcome::Failed,
            detail: refusal.message.clone(),
        });
        for id in StepId::ALL.into_iter().filter(|id| *id > refusal.step) {
            let detail = format!("step `{}` failed", refusal.step);
            verdict.steps.push(Step {
                id,
                outcome: Outcome::Skipped,
                detail,
            });
        }
        VerifyError(Box::new(Refused { refusal, verdict }))
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.refusal.message)
    }
}

impl std::error::Error for VerifyError {}
