//! The archives: gzip and ustar in one strict dialect. Whoever reads an archive that is accepted here, with whatever
//! tool, sees the same files.

use std::fmt;

pub(crate) mod gzip;
pub(crate) mod path;
pub(crate) mod stored;
pub(crate) mod ustar;

/// The header of every gzip member: no flags, no time, no hint at the level, an unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// What is wrong with an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub kind: FaultKind,
    pub problem: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// It is not written as it must be.
    Malformed,
    /// There is too much of it.
    Limit,
    /// It cannot be read at all.
    Io,
}

impl Fault {
    pub fn malformed(problem: impl Into<String>) -> Self {
        Fault {
            kind: FaultKind::Malformed,
            problem: problem.into(),
        }
    }

    pub fn limit(problem: impl Into<String>) -> Self {
        Fault {
            kind: FaultKind::Limit,
            problem: problem.into(),
        }
    }

    pub fn io(error: &std::io::Error) -> Self {
        Fault {
            kind: FaultKind::Io,
            problem: format!("cannot read: {error}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

/// Where an archive's bytes come from.
pub(crate) trait Source {
    /// Some of the next bytes; 0 only where the source has ended and everything about its end is as it must be.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault>;
}

/// The first bytes of a gzip file, or what is wrong with them.
fn check_gzip_header(header: &[u8]) -> Result<(), Fault> {
    if header == GZIP_HEADER {
        return Ok(());
    }
    if header.len() < GZIP_HEADER.len() {
        return Err(Fault::malformed(
            "expected a gzip header of 10 bytes, found the end of the file",
        ));
    }
    if !header.starts_with(&[0x1f, 0x8b]) {
        return Err(Fault::malformed("expected a gzip file, found something else"));
    }
    let names = [
        "magic",
        "magic",
        "method",
        "flags",
        "time",
        "time",
        "time",
        "time",
        "extra flags",
        "system",
    ];
    let wrong = names
        .iter()
        .zip(header.iter().zip(GZIP_HEADER))
        .find(|(_, (found, expected))| *found != expected);
    Err(match wrong {
        Some((name, (found, expected))) => Fault::malformed(format!(
            "the gzip header's {name} must be {expected:#04x}, found {found:#04x}"
        )),
        None => Fault::malformed("expected a gzip header of 10 bytes"),
    })
}

/// The last bytes of a gzip file: the checksum and the length of what it holds.
fn check_gzip_trailer(trailer: &[u8], crc: &flate2::Crc) -> Result<(), Fault> {
    let mut expected = [0; 8];
    let (sum, amount) = expected.split_at_mut(4);
    sum.copy_from_slice(&crc.sum().to_le_bytes());
    amount.copy_from_slice(&crc.amount().to_le_bytes());
    if trailer == expected {
        return Ok(());
    }
    Err(match trailer.len() {
        8 => Fault::malformed("the gzip checksum or length does not fit the contents"),
        _ => Fault::malformed("the file ends inside the gzip checksum: it is truncated"),
    })
}
