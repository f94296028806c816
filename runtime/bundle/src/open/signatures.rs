//! Who signed, as far as the trusted keys can tell. Ids of keys in the envelope are labels: a wrong one fails, a right one
//! proves nothing.

use std::collections::BTreeSet;

use super::{Check, refuse};
use crate::envelope::Envelope;
use crate::key::PublicKey;
use crate::verdict::{Failure, Outcome, Refusal, StepId};

impl Check<'_> {
    /// The ids of the trusted keys that signed, each once.
    pub(super) fn signatures(&mut self, envelope: &Envelope, statement: &[u8]) -> Result<Vec<String>, Refusal> {
        let count = envelope.signatures.len();
        let step = StepId::Signatures;
        match self.trust.keys.as_deref() {
            None => self.not_configured(StepId::Keys, "no key to check signatures with"),
            Some(keys) => self.passed(StepId::Keys, ids(keys)),
        }
        if count == 0 && self.trust.needs_signature() {
            return Err(refuse(
                step,
                Failure::Unsigned,
                "the bundle is not signed, and a signature is required",
            ));
        }
        if self.trust.keys.is_none() {
            return self.unjudged(count);
        }
        let message = envelope.message(statement);
        let mut signers = BTreeSet::new();
        for (index, signature) in envelope.signatures.iter().enumerate() {
            let labelled = signature.keyid.as_deref().unwrap_or_default();
            let bytes = signature.bytes();
            let made_by = |key: &&PublicKey| bytes.is_some_and(|bytes| key.accepts(&message, &bytes));
            let signer = self.trust.keys().iter().find(made_by).map(PublicKey::id);
            match signer {
                Some(id) if labelled.is_empty() || labelled == id => {
                    signers.insert(id);
                }
                Some(id) => {
                    let labelled: String = labelled.chars().take(80).collect();
                    let message = format!("signature {} is by `{id}`, but labelled {labelled:?}", index + 1);
                    return Err(refuse(step, Failure::BadSignature, message));
                }
                None if self.trust.keys().iter().any(|key| key.id() == labelled) => {
                    let message = format!("the signature labelled `{labelled}` does not fit the statement");
                    return Err(refuse(step, Failure::BadSignature, message));
                }
                None => {}
            }
        }
        if signers.is_empty() {
            let message = format!(
                "the bundle has {} and none is by a trusted key; trusted: {}; labelled: {}",
                counted(count),
                ids(self.trust.keys()),
                labels(envelope)
            );
            return Err(refuse(step, Failure::Untrusted, message));
        }
        let signers: Vec<String> = signers.into_iter().collect();
        self.passed(
            step,
            format!("{} of {count} by trusted keys: {}", signers.len(), signers.join(", ")),
        );
        Ok(signers)
    }

    /// Without keys: the origin stays open.
    fn unjudged(&mut self, count: usize) -> Result<Vec<String>, Refusal> {
        if self.trust.require_signature {
            let message = format!("the bundle has {}, and no key was given to check with", counted(count));
            let refusal = refuse(StepId::Signatures, Failure::Untrusted, message);
            return Err(refusal.with_help("name the signer's public key with `--pub`"));
        }
        let why = match count {
            0 => "the bundle is not signed".to_owned(),
            _ => format!("it has {}, and no key was given to check with", counted(count)),
        };
        self.warnings
            .push(format!("integrity was checked, origin was not: {why}"));
        self.step(StepId::Signatures, Outcome::Skipped, why);
        Ok(Vec::new())
    }
}

/// `1 signature`, `2 signatures`
pub(super) fn counted(signatures: usize) -> String {
    let ending = if signatures == 1 { "" } else { "s" };
    format!("{signatures} signature{ending}")
}

fn ids(keys: &[PublicKey]) -> String {
    let ids: Vec<String> = keys.iter().map(PublicKey::id).collect();
    if ids.is_empty() {
        "none".to_owned()
    } else {
        ids.join(", ")
    }
}

fn labels(envelope: &Envelope) -> String {
    let label = |keyid: &Option<String>| match keyid {
        Some(id) => format!("{:?}", id.chars().take(80).collect::<String>()),
        None => "nothing".to_owned(),
    };
    let labels: Vec<String> = envelope
        .signatures
        .iter()
        .map(|signature| label(&signature.keyid))
        .collect();
    labels.join(", ")
}
