//! From the open documents to findings per file: the compiler, run on every stack that has an open document.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ktl_compiler::{Checked, Diagnostic, Diagnostics, ENTRY, Request, Severity, Sources, Span};
use ktl_world::DiskWorld;

use crate::document::{Encoding, Point};

/// What the editor shows, at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    /// The open documents that are files, by absolute path.
    pub files: BTreeMap<PathBuf, Arc<str>>,
    /// Those that are not, by their name for the editor.
    pub others: BTreeMap<String, Arc<str>>,
    /// What columns count.
    pub encoding: Encoding,
}

/// A file, as findings name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A path on disk.
    File(PathBuf),
    /// A document that was never saved.
    Other(String),
}

/// A finding in a file.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub range: (Point, Point),
    pub warning: bool,
    pub code: &'static str,
    /// The message, with the help below it.
    pub message: String,
    /// Other places, each with a few words.
    pub related: Vec<(Place, (Point, Point), String)>,
    /// Edits that mend it: what they do, where, and the new text.
    pub fixes: Vec<(String, (Point, Point), String)>,
}

/// Findings by file. Every open document has an entry.
pub(crate) type Findings = BTreeMap<Place, Vec<Finding>>;

/// Looks at everything that is open.
pub(crate) fn analyse(snapshot: &Snapshot) -> Findings {
    let mut findings = Findings::new();
    let mut roots: BTreeSet<PathBuf> = BTreeSet::new();
    for path in snapshot.files.keys() {
        findings.insert(Place::File(path.clone()), Vec::new());
        roots.extend(root(path, snapshot));
    }
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    for root in roots {
        let world = DiskWorld::new(root.clone()).with_open(&snapshot.files);
        let checked = ktl_compiler::check(&world, &Request::default());
        seen.extend(checked.sources.iter().map(|(_, file)| root.join(file.path())));
        collect(&checked, snapshot.encoding, &mut findings, |path| {
            (!path.starts_with("std/")).then(|| Place::File(root.join(path)))
        });
    }
    // What is part of no stack is still parsed.
    let files = snapshot
        .files
        .iter()
        .filter(|(path, _)| !seen.contains(*path) && is_source(path));
    let files = files.map(|(path, text)| (Place::File(path.clone()), text));
    let others = snapshot
        .others
        .iter()
        .map(|(name, text)| (Place::Other(name.clone()), text));
    for (place, text) in files.chain(others) {
        findings.entry(place.clone()).or_default();
        let checked = parse(text);
        collect(&checked, snapshot.encoding, &mut findings, |_| Some(place.clone()));
    }
    findings
}

/// The nearest directory above that holds a stack.
fn root(path: &Path, snapshot: &Snapshot) -> Option<PathBuf> {
    let holds_stack = |directory: &&Path| {
        let entry = directory.join(ENTRY);
        snapshot.files.contains_key(&entry) || entry.is_file()
    };
    path.ancestors().skip(1).find(holds_stack).map(Path::to_path_buf)
}

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "ktl")
}

fn parse(text: &Arc<str>) -> Checked {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let file = sources.add("document", Arc::clone(text));
    ktl_syntax::parse(&sources, file, &mut diagnostics);
    Checked {
        sources,
        diagnostics: diagnostics.sorted(),
    }
}

/// Adds the findings of one compile to those of the files they are in.
fn collect(checked: &Checked, encoding: Encoding, findings: &mut Findings, place: impl Fn(&str) -> Option<Place>) {
    let range = |span: Span| {
        let file = checked.sources.get(span.file);
        let point = |offset| {
            let (line, start) = file.line(offset);
            encoding.point(file.text(), line, start, offset)
        };
        (point(span.start), point(span.end))
    };
    let locate = |span: Span| place(checked.sources.get(span.file).path());
    for diagnostic in &checked.diagnostics {
        // What has no place, or one that the editor cannot open, is shown at the top of the stack.
        let own = diagnostic
            .span
            .and_then(|span| locate(span).map(|place| (place, range(span))));
        let top = Point { line: 0, column: 0 };
        let Some((file, at)) = own.or_else(|| place(ENTRY).map(|entry| (entry, (top, top)))) else {
            continue;
        };
        let related = diagnostic.related.iter();
        let related = related.filter_map(|(span, text)| locate(*span).map(|place| (place, range(*span), text.clone())));
        // An edit in another file needs that file's name: left to the command line.
        let here = |span: Span| diagnostic.span.is_some_and(|own| own.file == span.file);
        let fixes = diagnostic.fixes.iter().filter(|fix| here(fix.span));
        let finding = Finding {
            range: at,
            warning: diagnostic.severity == Severity::Warning,
            code: diagnostic.code,
            message: message(diagnostic),
            related: related.collect(),
            fixes: fixes
                .map(|fix| (fix.title.clone(), range(fix.span), fix.text.clone()))
                .collect(),
        };
        findings.entry(file).or_default().push(finding);
    }
}

fn message(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{}\nhelp: {help}", diagnostic.message),
        None => diagnostic.message.clone(),
    }
}
