//! Releases, components and what stands directly in them.

use std::sync::Arc;

use ktl_syntax::ast::{self, EntryKind, Expr, Output, Path, Record};
use ktl_syntax::{Diagnostic, Span};

use super::Checker;
use super::scope::{Local, Scope};
use crate::hir::{self, CompId, Kind, RelId};
use crate::names::{TypeName, ValueName};
use crate::program::{CompDecl, ParamDecl, RelDecl, RelKind};
use crate::types::{Field, Presence, RecordType, Type};

/// Fields that every release will have, and that this version does not carry.
const LATER_FIELDS: &[&str] = &["hooks", "gates", "generated"];

impl<'a> Checker<'a> {
    /// What a release's kind names.
    pub(super) fn rel_kind(&mut self, id: RelId) -> RelKind {
        let Some(slot) = self.rels.get(id.index()) else {
            return RelKind::Error;
        };
        if let Some(kind) = &slot.kind {
            return kind.clone();
        }
        let (path, module) = (&slot.ast.kind, slot.module);
        let (kind, text) = self.resolve_kind(path, module);
        if let Some(slot) = self.rels.get_mut(id.index()) {
            slot.kind = Some(kind.clone());
            slot.kind_text = text;
        }
        kind
    }

    fn resolve_kind(&mut self, path: &'a Path, module: hir::ModuleId) -> (RelKind, String) {
        let text = path
            .segments
            .iter()
            .map(|segment| &*segment.text)
            .collect::<Vec<_>>()
            .join(".");
        let Some((last, modules)) = path.segments.split_last() else {
            return (RelKind::Error, text);
        };
        if path.segments.iter().any(|segment| segment.text.is_empty()) {
            return (RelKind::Error, text);
        }
        let mut at = module;
        for (index, segment) in modules.iter().enumerate() {
            match self.type_name(at, &segment.text) {
                Some(TypeName::Module(next)) => at = next,
                Some(TypeName::Error) => return (RelKind::Error, text),
                Some(TypeName::Crd(kinds)) if index + 1 == modules.len() && kinds.contains_key(&last.text) => {
                    self.object_as_release(&text, path.span);
                    return (RelKind::Error, text);
                }
                _ => {
                    self.unknown_module(&segment.text, segment.span, module);
                    return (RelKind::Error, text);
                }
            }
        }
        let kind = match self.type_name(at, &last.text) {
            Some(TypeName::Component(comp)) if modules.is_empty() || self.exported(at, &last.text, last.span) => {
                RelKind::Component(comp)
            }
            Some(TypeName::Component(_) | TypeName::Error) => RelKind::Error,
            Some(TypeName::Chart { directory, written }) => {
                return (RelKind::Chart(directory), format!("chart {written}"));
            }
            Some(TypeName::Type(_) | TypeName::Module(_) | TypeName::Crd(_)) => {
                self.error(
                    Diagnostic::error("K0201", path.span, format!("`{text}` is no kind of release"))
                        .help("a release is a chart, a component, `k8s.Objects` or `k8s.Manifests`"),
                );
                RelKind::Error
            }
            None if self.is_k8s(at) && &*last.text == "Objects" => RelKind::Objects,
            None if self.is_k8s(at) && &*last.text == "Manifests" => RelKind::Manifests,
            None if self.k8s_member(at, &last.text).is_some() => {
                self.object_as_release(&text, path.span);
                RelKind::Error
            }
            None if modules.is_empty() => {
                self.unknown_module(&last.text, last.span, module);
                RelKind::Error
            }
            None => {
                self.no_member(at, last, true);
                RelKind::Error
            }
        };
        (kind, text)
    }

    fn object_as_release(&mut self, text: &str, span: Span) {
        self.error(
            Diagnostic::error("K0201", span, format!("`{text}` is a kind of object, not of release")).help(format!(
                "put it in one: `release x: k8s.Objects {{ objects: {{ x: {text} {{ … }} }} }}`"
            )),
        );
    }

    /// The type of a release where it is named: families are maps, conditional ones may be absent.
    pub(super) fn handle_type(&mut self, id: RelId) -> Type {
        let Some(slot) = self.rels.get(id.index()) else {
            return Type::Error;
        };
        let ast = slot.ast;
        let conditional = ast.body.entries.iter().any(|entry| match &entry.kind {
            EntryKind::Field { key, .. } => key.first().is_some_and(|key| &*key.text == "when"),
            _ => false,
        });
        let one = Type::Release(Some(id));
        let one = if conditional { one.optional() } else { one };
        if ast.family.is_some() {
            Type::map(Type::NAME, one)
        } else {
            one
        }
    }

    fn find_output(&mut self, id: RelId, name: &str) -> Option<(&'a Output, hir::ModuleId)> {
        let slot = self.rels.get(id.index())?;
        let (ast, module) = (slot.ast, slot.module);
        let own = ast.body.entries.iter().find_map(|entry| match &entry.kind {
            EntryKind::Output(output) if &*output.name.text == name => Some(output),
            _ => None,
        });
        if let Some(output) = own {
            return Some((output, module));
        }
        let RelKind::Component(comp) = self.rel_kind(id) else {
            return None;
        };
        let slot = self.comps.get(comp.index())?;
        let output = slot.outputs.iter().copied().find(|output| &*output.name.text == name)?;
        Some((output, slot.module))
    }

    pub(super) fn output_type(&mut self, id: RelId, name: &Arc<str>) -> Option<Type> {
        if let Some(known) = self.output_types.get(&(id, name.clone())) {
            return Some(known.clone());
        }
        let (output, module) = self.find_output(id, name)?;
        let ty = self.written_type(&output.ty, module);
        self.output_types.insert((id, name.clone()), ty.clone());
        Some(ty)
    }

    pub(super) fn output_names(&mut self, id: RelId) -> Vec<Arc<str>> {
        let kind = self.rel_kind(id);
        let mut names: Vec<Arc<str>> = Vec::new();
        if let Some(slot) = self.rels.get(id.index()) {
            names.extend(slot.ast.body.entries.iter().filter_map(|entry| match &entry.kind {
                EntryKind::Output(output) => Some(output.name.text.clone()),
                _ => None,
            }));
        }
        if let RelKind::Component(comp) = kind {
            names.extend(self.comp(comp).outputs.iter().map(|output| output.name.text.clone()));
        }
        names
    }

    /// The fields of a release of a kind, common ones included.
    pub(super) fn rel_fields(&mut self, kind: &RelKind, text: &str) -> Option<Arc<RecordType>> {
        let key = match kind {
            RelKind::Chart(_) => (0, 0),
            RelKind::Objects => (1, 0),
            RelKind::Manifests => (2, 0),
            RelKind::Component(comp) => (3, comp.0),
            RelKind::Error => return None,
        };
        if let Some(known) = self.rel_field_types.get(&key) {
            return Some(known.clone());
        }
        let Type::Record(common) = self.fields.release.clone() else {
            return None;
        };
        let mut fields = common.fields().to_vec();
        match kind {
            RelKind::Chart(_) | RelKind::Manifests => {
                let more = if matches!(kind, RelKind::Chart(_)) {
                    &self.fields.chart
                } else {
                    &self.fields.manifests
                };
                if let Type::Record(more) = more {
                    fields.extend(more.fields().to_vec());
                }
            }
            RelKind::Objects => fields.push(Field {
                name: "objects".into(),
                ty: Type::map(Type::STRING, Type::Object),
                presence: Presence::Required,
                span: None,
            }),
            RelKind::Component(comp) => {
                let params = self.comp(*comp).params.clone();
                for (index, param) in params.iter().enumerate() {
                    let ty = self.param_type(*comp, index as u32);
                    let presence = match (&param.default, ty.nullable()) {
                        // Its default is the component's own business: it is evaluated there.
                        (Some(_), _) | (None, true) => Presence::Optional,
                        (None, false) => Presence::Required,
                    };
                    let ty = if param.default.is_none() { ty.non_null() } else { ty };
                    fields.push(Field {
                        name: param.name.text.clone(),
                        ty,
                        presence,
                        span: Some(param.name.span),
                    });
                }
            }
            RelKind::Error => {}
        }
        let name = match kind {
            RelKind::Chart(_) => "a chart's release".to_owned(),
            RelKind::Objects => "k8s.Objects".to_owned(),
            RelKind::Manifests => "k8s.Manifests".to_owned(),
            _ => text.to_owned(),
        };
        let record = Arc::new(RecordType::new(Some(name.into()), fields));
        self.rel_field_types.insert(key, record.clone());
        Some(record)
    }

    pub(super) fn lower_release(&mut self, id: RelId) -> RelDecl {
        let kind = self.rel_kind(id);
        let Some(slot) = self.rels.get(id.index()) else {
            unreachable_release()
        };
        let (ast, module, comp, kind_text) = (slot.ast, slot.module, slot.comp, slot.kind_text.clone());
        let mut s = Scope::new(module, comp);
        let family = ast.family.as_ref().map(|clause| {
            let (source, ty) = self.infer(&clause.source, &mut s);
            if let Some(condition) = &clause.condition {
                self.error(
                    Diagnostic::error("K0106", condition.span, "a family takes all that its source holds")
                        .help("filter the source: `{ for k, v in … if …: k => v }`"),
                );
            }
            let (key, value) = match &ty {
                Type::List(list) if clause.second.is_none() => (list.item.clone(), Type::Error),
                _ => self.element_types(&ty, &clause.source, clause.second.is_some()),
            };
            let text = key.is_text();
            if !text {
                let message = format!("the members of a family are told apart by strings, found {key}");
                self.error(Diagnostic::error("K0201", clause.source.span, message));
            }
            let local = |name: &ast::Name, ty, kind| Local {
                name: name.text.clone(),
                ty,
                kind,
            };
            s.locals.push(local(&clause.first, key, Kind::FamilyKey));
            if let Some(second) = &clause.second {
                s.locals.push(local(second, value, Kind::FamilyValue));
            }
            source
        });
        s.release = Some(id);
        if !crate::types::is_name(&ast.name.text) && !ast.name.text.is_empty() {
            let value = crate::value::Value::string(ast.name.text.clone(), ast.name.span);
            if let Some(Err(mut violation)) = crate::types::conform_scalar(&value, &Type::NAME) {
                violation.replacement = violation.replacement.map(|text| text.trim_matches('"').to_owned());
                self.error(super::violation(violation, ast.name.span));
            }
        }
        let record = self.rel_fields(&kind, &kind_text);
        let (fields, failed) = self.rel_body(&ast.body, record.as_deref(), ast, &mut s);
        let outputs = self.outputs(&ast.body, id, &mut s);
        let types = record.map_or_else(Vec::new, |record| {
            record
                .fields()
                .iter()
                .map(|field| (field.name.clone(), field.ty.clone()))
                .collect()
        });
        RelDecl {
            name: ast.name.text.clone(),
            span: ast.name.span,
            comp,
            family,
            kind: if failed { RelKind::Error } else { kind },
            kind_text,
            fields,
            outputs,
            types,
        }
    }

    /// Fields by name, and whether the release cannot be made of them.
    fn rel_body(
        &mut self,
        body: &'a Record,
        record: Option<&RecordType>,
        ast: &'a ast::Release,
        s: &mut Scope,
    ) -> (Vec<(Arc<str>, hir::Expr)>, bool) {
        let Some(record) = record else {
            self.rel_body_untyped(body, s);
            return (Vec::new(), true);
        };
        let on = record.name.clone().unwrap_or_else(|| "the release".into());
        let fields = self.grouped(body, s, |checker, name, span| {
            if LATER_FIELDS.contains(&name) {
                checker.unsupported(name, span);
                return None;
            }
            match record.field(name) {
                Some(field) => {
                    let optional = matches!(field.presence, Presence::Optional);
                    Some(if optional {
                        field.ty.clone().optional()
                    } else {
                        field.ty.clone()
                    })
                }
                None => {
                    let names: Vec<Arc<str>> = record.fields().iter().map(|field| field.name.clone()).collect();
                    checker.no_field(name, span, &on, names.iter().map(|name| &**name));
                    None
                }
            }
        });
        let mut failed = false;
        for field in record.fields() {
            let written = body.entries.iter().any(|entry| match &entry.kind {
                EntryKind::Field { key, .. } => key.first().is_some_and(|key| key.text == field.name),
                _ => false,
            });
            if !written && matches!(field.presence, Presence::Required) {
                let place = Span {
                    end: body.span.end.min(body.span.start + 1),
                    ..body.span
                };
                let mut diagnostic =
                    Diagnostic::error("K0202", ast.name.span, format!("`{}` is required in {on}", field.name))
                        .help(format!("add `{}: …` of type {}", field.name, field.ty));
                if let Some(span) = field.span {
                    diagnostic = diagnostic.related(span, "declared here");
                }
                if self.sources.text(place) == "{" {
                    diagnostic = diagnostic.fix(
                        format!("add `{}`", field.name),
                        place.after(),
                        format!("\n  {}: ", field.name),
                    );
                }
                self.error(diagnostic);
                failed = true;
            }
        }
        (fields, failed)
    }

    /// The kind is unknown, but mistakes inside are still found.
    fn rel_body_untyped(&mut self, body: &'a Record, s: &mut Scope) {
        for entry in &body.entries {
            if let EntryKind::Field { value, key } = &entry.kind {
                s.keys.extend(key.iter().map(|key| key.text.clone()));
                self.infer(value, s);
                s.keys.clear();
            }
        }
    }

    /// Lowers `output`s that stand directly in a release.
    fn outputs(&mut self, body: &'a Record, id: RelId, s: &mut Scope) -> Vec<(Arc<str>, hir::Expr)> {
        let mut outputs: Vec<(Arc<str>, hir::Expr)> = Vec::new();
        for entry in &body.entries {
            let EntryKind::Output(output) = &entry.kind else {
                continue;
            };
            if outputs.iter().any(|(name, _)| *name == output.name.text) || self.reserved_output(output) {
                if outputs.iter().any(|(name, _)| *name == output.name.text) {
                    let message = format!("output `{}` is declared twice", output.name.text);
                    self.error(Diagnostic::error("K0102", output.name.span, message));
                }
                continue;
            }
            let ty = self.output_type(id, &output.name.text).unwrap_or(Type::Error);
            s.keys = vec![format!("output {}", output.name.text).into()];
            let value = self.check(&output.value, &ty, s);
            s.keys.clear();
            outputs.push((output.name.text.clone(), value));
        }
        outputs
    }

    fn reserved_output(&mut self, output: &Output) -> bool {
        let reserved = matches!(&*output.name.text, "name" | "namespace" | "cluster");
        if reserved {
            let message = format!(
                "`{}` is known of every release: an output cannot have this name",
                output.name.text
            );
            self.error(Diagnostic::error("K0102", output.name.span, message));
        }
        reserved
    }

    pub(super) fn param_type(&mut self, comp: CompId, index: u32) -> Type {
        let slot = self.comp(comp);
        let Some(param) = slot.params.get(index as usize).copied() else {
            return Type::Error;
        };
        if let Some(Some(known)) = slot.param_types.get(index as usize) {
            return known.clone();
        }
        let module = slot.module;
        let ty = self.written_type(&param.ty, module);
        if let Some(slot) = self.comps.get_mut(comp.index())
            && let Some(cell) = slot.param_types.get_mut(index as usize)
        {
            *cell = Some(ty.clone());
        }
        ty
    }

    pub(super) fn lower_component(&mut self, id: CompId) -> CompDecl {
        let slot = self.comp(id);
        let (module, params) = (slot.module, slot.params.clone());
        let (rels, outputs) = (slot.rels.clone(), slot.outputs.clone());
        let common = match &self.fields.release {
            Type::Record(record) => record.clone(),
            _ => Arc::new(RecordType::new(None, Vec::new())),
        };
        let mut lowered = Vec::new();
        for (index, param) in params.iter().enumerate() {
            if common.field(&param.name.text).is_some() || LATER_FIELDS.contains(&&*param.name.text) {
                let message = format!(
                    "`{}` is a field of every release: a parameter cannot have this name",
                    param.name.text
                );
                self.error(Diagnostic::error("K0102", param.name.span, message));
            }
            let ty = self.param_type(id, index as u32);
            let mut s = Scope::new(module, Some(id));
            let default = match &param.default {
                Some(default) => Some(self.check(default, &ty, &mut s)),
                None if ty.nullable() => Some(hir::Expr::constant(crate::value::Value::null(param.name.span))),
                None => None,
            };
            lowered.push(ParamDecl {
                name: param.name.text.clone(),
                default,
            });
        }
        let mut lowered_outputs = Vec::new();
        for output in outputs {
            if self.reserved_output(output) {
                continue;
            }
            let ty = self.written_type(&output.ty, module);
            let mut s = Scope::new(module, Some(id)).owned(format!("output {}", output.name.text));
            let value = self.check(&output.value, &ty, &mut s);
            lowered_outputs.push((output.name.text.clone(), value));
        }
        CompDecl {
            params: lowered,
            rels,
            outputs: lowered_outputs,
        }
    }

    /// Collects the declarations of a component.
    pub(super) fn declare_component(&mut self, id: CompId, body: &'a [ast::Decl], module: hir::ModuleId) {
        let mut names = std::collections::BTreeMap::new();
        for decl in body {
            let declared: Option<(&'a ast::Name, ValueName)> = match &decl.kind {
                ast::DeclKind::Param(param) => {
                    let index = self.comp(id).params.len() as u32;
                    if let Some(slot) = self.comps.get_mut(id.index()) {
                        slot.params.push(param);
                        slot.param_types.push(None);
                    }
                    Some((&param.name, ValueName::Param(index)))
                }
                ast::DeclKind::Let(item) => {
                    let let_id = self.add_let(item, module, Some(id));
                    Some((&item.name, ValueName::Let(let_id)))
                }
                ast::DeclKind::Release(release) => {
                    let rel = self.add_release(release, module, Some(id));
                    if let Some(slot) = self.comps.get_mut(id.index()) {
                        slot.rels.push(rel);
                    }
                    Some((&release.name, ValueName::Release(rel)))
                }
                ast::DeclKind::Output(output) => {
                    let known = self
                        .comp(id)
                        .outputs
                        .iter()
                        .find(|known| known.name.text == output.name.text)
                        .map(|o| o.name.span);
                    match known {
                        Some(first) => {
                            let message = format!("output `{}` is declared twice", output.name.text);
                            self.error(
                                Diagnostic::error("K0102", output.name.span, message)
                                    .related(first, "first declared here"),
                            );
                        }
                        None => {
                            if let Some(slot) = self.comps.get_mut(id.index()) {
                                slot.outputs.push(output);
                            }
                        }
                    }
                    None
                }
                ast::DeclKind::Error => None,
                other => {
                    let message = format!("{} cannot stand in a component", super::keyword(other));
                    self.error(
                        Diagnostic::error("K0106", decl.span, message)
                            .help("a component holds `param`, `let`, `release` and `output`"),
                    );
                    None
                }
            };
            if let Some((name, what)) = declared
                && let Some(first) = crate::names::declare(&mut names, name, what)
            {
                self.declared_twice(name, first);
            }
        }
        if let Some(slot) = self.comps.get_mut(id.index()) {
            slot.names = Arc::new(names);
        }
    }

    /// Fields that stand directly in a declaration, dotted keys grouped, each checked against its type.
    pub(super) fn grouped(
        &mut self,
        body: &'a Record,
        s: &mut Scope,
        mut field_type: impl FnMut(&mut Self, &str, Span) -> Option<Type>,
    ) -> Vec<(Arc<str>, hir::Expr)> {
        // The paths below a field, with their values.
        type Paths<'a> = Vec<(&'a [ast::PathKey], &'a Expr)>;
        let mut groups: Vec<(Arc<str>, Span, Paths<'a>)> = Vec::new();
        for entry in &body.entries {
            match &entry.kind {
                EntryKind::Field { key, value } => {
                    let Some((first, rest)) = key.split_first() else {
                        continue;
                    };
                    if first.text.is_empty() {
                        continue;
                    }
                    match groups.iter_mut().find(|(name, ..)| *name == first.text) {
                        Some((_, span, group)) => {
                            if rest.is_empty() || group.iter().any(|(rest, _)| rest.is_empty()) {
                                let span = *span;
                                let message = format!("`{}` is given twice", first.text);
                                self.error(
                                    Diagnostic::error("K0102", first.span, message).related(span, "first given here"),
                                );
                            } else {
                                group.push((rest, value));
                            }
                        }
                        None => groups.push((first.text.clone(), first.span, vec![(rest, value)])),
                    }
                }
                EntryKind::Output(_) | EntryKind::Error => {}
                EntryKind::Computed { key, .. } => self.error(Diagnostic::error(
                    "K0106",
                    key.span,
                    "the fields of a declaration have static names",
                )),
                EntryKind::Spread(value) => self.error(
                    Diagnostic::error("K0106", value.span, "a declaration cannot take fields from a record")
                        .help("write them out, or make a `component` of what is shared"),
                ),
            }
        }
        let mut lowered = Vec::new();
        for (name, span, group) in groups {
            let Some(ty) = field_type(self, &name, span) else {
                for (_, value) in &group {
                    if !LATER_FIELDS.contains(&&*name) {
                        self.infer(value, s);
                    }
                }
                continue;
            };
            s.keys.push(name.clone());
            let value = match group.as_slice() {
                [([], value)] => self.check(value, &ty, s),
                _ => self.check_paths(&group, span, &ty, s),
            };
            s.keys.pop();
            lowered.push((name, value));
        }
        lowered.sort_by(|a, b| a.0.cmp(&b.0));
        lowered
    }
}

/// Ids of releases are made with their slots.
fn unreachable_release() -> ! {
    panic!("a release id has a slot")
}
