//! One Kubernetes cluster, as the engine sees it: types, apply, delete, read, watch, readiness and error classes.
//!
//! The only crate that names kube, and nothing of kube shows: objects are [`serde_json::Value`]s, errors are
//! [`Failure`]s with a [`Class`] that says what to do about them. It knows nothing of stacks, order or retries: every
//! method sends what it says and reports what came back, once.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use ktl_cluster::{Cluster, ConnectOptions, ObjectRef};
//!
//! let cluster = Cluster::connect(ConnectOptions::default()).await?;
//! let object = ObjectRef::new("v1", "ConfigMap", Some("default"), "settings");
//! let body = br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings"},"data":{"a":"b"}}"#;
//! let applied = cluster.apply(&object, body, "ktl/shop", false).await?;
//! println!("{} {}", applied.created, ktl_cluster::readiness::evaluate(&applied.object).evidence);
//! # Ok(())
//! # }
//! ```

mod connect;
mod discovery;
mod failure;
mod object;
mod operations;
pub mod readiness;
mod transport;
mod watch;

pub use connect::{Cluster, ConnectError, ConnectOptions, RequestBody};
pub use discovery::ObjectType;
pub use failure::{Class, Failure, FailureCause};
pub use object::ObjectRef;
pub use operations::{Applied, Deleted, Propagation};
pub use watch::{Observation, Observer};
