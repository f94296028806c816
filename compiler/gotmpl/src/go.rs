//! Parts of Go's standard library whose exact behaviour shows in rendered text.

pub(crate) mod date;
pub(crate) mod format;
pub(crate) mod json;
pub(crate) mod number;
pub(crate) mod quote;
