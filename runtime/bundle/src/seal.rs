//! Writing bundles.

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_plan::canonical::{self, NotCanonical};
use ktl_plan::{Digest, FailMode, Invalid, Objects, Plan};

use crate::FORMAT;
use crate::archive::path::PathProblem;
use crate::archive::{gzip, path, stored, ustar};
use crate::envelope::Envelope;
use crate::open::{Trust, open_bytes};
use crate::statement::{Command, Contents, INPUTS, Measured, PLAN, Runtime, Statement};
use crate::verdict::VerifyError;

pub(crate) const MAGIC: &str = "ktl-bundle";
pub(crate) const ATTESTATION: &str = "attestation.json";
pub(crate) const OBJECTS: &str = "objects/";
pub(crate) const SOURCES: &str = "sources/";

/// What to seal.
#[derive(Clone, Debug)]
pub struct SealRequest {
    /// The plan.
    pub plan: Plan,
    /// The bodies of its objects; others are left out.
    pub objects: Objects,
    /// Exactly the files of [`Plan::sources`], by path.
    pub sources: BTreeMap<String, Arc<[u8]>>,
    /// What the bundle is for.
    pub command: Command,
    /// Rollouts at the same time, at least 1.
    pub concurrency: u32,
    /// What happens after a failure.
    pub fail_mode: FailMode,
}

/// A sealed plan, file by file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The plan as canonical JSON.
    pub plan_json: Vec<u8>,
    /// Object bodies and sources.
    pub inputs_tar_gz: Vec<u8>,
    /// The statement in an envelope without signatures.
    pub attestation_json: Vec<u8>,
    /// Over all contents, however they are packed.
    pub content_digest: Digest,
}

impl Sealed {
    /// All of it in one file.
    pub fn bundle(&self) -> Vec<u8> {
        container(&self.attestation_json, &self.plan_json, &self.inputs_tar_gz)
    }
}

/// Why something cannot be sealed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SealError {
    /// A file's name means different things to different systems.
    #[error("`{path}` cannot be in a bundle: {problem}")]
    Path {
        /// The file.
        path: String,
        /// What is wrong with its name.
        problem: PathProblem,
    },
    /// The plan read a file that was not handed over.
    #[error("the plan was made from `{0}`, which is not among the sources")]
    SourceMissing(String),
    /// A file was handed over that the plan did not read.
    #[error("`{0}` is among the sources, but the plan was not made from it")]
    SourceUnknown(String),
    /// A file changed after it was read.
    #[error("`{path}` has changed since the plan was made: {expected} then, {found} now")]
    SourceChanged {
        /// The file.
        path: String,
        /// As in the plan.
        expected: Digest,
        /// As handed over.
        found: Digest,
    },
    /// A body is not the one that the plan means.
    #[error("the body of `{0}` does not have the digest that the plan gives it")]
    BodyChanged(String),
    /// The plan cannot be executed.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The plan cannot be written.
    #[error("the plan cannot be written as canonical JSON: {0}")]
    NotCanonical(#[from] NotCanonical),
    /// A reader would refuse the result.
    #[error("the bundle would be refused: {0}")]
    Refused(#[from] VerifyError),
}

impl SealError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            SealError::Path { problem, .. } => Some(problem.help().to_owned()),
            SealError::SourceMissing(_) | SealError::SourceUnknown(_) | SealError::SourceChanged { .. } => {
                Some("run `ktl stack seal` again while no file changes".to_owned())
            }
            SealError::Refused(error) => Some(error.help().to_owned()),
            SealError::BodyChanged(_) | SealError::Invalid(_) | SealError::NotCanonical(_) => None,
        }
    }
}

/// Seals a plan. Equal requests give equal bytes. What comes out has been opened again, so it can be.
///
/// # Errors
/// The plan, an object or a source that cannot be sealed, and why.
pub fn seal(request: &SealRequest) -> Result<Sealed, SealError> {
    ktl_plan::validate(&request.plan, &request.objects)?;
    let mut files = object_files(request)?;
    files.extend(source_files(request)?);
    let plan_json = canonical::to_vec(&request.plan)?;
    let mut tar = ustar::Writer::default();
    for (path, body) in &files {
        tar.add(path, body);
    }
    let tar = tar.finish();
    let inputs_tar_gz = gzip::write(&tar);
    let contents = Contents {
        plan: Measured::of(&plan_json),
        inputs: Measured::of(&inputs_tar_gz),
        tar: Measured::of(&tar),
        files: files.len(),
    };
    drop(tar);
    let runtime = Runtime {
        concurrency: request.concurrency,
        fail_mode: request.fail_mode,
    };
    let statement = Statement::new(&request.plan, request.command, runtime, &contents);
    let attestation_json = Envelope::unsigned(&canonical::to_vec(&statement)?).write();
    let measured = files.iter().map(|(path, body)| (path.as_str(), Measured::of(body)));
    let content_digest = content_digest(measured.chain([(PLAN, contents.plan)]));
    let sealed = Sealed {
        plan_json,
        inputs_tar_gz,
        attestation_json,
        content_digest,
    };
    open_bytes(&sealed.bundle(), &Trust::none())?;
    Ok(sealed)
}

fn object_files(request: &SealRequest) -> Result<BTreeMap<String, Arc<[u8]>>, SealError> {
    let mut files = BTreeMap::new();
    for object in request.plan.releases.iter().flat_map(|release| &release.objects) {
        let body = request
            .objects
            .get(&object.digest)
            .ok_or_else(|| Invalid::NoBody(object.id.clone()))?;
        if Digest::of(body) != object.digest {
            return Err(SealError::BodyChanged(object.id.clone()));
        }
        files.insert(object_path(&object.digest), body.clone());
    }
    Ok(files)
}

fn source_files(request: &SealRequest) -> Result<BTreeMap<String, Arc<[u8]>>, SealError> {
    let mut files = BTreeMap::new();
    let mut seen = path::Seen::default();
    for source in &request.plan.sources {
        let body = request
            .sources
            .get(&source.path)
            .ok_or_else(|| SealError::SourceMissing(source.path.clone()))?;
        let found = Digest::of(body);
        if found != source.digest {
            return Err(SealError::SourceChanged {
                path: source.path.clone(),
                expected: source.digest,
                found,
            });
        }
        let path = format!("{SOURCES}{}", source.path);
        seen.add(&path).map_err(|problem| SealError::Path {
            path: source.path.clone(),
            problem,
        })?;
        files.insert(path, body.clone());
    }
    match request
        .sources
        .keys()
        .find(|path| !files.contains_key(&format!("{SOURCES}{path}")))
    {
        Some(path) => Err(SealError::SourceUnknown(path.clone())),
        None => Ok(files),
    }
}

/// Where the body of an object is.
pub(crate) fn object_path(digest: &Digest) -> String {
    format!("{OBJECTS}{}.json", digest.hex())
}

/// The one file of a bundle.
pub(crate) fn container(attestation: &[u8], plan: &[u8], inputs: &[u8]) -> Vec<u8> {
    let mut tar = ustar::Writer::default();
    tar.add(MAGIC, magic().as_bytes());
    tar.add(ATTESTATION, attestation);
    tar.add(PLAN, plan);
    tar.add(INPUTS, inputs);
    stored::write(&tar.finish())
}

/// The body of the first entry.
pub(crate) fn magic() -> String {
    format!("{FORMAT}\n")
}

/// A digest of the contents, whatever packed them: over a sorted line of size, digest and path for each file.
pub(crate) fn content_digest<'a>(files: impl Iterator<Item = (&'a str, Measured)>) -> Digest {
    let mut lines: Vec<String> = files
        .map(|(path, file)| format!("{} {} {path}\n", file.size, file.digest.hex()))
        .collect();
    lines.sort();
    Digest::of(lines.concat().as_bytes())
}
