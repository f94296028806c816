//! What only the whole program shows: cycles, and imports that nobody uses.

use std::collections::BTreeSet;
use std::sync::Arc;

use ktl_syntax::ast::{self, DeclKind};
use ktl_syntax::{Diagnostic, Span};

use super::Checker;
use super::scope::Node;
use crate::graph;
use crate::hir::{FnId, InputId, LetId, ModuleId, RelId};
use crate::load::Import;
use crate::program::{Program, RelKind};

impl<'a> Checker<'a> {
    pub(super) fn profile_parents(&mut self, program: &mut Program) {
        let names: Vec<Arc<str>> = program.profiles.iter().map(|profile| profile.name.clone()).collect();
        for profile in &mut program.profiles {
            let Some((parent, span)) = profile.extends.clone() else {
                continue;
            };
            if !names.contains(&parent) && !parent.is_empty() {
                let mut diagnostic = Diagnostic::error("K0101", span, format!("unknown profile `{parent}`"));
                if let Some(better) = crate::names::nearest(&parent, names.iter().map(|name| &**name)) {
                    diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                        format!("replace by `{better}`"),
                        span,
                        better,
                    );
                }
                self.error(diagnostic);
                profile.extends = None;
            }
        }
        let edges = |index: usize| -> Vec<(usize, Span)> {
            let Some((parent, span)) = program.profiles.get(index).and_then(|profile| profile.extends.clone()) else {
                return Vec::new();
            };
            names
                .iter()
                .position(|name| *name == parent)
                .map(|index| (index, span))
                .into_iter()
                .collect()
        };
        let cycles = graph::cycles(names.len(), edges);
        for cycle in cycles {
            let Some((_, span)) = cycle.first() else { continue };
            let hops: Vec<&str> = cycle
                .iter()
                .filter_map(|(index, _)| names.get(*index).map(|name| &**name))
                .collect();
            let start = hops.first().copied().unwrap_or("");
            let message = format!("profiles extend each other: {} → {start}", hops.join(" → "));
            self.error(Diagnostic::error("K0402", *span, message));
            for (index, _) in &cycle {
                if let Some(profile) = program.profiles.get_mut(*index) {
                    profile.extends = None;
                }
            }
        }
    }

    /// Components that use each other would never end.
    pub(super) fn component_cycles(&mut self) {
        let mut edges: Vec<Vec<(usize, (RelId, Span))>> = vec![Vec::new(); self.comps.len()];
        for index in 0..self.rels.len() {
            let id = RelId(index as u32);
            let kind = self.rel_kind(id);
            let Some(slot) = self.rels.get(index) else { continue };
            if let (Some(comp), RelKind::Component(used)) = (slot.comp, kind)
                && let Some(edges) = edges.get_mut(comp.index())
            {
                edges.push((used.index(), (id, slot.ast.kind.span)));
            }
        }
        for cycle in graph::cycles(self.comps.len(), |index| edges.get(index).cloned().unwrap_or_default()) {
            let name = |index: usize| self.comps.get(index).map_or("", |slot| &*slot.name.text);
            let Some((first, (_, span))) = cycle.first() else {
                continue;
            };
            let hops: Vec<&str> = cycle.iter().map(|(index, _)| name(*index)).collect();
            let message = format!("components use each other: {} → {}", hops.join(" → "), name(*first));
            let mut diagnostic = Diagnostic::error("K0402", *span, message);
            for (index, (_, span)) in cycle.iter().skip(1) {
                diagnostic = diagnostic.related(*span, format!("{} uses it here", name(*index)));
            }
            self.error(diagnostic);
            for (_, (release, _)) in &cycle {
                if let Some(slot) = self.rels.get_mut(release.index()) {
                    slot.kind = Some(RelKind::Error);
                }
            }
        }
    }

    /// Reports cycles of lets, functions and inputs; fills the order of evaluation. Returns what is in a cycle.
    pub(super) fn value_cycles(&mut self, program: &mut Program) -> BTreeSet<Node> {
        let (lets, fns) = (self.lets.len(), self.fns.len());
        let index = |node: Node| match node {
            Node::Let(id) => id.index(),
            Node::Fn(id) => lets + id.index(),
            Node::Input(id) => lets + fns + id.index(),
        };
        let node = |index: usize| match index {
            index if index < lets => Node::Let(LetId(index as u32)),
            index if index < lets + fns => Node::Fn(FnId((index - lets) as u32)),
            index => Node::Input(InputId((index - lets - fns) as u32)),
        };
        let refs = |at: usize| -> &[(Node, Span)] {
            match node(at) {
                Node::Let(id) => self.lets.get(id.index()).map_or(&[], |slot| &slot.refs),
                Node::Fn(id) => self.fns.get(id.index()).map_or(&[], |slot| &slot.refs),
                Node::Input(id) => self.inputs.get(id.index()).map_or(&[], |slot| &slot.refs),
            }
        };
        let edges =
            |at: usize| -> Vec<(usize, Span)> { refs(at).iter().map(|(node, span)| (index(*node), *span)).collect() };
        let total = lets + fns + self.inputs.len();
        let cycles = graph::cycles(total, edges);
        program.order = graph::order(total, edges)
            .into_iter()
            .filter_map(|at| match node(at) {
                Node::Let(id) if self.lets.get(id.index()).is_some_and(|slot| slot.comp.is_none()) => Some(id),
                _ => None,
            })
            .collect();
        let mut poisoned = BTreeSet::new();
        let mut reports = Vec::new();
        for cycle in cycles {
            let name = |at: usize| match node(at) {
                Node::Let(id) => self
                    .lets
                    .get(id.index())
                    .map_or_else(String::new, |slot| slot.ast.name.text.to_string()),
                Node::Fn(id) => self
                    .fns
                    .get(id.index())
                    .map_or_else(String::new, |slot| format!("fn {}", slot.name.text)),
                Node::Input(id) => self
                    .inputs
                    .get(id.index())
                    .map_or_else(String::new, |slot| slot.name.text.to_string()),
            };
            poisoned.extend(cycle.iter().map(|(at, _)| node(*at)));
            let Some((first, span)) = cycle.first() else { continue };
            let hops: Vec<String> = cycle
                .iter()
                .map(|(at, span)| {
                    let line = self.sources.get(span.file).position(span.start).line;
                    format!("{} (line {line})", name(*at))
                })
                .collect();
            let mut diagnostic = Diagnostic::error(
                "K0402",
                *span,
                format!("cycle: {} → {}", hops.join(" → "), name(*first)),
            );
            for (at, span) in cycle.iter().skip(1) {
                diagnostic = diagnostic.related(*span, format!("{} needs it here", name(*at)));
            }
            let help = match node(*first) {
                Node::Fn(_) => "functions do not call themselves: loop over a list with `for`",
                _ => "a value cannot be made of itself: take one of these references out",
            };
            reports.push(diagnostic.help(help));
        }
        for report in reports {
            self.error(report);
        }
        poisoned
    }

    pub(super) fn unused_imports(&mut self) {
        for (index, module) in self.modules.iter().enumerate() {
            let id = ModuleId(index as u32);
            // In what could not be read, the import may well be used.
            let unread = |decl: &ast::Decl| matches!(decl.kind, DeclKind::Error);
            if module.is_std() || module.ast.decls.iter().any(unread) {
                continue;
            }
            for (decl, import) in module.ast.decls.iter().zip(&module.imports) {
                let DeclKind::Import { alias, .. } = &decl.kind else {
                    continue;
                };
                // Its policies run, whether anything of it is named or not.
                let guards = matches!(import, Some(Import::Module(module)) if self.brings_policies(*module));
                if guards
                    || matches!(import, Some(Import::Error))
                    || alias.text.is_empty()
                    || self.used.contains(&(id, alias.text.clone()))
                {
                    continue;
                }
                self.diagnostics.push(
                    Diagnostic::warning("K0104", alias.span, format!("unused import `{}`", alias.text)).fix(
                        "remove the import",
                        decl.span,
                        "",
                    ),
                );
            }
        }
    }
}
