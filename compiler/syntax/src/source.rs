//! Source files and places in them.

use std::sync::Arc;

/// One file of a [`Sources`] table. Only the table hands them out, so an id always has a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A range of bytes in a file; `start <= end`, both on character boundaries. An empty span is a place between bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The smallest span that holds both; `other` must be of the same file, else `self` is returned.
    pub fn to(self, other: Span) -> Span {
        if self.file != other.file {
            return self;
        }
        Span {
            file: self.file,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The empty span right after this one.
    pub fn after(self) -> Span {
        Span {
            start: self.end,
            ..self
        }
    }

    /// Whether the byte offset lies in the span or touches its end.
    pub fn touches(self, offset: u32) -> bool {
        self.start <= offset && offset <= self.end
    }
}

/// A place as people count: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in Unicode scalar values, from 1.
    pub column: u32,
}

/// A file's path (relative to the project root, `/`-separated; `std/...` for the standard library) and text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    path: Arc<str>,
    text: Arc<str>,
    line_starts: Vec<u32>,
}

impl SourceFile {
    /// The path that names the file in messages.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The line (from 0) that holds the byte offset, and the byte at which that line starts.
    pub fn line(&self, offset: u32) -> (u32, u32) {
        let line = self
            .line_starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1);
        (line as u32, self.line_starts.get(line).copied().unwrap_or(0))
    }

    /// The byte at which a line (from 0) starts, if there is such a line.
    pub fn line_start(&self, line: u32) -> Option<u32> {
        self.line_starts.get(line as usize).copied()
    }

    /// The empty span at a place; the nearest one there is when the file is shorter. `id` is this file's.
    pub fn span_at(&self, id: FileId, line: u32, column: u32) -> Span {
        let start = self
            .line_start(line.saturating_sub(1))
            .unwrap_or(self.text.len() as u32);
        let rest = self
            .text
            .get(start as usize..)
            .unwrap_or("")
            .lines()
            .next()
            .unwrap_or("");
        let characters = (column as usize).saturating_sub(1);
        let inside = rest.char_indices().nth(characters).map_or(rest.len(), |(at, _)| at) as u32;
        Span {
            file: id,
            start: start + inside,
            end: start + inside,
        }
    }

    /// The place of a byte offset.
    pub fn position(&self, offset: u32) -> Position {
        let (line, start) = self.line(offset);
        let before = self.text.get(start as usize..offset as usize).unwrap_or("");
        Position {
            line: line + 1,
            column: before.chars().count() as u32 + 1,
        }
    }
}

/// All files of one compile, by id.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Adds a file. The same path may be added twice (an edited file): ids differ.
    pub fn add(&mut self, path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        let text: Arc<str> = text.into();
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at as u32 + 1))
            .collect::<Vec<_>>();
        self.files.push(SourceFile {
            path: path.into(),
            text,
            line_starts,
        });
        FileId(self.files.len() as u32 - 1)
    }

    /// The file of an id.
    ///
    /// # Panics
    /// When the id comes from another table.
    pub fn get(&self, id: FileId) -> &SourceFile {
        self.files
            .get(id.0 as usize)
            .expect("a FileId comes from the table that made it")
    }

    /// All files with their ids, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(index, file)| (FileId(index as u32), file))
    }

    /// The text under a span.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file)
            .text()
            .get(span.start as usize..span.end as usize)
            .unwrap_or("")
    }

    /// Where a span starts, as `path:line:column`.
    pub fn describe(&self, span: Span) -> String {
        let file = self.get(span.file);
        let Position { line, column } = file.position(span.start);
        format!("{}:{line}:{column}", file.path())
    }
}
