//! The envelope around a statement (DSSE): the statement's bytes, and signatures over them and their type.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use ktl_plan::canonical::{self, NotCanonical};
use serde::{Deserialize, Serialize};

use crate::key::PrivateKey;

/// The type of the statement's bytes; signed with them, so that they cannot be passed off as something else.
pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Envelope {
    pub payload: String,
    pub payload_type: String,
    pub signatures: Vec<EnvelopeSignature>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnvelopeSignature {
    /// A hint at the key. It can only make a signature fail, never pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyid: Option<String>,
    pub sig: String,
}

impl Envelope {
    pub fn unsigned(statement: &[u8]) -> Self {
        Envelope {
            payload: STANDARD.encode(statement),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: Vec::new(),
        }
    }

    pub fn read(bytes: &[u8]) -> Result<Self, NotCanonical> {
        canonical::from_slice(bytes)
    }

    pub fn write(&self) -> Vec<u8> {
        canonical::to_vec(self).expect("an envelope holds ASCII strings of limited length")
    }

    pub fn statement(&self) -> Option<Vec<u8>> {
        decode(&self.payload)
    }

    /// Adds a signature. One by the same key makes room for it; the order depends on the keys alone, so that it does not
    /// matter who signs first.
    pub fn sign(&mut self, statement: &[u8], key: &PrivateKey) {
        let id = key.public().id();
        let message = self.message(statement);
        self.signatures.retain(|signature| {
            let made_by_key = signature
                .bytes()
                .is_some_and(|bytes| key.public().accepts(&message, &bytes));
            signature.keyid.as_ref() != Some(&id) && !made_by_key
        });
        self.signatures.push(EnvelopeSignature {
            keyid: Some(id),
            sig: STANDARD.encode(key.sign(&message)),
        });
        self.signatures
            .sort_by(|a, b| (&a.keyid, &a.sig).cmp(&(&b.keyid, &b.sig)));
    }

    /// The bytes that are signed: DSSE's pre-authentication encoding.
    pub fn message(&self, statement: &[u8]) -> Vec<u8> {
        let kind = &self.payload_type;
        let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), statement.len()).into_bytes();
        message.extend_from_slice(statement);
        message
    }
}

impl EnvelopeSignature {
    pub fn bytes(&self) -> Option<[u8; 64]> {
        decode(&self.sig)?.try_into().ok()
    }
}

/// Base64 in either alphabet, without white space and with its padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the DSSE specification.
    #[test]
    fn the_message_is_dsse_s() {
        let envelope = Envelope {
            payload: String::new(),
            payload_type: "http://example.com/HelloWorld".to_owned(),
            signatures: Vec::new(),
        };
        assert_eq!(
            envelope.message(b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn base64_in_both_alphabets_and_nothing_else() {
        assert_eq!(decode("+/8="), Some(vec![0xfb, 0xff]));
        assert_eq!(decode("-_8="), Some(vec![0xfb, 0xff]));
        for bad in ["+_8=", "+/8", "+/9=", "+/8=\n", " +/8=", "+/8==", "=", "+/8=+/8="] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }
}
