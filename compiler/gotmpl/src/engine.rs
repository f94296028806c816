//! Holds parsed templates and the limits under which they run.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use regex::Regex;

use crate::ast::Template;
use crate::error::{Error, ErrorKind, Fault};
use crate::eval;
use crate::go::quote;
use crate::parse;
use crate::value::Value;

/// The name of the template that `tpl` renders, which shows in error messages.
const ROOT: &str = "gotpl";
/// How often a template may be included within itself; the limit is Helm's.
const INCLUDES: u32 = 1000;

/// How much one engine may do in all its renderings together. Reaching a limit is an error of kind
/// [`ErrorKind::Limit`].
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nodes and commands evaluated.
    pub steps: u64,
    /// Bytes of text written or made by functions.
    pub bytes: usize,
    /// List elements made by functions.
    pub cells: usize,
    /// Templates executing within each other.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            steps: 20_000_000,
            bytes: 256 << 20,
            cells: 4_000_000,
            depth: 1500,
        }
    }
}

/// A set of templates that see each other, as the files of a chart do.
#[derive(Debug)]
pub struct Engine {
    set: Rc<Set>,
    machine: Machine,
}

impl Engine {
    /// An engine without templates.
    pub fn new(limits: Limits) -> Engine {
        Engine {
            set: Rc::default(),
            machine: Machine::new(limits),
        }
    }

    /// Parses `text` as the template `name`, together with the templates that it defines. A later definition of a
    /// name replaces an earlier one, unless it is blank.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let parsed = parse::parse(&name.into(), &text.into())?;
        Rc::make_mut(&mut self.set).add(parsed.into_iter().map(Arc::new));
        Ok(())
    }

    /// Renders the template `name` with `data` as its dot.
    pub fn render(&mut self, name: &str, data: Value) -> Result<String, Error> {
        let mut context = Context {
            machine: &mut self.machine,
            set: &self.set,
        };
        match context.execute(name, data) {
            Ok(text) => Ok(without_missing(text)),
            Err(Fault::Nested(error) | Fault::Wrapped(_, error)) => Err(*error),
            Err(
                Fault::Message(message) | Fault::Raised(message) | Fault::Limit(message) | Fault::NoTemplate(message),
            ) => {
                let mut error = Error::parse(name.into(), 1, 0, message);
                error.kind = ErrorKind::Execution;
                Err(error)
            }
        }
    }
}

/// Templates by name. A text given to `tpl` sees those around it and may add or replace some for itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Set {
    own: BTreeMap<Arc<str>, Arc<Template>>,
    outer: Option<Rc<Set>>,
}

impl Set {
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Template>> {
        match self.own.get(name) {
            Some(template) => Some(template),
            None => self.outer.as_ref()?.find(name),
        }
    }

    fn add(&mut self, templates: impl IntoIterator<Item = Arc<Template>>) {
        for template in templates {
            if template.is_empty() && self.find(&template.name).is_some() {
                continue;
            }
            self.own.insert(Arc::clone(&template.name), template);
        }
    }
}

/// What lives as long as an engine: counters and caches.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) limits: Limits,
    steps: u64,
    bytes: usize,
    cells: usize,
    depth: usize,
    included: BTreeMap<Arc<str>, u32>,
    regexes: BTreeMap<Arc<str>, Regex>,
    texts: BTreeMap<Arc<str>, Rc<Vec<Arc<Template>>>>,
}

impl Machine {
    fn new(limits: Limits) -> Machine {
        Machine {
            limits,
            steps: 0,
            bytes: 0,
            cells: 0,
            depth: 0,
            included: BTreeMap::new(),
            regexes: BTreeMap::new(),
            texts: BTreeMap::new(),
        }
    }

    /// Counts work done.
    pub(crate) fn step(&mut self, steps: u64) -> Result<(), Fault> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.limits.steps {
            return Err(Fault::Limit(format!(
                "rendering takes more than {} steps",
                self.limits.steps
            )));
        }
        Ok(())
    }

    /// Counts text made.
    pub(crate) fn bytes(&mut self, bytes: usize) -> Result<(), Fault> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.limits.bytes {
            return Err(Fault::Limit(format!(
                "rendering makes more than {} bytes of text",
                self.limits.bytes
            )));
        }
        Ok(())
    }

    /// Counts list elements made.
    pub(crate) fn cells(&mut self, cells: usize) -> Result<(), Fault> {
        self.cells = self.cells.saturating_add(cells);
        if self.cells > self.limits.cells {
            return Err(Fault::Limit(format!(
                "rendering makes lists of more than {} elements",
                self.limits.cells
            )));
        }
        Ok(())
    }

    /// What is left of the allowance of text, for functions that should stop on their own.
    pub(crate) fn room(&self) -> usize {
        self.limits.bytes.saturating_sub(self.bytes)
    }

    /// Enters a template; every success needs a [`Machine::leave`].
    pub(crate) fn enter(&mut self) -> Result<(), Fault> {
        if self.depth >= self.limits.depth {
            return Err(Fault::Limit(format!(
                "templates execute more than {} deep within each other",
                self.limits.depth
            )));
        }
        self.depth += 1;
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}

/// What a function may use besides its arguments.
pub(crate) struct Context<'c> {
    pub(crate) machine: &'c mut Machine,
    pub(crate) set: &'c Rc<Set>,
}

impl Context<'_> {
    /// `include`.
    pub(crate) fn include(&mut self, name: &Arc<str>, data: Value) -> Result<Value, Fault> {
        let count = self.machine.included.entry(Arc::clone(name)).or_insert(0);
        if *count > INCLUDES {
            return Err(
                format!("rendering template has a nested reference name: {name}: unable to execute template").into(),
            );
        }
        *count += 1;
        let result = self.execute(name, data);
        if let Some(count) = self.machine.included.get_mut(name) {
            *count -= 1;
        }
        result.map(Value::from)
    }

    /// `tpl`.
    pub(crate) fn tpl(&mut self, text: &Arc<str>, data: Value) -> Result<Value, Fault> {
        if !text.contains("{{") {
            return Ok(Value::from(without_missing(text.to_string())));
        }
        let parsed = match self.machine.texts.get(text) {
            Some(parsed) => Rc::clone(parsed),
            None => {
                self.machine.step(text.len() as u64 / 8)?;
                self.machine.bytes(text.len())?;
                let parsed = parse::parse(&ROOT.into(), text).map_err(|error| {
                    Fault::Message(format!(
                        "cannot parse template {}: {}",
                        quote::quote(text),
                        error.go_text()
                    ))
                })?;
                let parsed: Rc<Vec<_>> = Rc::new(parsed.into_iter().map(Arc::new).collect());
                self.machine.texts.insert(Arc::clone(text), Rc::clone(&parsed));
                parsed
            }
        };
        let mut set = Set {
            own: BTreeMap::new(),
            outer: Some(Rc::clone(self.set)),
        };
        // The text itself always counts, blank or not.
        for template in parsed.iter() {
            if template.name.as_ref() == ROOT {
                set.own.insert(ROOT.into(), Arc::clone(template));
            } else {
                set.add([Arc::clone(template)]);
            }
        }
        let mut inner = Context {
            machine: self.machine,
            set: &Rc::new(set),
        };
        match inner.execute(ROOT, data) {
            Ok(result) => Ok(Value::from(without_missing(result))),
            Err(Fault::Nested(error)) => Err(Fault::Wrapped(
                format!("error during tpl function execution for {}: ", quote::quote(text)),
                error,
            )),
            Err(other) => Err(other),
        }
    }

    /// Executes the template `name`.
    fn execute(&mut self, name: &str, data: Value) -> Result<String, Fault> {
        let Some(template) = self.set.find(name) else {
            return Err(Fault::NoTemplate(format!(
                "template: no template {} associated with template \"{ROOT}\"",
                quote::quote(name)
            )));
        };
        let template = Arc::clone(template);
        let mut out = String::new();
        self.machine.enter()?;
        let result = stacker::maybe_grow(256 * 1024, 4 * 1024 * 1024, || {
            eval::execute(self.machine, self.set, &template, data, &mut out)
        });
        self.machine.leave();
        result?;
        Ok(out)
    }

    /// A compiled regular expression, or Go's message why it is none.
    pub(crate) fn regex(&mut self, pattern: &Arc<str>) -> Result<Regex, Fault> {
        if let Some(regex) = self.machine.regexes.get(pattern) {
            return Ok(regex.clone());
        }
        let regex = crate::functions::regex::compile(pattern)?;
        self.machine.regexes.insert(Arc::clone(pattern), regex.clone());
        Ok(regex)
    }
}

/// Helm removes the text that Go prints for a missing value.
fn without_missing(text: String) -> String {
    if text.contains("<no value>") {
        text.replace("<no value>", "")
    } else {
        text
    }
}
