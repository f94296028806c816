//! Charts: loading them from files, combining values, rendering templates and reading the objects that come out.
//!
//! The crate does no I/O: whoever calls it reads the files. It knows charts as Helm 4 does and Kubernetes only as far
//! as the order in which kinds are installed; types for the language are made elsewhere from [`ValuesShape`].
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//! use ktl_chart::{Chart, RenderRequest};
//!
//! let mut files: BTreeMap<String, Arc<[u8]>> = BTreeMap::new();
//! files.insert("Chart.yaml".into(), Arc::from(&b"apiVersion: v2\nname: hello\nversion: 1.0.0\n"[..]));
//! files.insert("values.yaml".into(), Arc::from(&b"who: world\n"[..]));
//! files.insert(
//!     "templates/map.yaml".into(),
//!     Arc::from(&b"kind: ConfigMap\napiVersion: v1\ndata: {hello: {{ .Values.who }}}\n"[..]),
//! );
//! let chart = Chart::load(&files)?;
//! let rendered = chart.render(&RenderRequest { release_name: "demo".into(), ..RenderRequest::default() })?;
//! let objects = rendered.objects()?;
//! assert_eq!(objects[0].body["data"]["hello"], "world");
//! # Ok::<(), ktl_chart::ChartError>(())
//! ```

mod archive;
mod capabilities;
mod chart;
mod dependencies;
mod error;
mod files;
mod ignore;
mod metadata;
mod objects;
mod order;
mod render;
mod set;
mod shape;
mod values;

pub use chart::Chart;
pub use error::ChartError;
pub use metadata::{Dependency, Metadata};
pub use objects::{Hook, Object};
pub use render::{Manifest, RenderRequest, Rendered};
pub use set::{parse_set, set_value};
pub use shape::ValuesShape;
pub use values::merge_values;
