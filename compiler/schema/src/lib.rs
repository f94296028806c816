//! Kubernetes kinds, fields and list-map keys as data.
//!
//! Everything here is a static table generated from the published OpenAPI and discovery documents (`data/`, written by
//! `cargo run -p ktl-tests --bin generate-schema`), next to one table kept by hand: which fields cannot change after
//! creation. Nothing is parsed or built at start-up: looking a kind up is a binary search, and walking its fields
//! follows references.
//!
//! The newest supported Kubernetes version is the base. Every stable kind of the older ones is in it; alpha and beta
//! kinds and fields that were dropped before it are not. `since` says what the older versions lack.
//!
//! The crate must not know: clusters, manifests, the language's own types, custom resources (they bring their schema
//! with them), or any I/O.
//!
//! ```
//! use ktl_schema::{ListMerge, Type, kind};
//!
//! let deployment = kind("apps/v1", "Deployment").expect("a built-in kind");
//! assert_eq!(deployment.plural, "deployments");
//! assert!(deployment.namespaced);
//!
//! let containers = deployment.field("spec.template.spec.containers").expect("a field");
//! assert!(containers.required);
//! assert!(matches!(containers.ty, Type::List { merge: ListMerge::Map(["name"]), .. }));
//! ```

mod data;
mod immutable;
mod kind;
mod openapi;
mod types;

pub use immutable::{Condition, ImmutableField};
pub use kind::{Group, Kind, Stability, Subresource, groups, kind, kinds, preferred, resource};
pub use openapi::openapi_v3;
pub use types::{Field, ListMerge, Record, Type, record, records};

/// The newest Kubernetes minor version that the tables describe: `37` is Kubernetes 1.37.
pub const NEWEST_MINOR: u8 = data::NEWEST_MINOR;

/// The oldest supported Kubernetes minor version. A kind or field whose `since` equals it may be older still.
pub const OLDEST_MINOR: u8 = data::OLDEST_MINOR;
