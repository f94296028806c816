//! Go's `text/template` with the functions that Helm offers, and YAML as Go reads and writes it.
//!
//! The measure is byte equality with real Helm: the same text for the same template and values, the same errors for
//! the same mistakes. The crate knows nothing of charts or Kubernetes, does no I/O, reads no clock and makes no
//! secrets; all work is counted against [`Limits`], so hostile templates end with an error.
//!
//! ```
//! use ktl_gotmpl::{Engine, Limits, Value};
//!
//! let mut engine = Engine::new(Limits::default());
//! engine.add("greeting", r#"{{ define "name" }}{{ .name | default "world" | quote }}{{ end }}hello {{ include "name" . }}"#)?;
//! let data = Value::from_json(&serde_json::json!({ "name": "ktl" }));
//! assert_eq!(engine.render("greeting", data)?, "hello \"ktl\"");
//! # Ok::<(), ktl_gotmpl::Error>(())
//! ```

mod ast;
mod engine;
mod error;
mod eval;
mod functions;
mod go;
mod lex;
mod parse;
mod types;
mod value;
pub mod yaml;

pub use engine::{Engine, Limits};
pub use error::{Error, ErrorKind, Frame};
pub use functions::names as function_names;
pub use functions::semver::satisfies as version_satisfies;
pub use types::Type;
pub use value::{Bytes, Elem, IntKind, List, Map, MapKind, Object, Value};
