//! The plan: what a stack becomes, and all that a runner gets to know about it.
//!
//! A [`Plan`] names releases, their objects by digest, and the edges between them with reasons. Object bodies travel
//! beside it in [`Objects`], keyed by digest. Nothing here knows the language, charts or a cluster; nothing here reads a
//! file or a clock. The same sources give the same bytes.

pub mod canonical;
pub mod digest;
mod graph;
mod model;
mod object;
mod validate;

pub use digest::Digest;
pub use graph::{Cycle, Graph};
pub use model::{
    Adaptive, AdaptiveMode, Cluster, Edge, EdgeKind, FORMAT, FailMode, Input, Limits, Object, Plan, Reason, Release,
    Runner, Source, SourceFile, Until,
};
pub use object::{ObjectKey, Objects, RenderedObject};
pub use validate::{Invalid, validate};
