//! Evaluation: call-by-need, deterministic, within limits.
//!
//! Every failure is reported where it happens and then is `Err(Failed)`, silently, all the way up.

mod builtin;
mod conform;
mod deps;
mod edges;
mod expr;
mod instance;
mod operator;
mod overlay;
mod result;
mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_syntax::{Diagnostic, Diagnostics, Sources, Span};

use crate::hir::{self, FnId, InputId, LetId, RelId, SiteId, Table};
use crate::limits;
use crate::names::nearest;
use crate::program::{Program, Target, TestDecl};
use crate::stack::Stack;
use crate::types;
use crate::value::{Deps, Fields, Kind, List, Value};
use crate::view::PlanView;
use deps::DepSets;
pub(crate) use instance::InstId;
use instance::Instance;
use overlay::Overlay;
pub(crate) use rules::{expect, judge};

/// It was reported.
#[derive(Clone, Copy, Debug)]
struct Failed;

type Eval<T> = Result<T, Failed>;

/// A value that is computed when first needed.
#[derive(Clone, Debug, Default)]
enum Lazy<T> {
    #[default]
    New,
    Busy,
    Done(T),
    Failed,
}

/// What is being computed on demand, for the hops of a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Demand {
    Let(LetId, Option<InstId>),
    Input(InputId),
    Members(RelId, Option<InstId>),
    Field(InstId, Arc<str>),
    Param(InstId, u32),
    Output(InstId, Arc<str>),
    Handle(InstId, hir::HandlePart),
}

/// Whose steps are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Stack,
    Let(LetId),
    Fn(FnId),
    Release(RelId),
    Policy(usize),
}

/// Which release and which use of a component an expression stands in.
#[derive(Clone, Copy, Debug, Default)]
struct Context {
    this: Option<InstId>,
    component: Option<InstId>,
}

struct Evaluator<'p> {
    program: &'p Program,
    sources: &'p Sources,
    given: &'p BTreeMap<String, String>,
    /// Whether an input without a value is an error.
    complete: bool,
    diagnostics: Vec<Diagnostic>,
    lets: Vec<Lazy<Value>>,
    inputs: Vec<Lazy<Value>>,
    header: Lazy<Value>,
    members: BTreeMap<(RelId, Option<InstId>), Lazy<Value>>,
    instances: Vec<Instance<'p>>,
    deps: DepSets,
    frame: Vec<Value>,
    base: usize,
    context: Context,
    demand: Vec<(Demand, Span)>,
    overlays: BTreeMap<Target, Overlay<'p>>,
    steps: u64,
    exhausted: bool,
    owner: Owner,
    owner_since: u64,
    spent: BTreeMap<Owner, u64>,
    /// The types of the objects that were made, by `apiVersion` and `kind`.
    kinds: BTreeMap<(Arc<str>, Arc<str>), Arc<types::RecordType>>,
    /// Defaults of fields that are no constants, by the address of their cell.
    defaults: BTreeMap<usize, Value>,
    /// Whether it is a test that gives inputs.
    testing: bool,
    /// Those that it gives.
    test_inputs: BTreeMap<InputId, &'p hir::Expr>,
    /// The active profile's name.
    profile: Option<String>,
    /// What rules are about; nothing while the stack itself is evaluated.
    plan: Option<&'p PlanView<'p>>,
    /// Lists of the plan as values, made when first needed.
    tables: BTreeMap<Table, Value>,
}

/// Which variant of a stack is evaluated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice<'p> {
    pub profile: Option<&'p str>,
    pub inputs: &'p BTreeMap<String, String>,
    /// Whether an input without a value is an error.
    pub complete: bool,
    pub test: Option<&'p TestDecl>,
}

/// Evaluates a program with a profile and inputs. The stack is there only if nothing failed.
pub(crate) fn evaluate(
    program: &Program,
    choice: Choice<'_>,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Stack> {
    let mut evaluator = Evaluator::new(program, choice, sources);
    evaluator.unknown_inputs();
    let profile = evaluator.profile.clone();
    let stack = evaluator.stack(profile);
    diagnostics.extend(evaluator.diagnostics);
    stack
}

impl<'p> Evaluator<'p> {
    fn new(program: &'p Program, choice: Choice<'p>, sources: &'p Sources) -> Self {
        let mut evaluator = Evaluator {
            program,
            sources,
            given: choice.inputs,
            complete: choice.complete,
            diagnostics: Vec::new(),
            lets: vec![Lazy::New; program.lets.len()],
            inputs: vec![Lazy::New; program.inputs.len()],
            header: Lazy::New,
            members: BTreeMap::new(),
            instances: Vec::new(),
            deps: DepSets::default(),
            frame: Vec::new(),
            base: 0,
            context: Context::default(),
            demand: Vec::new(),
            overlays: BTreeMap::new(),
            steps: 0,
            exhausted: false,
            owner: Owner::Stack,
            owner_since: 0,
            spent: BTreeMap::new(),
            kinds: BTreeMap::new(),
            defaults: BTreeMap::new(),
            testing: choice.test.is_some(),
            test_inputs: BTreeMap::new(),
            profile: None,
            plan: None,
            tables: BTreeMap::new(),
        };
        let mut profile = choice.profile;
        if let Some(test) = choice.test {
            profile = test.profile.as_deref();
            evaluator.test_inputs = test.inputs.iter().map(|(id, value)| (*id, value)).collect();
        }
        evaluator.profile = evaluator.choose_profile(profile);
        evaluator
    }

    fn fail<T>(&mut self, diagnostic: Diagnostic) -> Eval<T> {
        self.diagnostics.push(diagnostic);
        Err(Failed)
    }

    /// The active profile: the requested one, else the header's. Lays its chain over, parents first.
    fn choose_profile(&mut self, requested: Option<&str>) -> Option<String> {
        let program = self.program;
        let named = |name: &str| program.profiles.iter().find(|profile| *profile.name == *name);
        let default = program
            .header
            .as_ref()
            .and_then(|header| header.default_profile.clone());
        let (name, span) = match (requested, &default) {
            (Some(name), _) => (name.to_owned(), None),
            (None, Some((name, span))) => (name.to_string(), Some(*span)),
            (None, None) => return None,
        };
        let Some(active) = named(&name) else {
            let names: Vec<&str> = program.profiles.iter().map(|profile| &*profile.name).collect();
            let message = format!("there is no profile `{name}`");
            let mut diagnostic = match span {
                Some(span) => Diagnostic::error("K0505", span, message),
                None => Diagnostic::global("K0505", message),
            };
            diagnostic = match (nearest(&name, names.iter().copied()), names.is_empty()) {
                (Some(better), _) => diagnostic.help(format!("did you mean `{better}`?")),
                (None, true) => diagnostic.help("the stack declares no profiles"),
                (None, false) => diagnostic.help(format!("profiles are {}", names.join(", "))),
            };
            self.diagnostics.push(diagnostic);
            return None;
        };
        let mut chain = vec![active];
        // The checker cut cycles, so this ends; the bound says so here as well.
        while let Some(parent) = chain
            .last()
            .and_then(|profile| profile.extends.as_ref())
            .and_then(|(name, _)| named(name))
        {
            if chain.len() > program.profiles.len() {
                break;
            }
            chain.push(parent);
        }
        for profile in chain.into_iter().rev() {
            let mut settings: Vec<_> = profile.settings.iter().collect();
            // A family's settings lie below those of one member.
            settings.sort_by_key(|setting| match &setting.target {
                Target::Release(chain) => chain.iter().filter(|(_, key)| key.is_some()).count(),
                _ => 0,
            });
            for setting in settings {
                let overlay = self.overlays.entry(setting.target.clone()).or_default();
                overlay.insert(&setting.setting, true);
            }
        }
        Some(name)
    }

    fn unknown_inputs(&mut self) {
        let known: Vec<&str> = self.program.inputs.iter().map(|input| &*input.name).collect();
        for name in self.given.keys() {
            if known.contains(&name.as_str()) {
                continue;
            }
            let mut diagnostic = Diagnostic::global("K0308", format!("there is no input `{name}`"));
            diagnostic = match (nearest(name, known.iter().copied()), known.is_empty()) {
                (Some(better), _) => diagnostic.help(format!("did you mean `{better}`?")),
                (None, true) => diagnostic.help("the stack declares no inputs"),
                (None, false) => diagnostic.help(format!("inputs are {}", known.join(", "))),
            };
            self.diagnostics.push(diagnostic);
        }
    }

    /// Counts a step. Past the limit, everything fails, and one report says who spent most.
    fn step(&mut self, span: Span) -> Eval<()> {
        self.steps += 1;
        let releases = self.plan.map_or(self.instances.len(), |plan| plan.releases.len());
        let limit = limits::STEPS + limits::STEPS_PER_RELEASE * releases as u64;
        if self.steps <= limit {
            return Ok(());
        }
        if !self.exhausted {
            self.exhausted = true;
            self.switch_owner(self.owner);
            let most = self
                .spent
                .iter()
                .max_by_key(|(owner, steps)| (**steps, std::cmp::Reverse(**owner)));
            let most = most.map(|(owner, _)| *owner).unwrap_or(Owner::Stack);
            let (what, place) = self.describe_owner(most);
            let mut diagnostic = Diagnostic::error(
                "K0901",
                span,
                format!("evaluation stopped after {limit} steps, most in {what}"),
            )
            .help("loops multiply: look for a loop in a loop, or a large `range`");
            if let Some(place) = place {
                diagnostic = diagnostic.related(place, "most steps were spent here");
            }
            self.diagnostics.push(diagnostic);
        }
        Err(Failed)
    }

    /// Charges the steps since the last switch, and starts charging another; returns who was charged.
    fn switch_owner(&mut self, owner: Owner) -> Owner {
        *self.spent.entry(self.owner).or_default() += self.steps - self.owner_since;
        self.owner_since = self.steps;
        std::mem::replace(&mut self.owner, owner)
    }

    fn describe_owner(&self, owner: Owner) -> (String, Option<Span>) {
        let program = self.program;
        match owner {
            Owner::Stack => ("the stack".into(), None),
            Owner::Let(id) => match program.lets.get(id.index()) {
                Some(item) => (format!("`let {}`", item.name), Some(item.span)),
                None => ("a let".into(), None),
            },
            Owner::Fn(id) => match program.fns.get(id.index()) {
                Some(item) => (format!("`fn {}`", item.name), Some(item.span)),
                None => ("a function".into(), None),
            },
            Owner::Release(id) => match program.rels.get(id.index()) {
                Some(item) => (format!("`release {}`", item.name), Some(item.span)),
                None => ("a release".into(), None),
            },
            Owner::Policy(index) => match program.policies.get(index) {
                Some(item) => (format!("`policy {}`", item.name), Some(item.span)),
                None => ("a policy".into(), None),
            },
        }
    }

    /// Runs a computation that others may need too: finds cycles, and keeps the stack from growing without bounds.
    fn demand<T>(
        &mut self,
        what: Demand,
        span: Span,
        owner: Owner,
        context: Context,
        compute: impl FnOnce(&mut Self) -> Eval<T>,
    ) -> Eval<T> {
        if self.demand.len() >= limits::DEMAND_DEPTH {
            return self.fail(
                Diagnostic::error(
                    "K0904",
                    span,
                    format!(
                        "more than {} declarations wait for one another here",
                        limits::DEMAND_DEPTH
                    ),
                )
                .help("make the chain of references shorter"),
            );
        }
        self.demand.push((what, span));
        let owner = self.switch_owner(owner);
        let context = std::mem::replace(&mut self.context, context);
        let base = std::mem::replace(&mut self.base, self.frame.len());
        let result = stacker::maybe_grow(256 << 10, 4 << 20, || compute(self));
        self.frame.truncate(self.base);
        self.base = base;
        self.context = context;
        self.switch_owner(owner);
        self.demand.pop();
        result
    }

    /// Reports that something is needed while it is being computed, with every hop.
    fn cycle<T>(&mut self, what: &Demand, span: Span) -> Eval<T> {
        let start = self.demand.iter().position(|(demand, _)| demand == what).unwrap_or(0);
        // The place of a hop is where it needs the next one.
        let hops: Vec<(String, Span)> = self
            .demand
            .iter()
            .skip(start)
            .enumerate()
            .map(|(index, (demand, _))| {
                let next = self.demand.get(start + index + 1).map_or(span, |(_, span)| *span);
                (self.describe_demand(demand), next)
            })
            .collect();
        let line = |span: Span| self.sources.get(span.file).position(span.start).line;
        let mut hops = hops;
        // A field and what is made of it have one name.
        hops.dedup_by(|next, kept| next.0 == kept.0);
        let shown: Vec<String> = hops
            .iter()
            .map(|(name, span)| format!("{name} (line {})", line(*span)))
            .collect();
        let message = format!("cycle: {} → {}", shown.join(" → "), self.describe_demand(what));
        let mut diagnostic = Diagnostic::error("K0402", hops.first().map_or(span, |(_, span)| *span), message)
            .help("take one of these references out");
        for (name, span) in hops.iter().skip(1) {
            diagnostic = diagnostic.related(*span, format!("{name} needs it here"));
        }
        self.fail(diagnostic)
    }

    fn describe_demand(&self, demand: &Demand) -> String {
        let rel = |id: &RelId| self.program.rels.get(id.index()).map_or("", |rel| &*rel.name);
        let inst = |id: &InstId| self.instances.get(id.index()).map_or("", |instance| rel(&instance.rel));
        match demand {
            Demand::Let(id, _) => self
                .program
                .lets
                .get(id.index())
                .map_or_else(String::new, |item| item.name.to_string()),
            Demand::Input(id) => self
                .program
                .inputs
                .get(id.index())
                .map_or_else(String::new, |item| item.name.to_string()),
            Demand::Members(id, _) => rel(id).to_owned(),
            Demand::Field(id, name) | Demand::Output(id, name) => format!("{}.{name}", inst(id)),
            Demand::Param(id, index) => {
                let name = self
                    .component(*id)
                    .and_then(|comp| comp.params.get(*index as usize))
                    .map(|param| param.name.clone());
                format!("{}.{}", inst(id), name.as_deref().unwrap_or(""))
            }
            Demand::Handle(id, part) => format!(
                "{}.{}",
                inst(id),
                match part {
                    hir::HandlePart::Name => "name",
                    hir::HandlePart::Namespace => "namespace",
                    hir::HandlePart::Cluster => "cluster",
                }
            ),
        }
    }

    fn let_value(&mut self, id: LetId, span: Span) -> Eval<Value> {
        let demand = Demand::Let(id, None);
        match self.lets.get(id.index()) {
            Some(Lazy::Done(value)) => return Ok(value.clone()),
            Some(Lazy::Busy) => return self.cycle(&demand, span),
            Some(Lazy::New) => {}
            Some(Lazy::Failed) | None => return Err(Failed),
        }
        self.set_let(id, Lazy::Busy);
        let program = self.program;
        let Some(item) = program.lets.get(id.index()) else {
            return Err(Failed);
        };
        let overlay = self.overlays.get(&Target::Let(id)).cloned();
        let result = self.demand(
            demand,
            span,
            Owner::Let(id),
            Context::default(),
            |evaluator| match overlay {
                None => evaluator.eval(&item.body),
                Some(overlay) => {
                    let value = evaluator
                        .laid_over(&item.body, &overlay)?
                        .unwrap_or_else(|| Value::null(item.span));
                    if item.annotated {
                        evaluator.conform(value, &item.ty, item.span)
                    } else {
                        Ok(value)
                    }
                }
            },
        );
        self.set_let(
            id,
            result.as_ref().map_or(Lazy::Failed, |value| Lazy::Done(value.clone())),
        );
        result
    }

    fn set_let(&mut self, id: LetId, state: Lazy<Value>) {
        if let Some(slot) = self.lets.get_mut(id.index()) {
            *slot = state;
        }
    }

    fn input_value(&mut self, id: InputId, span: Span) -> Eval<Value> {
        let demand = Demand::Input(id);
        match self.inputs.get(id.index()) {
            Some(Lazy::Done(value)) => return Ok(value.clone()),
            Some(Lazy::Busy) => return self.cycle(&demand, span),
            Some(Lazy::New) => {}
            Some(Lazy::Failed) | None => return Err(Failed),
        }
        if let Some(slot) = self.inputs.get_mut(id.index()) {
            *slot = Lazy::Busy;
        }
        let result = self.demand(demand, span, Owner::Stack, Context::default(), |evaluator| {
            evaluator.input(id)
        });
        if let Some(slot) = self.inputs.get_mut(id.index()) {
            *slot = result.as_ref().map_or(Lazy::Failed, |value| Lazy::Done(value.clone()));
        }
        result
    }

    fn input(&mut self, id: InputId) -> Eval<Value> {
        let program = self.program;
        let Some(input) = program.inputs.get(id.index()) else {
            return Err(Failed);
        };
        let name = &input.name;
        if input.ty.is_error() {
            return Err(Failed);
        }
        if let Some(value) = self.test_inputs.get(&id).copied() {
            return self.eval(value);
        }
        let Some(text) = self.given.get(&**name) else {
            return match &input.default {
                Some(default) => self.eval(default),
                None if !self.complete => Err(Failed),
                None => {
                    let ty = &input.ty;
                    let way = if self.testing {
                        format!("`with input.{name}: …` in the test")
                    } else {
                        format!("`--input {name}=…`")
                    };
                    let help = format!("give it with {way}, or give it a default: `input {name}: {ty} = …`");
                    self.fail(Diagnostic::error("K0307", input.span, format!("input `{name}` has no value")).help(help))
                }
            };
        };
        let Some(value) = types::parse_input(text, &input.ty, input.span) else {
            let message = format!("input `{name}`: expected {}, found {}", input.ty, types::shown(text));
            return self.fail(Diagnostic::error("K0201", input.span, message));
        };
        let before = self.diagnostics.len();
        let result = self.conform(value, &input.ty, input.span);
        for diagnostic in self.diagnostics.iter_mut().skip(before) {
            diagnostic.message = format!("{} (input `{name}`)", diagnostic.message);
            // The value stands on the command line: there is nothing to edit here.
            diagnostic.fixes.clear();
        }
        result
    }

    /// The header's fields, with the profile's laid over.
    fn header_field(&mut self, name: &str) -> Eval<Option<Value>> {
        let header = match &self.header {
            Lazy::Done(value) => value.clone(),
            Lazy::New => {
                let Some(header) = &self.program.header else {
                    return Ok(None);
                };
                self.header = Lazy::Busy;
                let result = self.declaration(&header.body, Target::Stack, header.span);
                self.header = result.as_ref().map_or(Lazy::Failed, |value| Lazy::Done(value.clone()));
                result?
            }
            Lazy::Busy => {
                let span = self.program.header.as_ref().map(|header| header.span);
                return match span {
                    Some(span) => self.fail(Diagnostic::error("K0402", span, "the stack's header needs itself")),
                    None => Err(Failed),
                };
            }
            Lazy::Failed => return Err(Failed),
        };
        Ok(header
            .as_fields()
            .and_then(|fields| fields.get(name))
            .filter(|value| !value.is_null())
            .cloned())
    }

    /// The record of a built-in declaration, with the profile's settings laid over.
    fn declaration(&mut self, body: &'p hir::Expr, target: Target, span: Span) -> Eval<Value> {
        let fields = &self.program.fields;
        let ty = match target {
            Target::Stack => fields.stack.clone(),
            Target::Cluster(_) => fields.cluster.clone(),
            Target::Zone(_) => fields.zone.clone(),
            _ => fields.runner.clone(),
        };
        let context = std::mem::take(&mut self.context);
        let base = std::mem::replace(&mut self.base, self.frame.len());
        let result = match self.overlays.get(&target).cloned() {
            None => self.eval(body),
            Some(overlay) => match self.laid_over(body, &overlay) {
                Ok(value) => self.conform(value.unwrap_or_else(|| Value::null(span)), &ty, span),
                Err(failed) => Err(failed),
            },
        };
        self.base = base;
        self.context = context;
        result
    }

    /// A value with the references of another in addition.
    fn with_deps(&mut self, mut value: Value, deps: Deps) -> Value {
        if deps != Deps::default() && deps != value.deps {
            value.deps = self.deps.union(value.deps, deps);
        }
        value
    }

    fn list(&mut self, items: Vec<Value>, deps: Deps, origin: Span) -> Eval<Value> {
        let list = List::new(items);
        self.fits_limits(list.weight, list.depth, origin)?;
        Ok(Value {
            kind: Kind::List(Arc::new(list)),
            deps,
            origin,
        })
    }

    fn fields(&mut self, fields: Fields, deps: Deps, origin: Span) -> Eval<Value> {
        self.fits_limits(fields.weight, fields.depth, origin)?;
        Ok(Value {
            kind: Kind::Fields(Arc::new(fields)),
            deps,
            origin,
        })
    }

    fn fits_limits(&mut self, weight: u32, depth: u8, origin: Span) -> Eval<()> {
        if weight > limits::VALUE_WEIGHT {
            return self.fail(
                Diagnostic::error("K0902", origin, "this value is larger than 16 MiB")
                    .help("split it, or loop over less"),
            );
        }
        if usize::from(depth) > limits::NESTING {
            let message = format!("this value nests more than {} levels", limits::NESTING);
            return self.fail(Diagnostic::error("K0902", origin, message));
        }
        Ok(())
    }

    fn string(&mut self, text: String, deps: Deps, origin: Span) -> Eval<Value> {
        if text.len() > limits::STRING_BYTES {
            return self.fail(Diagnostic::error("K0902", origin, "this string is longer than 1 MiB"));
        }
        Ok(Value {
            kind: Kind::String(text.into()),
            deps,
            origin,
        })
    }

    fn site_span(&self, site: SiteId) -> Option<Span> {
        self.program.sites.get(site.index()).map(|site| site.span)
    }
}
