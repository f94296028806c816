//! The `.ktl` grammar: the pest file with its derived parser, and the scanner that cuts a file into declarations.
//!
//! A file is scanned once ([`scan()`]), laid out ([`lay_out`]), and each declaration is then parsed on its own, so that an
//! edit costs one declaration and an error loses at most one. This crate knows nothing of syntax trees or messages.
//!
//! ```
//! use pest::Parser;
//!
//! let text = "let a = 1\nlet b =\n  a + 1 // more\n";
//! let scan = ktl_grammar::scan(text);
//! assert_eq!(scan.declarations.len(), 2);
//! let laid_out = ktl_grammar::lay_out(text, &scan.tokens);
//! assert_eq!(laid_out, "let a = 1\nlet b =   a + 1        \n");
//! assert!(ktl_grammar::Grammar::parse(ktl_grammar::Rule::declaration, &laid_out[10..]).is_ok());
//! ```

pub mod head;
mod layout;
mod parser;
pub mod scan;

pub use layout::{fold_newlines, lay_out};
pub use parser::{Grammar, Rule};
pub use scan::{Scan, Token, TokenKind, scan};
