//! Names, and what is reached from them by `.` and `[ ]`.

use std::sync::Arc;

use ktl_syntax::ast::{Expr, ExprKind, Name};
use ktl_syntax::{Diagnostic, Span};

use super::Checker;
use super::scope::{Node, Scope, plain_string};
use crate::hir::{self, HandlePart, ImagePart, Kind};
use crate::names::{TypeName, ValueName, nearest};
use crate::types::{self, Type, join};
use crate::value::Value;

impl<'a> Checker<'a> {
    pub(super) fn infer_name(&mut self, name: &Arc<str>, span: Span, s: &mut Scope) -> (hir::Expr, Type) {
        match self.lookup(name, span, s) {
            Some(found) => found,
            None => {
                self.unknown_name(name, span, s);
                (hir::Expr::error(span), Type::Error)
            }
        }
    }

    /// Finds a name of the value space.
    pub(super) fn lookup(&mut self, name: &Arc<str>, span: Span, s: &mut Scope) -> Option<(hir::Expr, Type)> {
        let of = |kind: Kind| hir::Expr { kind, span };
        if let Some(local) = s.locals.iter().rev().find(|local| local.name == *name) {
            return Some((of(local.kind.clone()), local.ty.clone()));
        }
        if s.rules {
            match &**name {
                "profile" => return Some((of(Kind::Profile), self.profile_type(s.module))),
                "plan" => {
                    let lists: Vec<String> = hir::Table::NAMES.iter().map(|name| format!("`plan.{name}`")).collect();
                    self.error(
                        Diagnostic::error("K0201", span, "`plan` alone is not a value")
                            .help(format!("name one of its lists: {}", lists.join(", "))),
                    );
                    return Some((of(Kind::Error), Type::Error));
                }
                _ => {}
            }
        }
        if &**name == "self" {
            if let Some(release) = s.release {
                return Some((of(Kind::SelfRelease), Type::Release(Some(release))));
            }
            if s.in_component {
                return Some((of(Kind::SelfRelease), Type::Release(None)));
            }
            return None;
        }
        if let Some(comp) = s.comp
            && let Some(what) = self.comp(comp).names.get(name).map(|declared| declared.what)
        {
            return Some(match what {
                ValueName::Param(index) => (of(Kind::Param(index)), self.param_type(comp, index)),
                ValueName::Let(id) => {
                    s.refs.push((Node::Let(id), span));
                    (of(Kind::CompLet(id)), self.let_type(id))
                }
                ValueName::Release(id) => (of(Kind::Inner(id)), self.handle_type(id)),
                _ => (of(Kind::Error), Type::Error),
            });
        }
        let what = self.names(s.module).values.get(name).map(|declared| declared.what)?;
        Some(self.global(what, span, s))
    }

    /// A declaration of a module as a value.
    pub(super) fn global(&mut self, what: ValueName, span: Span, s: &mut Scope) -> (hir::Expr, Type) {
        let of = |kind: Kind| hir::Expr { kind, span };
        match what {
            ValueName::Let(id) => {
                s.refs.push((Node::Let(id), span));
                (of(Kind::Let(id)), self.let_type(id))
            }
            ValueName::Input(id) => {
                s.refs.push((Node::Input(id), span));
                (of(Kind::Input(id)), self.input_type(id))
            }
            ValueName::Cluster(index) => (of(Kind::Cluster(index)), Type::Cluster),
            ValueName::Zone(index) => (of(Kind::Zone(index)), Type::Zone),
            ValueName::Release(id) => (of(Kind::Release(id)), self.handle_type(id)),
            ValueName::Fn(id) => {
                let name = self
                    .fns
                    .get(id.index())
                    .map_or_else(String::new, |function| function.name.text.to_string());
                self.error(
                    Diagnostic::error("K0201", span, format!("`{name}` is a function, not a value"))
                        .help(format!("call it: `{name}(…)`")),
                );
                (of(Kind::Error), Type::Error)
            }
            ValueName::Param(_) | ValueName::Unsupported => (of(Kind::Error), Type::Error),
        }
    }

    pub(super) fn unknown_name(&mut self, name: &str, span: Span, s: &Scope) {
        let mut known: Vec<&str> = s.locals.iter().map(|local| &*local.name).collect();
        let inner = s.comp.map(|comp| self.comp(comp).names.clone()).unwrap_or_default();
        let names = self.names(s.module);
        known.extend(inner.keys().map(|name| &**name));
        known.extend(names.values.keys().map(|name| &**name));
        let mut diagnostic = Diagnostic::error("K0101", span, format!("unknown name `{name}`"));
        let parts: Vec<&str> = name.split('-').collect();
        let subtraction = parts.len() > 1
            && parts
                .iter()
                .all(|part| !part.is_empty() && (known.contains(part) || part.bytes().all(|b| b.is_ascii_digit())));
        if subtraction {
            let better = parts.join(" - ");
            diagnostic = diagnostic
                .help(format!("a name may hold `-`; a subtraction needs spaces: `{better}`"))
                .fix(format!("replace by `{better}`"), span, better);
        } else if let Some(better) = nearest(name, known.iter().copied()) {
            diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                format!("replace by `{better}`"),
                span,
                better,
            );
        } else if self.names(s.module).types.contains_key(name) {
            diagnostic = diagnostic.help(format!("`{name}` is a type or a module, which is no value"));
        } else if crate::builtin::Builtin::named(name).is_some() {
            diagnostic = diagnostic.help(format!("`{name}` is a function: call it as `{name}(…)`"));
        }
        if matches!(name, "plan" | "profile") && diagnostic.help.is_none() {
            diagnostic = diagnostic.help(format!("`{name}` is known in policies and tests only"));
        }
        self.error(diagnostic);
    }

    pub(super) fn infer_field(
        &mut self,
        base: &'a Expr,
        field: &'a Name,
        optional: bool,
        span: Span,
        s: &mut Scope,
    ) -> (hir::Expr, Type) {
        if let ExprKind::Name(name) = &base.kind {
            let shadowed = s.locals.iter().any(|local| local.name == *name);
            if !shadowed && &**name == "stack" && !self.names(s.module).values.contains_key(name) {
                if &*field.text == "name" {
                    return (
                        hir::Expr {
                            kind: Kind::StackName,
                            span,
                        },
                        Type::NAME,
                    );
                }
                self.no_field(&field.text, field.span, "the stack", ["name"].into_iter());
                return (hir::Expr::error(span), Type::Error);
            }
            if s.rules && !shadowed && &**name == "plan" {
                return self.plan_list(field, span);
            }
            if let Some(found) = self.module_member(name, base.span, field, span, s) {
                return found;
            }
        }
        let (lowered, ty) = self.infer(base, s);
        if field.text.is_empty() {
            return (hir::Expr::error(span), Type::Error);
        }
        let Some(ty) = self.present(&ty, optional, base) else {
            return (hir::Expr::error(span), Type::Error);
        };
        if optional && matches!(ty, Type::Null) {
            return (hir::Expr::constant(Value::null(span)), Type::Null);
        }
        let (kind, found) = self.member(lowered, &ty, field, optional, span, s);
        let found = if optional { found.optional() } else { found };
        (hir::Expr { kind, span }, found)
    }

    /// `module.name` where `module` is an import and no value has its name.
    pub(super) fn module_member(
        &mut self,
        name: &Arc<str>,
        base: Span,
        field: &Name,
        span: Span,
        s: &mut Scope,
    ) -> Option<(hir::Expr, Type)> {
        let hidden = s.locals.iter().any(|local| local.name == *name)
            || s.comp.is_some_and(|comp| self.comp(comp).names.contains_key(name))
            || self.names(s.module).values.contains_key(name)
            || &**name == "self";
        if hidden {
            return None;
        }
        let what = self.type_name(s.module, name)?;
        match what {
            TypeName::Module(module) => {
                let declared = self.names(module).values.get(&field.text).map(|declared| declared.what);
                let found = match declared {
                    Some(what) if self.exported(module, &field.text, field.span) => self.global(what, span, s),
                    Some(_) => (hir::Expr::error(span), Type::Error),
                    None if field.text.is_empty() => (hir::Expr::error(span), Type::Error),
                    None => {
                        self.no_member(module, field, false);
                        (hir::Expr::error(span), Type::Error)
                    }
                };
                Some(found)
            }
            TypeName::Error => Some((hir::Expr::error(span), Type::Error)),
            _ => {
                self.error(
                    Diagnostic::error("K0101", base, format!("`{name}` is not a value"))
                        .help("types, charts and components are used where a release or a constructor starts"),
                );
                Some((hir::Expr::error(span), Type::Error))
            }
        }
    }

    /// Reports that a module has no such member.
    pub(super) fn no_member(&mut self, module: hir::ModuleId, field: &Name, ty: bool) {
        let path = self
            .module(module)
            .map_or_else(String::new, |module| module.path.to_string());
        let names = self.names(module);
        let public = |name: &str| !name.starts_with('_');
        let better = if ty {
            let mut known: Vec<&str> = names.types.keys().map(|name| &**name).collect();
            for name in self.k8s_names(module) {
                known.push(name);
            }
            nearest(&field.text, known.into_iter().filter(|name| public(name)))
        } else {
            nearest(
                &field.text,
                names.values.keys().map(|name| &**name).filter(|name| public(name)),
            )
        };
        let mut diagnostic = Diagnostic::error("K0101", field.span, format!("`{path}` has no `{}`", field.text));
        if let Some(better) = better {
            diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                format!("replace by `{better}`"),
                field.span,
                better,
            );
        }
        self.error(diagnostic);
    }

    /// The type without null, where `?.` or its lack allows that.
    pub(super) fn present(&mut self, ty: &Type, optional: bool, base: &Expr) -> Option<Type> {
        if ty.is_error() {
            return Some(Type::Error);
        }
        if !ty.nullable() || matches!(ty, Type::Json) || optional {
            return Some(ty.non_null());
        }
        let written = self.excerpt(base.span);
        let release = matches!(ty.non_null(), Type::Release(_));
        let code = if release { "K0404" } else { "K0206" };
        let why = if release { " (it has a `when`)" } else { "" };
        self.error(
            Diagnostic::error(code, base.span, format!("{written} may be absent{why}"))
                .help("use `?.`, or ask `!= null` first")
                .fix("use `?.`", base.span.after(), "?"),
        );
        None
    }

    /// A field of a value that is there.
    pub(super) fn member(
        &mut self,
        base: hir::Expr,
        ty: &Type,
        field: &Name,
        optional: bool,
        span: Span,
        s: &Scope,
    ) -> (Kind, Type) {
        let name = field.text.clone();
        let key = matches!(ty, Type::Map(_));
        let plain = |base: hir::Expr| Kind::Field {
            base: Box::new(base),
            name: name.clone(),
            optional,
            key,
        };
        match ty {
            Type::Error => (Kind::Error, Type::Error),
            Type::Record(record) => match record.field(&name) {
                Some(found) => (plain(base), found.read()),
                None => {
                    let shown = ty.to_string();
                    let names: Vec<Arc<str>> = record.fields().iter().map(|field| field.name.clone()).collect();
                    self.no_field(&name, field.span, &shown, names.iter().map(|name| &**name));
                    (Kind::Error, Type::Error)
                }
            },
            Type::Map(map) => (plain(base), map.value.clone()),
            Type::Union(members) => {
                let fields: Vec<Option<Type>> = members
                    .iter()
                    .map(|member| match member {
                        Type::Record(record) => record.field(&name).map(types::Field::read),
                        Type::Error => Some(Type::Error),
                        _ => None,
                    })
                    .collect();
                match fields.iter().cloned().collect::<Option<Vec<_>>>() {
                    Some(fields) => (plain(base), Type::union(fields)),
                    None => {
                        let some = fields.iter().any(Option::is_some);
                        let mut diagnostic =
                            Diagnostic::error("K0204", field.span, format!("not every {ty} has `{name}`"));
                        if some {
                            diagnostic = diagnostic.help("`match` on the field that tells them apart first");
                        }
                        self.error(diagnostic);
                        (Kind::Error, Type::Error)
                    }
                }
            }
            Type::Release(release) => self.handle_member(base, *release, field, span, s),
            Type::Cluster | Type::Zone if &*name == "name" => (
                Kind::Handle {
                    base: Box::new(base),
                    part: HandlePart::Name,
                },
                Type::NAME,
            ),
            Type::Image(_) => {
                let (part, found) = match &*name {
                    "registry" => (ImagePart::Registry, Type::STRING.optional()),
                    "repository" => (ImagePart::Repository, Type::STRING),
                    "tag" => (ImagePart::Tag, Type::STRING.optional()),
                    "digest" => (ImagePart::Digest, Type::Checked(types::Checked::Digest).optional()),
                    _ => {
                        self.no_field(
                            &name,
                            field.span,
                            "image",
                            ["registry", "repository", "tag", "digest"].into_iter(),
                        );
                        return (Kind::Error, Type::Error);
                    }
                };
                (
                    Kind::ImagePart {
                        base: Box::new(base),
                        part,
                    },
                    found,
                )
            }
            Type::Json if s.rules => {
                let key = hir::Expr::constant(Value::string(name, field.span));
                let kind = Kind::Step {
                    base: Box::new(base),
                    key: Box::new(key),
                };
                (kind, Type::Json)
            }
            Type::Json => {
                self.error(
                    Diagnostic::error("K0204", field.span, "json has no known fields")
                        .help("say what it holds first: `(… as { field: string }).field`"),
                );
                (Kind::Error, Type::Error)
            }
            other => {
                self.error(Diagnostic::error(
                    "K0204",
                    field.span,
                    format!("{other} has no field `{name}`"),
                ));
                (Kind::Error, Type::Error)
            }
        }
    }

    pub(super) fn handle_member(
        &mut self,
        base: hir::Expr,
        release: Option<hir::RelId>,
        field: &Name,
        span: Span,
        s: &Scope,
    ) -> (Kind, Type) {
        let part = match &*field.text {
            "name" => Some((HandlePart::Name, Type::NAME)),
            "namespace" => Some((HandlePart::Namespace, Type::NAME)),
            "cluster" => Some((HandlePart::Cluster, Type::Cluster)),
            _ => None,
        };
        if let Some((part, ty)) = part {
            return (
                Kind::Handle {
                    base: Box::new(base),
                    part,
                },
                ty,
            );
        }
        let outputs = release.map(|release| self.output_names(release)).unwrap_or_default();
        if let Some(release) = release
            && let Some(ty) = self.output_type(release, &field.text)
        {
            let written = self.sources.text(span).split_whitespace().collect::<Vec<_>>().join(" ");
            let context = s.context();
            let text = if context.is_empty() {
                format!("uses {written}")
            } else {
                format!("{context} uses {written}")
            };
            let site = self.site(text.into(), span);
            return (
                Kind::Output {
                    base: Box::new(base),
                    name: field.text.clone(),
                    site,
                },
                ty,
            );
        }
        let what = match release.and_then(|release| self.rels.get(release.index())) {
            Some(release) => format!("release `{}`", release.ast.name.text),
            None => "a release".to_owned(),
        };
        let known: Vec<&str> = ["name", "namespace", "cluster"]
            .into_iter()
            .chain(outputs.iter().map(|name| &**name))
            .collect();
        let mut diagnostic = Diagnostic::error("K0204", field.span, format!("{what} has no output `{}`", field.text));
        diagnostic = match nearest(&field.text, known.iter().copied()) {
            Some(better) => diagnostic.help(format!("did you mean `{better}`?")).fix(
                format!("replace by `{better}`"),
                field.span,
                better,
            ),
            None => diagnostic.help(format!("add `output {}: … = …` to it", field.text)),
        };
        self.error(diagnostic);
        (Kind::Error, Type::Error)
    }

    /// Reports an unknown field, with the one that was meant.
    pub(super) fn no_field<'n>(
        &mut self,
        name: &str,
        span: Span,
        on: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) {
        let mut diagnostic = Diagnostic::error("K0204", span, format!("unknown field `{name}` on {on}"));
        if let Some(better) = nearest(name, known.clone()) {
            diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                format!("replace `{name}` by `{better}`"),
                span,
                better,
            );
        } else {
            let names: Vec<String> = known.take(12).map(|name| format!("`{name}`")).collect();
            if !names.is_empty() {
                diagnostic = diagnostic.help(format!("its fields are {}", names.join(", ")));
            }
        }
        self.error(diagnostic);
    }

    pub(super) fn infer_index(
        &mut self,
        base: &'a Expr,
        index: &'a Expr,
        optional: bool,
        span: Span,
        s: &mut Scope,
    ) -> (hir::Expr, Type) {
        let (lowered, ty) = self.infer(base, s);
        let error = (hir::Expr::error(span), Type::Error);
        let Some(ty) = self.present(&ty, optional, base) else {
            self.infer(index, s);
            return error;
        };
        let (index_type, found) = match &ty {
            Type::Error => {
                self.infer(index, s);
                return error;
            }
            Type::Json if s.rules => {
                let key = self.check(index, &Type::union([Type::STRING, Type::INT]), s);
                let kind = Kind::Step {
                    base: Box::new(lowered),
                    key: Box::new(key),
                };
                return (hir::Expr { kind, span }, Type::Json);
            }
            // Whether the key is one is for the value to show, not for its form.
            Type::Map(map) => (Type::STRING, map.value.clone()),
            Type::List(list) => (Type::INT, list.item.clone()),
            Type::Record(record) => match plain_string(index) {
                Some(key) => {
                    let field = Name {
                        text: key,
                        span: index.span,
                    };
                    let known = record.field(&field.text).map(types::Field::read);
                    if known.is_none() && optional {
                        let value = record
                            .fields()
                            .iter()
                            .map(|field| field.ty.clone())
                            .reduce(join)
                            .unwrap_or(Type::Null);
                        return (hir::Expr::constant(Value::null(span)), value.optional());
                    }
                    let (kind, found) = self.member(lowered, &ty, &field, optional, span, s);
                    return (
                        hir::Expr { kind, span },
                        if optional { found.optional() } else { found },
                    );
                }
                None => {
                    let value = record
                        .fields()
                        .iter()
                        .map(|field| field.ty.clone())
                        .reduce(join)
                        .unwrap_or(Type::Null);
                    (Type::STRING, value)
                }
            },
            other => {
                self.error(Diagnostic::error(
                    "K0201",
                    base.span,
                    format!("{other} has no elements"),
                ));
                self.infer(index, s);
                return error;
            }
        };
        let index = self.check(index, &index_type, s);
        let kind = Kind::Index {
            base: Box::new(lowered),
            index: Box::new(index),
            optional,
        };
        (
            hir::Expr { kind, span },
            if optional { found.optional() } else { found },
        )
    }
}
