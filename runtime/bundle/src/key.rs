//! Ed25519 keys and how they are named.

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::Digest as _;
use zeroize::Zeroizing;

/// What is wrong with a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Another number of bytes.
    #[error("an ed25519 key has 32 bytes, found {0}")]
    Length(usize),
    /// Bytes that are no key that ed25519 could have made.
    #[error("these 32 bytes are not an ed25519 public key")]
    NotAKey,
    /// A key under which anybody can sign anything.
    #[error("this is a weak key: anybody can make signatures that fit it")]
    Weak,
    /// The system gave no randomness.
    #[error("the system gave no random bytes: {0}")]
    Random(String),
}

/// Signs. Its memory is overwritten when it goes.
pub struct PrivateKey(SigningKey);

impl PrivateKey {
    /// A new one, from the system's randomness.
    ///
    /// # Errors
    /// The system has none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut()).map_err(|error| KeyError::Random(error.to_string()))?;
        Ok(PrivateKey(SigningKey::from_bytes(&secret)))
    }

    /// From its 32 secret bytes.
    ///
    /// # Errors
    /// Another number of bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes = bytes.try_into().map_err(|_| KeyError::Length(bytes.len()))?;
        Ok(PrivateKey(SigningKey::from_bytes(bytes)))
    }

    /// The half that checks.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.public().id())
    }
}

/// Checks signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// From its 32 bytes.
    ///
    /// # Errors
    /// Bytes that ed25519 never makes from a secret: no point, a point written in a second way, or one outside the group
    /// in which signatures bind their signer.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: &[u8; 32] = bytes.try_into().map_err(|_| KeyError::Length(bytes.len()))?;
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotAKey)?;
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        let point = key.to_edwards();
        if VerifyingKey::from(point).as_bytes() != bytes || !point.is_torsion_free() {
            return Err(KeyError::NotAKey);
        }
        Ok(PublicKey(key))
    }

    /// Its 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// `ktl1:` and 26 characters that hold 130 bits of a hash of the key.
    pub fn id(&self) -> String {
        let mut hasher = sha2::Sha256::new();
        hasher.update(b"ktl ed25519 public key v1\n");
        hasher.update(self.0.as_bytes());
        let mut id = base32(&hasher.finalize());
        id.truncate(26);
        format!("ktl1:{id}")
    }

    /// Only the strict way of checking, which knows one signature per message and key.
    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

/// RFC 4648's base 32 in lower case, without padding.
fn base32(bytes: &[u8]) -> String {
    let letter = |value: u32| {
        let value = u8::try_from(value & 31).unwrap_or_default();
        char::from(if value < 26 { b'a' + value } else { b'2' + value - 26 })
    };
    let mut text = String::new();
    let (mut bits, mut held) = (0_u32, 0);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(letter(bits >> held));
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        text.push(letter(bits << (5 - held)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_32_vectors_of_rfc_4648() {
        let cases = [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(base32(bytes.as_bytes()), expected);
        }
    }

    #[test]
    fn the_first_vector_of_rfc_8032() {
        let key = PrivateKey::from_bytes(&[
            0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
            0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
        ])
        .unwrap();
        let signature = key.sign(b"");
        assert_eq!(signature[..4], [0xe5, 0x56, 0x43, 0x00]);
        assert!(key.public().accepts(b"", &signature));
        assert!(!key.public().accepts(b"x", &signature));
        assert_eq!(key.public().id().len(), "ktl1:".len() + 26);
        assert_eq!(format!("{key:?}"), format!("PrivateKey({})", key.public().id()));
    }
}
