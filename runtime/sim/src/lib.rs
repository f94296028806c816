//! A simulated Kubernetes API: discovery, storage, server-side apply, watches, and controllers that bring pods up.
//!
//! A [`Cluster`] answers HTTP requests in process as a tower service, under tokio's paused clock if the test wants that,
//! or behind a loopback listener ([`serve`]) for kubectl and any other client. What looks random follows from one seed,
//! time is tokio's clock, and a cluster at rest has no timer.
//!
//! The crate must not know: kube or any other client, plans, bundles, or who is being simulated for.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use http_body_util::{BodyExt as _, Empty};
//! use ktl_sim::{Cluster, Options};
//! use tower::ServiceExt as _;
//!
//! let cluster = Cluster::new(Options::default());
//! let request = http::Request::get("/api/v1/nodes").body(Empty::<bytes::Bytes>::new())?;
//! let response = cluster.service().oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//!
//! let nodes: serde_json::Value = serde_json::from_slice(&response.into_body().collect().await?.to_bytes())?;
//! assert_eq!(nodes["items"][0]["metadata"]["name"], "sim-node-1");
//! # Ok(())
//! # }
//! ```

mod apply;
mod bootstrap;
mod clock;
mod cluster;
mod controllers;
mod defaults;
mod discovery;
mod http;
mod openapi;
mod ops;
mod patch;
mod resources;
mod schema;
mod seed;
mod select;
mod serve;
mod status;
mod store;
mod table;
mod validate;
mod value;

pub use cluster::{Cluster, Options};
pub use http::{Service, SimBody};
pub use serve::{kubeconfig, serve};
