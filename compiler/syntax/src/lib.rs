//! Spans, diagnostics, the syntax tree and the parser of .ktl.
