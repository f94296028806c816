//! Checking a bundle and taking out what is in it.
//!
//! The signature comes first in the file and is checked first; what it covers is then compared while it is read, and
//! unpacked only after that. What [`Opened`] holds are the bytes that were checked: nothing is read a second time.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use ktl_plan::canonical::NotCanonical;
use ktl_plan::{Digest, Objects, Plan};

use crate::archive::{Fault, FaultKind};
use crate::file::open_plain;
use crate::key::PublicKey;
use crate::limits::Limits;
use crate::seal::content_digest;
use crate::statement::{Measured, PLAN, Statement};
use crate::verdict::{Failure, Outcome, Refusal, Step, StepId, Verdict, VerifyError};

mod container;
mod inner;
mod plan;
mod signatures;

pub(crate) use container::Parts;

/// Whose bundles are accepted, and how large ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    keys: Option<Vec<PublicKey>>,
    require_signature: bool,
    pub(crate) limits: Limits,
}

impl Trust {
    /// Whatever is whole: every digest is checked, and a warning says that the origin was not.
    pub fn none() -> Self {
        Trust::default()
    }

    /// What at least one of these keys has signed.
    pub fn public_keys(keys: Vec<PublicKey>) -> Self {
        Trust {
            keys: Some(keys),
            ..Trust::default()
        }
    }

    /// Refuses what has no signature that can be checked.
    #[must_use]
    pub fn require_signature(self) -> Self {
        Trust {
            require_signature: true,
            ..self
        }
    }

    /// Refuses what is larger.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Trust { limits, ..self }
    }

    fn keys(&self) -> &[PublicKey] {
        self.keys.as_deref().unwrap_or_default()
    }

    fn needs_signature(&self) -> bool {
        self.require_signature || self.keys.is_some()
    }
}

/// A bundle that was accepted.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The plan.
    pub plan: Plan,
    /// The bodies of its objects.
    pub objects: Objects,
    /// The files that it was made from, by path from the project root.
    pub sources: BTreeMap<String, Arc<[u8]>>,
    /// What was sealed and how it is to be run.
    pub statement: Statement,
    /// Of `plan.json`.
    pub plan_digest: Digest,
    /// Over all contents, however they are packed.
    pub content_digest: Digest,
    /// Ids of the trusted keys that signed it, sorted.
    pub signers: Vec<String>,
    /// Every step, and what it came to.
    pub verdict: Verdict,
    /// What the user has to know although the bundle was accepted.
    pub warnings: Vec<String>,
}

/// Opens a bundle file.
///
/// # Errors
/// The first step that fails. Nothing of the bundle is handed out then.
pub fn open(path: &Path, trust: &Trust) -> Result<Opened, VerifyError> {
    let mut check = Check::new(trust);
    let result = check.file(path).and_then(|(file, _)| check.bundle(file));
    check.end(result)
}

/// Opens a bundle that is in memory.
///
/// # Errors
/// As [`open`].
pub fn open_bytes(bundle: &[u8], trust: &Trust) -> Result<Opened, VerifyError> {
    let mut check = Check::new(trust);
    let result = check.size(bundle.len() as u64).and_then(|()| check.bundle(bundle));
    check.end(result)
}

/// The outer files of a bundle, checked up to the step `end`.
pub(crate) fn unpack(bundle: &[u8], trust: &Trust) -> Result<Parts, VerifyError> {
    let mut check = Check::new(trust);
    let result = check.size(bundle.len() as u64).and_then(|()| check.container(bundle));
    check.end(result)
}

/// The bytes of a bundle file, of which only the step `open` was checked.
pub(crate) fn read_file(path: &Path, trust: &Trust) -> Result<Vec<u8>, VerifyError> {
    let mut check = Check::new(trust);
    let result = check.file(path).and_then(|(file, size)| {
        let mut bytes = Vec::new();
        // One byte more than there should be shows that the file grew meanwhile.
        let read = file.take(size + 1).read_to_end(&mut bytes);
        read.map_err(|error| refuse(StepId::Open, Failure::Unreadable, format!("cannot read: {error}")))?;
        Ok(bytes)
    });
    check.end(result)
}

/// A check under way.
struct Check<'t> {
    trust: &'t Trust,
    verdict: Verdict,
    warnings: Vec<String>,
}

impl<'t> Check<'t> {
    fn new(trust: &'t Trust) -> Self {
        Check {
            trust,
            verdict: Verdict::default(),
            warnings: Vec::new(),
        }
    }

    fn end<T>(self, result: Result<T, Refusal>) -> Result<T, VerifyError> {
        result.map_err(|refusal| VerifyError::new(refusal, self.verdict))
    }

    fn file(&mut self, path: &Path) -> Result<(std::fs::File, u64), Refusal> {
        let (file, size) = open_plain(path).map_err(|error| {
            let failure = match error.kind() {
                std::io::ErrorKind::InvalidInput => Failure::Malformed,
                _ => Failure::Unreadable,
            };
            let message = format!("cannot open the bundle `{}`: {error}", path.display());
            let help = "name the bundle file itself, as `ktl stack seal --bundle-file` wrote it";
            refuse(StepId::Open, failure, message).with_help(help)
        })?;
        self.size(size)?;
        Ok((file, size))
    }

    fn size(&mut self, size: u64) -> Result<(), Refusal> {
        let max = self.trust.limits.bundle;
        if size > max {
            let message = format!("the bundle has {size} bytes, at most {max} are read");
            return Err(refuse(StepId::Open, Failure::Limit, message));
        }
        self.passed(StepId::Open, format!("{size} bytes"));
        Ok(())
    }

    fn bundle(&mut self, bundle: impl Read) -> Result<Opened, Refusal> {
        let parts = self.container(bundle)?;
        let inner = self.inner(&parts)?;
        let plan = self.plan(&parts, &inner)?;
        self.not_configured(StepId::Policy, "no policy is set where the bundle is checked");
        let plan_size = Measured {
            size: parts.plan.len() as u64,
            digest: parts.contents.plan.digest,
        };
        let files = inner.files.iter().map(|(path, file)| (path.as_str(), *file));
        Ok(Opened {
            plan,
            content_digest: content_digest(files.chain([(PLAN, plan_size)])),
            objects: inner.objects,
            sources: inner.sources,
            statement: parts.signed,
            plan_digest: plan_size.digest,
            signers: parts.signers,
            verdict: std::mem::take(&mut self.verdict),
            warnings: std::mem::take(&mut self.warnings),
        })
    }

    fn passed(&mut self, id: StepId, detail: impl Into<String>) {
        self.step(id, Outcome::Passed, detail);
    }

    fn not_configured(&mut self, id: StepId, detail: &str) {
        self.step(id, Outcome::NotConfigured, detail);
    }

    fn step(&mut self, id: StepId, outcome: Outcome, detail: impl Into<String>) {
        let detail = detail.into();
        self.verdict.steps.push(Step { id, outcome, detail });
    }
}

/// A refusal with the help that fits most of its sort.
fn refuse(step: StepId, failure: Failure, message: impl Into<String>) -> Refusal {
    let help = match failure {
        Failure::Unreadable => "check that the file exists and can be read",
        Failure::Unsigned => "sign it with `ktl stack sign --bundle F --key K`",
        Failure::BadSignature => {
            "the statement or its signature was changed: get the bundle again from whoever signed it"
        }
        Failure::Untrusted => {
            "check with `--pub` whose key you meant, or have the bundle signed by a key that you trust"
        }
        Failure::Malformed => "the file was damaged or written by another tool: get it again, or seal the stack again",
        Failure::DigestMismatch => "the bundle was changed after it was sealed: get it again, or seal the stack again",
        Failure::Limit => "seal less in one bundle",
    };
    Refusal {
        step,
        failure,
        message: printable(&message.into()),
        help: help.to_owned(),
    }
}

/// A text that may quote a hostile bundle, so that it cannot steer a terminal or change the order of what is read.
fn printable(text: &str) -> String {
    let reorders =
        |char| matches!(char, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut out = String::new();
    for char in text.chars() {
        if char.is_control() || reorders(char) {
            out.extend(char.escape_unicode());
        } else {
            out.push(char);
        }
    }
    out
}

/// The same for something wrong with an archive.
fn refuse_fault(step: StepId, fault: &Fault) -> Refusal {
    let failure = match fault.kind {
        FaultKind::Malformed => Failure::Malformed,
        FaultKind::Limit => Failure::Limit,
        FaultKind::Io => Failure::Unreadable,
    };
    refuse(step, failure, fault.problem.clone())
}

/// The same for something wrong with a JSON text.
fn refuse_json(step: StepId, what: &str, error: &NotCanonical) -> Refusal {
    let failure = if error.is_limit() {
        Failure::Limit
    } else {
        Failure::Malformed
    };
    refuse(
        step,
        failure,
        format!("{what} is not canonical JSON of the expected shape: {error}"),
    )
}

impl Refusal {
    fn with_help(self, help: &str) -> Self {
        Refusal {
            help: help.to_owned(),
            ..self
        }
    }
}
