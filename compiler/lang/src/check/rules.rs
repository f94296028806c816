//! Policies, waivers and tests: rules over the plan, checked whether they run or not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ktl_syntax::ast::{self, DeclKind, Name, SettingValue, Text};
use ktl_syntax::{Diagnostic, Span};

use super::Checker;
use super::scope::{Node, Scope, plain_string};
use crate::hir::{self, InputId, Kind, LetId, ModuleId, Table};
use crate::load::{ENTRY, Import};
use crate::names::{ValueName, nearest};
use crate::program::{PolicyDecl, Program, RuleDecl, Target, TestDecl, WaiverDecl};
use crate::types::Type;

impl<'a> Checker<'a> {
    /// Policies of every module, then waivers of them, and the stack's tests.
    pub(super) fn policies(&mut self, program: &mut Program) {
        let modules = self.modules;
        let mut known: BTreeMap<(ModuleId, Arc<str>), Span> = BTreeMap::new();
        for (index, module) in modules.iter().enumerate() {
            let id = ModuleId(index as u32);
            for decl in &module.ast.decls {
                let DeclKind::Policy { name, rules } = &decl.kind else {
                    continue;
                };
                if let Some(first) = known.get(&(id, name.text.clone())).copied() {
                    self.declared_twice(name, first);
                } else if !name.text.is_empty() {
                    known.insert((id, name.text.clone()), name.span);
                }
                let policy = self.policy(name, rules, id);
                program.policies.push(policy);
            }
        }
        for (index, module) in modules.iter().enumerate() {
            for decl in &module.ast.decls {
                if let DeclKind::Waive {
                    name, objects, until, ..
                } = &decl.kind
                {
                    let waiver = self.waiver(program, ModuleId(index as u32), name, objects, until);
                    program.waivers.extend(waiver);
                }
            }
        }
        let mut tests: BTreeMap<&Arc<str>, Span> = BTreeMap::new();
        for decl in modules
            .get(ENTRY.index())
            .into_iter()
            .flat_map(|entry| &entry.ast.decls)
        {
            let DeclKind::Test { name, with, expects } = &decl.kind else {
                continue;
            };
            match tests.get(&name.text) {
                Some(first) => {
                    let name = Name {
                        text: name.text.clone(),
                        span: name.span,
                    };
                    self.declared_twice(&name, *first);
                }
                None => {
                    tests.insert(&name.text, name.span);
                }
            }
            let test = self.test(name, with, expects);
            program.tests.push(test);
        }
        self.weakened(program);
    }

    fn policy(&mut self, name: &'a Name, rules: &'a [ast::Rule], module: ModuleId) -> PolicyDecl {
        let rules = rules
            .iter()
            .map(|rule| {
                let mut s = Scope::of_rules(module, format!("policy {}", name.text));
                let clause = self
                    .clauses(std::slice::from_ref(&rule.clause), &mut s)
                    .into_iter()
                    .next();
                let message = self.check(&rule.message, &Type::STRING, &mut s);
                if module != ENTRY {
                    self.guarded.append(&mut s.refs);
                }
                clause.map(|clause| RuleDecl {
                    deny: rule.deny,
                    clause,
                    message,
                })
            })
            .collect::<Option<Vec<_>>>();
        PolicyDecl {
            name: name.text.clone(),
            module,
            span: name.span,
            rules: rules.unwrap_or_default(),
        }
    }

    fn waiver(
        &mut self,
        program: &Program,
        module: ModuleId,
        name: &Name,
        objects: &Text,
        until: &Text,
    ) -> Option<WaiverDecl> {
        let dated = is_date(&until.text);
        if !dated && !until.text.is_empty() {
            self.error(
                Diagnostic::error("K0706", until.span, format!("`{}` is not a date", until.text))
                    .help("write year, month and day, such as `2027-01-31`"),
            );
        }
        if name.text.is_empty() {
            return None;
        }
        let own = |policy: &&PolicyDecl| policy.module == module;
        let found = program
            .policies
            .iter()
            .position(|policy| own(&policy) && policy.name == name.text);
        if let Some(policy) = found {
            return dated.then(|| WaiverDecl {
                policy,
                objects: objects.clone(),
                until: until.clone(),
            });
        }
        if let Some(policy) = program.policies.iter().find(|policy| policy.name == name.text) {
            let path = self.module(policy.module).map_or("", |module| &*module.path);
            let message = format!("policy `{}` of {path} cannot be waived here", name.text);
            self.error(
                Diagnostic::error("K0705", name.span, message)
                    .related(policy.span, "declared here")
                    .help("imported policies cannot be weakened: a waiver of it stands beside it, in its module"),
            );
            return None;
        }
        let mut diagnostic = Diagnostic::error("K0101", name.span, format!("unknown policy `{}`", name.text));
        let names = program.policies.iter().filter(own).map(|policy| &*policy.name);
        if let Some(better) = nearest(&name.text, names) {
            diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                format!("replace by `{better}`"),
                name.span,
                better,
            );
        }
        self.error(diagnostic);
        None
    }

    fn test(&mut self, name: &'a Text, with: &'a [ast::Setting], expects: &'a [ast::Expr]) -> TestDecl {
        let mut test = TestDecl {
            name: name.text.clone(),
            span: name.span,
            profile: None,
            inputs: Vec::new(),
            expects: Vec::new(),
        };
        let mut paths = Vec::new();
        for setting in with {
            let path: Vec<Arc<str>> = setting.target.iter().map(|key| key.text.clone()).collect();
            paths.push((path, setting.span));
            let value = match &setting.value {
                SettingValue::Set(value) => value,
                SettingValue::Unset(span) => {
                    self.error(Diagnostic::error(
                        "K0504",
                        *span,
                        "a test gives values; it takes none away",
                    ));
                    continue;
                }
                SettingValue::Only(keys) => {
                    self.error(Diagnostic::error(
                        "K0504",
                        keys.span,
                        "a test gives values; it takes none away",
                    ));
                    continue;
                }
            };
            match setting.target.as_slice() {
                [profile] if &*profile.text == "profile" => test.profile = self.test_profile(value).or(test.profile),
                [input, key] if &*input.text == "input" => {
                    if let Some((id, ty)) = self.test_input(&key.text, key.span) {
                        let mut s = Scope::new(ENTRY, None).owned(format!("test {}", name.text));
                        test.inputs.push((id, self.check(value, &ty, &mut s)));
                    }
                }
                [first, ..] if !first.text.is_empty() => {
                    let message = format!("a test cannot set `{}`", self.sources.text(first.span));
                    self.error(
                        Diagnostic::error("K0204", first.span, message)
                            .help("it sets `profile`, and inputs as `input.NAME`"),
                    );
                }
                _ => {}
            }
        }
        self.overlaps(&paths, "this test");
        for expect in expects {
            let mut s = Scope::of_rules(ENTRY, format!("test {}", name.text));
            let lowered = self.check(expect, &Type::Bool, &mut s);
            test.expects.push(lowered);
        }
        if expects.is_empty() {
            self.error(
                Diagnostic::error("K0707", name.span, format!("test \"{}\" expects nothing", name.text))
                    .help("add `expect` and what must be true of `plan`"),
            );
        }
        test
    }

    fn test_profile(&mut self, value: &ast::Expr) -> Option<Arc<str>> {
        let Some(text) = plain_string(value) else {
            if !matches!(value.kind, ast::ExprKind::Hole | ast::ExprKind::Error) {
                self.error(
                    Diagnostic::error("K0106", value.span, "the profile of a test is a plain string")
                        .help("it is read before anything is evaluated"),
                );
            }
            return None;
        };
        let names = self.profile_names();
        if !names.contains(&text) {
            let mut diagnostic = Diagnostic::error("K0505", value.span, format!("there is no profile `{text}`"));
            diagnostic = match nearest(&text, names.iter().map(|name| &**name)) {
                Some(better) => diagnostic.help(format!("did you mean `{better}`?")).fix(
                    format!("replace by \"{better}\""),
                    value.span,
                    format!("\"{better}\""),
                ),
                None if names.is_empty() => diagnostic.help("the stack declares no profiles"),
                None => diagnostic.help(format!(
                    "profiles are {}",
                    names.iter().map(|name| &**name).collect::<Vec<_>>().join(", ")
                )),
            };
            self.error(diagnostic);
        }
        Some(text)
    }

    fn test_input(&mut self, name: &Arc<str>, span: Span) -> Option<(InputId, Type)> {
        let names = self.names(ENTRY);
        if let Some(ValueName::Input(id)) = names.values.get(name).map(|declared| declared.what) {
            return Some((id, self.input_type(id)));
        }
        if name.is_empty() {
            return None;
        }
        let inputs = names.values.iter();
        let inputs = inputs.filter(|(_, declared)| matches!(declared.what, ValueName::Input(_)));
        let mut diagnostic = Diagnostic::error("K0308", span, format!("there is no input `{name}`"));
        if let Some(better) = nearest(name, inputs.map(|(name, _)| &**name)) {
            diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                format!("replace by `{better}`"),
                span,
                better,
            );
        }
        self.error(diagnostic);
        None
    }

    fn profile_names(&self) -> BTreeSet<Arc<str>> {
        let entry = self.modules.get(ENTRY.index());
        let decls = entry.into_iter().flat_map(|entry| &entry.ast.decls);
        decls
            .filter_map(|decl| match &decl.kind {
                DeclKind::Profile { name, .. } if !name.text.is_empty() => Some(name.text.clone()),
                _ => None,
            })
            .collect()
    }

    /// The type of `profile`: one of the stack's, or null. A module does not know which stack imports it.
    pub(super) fn profile_type(&self, module: ModuleId) -> Type {
        let names = self.profile_names();
        if module != ENTRY || names.is_empty() {
            return Type::STRING.optional();
        }
        Type::union(names.into_iter().map(Type::Literal).chain([Type::Null]))
    }

    /// `plan.workloads` and its like.
    pub(super) fn plan_list(&mut self, field: &Name, span: Span) -> (hir::Expr, Type) {
        if let Some(table) = Table::named(&field.text)
            && let Type::Record(plan) = &self.fields.plan
            && let Some(list) = plan.field(&field.text)
        {
            let kind = Kind::Plan(table);
            return (hir::Expr { kind, span }, list.ty.clone());
        }
        if !field.text.is_empty() {
            self.no_field(&field.text, field.span, "plan", Table::NAMES.into_iter());
        }
        (hir::Expr::error(span), Type::Error)
    }

    /// Whether a module declares policies, or imports one that does.
    pub(super) fn brings_policies(&self, module: ModuleId) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![module];
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let Some(module) = self.module(id) else { continue };
            if module
                .ast
                .decls
                .iter()
                .any(|decl| matches!(decl.kind, DeclKind::Policy { .. }))
            {
                return true;
            }
            open.extend(module.imports.iter().filter_map(|import| match import {
                Some(Import::Module(id)) => Some(*id),
                _ => None,
            }));
        }
        false
    }

    /// A profile must not change what an imported policy compares with.
    fn weakened(&mut self, program: &Program) {
        let mut reached: BTreeMap<Node, Span> = BTreeMap::new();
        let mut open = std::mem::take(&mut self.guarded);
        while let Some((node, place)) = open.pop() {
            if reached.contains_key(&node) {
                continue;
            }
            reached.insert(node, place);
            let refs = match node {
                Node::Let(id) => self.lets.get(id.index()).map(|slot| &slot.refs),
                Node::Fn(id) => self.fns.get(id.index()).map(|slot| &slot.refs),
                Node::Input(id) => self.inputs.get(id.index()).map(|slot| &slot.refs),
            };
            // The place stays that in the policy, which is where it matters.
            open.extend(refs.into_iter().flatten().map(|(node, _)| (*node, place)));
        }
        let settings = program.profiles.iter().flat_map(|profile| &profile.settings);
        let found: Vec<(LetId, Span, Span)> = settings
            .filter_map(|setting| match setting.target {
                Target::Let(id) => Some((id, setting.setting.span, *reached.get(&Node::Let(id))?)),
                _ => None,
            })
            .collect();
        for (id, setting, place) in found {
            let name = self.lets.get(id.index()).map_or("", |slot| &*slot.ast.name.text);
            let message = format!("a profile cannot set `{name}`, which an imported policy uses");
            self.error(
                Diagnostic::error("K0705", setting, message)
                    .related(place, "used by the policy here")
                    .help("imported policies cannot be weakened"),
            );
        }
    }
}

/// Whether a text is a day of the calendar, as `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut part = |digits: usize| {
        let part = parts.next().filter(|part| part.len() == digits)?;
        part.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| part.parse::<u32>().ok())?
    };
    let (Some(year), Some(month), Some(day)) = (part(4), part(2), part(2)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day) && parts.next().is_none()
}
