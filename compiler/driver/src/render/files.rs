//! YAML files of the project, and what is wrong with them.

use ktl_gotmpl::yaml::{self, Document};
use ktl_syntax::{Diagnostic, FileId, Span};

use super::Context;
use crate::host::text;
use crate::world::ReadError;

impl Context<'_> {
    /// The documents of a YAML file, and the file in the table of sources. `named` is where the file is named.
    pub fn documents(&mut self, path: &str, named: Span) -> Result<(FileId, Vec<Document>), Box<Diagnostic>> {
        let at = |message: String| Box::new(Diagnostic::error("K0610", named, message));
        let bytes = self.world.read(path).map_err(|error| unreadable(&error, named))?;
        let content = text(path, &bytes).map_err(at)?;
        let id = self.file(path, content);
        let documents = yaml::parse_documents(content).map_err(|error| {
            let place = self.place(id, error.line, error.column);
            let diagnostic = Diagnostic::error("K0611", place, format!("this is no YAML: {}", error.message));
            Box::new(diagnostic.related(named, "the file is named here"))
        })?;
        Ok((id, documents))
    }

    /// The file in the table of sources; one path has one entry.
    pub fn file(&mut self, path: &str, content: &str) -> FileId {
        if let Some(id) = self.texts.get(path) {
            return *id;
        }
        let id = self.sources.add(path, content);
        self.texts.insert(path.to_owned(), id);
        id
    }

    /// A place in a file, from its line and column.
    pub fn place(&self, id: FileId, line: u32, column: u32) -> Span {
        self.sources.get(id).span_at(id, line, column)
    }
}

/// A file that is named in the stack and cannot be had.
pub(super) fn unreadable(error: &ReadError, named: Span) -> Box<Diagnostic> {
    let diagnostic = Diagnostic::error("K0610", named, error.to_string());
    Box::new(match error {
        ReadError::NotFound(_) => diagnostic.help("name a file, relative to the file that this stands in"),
        ReadError::Unreadable { .. } => diagnostic,
    })
}
