//! Checksums.

use sha2::{Digest, Sha256, Sha512};

use super::{Function, fixed};
use crate::types::Type::Str;

pub(super) static TABLE: &[Function] = &[
    fixed("sha1sum", &[Str], |_, args| {
        Ok(hex(&sha1::Sha1::digest(args.bytes(0))).into())
    }),
    fixed("sha256sum", &[Str], |_, args| {
        Ok(hex(&Sha256::digest(args.bytes(0))).into())
    }),
    fixed("sha512sum", &[Str], |_, args| {
        Ok(hex(&Sha512::digest(args.bytes(0))).into())
    }),
    fixed("adler32sum", &[Str], |_, args| {
        Ok(adler32(&args.bytes(0)).to_string().into())
    }),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}
