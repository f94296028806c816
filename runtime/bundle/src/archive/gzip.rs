//! The inner gzip file: one compressed member, read under limits.

use std::io::Write;

use flate2::{Compression, Decompress, FlushDecompress, Status};

use super::{Fault, GZIP_HEADER, Source, check_gzip_header, check_gzip_trailer};

/// Bytes that may come out before the ratio is looked at.
const RATIO_FROM: u64 = 1 << 20;

/// Compresses bytes; always the same ones to the same ones.
pub(crate) fn write(contents: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(GZIP_HEADER.to_vec(), Compression::new(6));
    let written = encoder.write_all(contents).and_then(|()| encoder.finish());
    let mut out = written.expect("writing to memory does not fail");
    let mut crc = flate2::Crc::new();
    crc.update(contents);
    out.extend_from_slice(&crc.sum().to_le_bytes());
    out.extend_from_slice(&crc.amount().to_le_bytes());
    out
}

/// Reads one member that is the whole of `input`.
pub(crate) struct Reader<'i> {
    input: &'i [u8],
    inflate: Decompress,
    crc: flate2::Crc,
    max: u64,
    ratio: u64,
    ended: bool,
}

impl<'i> Reader<'i> {
    /// At most `max` bytes come out, and at most `ratio` for each byte that went in.
    pub fn new(input: &'i [u8], max: u64, ratio: u64) -> Result<Self, Fault> {
        let (header, input) = input.split_at_checked(GZIP_HEADER.len()).unwrap_or((input, &[]));
        check_gzip_header(header)?;
        Ok(Reader {
            input,
            inflate: Decompress::new(false),
            crc: flate2::Crc::new(),
            max,
            ratio,
            ended: false,
        })
    }

    fn finish(&mut self) -> Result<(), Fault> {
        let (trailer, rest) = self.input.split_at_checked(8).unwrap_or((self.input, &[]));
        check_gzip_trailer(trailer, &self.crc)?;
        if !rest.is_empty() {
            return Err(Fault::malformed(format!(
                "{} bytes follow the end of the gzip member",
                rest.len()
            )));
        }
        self.ended = true;
        Ok(())
    }

    fn within_limits(&self) -> Result<(), Fault> {
        let (packed, unpacked) = (self.inflate.total_in(), self.inflate.total_out());
        if unpacked > self.max {
            return Err(Fault::limit(format!("it unpacks to more than {} bytes", self.max)));
        }
        if unpacked > RATIO_FROM && unpacked > packed.saturating_mul(self.ratio) {
            return Err(Fault::limit(format!(
                "{packed} packed bytes unpack to {unpacked}, more than {} times as many",
                self.ratio
            )));
        }
        Ok(())
    }
}

impl Source for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        while !self.ended && !buffer.is_empty() {
            let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(self.input, buffer, FlushDecompress::None)
                .map_err(|_| Fault::malformed("the compressed data is damaged"))?;
            let taken = usize::try_from(self.inflate.total_in() - taken).unwrap_or(usize::MAX);
            let given = usize::try_from(self.inflate.total_out() - given).unwrap_or(usize::MAX);
            self.input = self.input.get(taken..).unwrap_or_default();
            self.crc.update(buffer.get(..given).unwrap_or_default());
            self.within_limits()?;
            if status == Status::StreamEnd {
                self.finish()?;
            } else if taken == 0 && given == 0 {
                return Err(Fault::malformed("the compressed data ends early: it is truncated"));
            }
            if given > 0 {
                return Ok(given);
            }
        }
        Ok(0)
    }
}
