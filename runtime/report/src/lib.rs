//! Plans and runs as text people read and data machines read. Knows plans and events; never a cluster, never a terminal:
//! styles are written as ANSI escapes and whoever prints strips them where they do not belong.

pub mod graph;
mod links;
pub mod plan;
pub mod run;
pub mod style;
pub mod words;
