//! Settings: paths of profiles and of `with`, checked against the types they lead through.

use std::sync::Arc;

use ktl_syntax::ast::{Name, PathKey, Setting, SettingValue};
use ktl_syntax::{Diagnostic, Span};

use super::Checker;
use super::scope::Scope;
use crate::hir::{self, Change, RelId};
use crate::load::ENTRY;
use crate::names::{TypeName, ValueName, nearest};
use crate::program::{ProfileDecl, ProfileSetting, RelKind, Target};
use crate::types::{Presence, Type};

/// Where a path led.
struct Place {
    ty: Type,
    /// Whether the last step can be taken away: an optional field, or a key of a map.
    removable: bool,
    path: Vec<hir::Step>,
}

impl<'a> Checker<'a> {
    pub(super) fn with_settings(&mut self, base: &Type, settings: &'a [Setting], s: &mut Scope) -> Vec<hir::Setting> {
        let mut lowered = Vec::new();
        for setting in settings {
            let steps: Vec<&'a PathKey> = setting.target.iter().collect();
            if let Some(place) = self.walk(base, &steps, "K0204", "")
                && let Some(change) = self.change(&setting.value, &place, &setting.target, s)
            {
                lowered.push(hir::Setting {
                    path: place.path,
                    change,
                    span: setting.span,
                });
            }
        }
        let paths: Vec<(Vec<Arc<str>>, Span)> = settings
            .iter()
            .map(|setting| {
                (
                    setting.target.iter().map(|key| key.text.clone()).collect(),
                    setting.span,
                )
            })
            .collect();
        self.overlaps(&paths, "this `with`");
        lowered
    }

    fn change(&mut self, value: &'a SettingValue, place: &Place, target: &[PathKey], s: &mut Scope) -> Option<Change> {
        Some(match value {
            SettingValue::Set(value) => {
                let wanted = if place.removable {
                    place.ty.clone().optional()
                } else {
                    place.ty.clone()
                };
                Change::Set(self.check(value, &wanted, s))
            }
            SettingValue::Unset(span) => {
                if !place.removable && !place.ty.is_error() {
                    let name = target.last().map_or("", |key| &*key.text);
                    self.error(
                        Diagnostic::error("K0504", *span, format!("cannot unset required field `{name}`"))
                            .help("set it to another value"),
                    );
                    return None;
                }
                Change::Unset
            }
            SettingValue::Only(keys) => {
                if !matches!(place.ty.non_null(), Type::Map(_) | Type::Json | Type::Error) {
                    let message = format!("`only` keeps keys of a map, and this is {}", place.ty);
                    self.error(Diagnostic::error("K0501", keys.span, message));
                    return None;
                }
                Change::Only(self.check(keys, &Type::list(Type::STRING), s))
            }
        })
    }

    /// Follows a path through a type. `context` ends the message, such as ` in release api`.
    fn walk(&mut self, base: &Type, steps: &[&'a PathKey], code: &'static str, context: &str) -> Option<Place> {
        let mut place = Place {
            ty: base.clone(),
            removable: false,
            path: Vec::new(),
        };
        let mut so_far = String::new();
        for step in steps {
            if step.text.is_empty() && !step.quoted {
                return None;
            }
            if !so_far.is_empty() {
                so_far.push('.');
            }
            so_far.push_str(&step.text);
            let mut path = std::mem::take(&mut place.path);
            let map = matches!(place.ty.non_null(), Type::Map(_) | Type::List(_));
            path.push(hir::Step {
                key: step.text.clone(),
                map,
            });
            place = match place.ty.non_null() {
                Type::Error => return None,
                // What kind of object it is shows when it is laid over.
                Type::Json | Type::Object => Place {
                    ty: Type::Json,
                    removable: true,
                    path,
                },
                Type::Map(map) => Place {
                    ty: map.value.clone(),
                    removable: true,
                    path,
                },
                Type::Record(record) => match record.field(&step.text) {
                    Some(field) => Place {
                        ty: field.ty.clone(),
                        removable: !matches!(field.presence, Presence::Required),
                        path,
                    },
                    None => {
                        let names: Vec<Arc<str>> = record.fields().iter().map(|field| field.name.clone()).collect();
                        self.no_path(
                            code,
                            &so_far,
                            step,
                            context,
                            names.iter().map(|name| &**name),
                            &place.ty,
                        );
                        return None;
                    }
                },
                Type::Union(members) => {
                    let found = members.iter().find_map(|member| match member {
                        Type::Record(record) => record.field(&step.text).cloned(),
                        _ => None,
                    });
                    match found {
                        Some(field) => Place {
                            ty: field.ty.clone(),
                            removable: !matches!(field.presence, Presence::Required),
                            path,
                        },
                        None => {
                            self.no_path(code, &so_far, step, context, std::iter::empty(), &place.ty);
                            return None;
                        }
                    }
                }
                Type::List(list) if list.key.is_some() => {
                    // Written as a map, laid over as one.
                    Place {
                        ty: list.item.clone(),
                        removable: true,
                        path,
                    }
                }
                Type::List(_) => {
                    let message = format!("no path `{so_far}`{context}: lists are replaced whole");
                    self.error(Diagnostic::error(code, step.span, message));
                    return None;
                }
                other => {
                    self.no_path(code, &so_far, step, context, std::iter::empty(), &other);
                    return None;
                }
            };
        }
        Some(place)
    }

    fn no_path<'n>(
        &mut self,
        code: &'static str,
        so_far: &str,
        step: &PathKey,
        context: &str,
        known: impl Iterator<Item = &'n str> + Clone,
        ty: &Type,
    ) {
        if code == "K0204" {
            self.no_field(&step.text, step.span, &ty.to_string(), known);
            return;
        }
        let mut diagnostic = Diagnostic::error(code, step.span, format!("no path `{so_far}`{context}"));
        if let Some(better) = nearest(&step.text, known.clone()) {
            diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                format!("replace by `{better}`"),
                step.span,
                better,
            );
        } else {
            let names: Vec<String> = known.take(12).map(|name| format!("`{name}`")).collect();
            diagnostic = match names.is_empty() {
                true => diagnostic.help(format!("{ty} has no fields")),
                false => diagnostic.help(format!("there are {}", names.join(", "))),
            };
        }
        self.error(diagnostic);
    }

    /// The same path twice, or a path below another, would make the order matter.
    pub(super) fn overlaps(&mut self, settings: &[(Vec<Arc<str>>, Span)], place: &str) {
        let mut sorted: Vec<&(Vec<Arc<str>>, Span)> = settings.iter().collect();
        sorted.sort();
        for pair in sorted.windows(2) {
            let [(a, first), (b, second)] = pair else { continue };
            if a == b {
                let message = format!("`{}` is set twice in {place}", b.join("."));
                self.error(Diagnostic::error("K0502", *second, message).related(*first, "first set here"));
            } else if b.starts_with(a) {
                let message = format!("`{}` and `{}` overlap in {place}", a.join("."), b.join("."));
                self.error(
                    Diagnostic::error("K0503", *second, message)
                        .related(*first, "this sets all of it")
                        .help("set one or the other, so that their order does not matter"),
                );
            }
        }
    }

    pub(super) fn lower_profile(
        &mut self,
        name: &'a Name,
        extends: Option<&'a Name>,
        settings: &'a [Setting],
    ) -> ProfileDecl {
        let mut lowered = Vec::new();
        let mut paths = Vec::new();
        for setting in settings {
            let mut s = Scope::new(ENTRY, None).owned(format!("profile {}", name.text));
            s.keys = setting.target.iter().map(|key| key.text.clone()).collect();
            let Some((target, base, rest, context)) = self.target(&setting.target, &name.text) else {
                // The value may have mistakes of its own.
                if let SettingValue::Set(value) = &setting.value {
                    self.infer(value, &mut s);
                }
                continue;
            };
            let context = format!(" in {context}");
            let place = match rest.is_empty() {
                true => Some(Place {
                    ty: base.clone(),
                    removable: false,
                    path: Vec::new(),
                }),
                false => self.walk(&base, &rest, "K0501", &context),
            };
            paths.push((
                setting.target.iter().map(|key| key.text.clone()).collect(),
                setting.span,
            ));
            let Some(place) = place else {
                if let SettingValue::Set(value) = &setting.value {
                    self.infer(value, &mut s);
                }
                continue;
            };
            if let Some(change) = self.change(&setting.value, &place, &setting.target, &mut s) {
                let setting = hir::Setting {
                    path: place.path,
                    change,
                    span: setting.span,
                };
                lowered.push(ProfileSetting { target, setting });
            }
        }
        self.overlaps(&paths, &format!("profile {}", name.text));
        ProfileDecl {
            name: name.text.clone(),
            extends: extends.map(|parent| (parent.text.clone(), parent.span)),
            settings: lowered,
        }
    }

    /// What a path starts at, its type, and the steps below it.
    fn target(&mut self, path: &'a [PathKey], profile: &str) -> Option<(Target, Type, Vec<&'a PathKey>, String)> {
        let (first, rest) = path.split_first()?;
        let rest: Vec<&'a PathKey> = rest.iter().collect();
        match &*first.text {
            "" => return None,
            "runner" => return Some((Target::Runner, self.fields.runner.clone(), rest, "`runner`".into())),
            "stack" => {
                return Some((
                    Target::Stack,
                    self.fields.stack.clone(),
                    rest,
                    "the stack's header".into(),
                ));
            }
            _ => {}
        }
        let names = self.names(ENTRY);
        let declared = names.values.get(&first.text).map(|declared| declared.what);
        match declared {
            Some(ValueName::Let(id)) => {
                let ty = self.let_type(id);
                Some((Target::Let(id), ty, rest, format!("let {}", first.text)))
            }
            Some(ValueName::Cluster(index)) => Some((
                Target::Cluster(index),
                self.fields.cluster.clone(),
                rest,
                format!("cluster {}", first.text),
            )),
            Some(ValueName::Zone(index)) => Some((
                Target::Zone(index),
                self.fields.zone.clone(),
                rest,
                format!("zone {}", first.text),
            )),
            Some(ValueName::Release(id)) => self.release_target(id, first, rest),
            Some(ValueName::Input(_)) => {
                self.error(
                    Diagnostic::error("K0501", first.span, format!("`{}` is an input", first.text))
                        .help("inputs come from outside; a profile sets what is computed from them"),
                );
                None
            }
            Some(ValueName::Unsupported | ValueName::Param(_)) => None,
            Some(ValueName::Fn(_)) => {
                self.error(Diagnostic::error(
                    "K0501",
                    first.span,
                    format!("`{}` is a function, which has no paths", first.text),
                ));
                None
            }
            None => match self.type_name(ENTRY, &first.text) {
                Some(TypeName::Module(module)) => self.module_target(module, rest, first),
                Some(TypeName::Error) => None,
                _ => {
                    let known: Vec<&str> = names
                        .values
                        .keys()
                        .map(|name| &**name)
                        .chain(["runner", "stack"])
                        .collect();
                    let mut diagnostic = Diagnostic::error(
                        "K0501",
                        first.span,
                        format!("profile {profile}: there is no `{}`", first.text),
                    );
                    if let Some(better) = nearest(&first.text, known) {
                        diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                            format!("replace by `{better}`"),
                            first.span,
                            better,
                        );
                    }
                    self.error(diagnostic);
                    None
                }
            },
        }
    }

    fn module_target(
        &mut self,
        module: hir::ModuleId,
        rest: Vec<&'a PathKey>,
        first: &PathKey,
    ) -> Option<(Target, Type, Vec<&'a PathKey>, String)> {
        let (second, below) = rest.split_first()?;
        let std = self.module(module).is_some_and(|module| module.is_std());
        let declared = self
            .names(module)
            .values
            .get(&second.text)
            .map(|declared| declared.what);
        match declared {
            Some(ValueName::Let(id)) if !std && self.exported(module, &second.text, second.span) => {
                let ty = self.let_type(id);
                Some((
                    Target::Let(id),
                    ty,
                    below.to_vec(),
                    format!("let {}.{}", first.text, second.text),
                ))
            }
            _ => {
                let message = format!("no path `{}.{}`", first.text, second.text);
                let help = "of a local module a profile sets `let`s; packages stay as they are";
                self.error(Diagnostic::error("K0501", second.span, message).help(help));
                None
            }
        }
    }

    /// A release, a member of a family (`api["fra"]`), or a release inside a component (`shop.svc`).
    fn release_target(
        &mut self,
        id: RelId,
        first: &'a PathKey,
        mut rest: Vec<&'a PathKey>,
    ) -> Option<(Target, Type, Vec<&'a PathKey>, String)> {
        let mut id = id;
        let mut context = format!("release {}", first.text);
        let mut chain: Vec<(RelId, Option<Arc<str>>)> = Vec::new();
        loop {
            let family = self.rels.get(id.index()).is_some_and(|slot| slot.ast.family.is_some());
            let kind = self.rel_kind(id);
            let text = self
                .rels
                .get(id.index())
                .map_or_else(String::new, |slot| slot.kind_text.clone());
            let record = self.rel_fields(&kind, &text)?;
            // A quoted step right after a family is a member; fields have plain names.
            let member = match rest.first() {
                Some(step) if family && (step.quoted || record.field(&step.text).is_none()) && rest.len() > 1 => {
                    let key = step.text.clone();
                    rest.remove(0);
                    Some(key)
                }
                _ => None,
            };
            chain.push((id, member));
            let Some(step) = rest.first().copied() else {
                let message = format!("`{}` is a release: name one of its fields", first.text);
                self.error(Diagnostic::error("K0501", first.span, message));
                return None;
            };
            if record.field(&step.text).is_none()
                && let RelKind::Component(comp) = kind
                && let Some(ValueName::Release(inner)) =
                    self.comp(comp).names.get(&step.text).map(|declared| declared.what)
            {
                context = format!("{context}.{}", step.text);
                rest.remove(0);
                id = inner;
                continue;
            }
            if &*step.text == "when" && rest.len() == 1 {
                let written = self.rels.get(id.index()).is_some_and(|slot| {
                    slot.ast.body.entries.iter().any(|entry| {
                        matches!(&entry.kind, ktl_syntax::ast::EntryKind::Field { key, .. } if key.first().is_some_and(|key| &*key.text == "when"))
                    })
                });
                if !written {
                    let message = "`when` is set only where the release has one, since others name it as always there";
                    self.error(
                        Diagnostic::error("K0501", step.span, message).help("write `when: true` in the release"),
                    );
                    return None;
                }
            }
            return Some((Target::Release(chain), Type::Record(record), rest, context));
        }
    }
}
