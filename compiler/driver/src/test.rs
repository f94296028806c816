//! The stack's own tests: each compiles a variant of the stack and looks at its plan.

use std::collections::BTreeMap;

use ktl_lang::{Program, Variant};
use ktl_syntax::{Diagnostic, Diagnostics, Severity, Sources, Span};

use crate::{Checked, Request, World, host, plan, view, world};

/// What came of a stack's tests.
#[derive(Clone, Debug)]
pub struct Tested {
    /// What was found before any test ran. If it has errors, none did.
    pub checked: Checked,
    /// In the order of the file.
    pub tests: Vec<TestOutcome>,
}

/// What came of one test.
#[derive(Clone, Debug)]
pub struct TestOutcome {
    /// What it shows.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// Errors of its variant of the stack, or what was expected and is not so; warnings too.
    pub diagnostics: Vec<Diagnostic>,
}

impl TestOutcome {
    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        !self
            .diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Runs a stack's tests. Profile and inputs are those of each test; of the request, only the entry and the date count.
pub fn test(world: &dyn World, request: &Request) -> Tested {
    let recorder = world::Recorder::new(world);
    let host = host::Host::new(&recorder);
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let program = Program::load(&host, &request.entry, &mut sources, &mut diagnostics);
    let mut tests = Vec::new();
    if let Some(program) = program.filter(|_| !diagnostics.has_errors()) {
        let request = Request {
            profile: None,
            inputs: BTreeMap::new(),
            ..request.clone()
        };
        for (index, declared) in program.tests().into_iter().enumerate() {
            let diagnostics = run(&recorder, &program, index, &request, &mut sources);
            tests.push(TestOutcome {
                name: declared.name,
                span: declared.span,
                diagnostics: diagnostics.sorted(),
            });
        }
    }
    Tested {
        checked: Checked {
            sources,
            diagnostics: diagnostics.sorted(),
        },
        tests,
    }
}

fn run(
    world: &world::Recorder,
    program: &Program,
    index: usize,
    request: &Request,
    sources: &mut Sources,
) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    let variant = Variant::Test(index);
    let Some(stack) = program.evaluate(variant, sources, &mut diagnostics) else {
        return diagnostics;
    };
    let Some(assembled) = plan(world, program, variant, &stack, request, sources, &mut diagnostics) else {
        return diagnostics;
    };
    let view = view::view(&stack, &assembled, sources);
    program.expect(index, &view, sources, &mut diagnostics);
    diagnostics
}
