//! The outer gzip file, whose one member holds stored blocks only.
//!
//! Any gzip tool reads it, and there is exactly one way to write given contents: flipping any bit of the file is seen,
//! nothing can blow up, and no decompressor touches a byte before its signature and digest have been checked. The
//! contents are a compressed archive and a plan, so compressing them again would gain little.

use std::io::Read;

use super::{Fault, GZIP_HEADER, Source, check_gzip_header, check_gzip_trailer};

const BLOCK: usize = 65_535;

/// Wraps bytes.
pub(crate) fn write(contents: &[u8]) -> Vec<u8> {
    let mut out = GZIP_HEADER.to_vec();
    let mut crc = flate2::Crc::new();
    crc.update(contents);
    let mut blocks = contents.chunks(BLOCK).peekable();
    loop {
        let block = blocks.next().unwrap_or_default();
        let last = blocks.peek().is_none();
        let len = u16::try_from(block.len()).expect("a chunk is at most 65 535 bytes");
        out.push(u8::from(last));
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(block);
        if last {
            break;
        }
    }
    out.extend_from_slice(&crc.sum().to_le_bytes());
    out.extend_from_slice(&crc.amount().to_le_bytes());
    out
}

/// Reads what [`write`] wrote, and nothing else.
pub(crate) struct Reader<R> {
    inner: R,
    max: u64,
    taken: u64,
    given: u64,
    block: usize,
    last: bool,
    ended: bool,
    crc: flate2::Crc,
}

impl<R: Read> Reader<R> {
    /// Takes at most `max` bytes from `inner`.
    pub fn new(inner: R, max: u64) -> Result<Self, Fault> {
        let mut reader = Reader {
            inner,
            max,
            taken: 0,
            given: 0,
            block: 0,
            last: false,
            ended: false,
            crc: flate2::Crc::new(),
        };
        let mut header = [0; GZIP_HEADER.len()];
        let filled = reader.take(&mut header)?;
        check_gzip_header(header.get(..filled).unwrap_or_default())?;
        Ok(reader)
    }

    fn next_block(&mut self) -> Result<(), Fault> {
        let mut head = [0; 5];
        if self.take(&mut head)? < head.len() {
            return Err(self.truncated());
        }
        let [kind, len_low, len_high, check_low, check_high] = head;
        if kind > 1 {
            return Err(Fault::malformed(
                "the outer gzip file is compressed or packed by another tool, expected stored blocks",
            ));
        }
        let len = u16::from_le_bytes([len_low, len_high]);
        if u16::from_le_bytes([check_low, check_high]) != !len {
            return Err(Fault::malformed(
                "a block of the outer gzip file has a length that contradicts itself",
            ));
        }
        self.block = usize::from(len);
        self.last = kind == 1;
        let full = self.block == BLOCK;
        let fits = if self.last {
            full || self.block > 0 || self.given == 0
        } else {
            full
        };
        if !fits {
            return Err(Fault::malformed(
                "the outer gzip file is cut into other blocks than ktl writes",
            ));
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Fault> {
        let mut trailer = [0; 8];
        let filled = self.take(&mut trailer)?;
        check_gzip_trailer(trailer.get(..filled).unwrap_or_default(), &self.crc)?;
        if self.take(&mut [0])? > 0 {
            return Err(Fault::malformed(format!(
                "bytes follow the end of the gzip file at byte {}",
                self.taken - 1
            )));
        }
        self.ended = true;
        Ok(())
    }

    /// Fills the buffer unless the file ends first.
    fn take(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.inner.read(rest) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::io(&error)),
            }
        }
        self.taken += filled as u64;
        if self.taken > self.max {
            return Err(Fault::limit(format!("the bundle has more than {} bytes", self.max)));
        }
        Ok(filled)
    }

    fn truncated(&self) -> Fault {
        Fault::malformed(format!("the file ends early, at byte {}: it is truncated", self.taken))
    }
}

impl<R: Read> Source for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        while self.block == 0 && !self.ended {
            if self.last {
                self.finish()?;
            } else {
                self.next_block()?;
            }
        }
        let len = self.block.min(buffer.len());
        let buffer = buffer.get_mut(..len).unwrap_or_default();
        if self.take(buffer)? < len {
            return Err(self.truncated());
        }
        self.block -= len;
        self.given += len as u64;
        self.crc.update(buffer);
        Ok(len)
    }
}
