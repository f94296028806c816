//! The parser that pest derives from `ktl.pest`.
#![expect(missing_docs, reason = "the derived rules are documented by the grammar")]

use pest_derive::Parser;

/// Parses one rule of `ktl.pest`.
#[derive(Parser)]
#[grammar = "ktl.pest"]
pub struct Grammar;
