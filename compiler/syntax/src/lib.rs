//! Spans, diagnostics, the syntax tree and the parser of `.ktl`.
//!
//! Parsing never fails: the parser returns a [`ast::Module`] with error nodes and holes where the text made no sense, and
//! pushes diagnostics. This crate knows nothing of names, types or values, reads no file, and prints nothing.

pub mod ast;
pub mod diagnostic;
mod format;
mod parse;
pub mod source;

pub use diagnostic::{Diagnostic, Diagnostics, Fix, Severity};
pub use format::format;
pub use parse::{NESTING_LIMIT, parse};
pub use source::{FileId, Position, SourceFile, Sources, Span};
