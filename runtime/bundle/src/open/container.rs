//! The outer archive: from its first byte to its last, each file compared with the statement while it is read.

use std::io::Read;

use ktl_plan::canonical;

use super::signatures::counted;
use super::{Check, refuse, refuse_fault, refuse_json};
use crate::archive::stored;
use crate::archive::ustar;
use crate::envelope::{Envelope, PAYLOAD_TYPE};
use crate::seal::{ATTESTATION, MAGIC, magic};
use crate::statement::{Contents, INPUTS, Measured, PLAN, Statement};
use crate::verdict::{Failure, Refusal, StepId};

type Archive<R> = ustar::Reader<stored::Reader<R>>;

const MAX_MAGIC: u64 = 64;

/// The files of the outer archive.
pub(crate) struct Parts {
    pub envelope: Envelope,
    /// The bytes that are signed, and what they say.
    pub statement: Vec<u8>,
    pub signed: Statement,
    pub contents: Contents,
    pub signers: Vec<String>,
    pub plan: Vec<u8>,
    pub inputs: Vec<u8>,
}

impl Check<'_> {
    pub(super) fn container(&mut self, bundle: impl Read) -> Result<Parts, Refusal> {
        let reader = stored::Reader::new(bundle, self.trust.limits.bundle);
        let mut archive = ustar::Reader::new(reader.map_err(|fault| refuse_fault(StepId::Gzip, &fault))?);
        self.passed(StepId::Gzip, "");
        self.magic(&mut archive)?;
        let (envelope, statement) = self.envelope(&mut archive)?;
        let signers = self.signatures(&envelope, &statement)?;
        let (signed, contents) = self.statement(&statement)?;
        self.not_configured(StepId::TrustRule, "there is no trust store");
        self.not_configured(StepId::Time, "the bundle says nothing of when it is valid");
        self.not_configured(StepId::Sequence, "the bundle belongs to no stream");
        self.not_configured(StepId::Target, "the bundle names no clusters");
        let plan = entry(&mut archive, PLAN, contents.plan, self.trust.limits.json)?;
        let inputs = entry(&mut archive, INPUTS, contents.inputs, self.trust.limits.inputs)?;
        self.passed(StepId::Entries, format!("{PLAN}, {INPUTS}"));
        self.end_of(&mut archive)?;
        Ok(Parts {
            envelope,
            statement,
            signed,
            contents,
            signers,
            plan,
            inputs,
        })
    }

    fn magic<R: Read>(&mut self, archive: &mut Archive<R>) -> Result<(), Refusal> {
        let step = StepId::Magic;
        let refuse_magic = |found: &str| {
            let message = format!("expected a bundle that begins with `{MAGIC}`, found {found}");
            refuse(step, Failure::Malformed, message)
                .with_help("is it a bundle? `ktl stack seal --bundle-file` writes one")
        };
        let Some(entry) = archive.next().map_err(|fault| refuse_fault(step, &fault))? else {
            return Err(refuse_magic("an empty archive"));
        };
        if entry.path != MAGIC || entry.size > MAX_MAGIC {
            return Err(refuse_magic(&format!("{:?}", entry.path)));
        }
        let found = body(archive, &entry).map_err(|fault| refuse_fault(step, &fault))?;
        if found != magic().as_bytes() {
            let found = String::from_utf8_lossy(&found).trim_end().to_owned();
            let message = format!("expected a bundle of format {:?}, found {found:?}", crate::FORMAT);
            let help = "seal it again with this version of ktl, or read it with the one that sealed it";
            return Err(refuse(step, Failure::Malformed, message).with_help(help));
        }
        self.passed(step, crate::FORMAT);
        Ok(())
    }

    /// The envelope, and the bytes of the statement in it.
    fn envelope<R: Read>(&mut self, archive: &mut Archive<R>) -> Result<(Envelope, Vec<u8>), Refusal> {
        let step = StepId::Envelope;
        let limits = &self.trust.limits;
        let malformed = |message: &str| refuse(step, Failure::Malformed, message);
        let entry = archive.next().map_err(|fault| refuse_fault(step, &fault))?;
        let Some(entry) = entry.filter(|entry| entry.path == ATTESTATION) else {
            let failure = if self.trust.needs_signature() {
                Failure::Unsigned
            } else {
                Failure::Malformed
            };
            return Err(refuse(
                step,
                failure,
                format!("the bundle has no `{ATTESTATION}`, so nothing in it is signed"),
            ));
        };
        if entry.size > limits.attestation {
            let message = format!(
                "`{ATTESTATION}` has {} bytes, at most {} are read",
                entry.size, limits.attestation
            );
            return Err(refuse(step, Failure::Limit, message));
        }
        let bytes = body(archive, &entry).map_err(|fault| refuse_fault(step, &fault))?;
        let envelope = Envelope::read(&bytes).map_err(|error| refuse_json(step, "the envelope", &error))?;
        if envelope.payload_type != PAYLOAD_TYPE {
            let found: String = envelope.payload_type.chars().take(120).collect();
            return Err(malformed(&format!(
                "the envelope holds {found:?}, expected {PAYLOAD_TYPE:?}"
            )));
        }
        let count = envelope.signatures.len();
        if count > limits.signatures {
            let message = format!(
                "the envelope has {count} signatures, at most {} are looked at",
                limits.signatures
            );
            return Err(refuse(step, Failure::Limit, message));
        }
        if let Some(index) = envelope
            .signatures
            .iter()
            .position(|signature| signature.bytes().is_none())
        {
            return Err(malformed(&format!(
                "signature {} is not the base64 of 64 bytes",
                index + 1
            )));
        }
        let Some(statement) = envelope.statement() else {
            return Err(malformed("the envelope's `payload` is not base64"));
        };
        if statement.len() as u64 > limits.statement {
            let message = format!(
                "the statement has {} bytes, at most {} are read",
                statement.len(),
                limits.statement
            );
            return Err(refuse(step, Failure::Limit, message));
        }
        self.passed(step, counted(count));
        Ok((envelope, statement))
    }

    fn statement(&mut self, bytes: &[u8]) -> Result<(Statement, Contents), Refusal> {
        let step = StepId::Statement;
        let statement: Statement =
            canonical::from_slice(bytes).map_err(|error| refuse_json(step, "the statement", &error))?;
        let contents = statement.check().map_err(|problem| {
            refuse(
                step,
                Failure::Malformed,
                format!("the statement cannot be used: {problem}"),
            )
        })?;
        let predicate = &statement.predicate;
        if !predicate.extensions.is_empty() {
            let names: Vec<String> = predicate.extensions.keys().map(|name| format!("{name:?}")).collect();
            self.warnings.push(format!(
                "extensions of the bundle that this ktl does not know: {}",
                names.join(", ")
            ));
        }
        self.passed(step, format!("{} of {:?}", predicate.command, predicate.stack));
        Ok((statement, contents))
    }

    fn end_of<R: Read>(&mut self, archive: &mut Archive<R>) -> Result<(), Refusal> {
        match archive.next().map_err(|fault| refuse_fault(StepId::End, &fault))? {
            None => {
                self.passed(StepId::End, "");
                Ok(())
            }
            Some(extra) => {
                let message = format!(
                    "the bundle has a file {:?} that its statement does not name",
                    extra.path
                );
                Err(refuse(StepId::End, Failure::Malformed, message))
            }
        }
    }
}

/// The next file, which must be the signed one.
fn entry<R: Read>(archive: &mut Archive<R>, name: &str, signed: Measured, max: u64) -> Result<Vec<u8>, Refusal> {
    let step = StepId::Entries;
    let entry = archive.next().map_err(|fault| refuse_fault(step, &fault))?;
    let Some(entry) = entry.filter(|entry| entry.path == name) else {
        return Err(refuse(
            step,
            Failure::Malformed,
            format!("expected `{name}` as the next file of the bundle"),
        ));
    };
    if entry.size > max {
        let message = format!("`{name}` has {} bytes, at most {max} are read", entry.size);
        return Err(refuse(step, Failure::Limit, message));
    }
    if entry.size != signed.size {
        let message = format!(
            "`{name}` has {} bytes, {} are in the statement",
            entry.size, signed.size
        );
        return Err(refuse(step, Failure::DigestMismatch, message));
    }
    let bytes = body(archive, &entry).map_err(|fault| refuse_fault(step, &fault))?;
    let found = Measured::of(&bytes).digest;
    if found != signed.digest {
        let message = format!("`{name}` has digest {found}, {} is in the statement", signed.digest);
        return Err(refuse(step, Failure::DigestMismatch, message));
    }
    Ok(bytes)
}

/// The body of a file whose size was compared with a limit. Memory grows with what is really there.
fn body<R: Read>(archive: &mut Archive<R>, entry: &ustar::Entry) -> Result<Vec<u8>, crate::archive::Fault> {
    let mut bytes = Vec::new();
    archive.body(entry, |piece| bytes.extend_from_slice(piece))?;
    Ok(bytes)
}
