//! Executes templates: a port of the walk in Go's `text/template`, with its rules for nil and for types.

use std::rc::Rc;
use std::sync::Arc;

use crate::ast::{Arg, Branch, Command, Node, Pipe, Template};
use crate::engine::{Context, Machine, Set};
use crate::error::{Error, ErrorKind, Fault, Frame};
use crate::functions::{self, Function};
use crate::go::format;
use crate::go::quote::quote;
use crate::types::Type;
use crate::value::{Elem, IntKind, MapKind, Value};

type Evaluated<T> = Result<T, Box<Error>>;

/// Executes `template` with `data` as its dot, appending to `out`.
pub(crate) fn execute(
    machine: &mut Machine,
    set: &Rc<Set>,
    template: &Arc<Template>,
    data: Value,
    out: &mut String,
) -> Evaluated<()> {
    let dot = Slot::concrete(data);
    let mut state = State {
        machine,
        set,
        template,
        out,
        at: At::Nothing,
        variables: vec![("$".into(), dot.clone())],
    };
    state.walk(&dot, &template.body)?;
    Ok(())
}

/// What Go's reflection knows of a value besides the value: whether it is seen through an interface, and whether it
/// is there at all. `None` is Go's invalid value, which forgives field access; a nil in an interface does not.
#[derive(Clone, Debug)]
struct Slot {
    value: Option<Value>,
    interface: bool,
}

impl Slot {
    fn concrete(value: Value) -> Slot {
        let value = if matches!(value, Value::Nil) { None } else { Some(value) };
        Slot {
            value,
            interface: false,
        }
    }

    fn interface(value: Value) -> Slot {
        Slot {
            value: Some(value),
            interface: true,
        }
    }

    /// The element of a container, whose static type depends on the container's.
    fn element(value: Value, any: bool) -> Slot {
        if any {
            Slot::interface(value)
        } else {
            Slot {
                value: Some(value),
                interface: false,
            }
        }
    }

    /// Go looks through an interface at the end of each command.
    fn unwrapped(self) -> Slot {
        match self.value {
            Some(value) => Slot::concrete(value),
            None => self,
        }
    }

    fn into_value(self) -> Value {
        self.value.unwrap_or(Value::Nil)
    }

    fn truth(&self) -> bool {
        self.value.as_ref().is_some_and(Value::truth)
    }

    fn type_name(&self) -> &str {
        match &self.value {
            _ if self.interface => "interface {}",
            Some(value) => value.type_name(),
            None => "<nil>",
        }
    }
}

/// The node being evaluated, for error messages.
#[derive(Clone, Copy)]
enum At<'t> {
    Nothing,
    Action(usize, &'t Pipe),
    Call(usize, &'t Arc<str>, Option<&'t Pipe>),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Arg(&'t Arg),
}

enum Flow {
    Next,
    Break,
    Continue,
}

struct State<'s, 't> {
    machine: &'s mut Machine,
    set: &'s Rc<Set>,
    template: &'t Template,
    out: &'s mut String,
    at: At<'t>,
    variables: Vec<(Arc<str>, Slot)>,
}

impl<'t> State<'_, 't> {
    fn walk(&mut self, dot: &Slot, nodes: &'t [Node]) -> Evaluated<Flow> {
        for node in nodes {
            self.step()?;
            let flow = match node {
                Node::Text(text) => {
                    self.write(text)?;
                    Flow::Next
                }
                Node::Action { at, pipe } => {
                    self.at = At::Action(*at, pipe);
                    let value = self.pipeline(dot, pipe)?;
                    if pipe.declared.is_empty() {
                        self.at = At::Action(*at, pipe);
                        self.print(&value)?;
                    }
                    Flow::Next
                }
                Node::If(branch) => self.branch(dot, branch, false)?,
                Node::With(branch) => self.branch(dot, branch, true)?,
                Node::Range(branch) => self.range(dot, branch)?,
                Node::Template { at, name, pipe } => {
                    self.at = At::Call(*at, name, pipe.as_ref());
                    self.template(dot, name, pipe.as_ref())?;
                    Flow::Next
                }
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if !matches!(flow, Flow::Next) {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn step(&mut self) -> Evaluated<()> {
        self.machine.step(1).map_err(|fault| self.fault(fault, None))
    }

    fn write(&mut self, text: &str) -> Evaluated<()> {
        self.machine
            .bytes(text.len())
            .map_err(|fault| self.fault(fault, None))?;
        self.out.push_str(text);
        Ok(())
    }

    fn print(&mut self, slot: &Slot) -> Evaluated<()> {
        match &slot.value {
            None => self.write("<no value>"),
            Some(Value::Str(text)) => self.write(text),
            Some(value) => {
                let text = format::show(value, self.machine.room());
                self.write(&text)
            }
        }
    }

    fn branch(&mut self, dot: &Slot, branch: &'t Branch, with: bool) -> Evaluated<Flow> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = if value.truth() {
            self.walk(if with { &value } else { dot }, &branch.body)?
        } else if let Some(otherwise) = &branch.otherwise {
            self.walk(dot, otherwise)?
        } else {
            Flow::Next
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn range(&mut self, dot: &Slot, branch: &'t Branch) -> Evaluated<Flow> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let subject = value.value.as_ref().map(Value::plain);
        let mut ran = false;
        match &subject {
            None | Some(Value::Nil) => {}
            Some(Value::Int(count, kind)) => {
                if branch.pipe.declared.len() > 1 {
                    return Err(self.fail(format!("can't use {count} to iterate over more than one variable")));
                }
                for index in 0..*count {
                    ran = true;
                    let element = Slot::concrete(Value::Int(index, *kind));
                    if let Flow::Break = self.iterate(branch, Slot::concrete(Value::Nil), element)? {
                        break;
                    }
                }
            }
            Some(Value::Map(map)) => {
                let any = map.kind() != MapKind::Str;
                for (key, element) in map.entries() {
                    ran = true;
                    let key = Slot::concrete(Value::Str(key));
                    if let Flow::Break = self.iterate(branch, key, Slot::element(element, any))? {
                        break;
                    }
                }
            }
            Some(list @ (Value::List(_) | Value::Bytes(_))) if list.as_items().is_some() => {
                let any = matches!(list, Value::List(list) if list.elem == Elem::Any);
                for (index, element) in list.as_items().iter().flat_map(|items| items.iter()).enumerate() {
                    ran = true;
                    let index = Slot::concrete(Value::int(i64::try_from(index).unwrap_or(i64::MAX)));
                    if let Flow::Break = self.iterate(branch, index, Slot::element(element.clone(), any))? {
                        break;
                    }
                }
            }
            Some(other) => {
                let shown = format::show(other, self.machine.room());
                return Err(self.fail(format!("range can't iterate over {shown}")));
            }
        }
        let mut flow = Flow::Next;
        if !ran && let Some(otherwise) = &branch.otherwise {
            flow = self.walk(dot, otherwise)?;
        }
        self.variables.truncate(mark);
        Ok(flow)
    }

    /// One turn of a loop; tells whether to stop.
    fn iterate(&mut self, branch: &'t Branch, key: Slot, element: Slot) -> Evaluated<Flow> {
        self.step()?;
        let mark = self.variables.len();
        let slots = match branch.pipe.declared.len() {
            0 => vec![],
            1 => vec![element.clone()],
            _ => vec![key, element.clone()],
        };
        for (position, (name, slot)) in branch.pipe.declared.iter().zip(slots).enumerate() {
            if branch.pipe.assign {
                self.assign(name, slot)?;
            } else {
                // The pipeline declared the variables; each turn gives them new values.
                let from_end = branch.pipe.declared.len() - position;
                if let Some((_, held)) = mark
                    .checked_sub(from_end)
                    .and_then(|place| self.variables.get_mut(place))
                {
                    *held = slot;
                }
            }
        }
        let flow = self.walk(&element, &branch.body)?;
        self.variables.truncate(mark);
        Ok(match flow {
            Flow::Break => Flow::Break,
            Flow::Next | Flow::Continue => Flow::Next,
        })
    }

    fn template(&mut self, dot: &Slot, name: &Arc<str>, pipe: Option<&'t Pipe>) -> Evaluated<()> {
        let Some(template) = self.set.find(name) else {
            return Err(self.fail(format!("template {} not defined", quote(name))));
        };
        let template = Arc::clone(template);
        let data = match pipe {
            Some(pipe) => self.pipeline(dot, pipe)?.into_value(),
            None => Value::Nil,
        };
        self.machine.enter().map_err(|fault| self.fault(fault, None))?;
        let result = stacker::maybe_grow(256 * 1024, 4 * 1024 * 1024, || {
            execute(self.machine, self.set, &template, data, self.out)
        });
        self.machine.leave();
        result
    }

    fn pipeline(&mut self, dot: &Slot, pipe: &'t Pipe) -> Evaluated<Slot> {
        self.at = At::Pipe(pipe);
        let mut value: Option<Slot> = None;
        for command in &pipe.commands {
            self.step()?;
            value = Some(self.command(dot, command, value)?.unwrapped());
        }
        let value = value.unwrap_or(Slot {
            value: None,
            interface: false,
        });
        for name in &pipe.declared {
            if pipe.assign {
                self.assign(name, value.clone())?;
            } else {
                self.variables.push((Arc::clone(name), value.clone()));
            }
        }
        Ok(value)
    }

    fn assign(&mut self, name: &Arc<str>, slot: Slot) -> Evaluated<()> {
        match self.variables.iter_mut().rev().find(|(known, _)| known == name) {
            Some((_, held)) => {
                *held = slot;
                Ok(())
            }
            None => Err(self.fail(format!("undefined variable: {name}"))),
        }
    }

    fn command(&mut self, dot: &Slot, command: &'t Command, last: Option<Slot>) -> Evaluated<Slot> {
        let Some((first, args)) = command.args.split_first() else {
            return Err(self.fail("empty command".to_owned()));
        };
        match first {
            Arg::Field { names, .. } => {
                self.at = At::Arg(first);
                return self.chain(dot, dot.clone(), first, names, args, last);
            }
            Arg::Chain { from, names, .. } => return self.chain_node(dot, first, from, names, args, last),
            Arg::Identifier { name, .. } => {
                self.at = At::Arg(first);
                return self.function(dot, At::Command(command), name, args, last);
            }
            Arg::Pipe(pipe) => {
                self.not_a_function(first, args, last.as_ref())?;
                return self.parenthesised(dot, pipe);
            }
            Arg::Variable { names, .. } => return self.variable(dot, first, names, args, last),
            _ => {}
        }
        self.at = At::Arg(first);
        self.not_a_function(first, args, last.as_ref())?;
        match first {
            Arg::Dot { .. } => Ok(dot.clone()),
            Arg::Nil { .. } => Err(self.fail("nil is not a command".to_owned())),
            _ => self.literal(first),
        }
    }

    fn parenthesised(&mut self, dot: &Slot, pipe: &'t Pipe) -> Evaluated<Slot> {
        stacker::maybe_grow(128 * 1024, 2 * 1024 * 1024, || self.pipeline(dot, pipe))
    }

    fn not_a_function(&mut self, first: &Arg, args: &[Arg], last: Option<&Slot>) -> Evaluated<()> {
        if args.is_empty() && last.is_none() {
            return Ok(());
        }
        Err(self.fail(format!("can't give argument to non-function {first}")))
    }

    fn chain_node(
        &mut self,
        dot: &Slot,
        node: &'t Arg,
        from: &'t Arg,
        names: &'t [Arc<str>],
        args: &'t [Arg],
        last: Option<Slot>,
    ) -> Evaluated<Slot> {
        self.at = At::Arg(node);
        if matches!(from, Arg::Nil { .. }) {
            return Err(self.fail(format!("indirection through explicit nil in {node}")));
        }
        let receiver = self.untyped(dot, from)?;
        self.chain(dot, receiver, node, names, args, last)
    }

    fn variable(
        &mut self,
        dot: &Slot,
        node: &'t Arg,
        names: &'t [Arc<str>],
        args: &'t [Arg],
        last: Option<Slot>,
    ) -> Evaluated<Slot> {
        self.at = At::Arg(node);
        let (name, fields) = names
            .split_first()
            .map_or((None, names), |(name, fields)| (Some(name), fields));
        let held = self
            .variables
            .iter()
            .rev()
            .find(|(known, _)| Some(known) == name)
            .map(|(_, slot)| slot.clone());
        let Some(slot) = held else {
            return Err(self.fail(format!("undefined variable: {node}")));
        };
        if fields.is_empty() {
            self.not_a_function(node, args, last.as_ref())?;
            return Ok(slot);
        }
        self.chain(dot, slot, node, fields, args, last)
    }

    /// Walks `.a.b.c`; only the last name may be a method with arguments.
    fn chain(
        &mut self,
        dot: &Slot,
        receiver: Slot,
        node: &'t Arg,
        names: &'t [Arc<str>],
        args: &'t [Arg],
        last: Option<Slot>,
    ) -> Evaluated<Slot> {
        let mut receiver = receiver;
        let Some((final_name, path)) = names.split_last() else {
            return Ok(receiver);
        };
        for name in path {
            receiver = self.field(dot, receiver, node, name, &[], None)?;
        }
        self.field(dot, receiver, node, final_name, args, last)
    }

    fn field(
        &mut self,
        dot: &Slot,
        receiver: Slot,
        node: &'t Arg,
        name: &'t Arc<str>,
        args: &'t [Arg],
        last: Option<Slot>,
    ) -> Evaluated<Slot> {
        let Some(value) = &receiver.value else {
            return Ok(Slot {
                value: None,
                interface: false,
            });
        };
        let has_args = !args.is_empty() || last.is_some();
        match value {
            Value::Nil => return Err(self.fail(format!("nil pointer evaluating interface {{}}.{name}"))),
            Value::Map(map) => {
                if has_args {
                    return Err(self.fail(format!("{name} is not a method but has arguments")));
                }
                let element = map.get(name).unwrap_or_else(|| map.zero());
                return Ok(Slot::element(element, map.kind() != MapKind::Str));
            }
            Value::Object(object) => {
                if let Some(parameters) = object.method(name) {
                    let values = self.arguments(dot, name, parameters, None, args, last)?;
                    return match object.call(name, &values) {
                        Ok(result) => {
                            self.charge(&result)?;
                            Ok(Slot::concrete(result))
                        }
                        Err(message) => {
                            self.at = At::Arg(node);
                            Err(self.fault(Fault::Message(message), Some(name)))
                        }
                    };
                }
                if let Some(field) = object.field(name) {
                    if has_args {
                        return Err(self.fail(format!("{name} has arguments but cannot be invoked as function")));
                    }
                    return Ok(Slot {
                        value: Some(field),
                        interface: false,
                    });
                }
            }
            _ => {}
        }
        Err(self.fail(format!("can't evaluate field {name} in type {}", receiver.type_name())))
    }

    fn function(
        &mut self,
        dot: &Slot,
        at: At<'t>,
        name: &'t Arc<str>,
        args: &'t [Arg],
        last: Option<Slot>,
    ) -> Evaluated<Slot> {
        let Some(function) = functions::find(name) else {
            return Err(self.fail(format!("{} is not a defined function", quote(name))));
        };
        if matches!(name.as_ref(), "and" | "or") {
            return self.and_or(dot, name, args, last);
        }
        // Go's `len` is handed the missing value itself, of which it cannot say the type.
        let missing = last.as_ref().is_some_and(|slot| slot.value.is_none());
        let values = self.arguments(dot, name, function.takes, function.rest, args, last)?;
        if missing && name.as_ref() == "len" {
            self.at = at;
            let message = "reflect: call of reflect.Value.Type on zero Value".to_owned();
            return Err(self.fault(Fault::Message(message), Some(name)));
        }
        if let ("call", Some(callee)) = (name.as_ref(), values.first())
            && !matches!(callee, Value::Nil)
        {
            let text = args.first().map(ToString::to_string).unwrap_or_default();
            let message = format!("non-function {text} of type {}", callee.type_name());
            self.at = at;
            return Err(self.fault(Fault::Message(message), Some(name)));
        }
        match self.run(function, &values) {
            Ok(result) => Ok(Slot::interface(result)),
            Err(fault) => {
                self.at = at;
                Err(self.fault(fault, Some(name)))
            }
        }
    }

    fn run(&mut self, function: &Function, values: &[Value]) -> Result<Value, Fault> {
        let mut context = Context {
            machine: self.machine,
            set: self.set,
        };
        let result = (function.run)(&mut context, functions::Args(values))?;
        charge(self.machine, &result)?;
        Ok(result)
    }

    fn charge(&mut self, value: &Value) -> Evaluated<()> {
        charge(self.machine, value).map_err(|fault| self.fault(fault, None))
    }

    /// `and` and `or` evaluate no more arguments than they need.
    fn and_or(&mut self, dot: &Slot, name: &str, args: &'t [Arg], last: Option<Slot>) -> Evaluated<Slot> {
        if args.is_empty() && last.is_none() {
            return Err(self.fail(format!("wrong number of args for {name}: want at least 1 got 0")));
        }
        let mut value = Slot {
            value: None,
            interface: false,
        };
        for arg in args {
            value = self.argument(dot, Type::Any, arg).map(Slot::interface)?;
            if value.truth() == (name == "or") {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    /// The arguments of a call, checked against its parameter types.
    fn arguments(
        &mut self,
        dot: &Slot,
        name: &str,
        takes: &[Type],
        rest: Option<Type>,
        args: &'t [Arg],
        last: Option<Slot>,
    ) -> Evaluated<Vec<Value>> {
        let count = args.len() + usize::from(last.is_some());
        if rest.is_some() && count < takes.len() {
            let wanted = takes.len();
            return Err(self.fail(format!(
                "wrong number of args for {name}: want at least {wanted} got {}",
                args.len()
            )));
        }
        if rest.is_none() && count != takes.len() {
            return Err(self.fail(format!(
                "wrong number of args for {name}: want {} got {count}",
                takes.len()
            )));
        }
        let type_at = |position: usize| takes.get(position).copied().or(rest).unwrap_or(Type::Any);
        let mut values = Vec::with_capacity(count);
        for (position, arg) in args.iter().enumerate() {
            values.push(self.argument(dot, type_at(position), arg)?);
        }
        if let Some(last) = last {
            values.push(self.validate(last, type_at(args.len()))?);
        }
        Ok(values)
    }

    fn argument(&mut self, dot: &Slot, wanted: Type, arg: &'t Arg) -> Evaluated<Value> {
        self.at = At::Arg(arg);
        match arg {
            Arg::Nil { .. } if wanted.is_nillable() => Ok(nil_of(wanted)),
            Arg::Nil { .. } => Err(self.fail(format!("cannot assign nil to {}", wanted.name()))),
            Arg::Dot { .. }
            | Arg::Field { .. }
            | Arg::Variable { .. }
            | Arg::Pipe(_)
            | Arg::Identifier { .. }
            | Arg::Chain { .. } => {
                let slot = self.untyped(dot, arg)?;
                self.validate(slot, wanted)
            }
            Arg::Bool { value, .. } if wanted == Type::Bool => Ok(Value::Bool(*value)),
            Arg::Str { text, .. } if wanted == Type::Str => Ok(Value::Str(Arc::clone(text))),
            Arg::Number { number, .. } if wanted == Type::Int && number.int.is_some() => {
                Ok(Value::int(number.int.unwrap_or_default()))
            }
            Arg::Number { number, .. } if wanted == Type::Float && number.float.is_some() => {
                Ok(Value::Float(number.float.unwrap_or_default()))
            }
            _ => match wanted {
                Type::Any => Ok(self.literal(arg)?.into_value()),
                Type::Str => Err(self.fail(format!("expected string; found {arg}"))),
                Type::Int => Err(self.fail(format!("expected integer; found {arg}"))),
                Type::Float => Err(self.fail(format!("expected float; found {arg}"))),
                Type::Bool => Err(self.fail(format!("expected bool; found {arg}"))),
                Type::Map => Err(self.fail(format!("can't handle {arg} for arg of type {}", wanted.name()))),
            },
        }
    }

    /// An argument that is no literal, before its type is checked.
    fn untyped(&mut self, dot: &Slot, arg: &'t Arg) -> Evaluated<Slot> {
        self.at = At::Arg(arg);
        match arg {
            Arg::Dot { .. } => Ok(dot.clone()),
            Arg::Field { names, .. } => self.chain(dot, dot.clone(), arg, names, &[], None),
            Arg::Variable { names, .. } => self.variable(dot, arg, names, &[], None),
            Arg::Pipe(pipe) => self.parenthesised(dot, pipe),
            Arg::Identifier { name, .. } => self.function(dot, At::Arg(arg), name, &[], None),
            Arg::Chain { from, names, .. } => self.chain_node(dot, arg, from, names, &[], None),
            Arg::Nil { .. } | Arg::Bool { .. } | Arg::Number { .. } | Arg::Str { .. } => self.literal(arg),
        }
    }

    fn literal(&mut self, arg: &Arg) -> Evaluated<Slot> {
        let value = match arg {
            Arg::Bool { value, .. } => Value::Bool(*value),
            Arg::Str { text, .. } => Value::Str(Arc::clone(text)),
            Arg::Number { number, .. } => match (number.is_float, number.float, number.int) {
                (true, Some(float), _) => Value::Float(float),
                (_, _, Some(int)) => Value::int(int),
                _ => return Err(self.fail(format!("{} overflows int", number.text))),
            },
            other => return Err(self.fail(format!("can't evaluate command {}", quote(&other.to_string())))),
        };
        Ok(Slot {
            value: Some(value),
            interface: false,
        })
    }

    fn validate(&mut self, slot: Slot, wanted: Type) -> Evaluated<Value> {
        match slot.value {
            None if wanted.is_nillable() => Ok(nil_of(wanted)),
            None => Err(self.fail(format!("invalid value; expected {}", wanted.name()))),
            Some(Value::Nil) if wanted == Type::Any => Ok(Value::Nil),
            Some(value) if wanted.accepts(&value) => Ok(value),
            Some(value) => {
                let got = if matches!(value, Value::Nil) {
                    "interface {}"
                } else {
                    value.type_name()
                };
                Err(self.fail(format!("wrong type for value; expected {}; got {got}", wanted.name())))
            }
        }
    }

    fn frame(&self, note: String) -> Frame {
        let (at, action) = match self.at {
            At::Nothing => (0, String::new()),
            At::Action(at, pipe) => (at, format!("{{{{{pipe}}}}}")),
            At::Call(at, name, pipe) => {
                let argument = pipe.map(|pipe| format!(" {pipe}")).unwrap_or_default();
                (at, format!("{{{{template {}{argument}}}}}", quote(name)))
            }
            At::Pipe(pipe) => (pipe.at, pipe.to_string()),
            At::Command(command) => (command.at, command.to_string()),
            At::Arg(arg) => (arg.at(), arg.to_string()),
        };
        let (line, column) = self.template.source.position(at);
        Frame {
            template: Arc::clone(&self.template.source.name),
            line,
            column,
            executing: Arc::clone(&self.template.name),
            action,
            note,
        }
    }

    /// An error of the engine itself at the current node.
    fn fail(&self, message: String) -> Box<Error> {
        self.error(ErrorKind::Execution, message, false)
    }

    fn error(&self, kind: ErrorKind, message: String, foreign: bool) -> Box<Error> {
        let frame = self.frame(String::new());
        Box::new(Error {
            kind,
            template: Arc::clone(&frame.template),
            line: frame.line,
            column: frame.column,
            message,
            chain: vec![frame],
            foreign,
            apart: false,
        })
    }

    /// The error for what a function, named if it is known, reported.
    fn fault(&self, fault: Fault, function: Option<&str>) -> Box<Error> {
        let calling = function
            .map(|name| format!("error calling {name}: "))
            .unwrap_or_default();
        match fault {
            Fault::Message(message) => self.error(ErrorKind::Execution, format!("{calling}{message}"), true),
            Fault::Raised(message) => self.error(ErrorKind::Raised, message, true),
            Fault::Limit(message) => self.error(ErrorKind::Limit, message, false),
            Fault::NoTemplate(message) => {
                let mut error = self.error(ErrorKind::Execution, message, false);
                error.apart = true;
                if let Some(frame) = error.chain.last_mut() {
                    frame.note = calling;
                }
                error
            }
            Fault::Nested(mut error) => {
                error.chain.insert(0, self.frame(calling));
                error
            }
            Fault::Wrapped(words, mut error) => {
                error.chain.insert(0, self.frame(calling + &words));
                error.foreign = true;
                error
            }
        }
    }
}

fn nil_of(wanted: Type) -> Value {
    match wanted {
        Type::Map => Value::Map(crate::value::Map::default()),
        _ => Value::Nil,
    }
}

/// Counts what a function made against the limits.
fn charge(machine: &mut Machine, value: &Value) -> Result<(), Fault> {
    match value {
        Value::Str(text) => machine.bytes(text.len()),
        Value::Bytes(bytes) => machine.bytes(bytes.data.len()),
        Value::List(list) => machine.cells(list.items.len()),
        Value::Int(_, IntKind::Int | IntKind::Int64 | IntKind::Uint8 | IntKind::Uint64) => Ok(()),
        Value::Nil | Value::Bool(_) | Value::Float(_) | Value::Map(_) | Value::Object(_) => Ok(()),
    }
}
