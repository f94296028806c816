//! How much a bundle may be.

/// Upper bounds on what a reader takes in. This version holds a bundle in memory while it checks it, so together they
/// also bound the memory: about `json` + `inputs` + twice `unpacked`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole file.
    pub bundle: u64,
    /// Bytes of `attestation.json`.
    pub attestation: u64,
    /// Bytes of the signed statement.
    pub statement: u64,
    /// Signatures on it.
    pub signatures: usize,
    /// Bytes of `plan.json`.
    pub json: u64,
    /// Bytes of `inputs.tar.gz`.
    pub inputs: u64,
    /// Bytes of `inputs.tar`.
    pub unpacked: u64,
    /// Unpacked bytes per packed byte, looked at after the first MiB.
    pub ratio: u64,
    /// Files in `inputs.tar`.
    pub files: usize,
    /// Bytes of one of them.
    pub file: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Limits {
            bundle: 512 * MIB,
            attestation: 16 * MIB,
            statement: 8 * MIB,
            signatures: 32,
            json: 64 * MIB,
            inputs: 256 * MIB,
            unpacked: 512 * MIB,
            ratio: 200,
            files: 65_536,
            file: 256 * MIB,
        }
    }
}
