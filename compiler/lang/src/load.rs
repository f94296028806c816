//! Loading modules: from an entry file to every module, chart and definition that it reaches.

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_syntax::ast::{self, DeclKind, ImportKind};
use ktl_syntax::{Diagnostic, Diagnostics, Sources, Span};

use crate::Host;
use crate::hir::ModuleId;
use crate::names::nearest;
use crate::types::{self, Type};

/// A module whose text was read.
#[derive(Debug)]
pub(crate) struct Module {
    pub path: Arc<str>,
    pub ast: ast::Module,
    /// For each declaration, in order, what its import brings; `None` for other declarations.
    pub imports: Vec<Option<Import>>,
}

impl Module {
    /// Whether the module is part of the standard library.
    pub fn is_std(&self) -> bool {
        self.path.starts_with("std/")
    }
}

/// What an import brings.
#[derive(Clone, Debug)]
pub(crate) enum Import {
    Module(ModuleId),
    /// The directory, relative to the project root, and the source as written.
    Chart {
        directory: Arc<str>,
        written: Arc<str>,
    },
    /// Constructible kinds by name.
    Crd(Arc<BTreeMap<Arc<str>, Type>>),
    /// Reported already.
    Error,
}

/// The module that declares the fields of built-in declarations.
pub(crate) const PRELUDE: ModuleId = ModuleId(0);
/// The entry module.
pub(crate) const ENTRY: ModuleId = ModuleId(1);

/// Modules of the standard library that later versions bring.
const LATER_MODULES: &[&str] = &["std/gate", "std/text", "std/net", "std/time"];

struct Loader<'a> {
    host: &'a dyn Host,
    sources: &'a mut Sources,
    diagnostics: &'a mut Diagnostics,
    modules: Vec<Module>,
    ids: BTreeMap<Arc<str>, ModuleId>,
}

/// Loads the entry module and whatever it imports. Modules come in the order in which they were reached, the prelude
/// first. `None` if the entry module cannot be read.
pub(crate) fn load(
    host: &dyn Host,
    entry: &str,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Module>> {
    let mut loader = Loader {
        host,
        sources,
        diagnostics,
        modules: Vec::new(),
        ids: BTreeMap::new(),
    };
    let prelude = ktl_stdlib::module("std/prelude").unwrap_or("");
    loader.add("std/prelude", prelude.into());
    match host.module(entry) {
        Ok(text) => {
            loader.add(entry, text);
        }
        Err(reason) => {
            loader.diagnostics.push(
                Diagnostic::global("K0105", format!("cannot read `{entry}`: {reason}"))
                    .help("a stack's entry file is `stack.ktl`; `--config` takes its directory, or a file"),
            );
            return None;
        }
    }
    let mut next = 0;
    while next < loader.modules.len() {
        loader.resolve_imports(next);
        next += 1;
    }
    let Loader {
        modules, diagnostics, ..
    } = loader;
    report_cycles(&modules, diagnostics);
    Some(modules)
}

impl Loader<'_> {
    fn add(&mut self, path: &str, text: Arc<str>) -> ModuleId {
        let path: Arc<str> = path.into();
        let file = self.sources.add(path.clone(), text.clone());
        let ast = ktl_syntax::parse(self.sources, file, self.diagnostics);
        let id = ModuleId(self.modules.len() as u32);
        self.modules.push(Module {
            path: path.clone(),
            ast,
            imports: Vec::new(),
        });
        self.ids.insert(path, id);
        id
    }

    fn resolve_imports(&mut self, index: usize) {
        let Some(module) = self.modules.get(index) else { return };
        let path = module.path.clone();
        let wanted: Vec<Option<(ImportKind, ast::Text, Option<ast::Text>)>> = module
            .ast
            .decls
            .iter()
            .map(|decl| match &decl.kind {
                DeclKind::Import {
                    kind, source, version, ..
                } => Some((*kind, source.clone(), version.clone())),
                _ => None,
            })
            .collect();
        let imports = wanted
            .into_iter()
            .map(|wanted| wanted.map(|(kind, source, version)| self.import(&path, kind, &source, version.as_ref())))
            .collect();
        if let Some(module) = self.modules.get_mut(index) {
            module.imports = imports;
        }
    }

    fn import(&mut self, from: &str, kind: ImportKind, source: &ast::Text, version: Option<&ast::Text>) -> Import {
        self.try_import(from, kind, source, version)
            .unwrap_or_else(|diagnostic| {
                self.diagnostics.push(*diagnostic);
                Import::Error
            })
    }

    fn try_import(
        &mut self,
        from: &str,
        kind: ImportKind,
        source: &ast::Text,
        version: Option<&ast::Text>,
    ) -> Result<Import, Box<Diagnostic>> {
        let written = &*source.text;
        let fail = |message: String| Box::new(Diagnostic::error("K0105", source.span, message));
        if written.is_empty() {
            return Err(fail("an import needs a source".into()));
        }
        if kind == ImportKind::Schema {
            return Err(unsupported(source.span, "import schema"));
        }
        if written.contains("://") {
            return Err(Box::new(
                Diagnostic::error(
                    "K0010",
                    source.span,
                    format!("importing {written} is not supported by this version of ktl"),
                )
                .help("copy it into the project and import it by a path such as `./charts/redis`"),
            ));
        }
        if let Some(version) = version {
            return Err(Box::new(
                Diagnostic::error("K0105", version.span, "a local import has no version")
                    .help("remove the version; it belongs to imports from a registry")
                    .fix(format!("remove `{}`", version.text), version.span, ""),
            ));
        }
        if written.starts_with("std/") {
            return self.import_std(kind, source);
        }
        let path = resolve(from, written).map_err(|problem| fail(problem.message(written)))?;
        match kind {
            ImportKind::Module => self.import_module(&path, source),
            ImportKind::Chart => {
                self.host.chart(&path).map_err(|reason| {
                    let help = "a chart is a directory that holds `Chart.yaml`";
                    Box::new(
                        Diagnostic::error("K0105", source.span, format!("no chart at `{path}`: {reason}")).help(help),
                    )
                })?;
                Ok(Import::Chart {
                    directory: path.into(),
                    written: source.text.clone(),
                })
            }
            ImportKind::Crd => {
                let documents = self
                    .host
                    .crds(&path)
                    .map_err(|reason| fail(format!("cannot read `{path}`: {reason}")))?;
                let mut kinds = BTreeMap::new();
                for document in documents.iter().filter(|document| !document.is_null()) {
                    let (kind, ty) =
                        types::crd_kinds(document).map_err(|problem| fail(format!("`{path}`: {problem}")))?;
                    kinds.insert(kind, ty);
                }
                if kinds.is_empty() {
                    return Err(fail(format!("`{path}` holds no CustomResourceDefinition")));
                }
                Ok(Import::Crd(Arc::new(kinds)))
            }
            ImportKind::Schema => Err(unsupported(source.span, "import schema")),
        }
    }

    fn import_std(&mut self, kind: ImportKind, source: &ast::Text) -> Result<Import, Box<Diagnostic>> {
        let written = &*source.text;
        let known = ktl_stdlib::modules().filter(|name| *name != "std/prelude");
        if LATER_MODULES.contains(&written) {
            return Err(unsupported(source.span, written));
        }
        let text = ktl_stdlib::module(written).filter(|_| kind == ImportKind::Module && written != "std/prelude");
        let Some(text) = text else {
            let mut diagnostic = Diagnostic::error("K0105", source.span, format!("there is no module `{written}`"));
            if let Some(better) = nearest(written, known.clone()) {
                diagnostic = diagnostic.fix(format!("replace by `{better}`"), source.span, format!("\"{better}\""));
            }
            let names: Vec<String> = known.map(|name| format!("`{name}`")).collect();
            return Err(Box::new(
                diagnostic.help(format!("the standard library has {}", names.join(", "))),
            ));
        };
        Ok(Import::Module(match self.ids.get(written) {
            Some(id) => *id,
            None => self.add(written, text.into()),
        }))
    }

    fn import_module(&mut self, path: &str, source: &ast::Text) -> Result<Import, Box<Diagnostic>> {
        if let Some(id) = self.ids.get(path) {
            return Ok(Import::Module(*id));
        }
        let text = self.host.module(path).map_err(|reason| {
            let diagnostic = Diagnostic::error("K0105", source.span, format!("cannot read `{path}`: {reason}"));
            Box::new(match path.ends_with(".ktl") {
                true => diagnostic,
                false => diagnostic.help("a module's path ends in `.ktl`; a chart is imported by `import chart`"),
            })
        })?;
        Ok(Import::Module(self.add(path, text)))
    }
}

fn unsupported(span: Span, what: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(
        "K0010",
        span,
        format!("`{what}` is not supported by this version of ktl"),
    ))
}

/// Why a path does not lead to a file of the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathProblem {
    /// Not `./…` or `../…`.
    NotRelative,
    /// Above the project root.
    Outside,
}

impl PathProblem {
    pub fn message(self, written: &str) -> String {
        match self {
            PathProblem::NotRelative => format!(
                "`{written}` is not a path: write it as `./{}`",
                written.trim_start_matches('/')
            ),
            PathProblem::Outside => format!("`{written}` leaves the project root"),
        }
    }
}

/// A path as written in a module, relative to the project root.
pub(crate) fn resolve(from: &str, written: &str) -> Result<String, PathProblem> {
    if !(written.starts_with("./") || written.starts_with("../")) {
        return Err(PathProblem::NotRelative);
    }
    let mut segments: Vec<&str> = from.split('/').collect();
    segments.pop();
    for segment in written.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop().ok_or(PathProblem::Outside)?;
            }
            segment => segments.push(segment),
        }
    }
    Ok(segments.join("/"))
}

/// Reports each cycle of imports once, with every hop.
fn report_cycles(modules: &[Module], diagnostics: &mut Diagnostics) {
    let edges = |index: usize| -> Vec<(usize, Span)> {
        let Some(module) = modules.get(index) else {
            return Vec::new();
        };
        let imports = module.ast.decls.iter().zip(&module.imports);
        imports
            .filter_map(|(decl, import)| match import {
                Some(Import::Module(id)) => Some((id.index(), decl.span)),
                _ => None,
            })
            .collect()
    };
    for cycle in crate::graph::cycles(modules.len(), edges) {
        let name = |index: usize| modules.get(index).map_or("", |module| &*module.path);
        let Some((_, span)) = cycle.first() else { continue };
        let hops: Vec<&str> = cycle.iter().map(|(index, _)| name(*index)).collect();
        let first = hops.first().copied().unwrap_or("");
        let mut diagnostic = Diagnostic::error("K0402", *span, format!("import cycle: {} → {first}", hops.join(" → ")))
            .help("move what both need into a third module");
        for (index, span) in cycle.iter().skip(1) {
            diagnostic = diagnostic.related(*span, format!("{} imports it here", name(*index)));
        }
        diagnostics.push(diagnostic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_their_module() {
        assert_eq!(resolve("a/b.ktl", "./c.ktl"), Ok("a/c.ktl".into()));
        assert_eq!(resolve("a/b.ktl", "../c/./d"), Ok("c/d".into()));
        assert_eq!(resolve("b.ktl", "../c"), Err(PathProblem::Outside));
        assert_eq!(resolve("b.ktl", "/etc/passwd"), Err(PathProblem::NotRelative));
    }
}
