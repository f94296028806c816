//! Diagnostics as people see them on a terminal, by miette, and as JSON.

use std::fmt;

use ktl_compiler::{Diagnostic, Position, Severity, SourceFile, Sources, Span};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode, ThemeStyles};
use serde_json::{Value, json};

/// Prints every diagnostic to standard error, then a line that counts them.
pub fn print(sources: &Sources, diagnostics: &[Diagnostic]) {
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&render(sources, diagnostic, colour));
        out.push('\n');
    }
    let count = |severity| {
        diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == severity)
            .count()
    };
    let counted: Vec<String> = [(count(Severity::Error), "error"), (count(Severity::Warning), "warning")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| ktl_report::words::count(number, word))
        .collect();
    anstream::eprint!("{out}");
    if !counted.is_empty() {
        anstream::eprintln!("{}", counted.join(", "));
    }
}

/// One diagnostic as text.
pub fn render(sources: &Sources, diagnostic: &Diagnostic, colour: bool) -> String {
    let mut theme = GraphicalTheme::unicode();
    theme.styles = if colour {
        ThemeStyles::ansi()
    } else {
        ThemeStyles::none()
    };
    theme.characters.error = format!("error[{}]:", diagnostic.code);
    theme.characters.warning = format!("warning[{}]:", diagnostic.code);
    theme.characters.advice = "note:".to_owned();
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(100)
        .with_links(false)
        .with_show_related_as_nested(true);
    let mut out = String::new();
    // Writing into a string cannot fail, and a report that could not be drawn still has its message.
    if handler
        .render_report(&mut out, &Report::new(sources, diagnostic))
        .is_err()
    {
        out = format!("{}: {}\n", diagnostic.code, diagnostic.message);
    }
    // miette indents its first line.
    out.trim_start().to_owned()
}

/// `{"diagnostics": [{"code", "severity", "message", "file", "range", "help", "related", "fixes"}]}`; lines and columns
/// from 1. A diagnostic without a place has neither `file` nor `range`.
pub fn json(sources: &Sources, diagnostics: &[Diagnostic]) -> Value {
    json!({ "diagnostics": list(sources, diagnostics) })
}

/// The list inside [`json()`].
pub fn list(sources: &Sources, diagnostics: &[Diagnostic]) -> Vec<Value> {
    let list = diagnostics.iter().map(|diagnostic| {
        let related = diagnostic.related.iter().map(|(span, text)| {
            let (file, range) = place(sources, *span);
            json!({ "file": file, "range": range, "message": text })
        });
        let fixes = diagnostic.fixes.iter().map(|fix| {
            let (file, range) = place(sources, fix.span);
            json!({ "title": fix.title, "file": file, "range": range, "text": fix.text })
        });
        let mut value = json!({
            "code": diagnostic.code,
            "severity": severity(diagnostic.severity),
            "message": diagnostic.message,
            "help": diagnostic.help,
            "related": related.collect::<Vec<_>>(),
            "fixes": fixes.collect::<Vec<_>>(),
        });
        if let (Some(span), Some(fields)) = (diagnostic.span, value.as_object_mut()) {
            let (file, range) = place(sources, span);
            fields.insert("file".to_owned(), file.into());
            fields.insert("range".to_owned(), range);
        }
        value
    });
    list.collect()
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// The file's path and the range in it.
fn place(sources: &Sources, span: Span) -> (String, Value) {
    let file = sources.get(span.file);
    let position = |offset| {
        let Position { line, column } = file.position(offset);
        json!({ "line": line, "column": column })
    };
    (
        file.path().to_owned(),
        json!({ "start": position(span.start), "end": position(span.end) }),
    )
}

/// A diagnostic in miette's terms: one file per report, other files as reports below it.
#[derive(Debug)]
struct Report {
    message: String,
    severity: miette::Severity,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    elsewhere: Vec<Report>,
}

impl Report {
    fn new(sources: &Sources, diagnostic: &Diagnostic) -> Self {
        let mut report = Report {
            message: diagnostic.message.clone(),
            severity: match diagnostic.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            help: diagnostic.help.clone(),
            source: None,
            labels: Vec::new(),
            elsewhere: Vec::new(),
        };
        let Some(primary) = diagnostic.span else { return report };
        let file = sources.get(primary.file);
        report.source = Some(named(file));
        let text = (!diagnostic.label.is_empty()).then(|| diagnostic.label.clone());
        report
            .labels
            .push(LabeledSpan::new_primary_with_span(text, range(primary)));
        for (span, text) in &diagnostic.related {
            if span.file == primary.file {
                report
                    .labels
                    .push(LabeledSpan::new_with_span(Some(text.clone()), range(*span)));
            } else {
                report.elsewhere.push(Report {
                    message: text.clone(),
                    severity: miette::Severity::Advice,
                    help: None,
                    source: Some(named(sources.get(span.file))),
                    labels: vec![LabeledSpan::new_primary_with_span(None, range(*span))],
                    elsewhere: Vec::new(),
                });
            }
        }
        report
    }
}

fn named(file: &SourceFile) -> NamedSource<String> {
    NamedSource::new(file.path(), file.text().to_string())
}

fn range(span: Span) -> std::ops::Range<usize> {
    span.start as usize..span.end as usize
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        Some(Box::new(
            self.elsewhere.iter().map(|report| report as &dyn miette::Diagnostic),
        ))
    }
}
