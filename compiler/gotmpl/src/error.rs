//! What can go wrong, with the place in the template and the way there, worded as Helm words it.

use std::fmt;
use std::sync::Arc;

use crate::go::quote;

/// Why a template could not be parsed or rendered. `Display` gives Helm's text.
#[derive(Clone, Debug)]
pub struct Error {
    /// What sort of failure this is.
    pub kind: ErrorKind,
    /// The file, or `gotpl` for text given to `tpl`, that holds the failing action.
    pub template: Arc<str>,
    /// The line from 1.
    pub line: u32,
    /// The byte within the line from 0, as Go counts.
    pub column: u32,
    /// What is wrong, without the place.
    pub message: String,
    /// The calls that led there, outermost first; the last is the failing action itself. Empty for parse errors.
    pub chain: Vec<Frame>,
    /// Whether a function reported this, which Helm words differently from the engine's own errors.
    pub(crate) foreign: bool,
    /// Whether the message stands on its own after the chain, instead of belonging to its last frame.
    pub(crate) apart: bool,
}

/// What sort of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The template is not well-formed.
    Parse,
    /// An action failed.
    Execution,
    /// The template called `fail`, or `required` found nothing.
    Raised,
    /// A limit on work, depth or output was reached.
    Limit,
}

/// One step of the way to an error.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The file that holds the action.
    pub template: Arc<str>,
    /// The line from 1.
    pub line: u32,
    /// The byte within the line from 0.
    pub column: u32,
    /// The named template being executed.
    pub executing: Arc<str>,
    /// The action's text.
    pub action: String,
    /// Go's words between this frame and the next, such as `error calling include: `.
    pub(crate) note: String,
}

impl Frame {
    fn location(&self) -> String {
        format!("{}:{}:{}", self.template, self.line, self.column)
    }

    fn executing(&self) -> String {
        format!("executing {} at <{}>:", quote::quote(&self.executing), self.action)
    }
}

impl Error {
    pub(crate) fn parse(template: Arc<str>, line: u32, column: u32, message: String) -> Error {
        Error {
            kind: ErrorKind::Parse,
            template,
            line,
            column,
            message,
            chain: Vec::new(),
            foreign: true,
            apart: false,
        }
    }

    /// The error as Go's template package words it, all on one line.
    pub fn go_text(&self) -> String {
        if self.kind == ErrorKind::Parse && self.chain.is_empty() {
            return format!("template: {}:{}: {}", self.template, self.line, self.message);
        }
        let mut text = String::new();
        for frame in &self.chain {
            text.push_str(&format!(
                "template: {}: {} {}",
                frame.location(),
                frame.executing(),
                frame.note
            ));
        }
        if self.kind == ErrorKind::Parse {
            text.push_str(&format!("template: {}:{}: ", self.template, self.line));
        }
        text.push_str(&self.message);
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.chain.first() else {
            // Helm keeps what follows the last colon.
            let message = self.message.rsplit(": ").next().unwrap_or(&self.message);
            return write!(f, "parse error at ({}:{}): {message}", self.template, self.line);
        };
        if self.kind == ErrorKind::Raised {
            return write!(f, "execution error at ({}): {}", first.location(), self.message);
        }
        if self.foreign || self.kind == ErrorKind::Parse {
            return f.write_str(&self.go_text());
        }
        let last = self.chain.len() - 1;
        for (position, frame) in self.chain.iter().enumerate() {
            let is_end = position == last && !self.apart;
            let message = if is_end {
                self.message.as_str()
            } else {
                frame.note.trim_end()
            };
            let end = if is_end { "" } else { "\n" };
            write!(f, "{}\n  {}\n    {message}{end}", frame.location(), frame.executing())?;
        }
        if self.apart { f.write_str(&self.message) } else { Ok(()) }
    }
}

impl std::error::Error for Error {}

/// Why a function gave no value, before the place of the call is known.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Go's message.
    Message(String),
    /// The message that a template asked to fail with.
    Raised(String),
    /// A limit was reached.
    Limit(String),
    /// An error within a template that the function rendered.
    Nested(Box<Error>),
    /// The same, with Go's words in front.
    Wrapped(String, Box<Error>),
    /// A template that does not exist.
    NoTemplate(String),
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Fault::Message(message)
    }
}

impl From<&str> for Fault {
    fn from(message: &str) -> Self {
        Fault::Message(message.to_owned())
    }
}

impl From<Box<Error>> for Fault {
    fn from(error: Box<Error>) -> Self {
        Fault::Nested(error)
    }
}
