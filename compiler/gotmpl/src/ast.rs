//! The syntax tree of a template. `Display` gives a node as Go's error messages show it.

use std::fmt;
use std::sync::Arc;

/// The file, or the text given to `tpl`, that nodes point into.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
}

impl Source {
    /// The line from 1 and the byte within it from 0, as Go counts them.
    pub(crate) fn position(&self, at: usize) -> (u32, u32) {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1);
        (
            u32::try_from(line).unwrap_or(u32::MAX),
            u32::try_from(column).unwrap_or(u32::MAX),
        )
    }
}

/// One named template.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) name: Arc<str>,
    pub(crate) source: Arc<Source>,
    pub(crate) body: Vec<Node>,
}

impl Template {
    /// Whether there is nothing but blank text: such a template never replaces another.
    pub(crate) fn is_empty(&self) -> bool {
        self.body
            .iter()
            .all(|node| matches!(node, Node::Text(text) if text.trim_matches(is_go_space).is_empty()))
    }
}

fn is_go_space(character: char) -> bool {
    character.is_whitespace()
}

#[derive(Debug)]
pub(crate) enum Node {
    Text(Arc<str>),
    Action {
        at: usize,
        pipe: Pipe,
    },
    If(Branch),
    With(Branch),
    Range(Branch),
    Template {
        at: usize,
        name: Arc<str>,
        pipe: Option<Pipe>,
    },
    Break,
    Continue,
}

#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) body: Vec<Node>,
    pub(crate) otherwise: Option<Vec<Node>>,
}

#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) at: usize,
    /// `=` rather than `:=`.
    pub(crate) assign: bool,
    pub(crate) declared: Vec<Arc<str>>,
    pub(crate) commands: Vec<Command>,
}

#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) at: usize,
    /// Never empty: the first is what is called or evaluated.
    pub(crate) args: Vec<Arg>,
}

#[derive(Debug)]
pub(crate) enum Arg {
    Dot {
        at: usize,
    },
    Nil {
        at: usize,
    },
    Bool {
        at: usize,
        value: bool,
    },
    Number {
        at: usize,
        number: Number,
    },
    Str {
        at: usize,
        quoted: String,
        text: Arc<str>,
    },
    Field {
        at: usize,
        names: Vec<Arc<str>>,
    },
    /// `$x.a.b`: the first name is the variable, with its `$`.
    Variable {
        at: usize,
        names: Vec<Arc<str>>,
    },
    Identifier {
        at: usize,
        name: Arc<str>,
    },
    Chain {
        at: usize,
        from: Box<Arg>,
        names: Vec<Arc<str>>,
    },
    Pipe(Pipe),
}

/// A number literal, which may fit several types.
#[derive(Debug)]
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) int: Option<i64>,
    pub(crate) float: Option<f64>,
    /// Written as a float, so that it is one where the type is free.
    pub(crate) is_float: bool,
}

impl Arg {
    pub(crate) fn at(&self) -> usize {
        match self {
            Arg::Dot { at }
            | Arg::Nil { at }
            | Arg::Bool { at, .. }
            | Arg::Number { at, .. }
            | Arg::Str { at, .. }
            | Arg::Field { at, .. }
            | Arg::Variable { at, .. }
            | Arg::Identifier { at, .. }
            | Arg::Chain { at, .. } => *at,
            Arg::Pipe(pipe) => pipe.at,
        }
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Arg::Dot { .. } => f.write_str("."),
            Arg::Nil { .. } => f.write_str("nil"),
            Arg::Bool { value, .. } => write!(f, "{value}"),
            Arg::Number { number, .. } => f.write_str(&number.text),
            Arg::Str { quoted, .. } => f.write_str(quoted),
            Arg::Field { names, .. } => names.iter().try_for_each(|name| write!(f, ".{name}")),
            Arg::Variable { names, .. } => f.write_str(&names.join(".")),
            Arg::Identifier { name, .. } => f.write_str(name),
            Arg::Chain { from, names, .. } => {
                match from.as_ref() {
                    Arg::Pipe(pipe) => write!(f, "({pipe})")?,
                    other => write!(f, "{other}")?,
                }
                names.iter().try_for_each(|name| write!(f, ".{name}"))
            }
            Arg::Pipe(pipe) => write!(f, "{pipe}"),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, arg) in self.args.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            match arg {
                Arg::Pipe(pipe) => write!(f, "({pipe})")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.declared.is_empty() {
            write!(
                f,
                "{} {} ",
                self.declared.join(", "),
                if self.assign { "=" } else { ":=" }
            )?;
        }
        for (position, command) in self.commands.iter().enumerate() {
            if position > 0 {
                f.write_str(" | ")?;
            }
            write!(f, "{command}")?;
        }
        Ok(())
    }
}
