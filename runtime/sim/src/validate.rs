//! Whether an object may be stored: its fields against the schema, then the rules of its kind.

mod fields;
mod rules;

pub use fields::{decode, typed};
pub use rules::check;
