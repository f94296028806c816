//! Names, types, overlays and evaluation of `.ktl`: from syntax trees to a [`Stack`] of releases and edges.
//!
//! Every phase is total: broken input gives diagnostics and whatever could still be made out. This crate reads no file,
//! knows no cluster, and renders no chart: files come through [`Host`], charts and manifests stay paths.
//!
//! Loading ([`Host`] to syntax trees) comes before checking (names and types, to slots and explicit conversions), that
//! before evaluation (by need, within limits). The fields of built-in declarations are types of `std/prelude`.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//!
//! use ktl_lang::{Host, Request, compile};
//! use ktl_syntax::{Diagnostics, Sources};
//!
//! struct OneFile;
//!
//! impl Host for OneFile {
//!     fn module(&self, _: &str) -> Result<Arc<str>, String> {
//!         Ok("stack hello edition 1 {}\n\nimport \"std/k8s\" as k8s\n\n\
//!             release web: k8s.Workload { containers: { web: { image: \"nginx:1.29\" } } }\n".into())
//!     }
//!     fn chart(&self, _: &str) -> Result<(), String> {
//!         Err("no charts here".into())
//!     }
//!     fn crds(&self, _: &str) -> Result<Vec<serde_json::Value>, String> {
//!         Err("no files here".into())
//!     }
//! }
//!
//! let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
//! let request = Request { entry: "stack.ktl", profile: None, inputs: &BTreeMap::new() };
//! let stack = compile(&OneFile, &request, &mut sources, &mut diagnostics).expect("a stack without errors");
//! assert_eq!(stack.releases[0].name, "web");
//! ```

mod builtin;
mod check;
mod eval;
mod graph;
mod hir;
mod limits;
mod load;
mod names;
mod number;
mod program;
pub mod stack;
mod types;
mod value;

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_syntax::{Diagnostics, Sources};

pub use stack::Stack;

/// Where modules, charts and custom resource definitions come from. Paths are relative to the project root and
/// `/`-separated. Errors are sentences without a full stop, such as `no such file`.
pub trait Host {
    /// The text of a local `.ktl` module.
    fn module(&self, path: &str) -> Result<Arc<str>, String>;

    /// Whether a directory holds a chart.
    fn chart(&self, directory: &str) -> Result<(), String>;

    /// The documents of a YAML file of custom resource definitions, as JSON.
    fn crds(&self, path: &str) -> Result<Vec<serde_json::Value>, String>;
}

/// What to compile.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The entry module's path, such as `stack.ktl`.
    pub entry: &'a str,
    /// The profile to lay over; without one, the header's `defaultProfile`.
    pub profile: Option<&'a str>,
    /// Inputs as text, parsed by their types.
    pub inputs: &'a BTreeMap<String, String>,
}

/// Compiles a stack. A result only without errors; warnings may be left in `diagnostics` beside it.
pub fn compile(
    host: &dyn Host,
    request: &Request<'_>,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Stack> {
    run(host, request, true, sources, diagnostics)
}

/// As [`compile`], but an input without a value is unknown rather than an error: what depends on it is typed only, and
/// without it there may be no result although there is no error.
pub fn check(
    host: &dyn Host,
    request: &Request<'_>,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Stack> {
    run(host, request, false, sources, diagnostics)
}

fn run(
    host: &dyn Host,
    request: &Request<'_>,
    complete: bool,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Stack> {
    let modules = load::load(host, request.entry, sources, diagnostics)?;
    let program = check::check(&modules, sources, diagnostics);
    // Evaluated even when there are errors: what is whole may have mistakes that only values show.
    let stack = eval::evaluate(
        &program,
        request.profile,
        request.inputs,
        complete,
        sources,
        diagnostics,
    );
    stack.filter(|_| !diagnostics.has_errors())
}
