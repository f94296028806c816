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
pub mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_syntax::{Diagnostics, Sources, Span};

pub use stack::Stack;
pub use view::PlanView;

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
    let program = Program::load(host, request.entry, sources, diagnostics)?;
    let choice = eval::Choice {
        profile: request.profile,
        inputs: request.inputs,
        complete,
        test: None,
    };
    // Evaluated even when there are errors: what is whole may have mistakes that only values show.
    let stack = eval::evaluate(&program.0, choice, sources, diagnostics);
    stack.filter(|_| !diagnostics.has_errors())
}

/// A stack's modules, checked: what is evaluated once for each variant of it, and whose rules are run over each plan.
#[derive(Debug)]
pub struct Program(program::Program);

/// A variant of a stack.
#[derive(Clone, Copy, Debug)]
pub enum Variant<'a> {
    /// With what is given from outside.
    Given {
        /// The profile to lay over; without one, the header's `defaultProfile`.
        profile: Option<&'a str>,
        /// Inputs as text, parsed by their types.
        inputs: &'a BTreeMap<String, String>,
        /// Whether an input without a value is an error, else it is unknown.
        complete: bool,
    },
    /// As a test says, by its place in [`Program::tests`].
    Test(usize),
}

/// A test of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// What it shows.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
}

/// Inputs from outside for tests: none.
static NO_INPUTS: BTreeMap<String, String> = BTreeMap::new();

impl Program {
    /// Loads and checks the entry module and what it imports. `None` only when the entry cannot be read; errors are in
    /// `diagnostics`, and what they are about evaluates to nothing.
    pub fn load(host: &dyn Host, entry: &str, sources: &mut Sources, diagnostics: &mut Diagnostics) -> Option<Self> {
        let modules = load::load(host, entry, sources, diagnostics)?;
        Some(Program(check::check(&modules, sources, diagnostics)))
    }

    /// Evaluates a variant. A result only if `diagnostics` holds no errors.
    pub fn evaluate(&self, variant: Variant<'_>, sources: &Sources, diagnostics: &mut Diagnostics) -> Option<Stack> {
        let stack = eval::evaluate(&self.0, self.choice(variant), sources, diagnostics);
        stack.filter(|_| !diagnostics.has_errors())
    }

    /// Whether there are policies, so that [`Program::judge`] has something to do.
    pub fn has_policies(&self) -> bool {
        !self.0.policies.is_empty()
    }

    /// Runs the policies over the plan of a variant. What is denied is an error, and so are waivers that have ended or
    /// are for nothing. `today` is the date, as `YYYY-MM-DD`; without one, waivers cannot be judged by theirs.
    pub fn judge(
        &self,
        variant: Variant<'_>,
        plan: &PlanView<'_>,
        today: Option<&str>,
        sources: &Sources,
        diagnostics: &mut Diagnostics,
    ) {
        eval::judge(&self.0, self.choice(variant), plan, today, sources, diagnostics);
    }

    /// The stack's tests, in order.
    pub fn tests(&self) -> Vec<Test> {
        let test = |test: &program::TestDecl| Test {
            name: test.name.to_string(),
            span: test.span,
        };
        self.0.tests.iter().map(test).collect()
    }

    /// Evaluates what a test expects of the plan of [`Variant::Test`]. What is not met is an error.
    pub fn expect(&self, test: usize, plan: &PlanView<'_>, sources: &Sources, diagnostics: &mut Diagnostics) {
        if let Some(declared) = self.0.tests.get(test) {
            let choice = self.choice(Variant::Test(test));
            eval::expect(&self.0, choice, declared, plan, sources, diagnostics);
        }
    }

    fn choice<'a>(&'a self, variant: Variant<'a>) -> eval::Choice<'a> {
        match variant {
            Variant::Given {
                profile,
                inputs,
                complete,
            } => eval::Choice {
                profile,
                inputs,
                complete,
                test: None,
            },
            Variant::Test(index) => eval::Choice {
                profile: None,
                inputs: &NO_INPUTS,
                complete: true,
                test: self.0.tests.get(index),
            },
        }
    }
}
