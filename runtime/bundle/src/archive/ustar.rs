//! The tar dialect: plain files of mode 0644, owned by nobody, without a time; ustar headers without extensions; zeros
//! wherever nothing stands; two zero blocks and then the end. A reader that writes each header again and compares needs
//! no list of what could be odd about it.

use super::path::{self, Seen};
use super::{Fault, Source};

const BLOCK: usize = 512;
const MAX_SIZE: u64 = 0o77_777_777_777;

/// Writes an archive.
#[derive(Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// Adds a file; the path has passed [`path::check`].
    pub fn add(&mut self, path: &str, body: &[u8]) {
        let header = header(path, body.len() as u64).expect("the path was checked and the size is far below 8 GiB");
        self.out.extend_from_slice(&header);
        self.out.extend_from_slice(body);
        self.out.resize(self.out.len().next_multiple_of(BLOCK), 0);
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.out.resize(self.out.len() + 2 * BLOCK, 0);
        self.out
    }
}

/// A file in an archive; its body comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub path: String,
    pub size: u64,
}

/// Reads an archive, and accepts exactly what [`Writer`] writes.
pub(crate) struct Reader<S> {
    source: S,
    at: u64,
    seen: Seen,
}

impl<S: Source> Reader<S> {
    pub fn new(source: S) -> Self {
        Reader {
            source,
            at: 0,
            seen: Seen::default(),
        }
    }

    /// The next file, or nothing where the archive and everything around it has ended well. The body of the file
    /// before must have been read.
    pub fn next(&mut self) -> Result<Option<Entry>, Fault> {
        let block = self.block()?;
        if block == [0; BLOCK] {
            return self.end().map(|()| None);
        }
        let entry = parse(&block)?;
        let seen = self.seen.add(&entry.path);
        seen.map_err(|problem| Fault::malformed(format!("the archive has a file {:?}: {problem}", entry.path)))?;
        Ok(Some(entry))
    }

    /// The body of the file that [`Reader::next`] told of, piece by piece.
    pub fn body(&mut self, entry: &Entry, mut piece: impl FnMut(&[u8])) -> Result<(), Fault> {
        let mut buffer = [0; 16 * 1024];
        let mut left = entry.size;
        while left > 0 {
            let len = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let buffer = buffer.get_mut(..len).unwrap_or_default();
            self.fill(buffer)?;
            piece(buffer);
            left -= len as u64;
        }
        let used = usize::try_from(entry.size % BLOCK as u64).unwrap_or_default();
        let mut padding = [0; BLOCK];
        let padding = padding.get_mut(..(BLOCK - used) % BLOCK).unwrap_or_default();
        self.fill(padding)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(Fault::malformed(format!(
                "bytes hide behind the end of {:?}",
                entry.path
            )));
        }
        Ok(())
    }

    /// Where the bytes came from, at the end.
    pub fn into_source(self) -> S {
        self.source
    }

    fn end(&mut self) -> Result<(), Fault> {
        if self.block()? != [0; BLOCK] {
            return Err(Fault::malformed(
                "expected two zero blocks at the end of the archive, found one",
            ));
        }
        match self.source.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(Fault::malformed(format!(
                "bytes follow the end of the archive at byte {}",
                self.at
            ))),
        }
    }

    fn block(&mut self) -> Result<[u8; BLOCK], Fault> {
        let mut block = [0; BLOCK];
        self.fill(&mut block)?;
        Ok(block)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Fault> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.source.read(rest)? {
                0 => return Err(Fault::malformed(format!("the archive ends early, at byte {}", self.at))),
                read => {
                    filled += read;
                    self.at += read as u64;
                }
            }
        }
        Ok(())
    }
}

/// A header: name, mode, owner, group, size, time, checksum, type, link, magic, owner and group names, device numbers,
/// prefix. Nothing for paths or sizes that do not fit.
fn header(path: &str, size: u64) -> Option<[u8; BLOCK]> {
    let (prefix, name) = path::cut(path)?;
    if size > MAX_SIZE {
        return None;
    }
    let size = format!("{size:011o}\0");
    let fields: [(usize, &[u8]); 10] = [
        (0, name.as_bytes()),
        (100, b"0000644\0"),
        (108, b"0000000\0"),
        (116, b"0000000\0"),
        (124, size.as_bytes()),
        (136, b"00000000000\0"),
        (148, b"        "),
        (156, b"0"),
        (257, b"ustar\x0000"),
        (345, prefix.as_bytes()),
    ];
    let mut block = [0; BLOCK];
    for (at, bytes) in fields {
        block.get_mut(at..at + bytes.len())?.copy_from_slice(bytes);
    }
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block
        .get_mut(148..156)?
        .copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(block)
}

fn parse(block: &[u8; BLOCK]) -> Result<Entry, Fault> {
    let text = |from: usize, len: usize| {
        let field = block.get(from..from + len).unwrap_or_default();
        String::from_utf8_lossy(field.split(|byte| *byte == 0).next().unwrap_or_default())
    };
    let (name, prefix) = (text(0, 100), text(345, 155));
    let path = if prefix.is_empty() {
        name.into_owned()
    } else {
        format!("{prefix}/{name}")
    };
    let shown: String = path.chars().take(256).collect();
    let kind = block.get(156).copied().unwrap_or_default();
    if kind != b'0' {
        let kind_name = kind_name(kind);
        return Err(Fault::malformed(format!(
            "the archive has {kind_name} {shown:?}, only plain files may be in it"
        )));
    }
    path::check(&path).map_err(|problem| Fault::malformed(format!("the archive has a file {shown:?}: {problem}")))?;
    let size = u64::from_str_radix(&text(124, 12), 8).unwrap_or(u64::MAX);
    let written = header(&path, size).filter(|written| written == block);
    match written {
        Some(_) => Ok(Entry { path, size }),
        None => Err(Fault::malformed(format!(
            "the tar header of {shown:?} is not as ktl writes it"
        ))),
    }
}

fn kind_name(kind: u8) -> String {
    let name = match kind {
        b'1' => "a hard link",
        b'2' => "a symbolic link",
        b'3' | b'4' => "a device",
        b'5' => "a folder",
        b'6' => "a pipe",
        b'g' | b'x' | b'X' => "a PAX header",
        b'L' | b'K' => "a GNU long name",
        b'S' => "a sparse file",
        _ => return format!("an entry of type {kind:#04x}"),
    };
    name.to_owned()
}
