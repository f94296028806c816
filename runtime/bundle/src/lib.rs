//! Sealed bundles: archive, attestation, signatures, verification.
