//! Adding a signature to a bundle.

use std::io;
use std::path::{Path, PathBuf};

use crate::file::write_atomically;
use crate::key::PrivateKey;
use crate::open::{Trust, read_file, unpack};
use crate::seal::container;
use crate::verdict::VerifyError;

/// Why a bundle cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// It is not a good bundle, and signing would lend it a name.
    #[error(transparent)]
    Refused(#[from] VerifyError),
    /// It has as many signatures as a bundle can have.
    #[error("the bundle has {0} signatures already, and cannot have more")]
    Full(usize),
    /// The system refused.
    #[error("cannot write `{}`: {error}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// The same bundle with a signature by a key. One that the key made before is replaced by the same bytes. Nothing else of
/// the bundle changes, and the order in which keys sign does not matter.
///
/// # Errors
/// The bundle is not a good one, for whatever reason [`crate::open_bytes`] has, or is full.
pub fn sign(bundle: &[u8], key: &PrivateKey) -> Result<Vec<u8>, SignError> {
    let trust = Trust::none();
    crate::open_bytes(bundle, &trust)?;
    let mut parts = unpack(bundle, &trust)?;
    parts.envelope.sign(&parts.statement, key);
    let max = trust.limits.signatures;
    if parts.envelope.signatures.len() > max {
        return Err(SignError::Full(max));
    }
    Ok(container(&parts.envelope.write(), &parts.plan, &parts.inputs))
}

/// Signs a bundle in place, see [`sign`].
///
/// # Errors
/// As [`sign`], or the file cannot be read or written; it is then as it was.
pub fn sign_file(path: &Path, key: &PrivateKey) -> Result<(), SignError> {
    let bundle = read_file(path, &Trust::none())?;
    let signed = sign(&bundle, key)?;
    write_atomically(path, &signed).map_err(|error| SignError::Write {
        path: path.to_owned(),
        error,
    })
}
