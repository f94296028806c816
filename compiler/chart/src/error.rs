//! What can go wrong with a chart, and where.

use std::fmt;

use ktl_gotmpl::yaml::YamlError;

/// Why a chart could not be loaded or rendered.
#[derive(Clone, Debug)]
pub struct ChartError {
    /// The file: relative to the chart when loading, with the chart's name in front when rendering. Empty when the
    /// chart as a whole is meant.
    pub file: String,
    /// The line from 1, or 0 when no line is meant.
    pub line: u32,
    /// The column from 1, or 0 when none is meant.
    pub column: u32,
    /// What is wrong. For templates this is the whole of Helm's text, which names the place again.
    pub message: String,
    /// The engine's error, with the include chain, if a template failed.
    pub template: Option<Box<ktl_gotmpl::Error>>,
}

impl ChartError {
    pub(crate) fn new(file: impl Into<String>, message: impl Into<String>) -> ChartError {
        ChartError {
            file: file.into(),
            line: 0,
            column: 0,
            message: message.into(),
            template: None,
        }
    }

    pub(crate) fn at(file: impl Into<String>, line: u32, column: u32, message: impl Into<String>) -> ChartError {
        ChartError {
            line,
            column,
            ..ChartError::new(file, message)
        }
    }

    pub(crate) fn yaml(file: impl Into<String>, error: YamlError) -> ChartError {
        ChartError::at(file, error.line, error.column, error.message)
    }

    /// The same error for a file further down, such as one in a sub-chart.
    pub(crate) fn within(mut self, folder: &str) -> ChartError {
        self.file = if self.file.is_empty() {
            folder.to_owned()
        } else {
            format!("{folder}/{}", self.file)
        };
        self
    }
}

impl From<ktl_gotmpl::Error> for ChartError {
    fn from(error: ktl_gotmpl::Error) -> Self {
        ChartError {
            file: error.template.to_string(),
            line: error.line,
            column: error.column + 1,
            message: error.to_string(),
            template: Some(Box::new(error)),
        }
    }
}

impl fmt::Display for ChartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.template.is_some() || self.file.is_empty() {
            return f.write_str(&self.message);
        }
        match (self.line, self.column) {
            (0, _) => write!(f, "{}: {}", self.file, self.message),
            (line, 0) => write!(f, "{}:{line}: {}", self.file, self.message),
            (line, column) => write!(f, "{}:{line}:{column}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for ChartError {}
