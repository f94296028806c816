//! The inner archive: object bodies and sources.

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_plan::{Digest, Objects};
use sha2::Digest as _;

use super::{Check, Parts, refuse, refuse_fault};
use crate::archive::{Fault, Source, gzip, ustar};
use crate::seal::{OBJECTS, SOURCES, object_path};
use crate::statement::{INPUTS, Measured};
use crate::verdict::{Failure, Refusal, StepId};

/// The files of the inner archive.
#[derive(Default)]
pub(super) struct Inner {
    pub objects: Objects,
    pub sources: BTreeMap<String, Arc<[u8]>>,
    /// All of them, by path in the archive.
    pub files: BTreeMap<String, Measured>,
}

impl Check<'_> {
    pub(super) fn inner(&mut self, parts: &Parts) -> Result<Inner, Refusal> {
        let limits = &self.trust.limits;
        let signed = parts.contents.tar;
        if signed.size > limits.unpacked {
            let message = format!(
                "`{INPUTS}` unpacks to {} bytes, at most {} are read",
                signed.size, limits.unpacked
            );
            return Err(refuse(StepId::Inner, Failure::Limit, message));
        }
        if parts.contents.files > limits.files {
            let message = format!(
                "`{INPUTS}` has {} files, at most {} are read",
                parts.contents.files, limits.files
            );
            return Err(refuse(StepId::Inner, Failure::Limit, message));
        }
        let inner = read(parts, limits.ratio, limits.file)?;
        self.passed(
            StepId::Inner,
            format!("{} objects, {} sources", inner.objects.len(), inner.sources.len()),
        );
        Ok(inner)
    }
}

fn read(parts: &Parts, ratio: u64, max_file: u64) -> Result<Inner, Refusal> {
    let failed = |fault: &Fault| {
        let refusal = refuse_fault(StepId::Inner, fault);
        let message = format!("`{INPUTS}`: {}", refusal.message);
        Refusal { message, ..refusal }
    };
    let signed = parts.contents.tar;
    let unpacked = gzip::Reader::new(&parts.inputs, signed.size, ratio).map_err(|fault| failed(&fault))?;
    let mut archive = ustar::Reader::new(Hashing::new(unpacked));
    let mut inner = Inner::default();
    while let Some(entry) = archive.next().map_err(|fault| failed(&fault))? {
        let count = inner.files.len() + 1;
        if count > parts.contents.files {
            let message = format!(
                "`{INPUTS}` has more files than the {} of the statement",
                parts.contents.files
            );
            return Err(refuse(StepId::Inner, Failure::DigestMismatch, message));
        }
        if entry.size > max_file {
            let message = format!("{:?} has {} bytes, at most {max_file} are read", entry.path, entry.size);
            return Err(refuse(StepId::Inner, Failure::Limit, message));
        }
        if inner
            .files
            .last_key_value()
            .is_some_and(|(last, _)| *last >= entry.path)
        {
            let message = format!(
                "the files of `{INPUTS}` are not sorted: {:?} comes too late",
                entry.path
            );
            return Err(refuse(StepId::Inner, Failure::Malformed, message));
        }
        let mut body = Vec::new();
        archive
            .body(&entry, |piece| body.extend_from_slice(piece))
            .map_err(|fault| failed(&fault))?;
        inner.add(entry.path, body)?;
    }
    let found = archive.into_source().measured();
    if found != signed || inner.files.len() != parts.contents.files {
        let message = format!(
            "`{INPUTS}` unpacks to {} bytes in {} files with digest {}, the statement has {}, {} and {}",
            found.size,
            inner.files.len(),
            found.digest,
            signed.size,
            parts.contents.files,
            signed.digest
        );
        return Err(refuse(StepId::Inner, Failure::DigestMismatch, message));
    }
    Ok(inner)
}

impl Inner {
    fn add(&mut self, path: String, body: Vec<u8>) -> Result<(), Refusal> {
        let measured = Measured::of(&body);
        if path.starts_with(OBJECTS) {
            if path != object_path(&measured.digest) {
                let message = format!("{path:?} holds bytes with digest {}", measured.digest);
                return Err(refuse(StepId::Inner, Failure::DigestMismatch, message));
            }
            self.objects.insert(measured.digest, body.into());
        } else if let Some(source) = path.strip_prefix(SOURCES) {
            self.sources.insert(source.to_owned(), body.into());
        } else {
            let message = format!("`{INPUTS}` has a file {path:?}, expected `{OBJECTS}…` and `{SOURCES}…` only");
            return Err(refuse(StepId::Inner, Failure::Malformed, message));
        }
        self.files.insert(path, measured);
        Ok(())
    }
}

/// Passes bytes on and takes their size and digest.
struct Hashing<S> {
    source: S,
    hasher: sha2::Sha256,
    size: u64,
}

impl<S: Source> Hashing<S> {
    fn new(source: S) -> Self {
        Hashing {
            source,
            hasher: sha2::Sha256::new(),
            size: 0,
        }
    }

    fn measured(self) -> Measured {
        Measured {
            size: self.size,
            digest: Digest::from_bytes(self.hasher.finalize().into()),
        }
    }
}

impl<S: Source> Source for Hashing<S> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let read = self.source.read(buffer)?;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        self.size += read as u64;
        Ok(read)
    }
}
