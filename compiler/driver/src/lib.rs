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
mod test;
mod view;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_lang::{Program, Stack, Variant};
use ktl_plan::{Objects, Plan};

pub use ktl_syntax::{Diagnostic, Diagnostics, FileId, Fix, Position, Severity, SourceFile, Sources, Span, format};
pub use test::{TestOutcome, Tested, test};
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
    /// The date, as `YYYY-MM-DD`: whether waivers have ended. The compiler has no clock; without a date it warns.
    pub today: Option<String>,
}

impl Default for Request {
    fn default() -> Self {
        Request {
            entry: ENTRY.to_owned(),
            profile: None,
            inputs: BTreeMap::new(),
            today: None,
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
    run(world, request, false).checked
}

/// Compiles a stack. Total: whatever the files hold, it returns, with diagnostics where something is wrong.
pub fn compile(world: &dyn World, request: &Request) -> Compiled {
    run(world, request, true)
}

/// `complete`: an input without a value is an error.
fn run(world: &dyn World, request: &Request, complete: bool) -> Compiled {
    let recorder = world::Recorder::new(world);
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let output = build(&recorder, request, complete, &mut sources, &mut diagnostics);
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
    complete: bool,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<(Plan, Objects)> {
    let host = host::Host::new(world);
    let program = Program::load(&host, &request.entry, sources, diagnostics)?;
    let variant = Variant::Given {
        profile: request.profile.as_deref(),
        inputs: &request.inputs,
        complete,
    };
    // Evaluated even when there are errors: what is whole may have mistakes that only values show.
    let stack = program.evaluate(variant, sources, diagnostics)?;
    let assembled = plan(world, &program, variant, &stack, request, sources, diagnostics)?;
    Some((assembled.plan, assembled.objects))
}

/// Renders an evaluated stack, makes its plan, and runs the policies over it.
fn plan(
    world: &world::Recorder,
    program: &Program,
    variant: Variant<'_>,
    stack: &Stack,
    request: &Request,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<assemble::Assembled> {
    let rendered = render::render(world, stack, sources, diagnostics);
    let assembled = assemble::assemble(stack, rendered, &request.inputs, sources, diagnostics)?;
    // Of a plan that lacks something, rules would say what is not so.
    if program.has_policies() && !diagnostics.has_errors() {
        let view = view::view(stack, &assembled, sources);
        program.judge(variant, &view, request.today.as_deref(), sources, diagnostics);
    }
    Some(assembled)
}
