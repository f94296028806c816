//! The compiler's façade: from a project's files to a plan.
//!
//! [`check()`] says what is wrong; [`compile()`] also returns the plan, the bodies of its objects and the files it was
//! made from. Both see the outside through [`World`] alone, so the command line, an editor and a test run the same code,
//! and the same files give the same bytes.
//!
//! ```
//! use ktl_compiler::{MemoryWorld, Request, check};
//!
//! let mut world = MemoryWorld::default();
//! world.put("stack.ktl", b"stack hello edition 1 {}\nlet x = y\n".as_slice());
//! let checked = check(&world, &Request::default());
//! assert!(checked.diagnostics.iter().any(|diagnostic| diagnostic.code == "K0101"));
//! ```

mod assemble;
mod host;
mod infer;
mod render;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_plan::{Objects, Plan};

pub use ktl_syntax::{Diagnostic, Diagnostics, FileId, Fix, Position, Severity, SourceFile, Sources, Span, format};
pub use world::{MemoryWorld, ReadError, World};

/// The name of the file that a stack's directory must hold.
pub const ENTRY: &str = "stack.ktl";

/// What to compile, and what is given from outside.
#[derive(Clone, Debug)]
pub struct Request {
    /// The entry file, from the project root.
    pub entry: String,
    /// The profile to lay over; the stack's default where there is none.
    pub profile: Option<String>,
    /// Inputs as text, by name.
    pub inputs: BTreeMap<String, String>,
}

impl Default for Request {
    fn default() -> Self {
        Request {
            entry: ENTRY.to_owned(),
            profile: None,
            inputs: BTreeMap::new(),
        }
    }
}

/// What was found, and the files that it was found in.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Every file that a diagnostic may point into.
    pub sources: Sources,
    /// Sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// A compiled stack.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What was found.
    pub checked: Checked,
    /// Only when no diagnostic is an error.
    pub output: Option<Output>,
}

/// What a stack became.
#[derive(Clone, Debug)]
pub struct Output {
    /// The plan.
    pub plan: Plan,
    /// The bodies of its objects.
    pub objects: Objects,
    /// The files it was made from, by path: the plan's `sources`.
    pub files: BTreeMap<String, Arc<[u8]>>,
}

/// Says what is wrong with a stack: everything that [`compile()`] would say, but an input without a value is no mistake
/// here. What depends on it is checked for its types.
pub fn check(world: &dyn World, request: &Request) -> Checked {
    run(world, request, ktl_lang::check).checked
}

/// Compiles a stack. Total: whatever the files hold, it returns, with diagnostics where something is wrong.
pub fn compile(world: &dyn World, request: &Request) -> Compiled {
    run(world, request, ktl_lang::compile)
}

/// How the language is asked: [`ktl_lang::check()`] or [`ktl_lang::compile()`].
type Language =
    fn(&dyn ktl_lang::Host, &ktl_lang::Request<'_>, &mut Sources, &mut Diagnostics) -> Option<ktl_lang::Stack>;

fn run(world: &dyn World, request: &Request, language: Language) -> Compiled {
    let recorder = world::Recorder::new(world);
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let output = build(&recorder, request, language, &mut sources, &mut diagnostics);
    let output = output.filter(|_| !diagnostics.has_errors());
    let files = recorder.into_files();
    let output = output.map(|(mut plan, objects)| {
        plan.sources = assemble::source_files(&files);
        Output { plan, objects, files }
    });
    Compiled {
        checked: Checked {
            sources,
            diagnostics: diagnostics.sorted(),
        },
        output,
    }
}

fn build(
    world: &world::Recorder,
    request: &Request,
    language: Language,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<(Plan, Objects)> {
    let host = host::Host::new(world);
    let asked = ktl_lang::Request {
        entry: &request.entry,
        profile: request.profile.as_deref(),
        inputs: &request.inputs,
    };
    let stack = language(&host, &asked, sources, diagnostics)?;
    let rendered = render::render(world, &stack, sources, diagnostics);
    assemble::assemble(&stack, rendered, &request.inputs, sources, diagnostics)
}
