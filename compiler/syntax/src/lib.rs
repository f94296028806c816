//! Spans, diagnostics, the syntax tree and the parser of `.ktl`.
//!
//! Parsing never fails: the parser returns a [`ast::Module`] with error nodes and holes where the text made no sense, and
//! pushes diagnostics. This crate knows nothing of names, types or values, reads no file, and prints nothing.
//!
//! ```
//! use ktl_syntax::{Diagnostics, Sources, parse};
//!
//! let mut sources = Sources::default();
//! let file = sources.add("stack.ktl", "release web: k8s.Workload {\n  replicas 3\n}\nlet fine = 1\n");
//! let mut diagnostics = Diagnostics::default();
//! let module = parse(&sources, file, &mut diagnostics);
//! assert_eq!(module.decls.len(), 2);
//! let found: Vec<_> = diagnostics.iter().map(|found| (found.code, found.message.as_str())).collect();
//! assert_eq!(found, [("K0005", "`:` is missing between the key `replicas` and its value")]);
//! ```

pub mod ast;
pub mod diagnostic;
mod format;
mod parse;
pub mod source;

pub use diagnostic::{Diagnostic, Diagnostics, Fix, Severity};
pub use format::format;
/// The tokens of a text, comments included: what an editor or a formatter needs besides the tree.
pub use ktl_grammar::{Token, TokenKind, scan};
pub use parse::{NESTING_LIMIT, parse};
pub use source::{FileId, Position, SourceFile, Sources, Span};
