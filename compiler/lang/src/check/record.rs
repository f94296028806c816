//! Record and list literals.

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_syntax::ast::{self, EntryKind, Expr, ListItem, Path, Record};
use ktl_syntax::{Diagnostic, Span};

use super::Checker;
use super::scope::{Scope, plain_string};
use crate::hir::{self, Entry, FieldValue, Kind};
use crate::types::{self, Field, Presence, RecordType, Type, join};

/// The entries of a literal with dotted keys taken apart: each step once, in order.
struct Tree<'a> {
    entries: Vec<Node<'a>>,
    span: Span,
}

enum Node<'a> {
    Value {
        key: Arc<str>,
        span: Span,
        value: &'a Expr,
    },
    /// `a.b: …` and `a.c: …` make one record under `a`.
    Nested {
        key: Arc<str>,
        span: Span,
        tree: Tree<'a>,
    },
    Computed {
        key: &'a Expr,
        value: &'a Expr,
    },
    Spread(&'a Expr),
}

/// What the entries of a literal must be.
enum Shape {
    Record(Arc<RecordType>),
    /// Key and value of a map; a value that is null is kept.
    Map(Type, Type),
    Json,
}

impl<'a> Checker<'a> {
    fn tree(&mut self, record: &'a Record) -> Tree<'a> {
        let mut tree = Tree {
            entries: Vec::new(),
            span: record.span,
        };
        for entry in &record.entries {
            match &entry.kind {
                EntryKind::Field { key, value } => self.insert(&mut tree, key, value),
                EntryKind::Computed { key, value } => tree.entries.push(Node::Computed { key, value }),
                EntryKind::Spread(value) => tree.entries.push(Node::Spread(value)),
                EntryKind::Output(output) => self.error(
                    Diagnostic::error(
                        "K0106",
                        output.name.span,
                        "an output belongs directly in a release or a component",
                    )
                    .help("move it to the outermost braces of the release"),
                ),
                EntryKind::Error => {}
            }
        }
        tree
    }

    fn insert(&mut self, tree: &mut Tree<'a>, key: &'a [ast::PathKey], value: &'a Expr) {
        let Some((first, rest)) = key.split_first() else { return };
        if first.text.is_empty() && !first.quoted {
            return;
        }
        let known = tree.entries.iter_mut().find_map(|node| match node {
            Node::Value { key, span, .. } if *key == first.text => Some((*span, None)),
            Node::Nested { key, span, tree } if *key == first.text => Some((*span, Some(tree))),
            _ => None,
        });
        match (known, rest.is_empty()) {
            (None, true) => tree.entries.push(Node::Value {
                key: first.text.clone(),
                span: first.span,
                value,
            }),
            (None, false) => {
                let mut inner = Tree {
                    entries: Vec::new(),
                    span: value.span,
                };
                self.insert(&mut inner, rest, value);
                tree.entries.push(Node::Nested {
                    key: first.text.clone(),
                    span: first.span,
                    tree: inner,
                });
            }
            (Some((_, Some(inner))), false) => self.insert(inner, rest, value),
            (Some((span, _)), _) => self.error(
                Diagnostic::error("K0102", first.span, format!("`{}` is given twice", first.text))
                    .related(span, "first given here"),
            ),
        }
    }

    /// A record without an expected type: it has the fields that are written, and a spread's.
    pub(super) fn infer_record(&mut self, record: &'a Record, s: &mut Scope) -> (hir::Expr, Type) {
        let tree = self.tree(record);
        self.infer_tree(tree, s)
    }

    fn infer_tree(&mut self, tree: Tree<'a>, s: &mut Scope) -> (hir::Expr, Type) {
        let span = tree.span;
        let mut fields: BTreeMap<Arc<str>, Type> = BTreeMap::new();
        let mut optional: Vec<Field> = Vec::new();
        // Set when a key is not known before evaluation: then it is a map.
        let mut map: Option<Type> = None;
        let mut entries = Vec::new();
        let mut failed = false;
        for node in tree.entries {
            match node {
                Node::Value { key, span, value } => {
                    s.keys.push(key.clone());
                    let (value, ty) = self.infer(value, s);
                    s.keys.pop();
                    fields.insert(key.clone(), ty);
                    entries.push(Entry::Field {
                        key,
                        span,
                        value: FieldValue { value, optional: false },
                    });
                }
                Node::Nested { key, span, tree } => {
                    s.keys.push(key.clone());
                    let (value, ty) = self.infer_tree(tree, s);
                    s.keys.pop();
                    fields.insert(key.clone(), ty);
                    entries.push(Entry::Field {
                        key,
                        span,
                        value: FieldValue { value, optional: false },
                    });
                }
                Node::Computed { key, value } => {
                    let key = self.check(key, &Type::STRING, s);
                    let (value, ty) = self.infer(value, s);
                    map = Some(map.map_or(ty.clone(), |known| join(known, ty)));
                    entries.push(Entry::Computed {
                        key,
                        value: FieldValue { value, optional: false },
                    });
                }
                Node::Spread(value) => {
                    let at = value.span;
                    let (value, ty) = self.infer(value, s);
                    match &ty {
                        Type::Record(record) if record.object.is_none() => {
                            for field in record.fields() {
                                match field.presence {
                                    Presence::Optional => optional.push(field.clone()),
                                    _ => {
                                        fields.insert(field.name.clone(), field.ty.clone());
                                    }
                                }
                            }
                        }
                        Type::Map(inner) => {
                            let value = inner.value.clone();
                            map = Some(map.map_or(value.clone(), |known| join(known, value)));
                        }
                        Type::Error => failed = true,
                        other => {
                            self.error(Diagnostic::error(
                                "K0201",
                                at,
                                format!("expected a record or a map, found {other}"),
                            ));
                            failed = true;
                        }
                    }
                    entries.push(Entry::Spread(value));
                }
            }
        }
        let lowered = assemble(entries, span);
        if failed {
            return (lowered, Type::Error);
        }
        let ty = match map {
            Some(value) => Type::map(Type::STRING, fields.into_values().fold(value, join)),
            None => {
                optional.retain(|field| !fields.contains_key(&field.name));
                optional.dedup_by(|a, b| a.name == b.name);
                let required = fields.into_iter().map(|(name, ty)| Field {
                    name,
                    ty,
                    presence: Presence::Required,
                    span: None,
                });
                Type::record(required.chain(optional).collect())
            }
        };
        if ty.weight() > crate::limits::TYPE_WEIGHT || usize::from(ty.depth()) > crate::limits::NESTING {
            self.error(
                Diagnostic::error("K0902", span, "this value is too large or nests too deeply")
                    .help("values may hold 16 MiB and nest 64 levels"),
            );
            return (hir::Expr::error(span), Type::Error);
        }
        (lowered, ty)
    }

    /// A record literal where a type is expected.
    pub(super) fn check_record(
        &mut self,
        record: &'a Record,
        expected: &Type,
        expr: &'a Expr,
        s: &mut Scope,
    ) -> hir::Expr {
        if expected.is_error() {
            return self.infer_record(record, s).0;
        }
        let candidates: Vec<Type> = expected
            .members()
            .iter()
            .filter(|member| match member {
                Type::Record(record) => record.object.is_none(),
                Type::Map(_) | Type::Json => true,
                Type::List(list) => list.key.is_some() && matches!(list.item, Type::Record(_)),
                _ => false,
            })
            .cloned()
            .collect();
        let chosen = match candidates.as_slice() {
            [] => {
                let (_, found) = self.infer_record(record, s);
                if found.is_error() {
                    return hir::Expr::error(expr.span);
                }
                self.mismatch(&found, expected, expr);
                return hir::Expr::error(expr.span);
            }
            [one] => one.clone(),
            several => match self.branch(record, several) {
                Some(branch) => branch,
                None => {
                    let (lowered, found) = self.infer_record(record, s);
                    return self.coerce(lowered, &found, expected, expr);
                }
            },
        };
        let tree = self.tree(record);
        match &chosen {
            Type::Record(ty) => self.check_tree(tree, &Shape::Record(ty.clone()), s),
            Type::Map(map) => self.check_tree(tree, &Shape::Map(map.key.clone(), map.value.clone()), s),
            Type::List(_) => match self.map_target(&chosen) {
                Some((key, value, Some(field))) => {
                    let map = self.check_tree(tree, &Shape::Map(key, value), s);
                    let span = map.span;
                    let list = hir::Expr {
                        kind: Kind::MapToList {
                            value: Box::new(map),
                            key: field,
                        },
                        span,
                    };
                    self.after_literal(list, &chosen)
                }
                _ => hir::Expr::error(expr.span),
            },
            _ => self.check_tree(tree, &Shape::Json, s),
        }
    }

    /// The fields of a built-in declaration, which is a record without being an expression.
    pub(super) fn check_record_literal(&mut self, record: &'a Record, ty: &Type, s: &mut Scope) -> hir::Expr {
        let tree = self.tree(record);
        match ty {
            Type::Record(target) => self.check_tree(tree, &Shape::Record(target.clone()), s),
            _ => self.infer_tree(tree, s).0,
        }
    }

    /// Paths below one field of a declaration, as the record that they make.
    pub(super) fn check_paths(
        &mut self,
        paths: &[(&'a [ast::PathKey], &'a Expr)],
        span: Span,
        ty: &Type,
        s: &mut Scope,
    ) -> hir::Expr {
        let mut tree = Tree {
            entries: Vec::new(),
            span,
        };
        for (path, value) in paths {
            self.insert(&mut tree, path, value);
        }
        match ty.non_null() {
            Type::Record(record) => self.check_tree(tree, &Shape::Record(record), s),
            Type::Map(map) => self.check_tree(tree, &Shape::Map(map.key.clone(), map.value.clone()), s),
            Type::Json => self.check_tree(tree, &Shape::Json, s),
            Type::Error => self.infer_tree(tree, s).0,
            other => {
                self.error(Diagnostic::error(
                    "K0201",
                    span,
                    format!("expected {other}, found paths into it"),
                ));
                hir::Expr::error(span)
            }
        }
    }

    /// The branch of a union that a literal means: by the field that tells branches apart, else by its fields.
    fn branch(&mut self, record: &Record, candidates: &[Type]) -> Option<Type> {
        let written: Vec<(&str, Option<Arc<str>>)> = record
            .entries
            .iter()
            .filter_map(|entry| match &entry.kind {
                EntryKind::Field { key, value } => {
                    Some((&*key.first()?.text, plain_string(value).filter(|_| key.len() == 1)))
                }
                _ => None,
            })
            .collect();
        let mut left: Vec<&Type> = candidates.iter().collect();
        for (name, text) in &written {
            let Some(text) = text else { continue };
            let matching: Vec<&Type> = left
                .iter()
                .copied()
                .filter(|candidate| match candidate {
                    Type::Record(record) => record
                        .field(name)
                        .is_none_or(|field| field.ty.literals().is_none_or(|literals| literals.contains(text))),
                    _ => true,
                })
                .collect();
            if !matching.is_empty() {
                left = matching;
            }
        }
        if left.len() > 1 {
            let knows = |candidate: &&Type| match candidate {
                Type::Record(record) => written.iter().filter(|(name, _)| record.field(name).is_some()).count(),
                _ => written.len(),
            };
            let best = left.iter().map(&knows).max();
            left.retain(|candidate| Some(knows(candidate)) == best);
            left.truncate(1);
        }
        left.first().map(|ty| (*ty).clone())
    }

    fn check_tree(&mut self, tree: Tree<'a>, shape: &Shape, s: &mut Scope) -> hir::Expr {
        let span = tree.span;
        let mut entries = Vec::new();
        let mut spread = false;
        let mut failed = false;
        let mut given: Vec<Arc<str>> = Vec::new();
        for node in tree.entries {
            match node {
                Node::Value { key, span, value } => {
                    given.push(key.clone());
                    let Some((ty, optional)) = self.field_type(shape, &key, span) else {
                        failed = true;
                        continue;
                    };
                    s.keys.push(key.clone());
                    let value = self.check(value, &ty, s);
                    s.keys.pop();
                    entries.push(Entry::Field {
                        key,
                        span,
                        value: FieldValue { value, optional },
                    });
                }
                Node::Nested { key, span, tree } => {
                    given.push(key.clone());
                    let Some((ty, optional)) = self.field_type(shape, &key, span) else {
                        failed = true;
                        continue;
                    };
                    let inner = match ty.non_null() {
                        Type::Record(record) => Shape::Record(record),
                        Type::Map(map) => Shape::Map(map.key.clone(), map.value.clone()),
                        Type::Json => Shape::Json,
                        Type::Error => continue,
                        other => {
                            let message = format!("expected {other}, found a path into `{key}`");
                            self.error(Diagnostic::error("K0201", span, message));
                            failed = true;
                            continue;
                        }
                    };
                    s.keys.push(key.clone());
                    let value = self.check_tree(tree, &inner, s);
                    s.keys.pop();
                    entries.push(Entry::Field {
                        key,
                        span,
                        value: FieldValue { value, optional },
                    });
                }
                Node::Computed { key, value } => {
                    let (key_type, value_type) = match shape {
                        Shape::Map(key, value) => (key.clone(), value.clone()),
                        Shape::Json => (Type::STRING, Type::Json),
                        Shape::Record(record) => {
                            let message = format!(
                                "a computed key needs a map, and {} is a record",
                                Type::Record(record.clone())
                            );
                            self.error(Diagnostic::error("K0201", key.span, message));
                            failed = true;
                            continue;
                        }
                    };
                    let key = self.check(key, &key_type, s);
                    let value = self.check(value, &value_type, s);
                    entries.push(Entry::Computed {
                        key,
                        value: FieldValue { value, optional: false },
                    });
                }
                Node::Spread(value) => {
                    spread = true;
                    // Only what it has is added: the other fields may come from elsewhere.
                    let target = match shape {
                        Shape::Record(record) => Type::Record(Arc::new(record.partial())),
                        Shape::Map(key, value) => Type::map(key.clone(), value.clone()),
                        Shape::Json => Type::Json,
                    };
                    if let Shape::Record(record) = shape {
                        let (lowered, found) = self.infer(value, s);
                        if let Type::Record(found) = &found {
                            given.extend(
                                found
                                    .fields()
                                    .iter()
                                    .filter(|field| !matches!(field.presence, Presence::Optional))
                                    .map(|field| field.name.clone()),
                            );
                        } else if found.is_error() {
                            given.extend(record.fields().iter().map(|field| field.name.clone()));
                        }
                        let lowered = self.coerce(lowered, &found, &target, value);
                        entries.push(Entry::Spread(lowered));
                    } else {
                        let lowered = self.check(value, &target, s);
                        entries.push(Entry::Spread(lowered));
                    }
                }
            }
        }
        if let Shape::Record(record) = shape {
            let unset: Vec<&Field> = record
                .fields()
                .iter()
                .filter(|field| !given.contains(&field.name))
                .collect();
            for field in unset {
                match &field.presence {
                    Presence::Required if !failed => {
                        self.missing_field(record, field, span);
                        failed = true;
                    }
                    Presence::Default(_) if !spread => {
                        let value = hir::Expr {
                            kind: Kind::Default(field.presence.clone()),
                            span,
                        };
                        let value = FieldValue { value, optional: false };
                        entries.push(Entry::Field {
                            key: field.name.clone(),
                            span,
                            value,
                        });
                    }
                    _ => {}
                }
            }
        }
        let mut lowered = assemble(entries, span);
        if spread && let Shape::Record(record) = shape {
            lowered = hir::Expr {
                kind: Kind::Conform {
                    value: Box::new(lowered),
                    ty: Type::Record(record.clone()),
                },
                span,
            };
        }
        if failed {
            lowered = hir::Expr {
                kind: Kind::Poisoned(Box::new(lowered)),
                span,
            };
        }
        lowered
    }

    fn missing_field(&mut self, record: &Arc<RecordType>, field: &Field, span: Span) {
        let on = Type::Record(record.clone());
        // The opening brace is enough of a place: the whole literal may be a page.
        let place = Span {
            end: span.end.min(span.start + 1),
            ..span
        };
        let mut diagnostic = Diagnostic::error("K0202", place, format!("`{}` is required in {on}", field.name))
            .help(format!("add `{}: …`, {}", field.name, describe(&field.ty)));
        if let Some(declared) = field.span {
            diagnostic = diagnostic.related(declared, "declared here");
        }
        if self.sources.text(place) == "{" {
            diagnostic = diagnostic.fix(
                format!("add `{}`", field.name),
                place.after(),
                format!(" {}: ", field.name),
            );
        }
        self.error(diagnostic);
    }

    fn field_type(&mut self, shape: &Shape, key: &str, span: Span) -> Option<(Type, bool)> {
        match shape {
            Shape::Json => Some((Type::Json, false)),
            Shape::Map(key_type, value) => {
                let name = crate::value::Value::string(key, span);
                if let Some(Err(mut violation)) = types::conform_union(&name, key_type) {
                    if !self.sources.text(span).starts_with('"') {
                        violation.replacement = violation.replacement.map(|text| text.trim_matches('"').to_owned());
                    }
                    self.error(super::violation(violation, span));
                    return None;
                }
                Some((value.clone(), false))
            }
            Shape::Record(record) => match record.field(key) {
                Some(field) => {
                    let optional = matches!(field.presence, Presence::Optional);
                    let ty = if optional {
                        field.ty.clone().optional()
                    } else {
                        field.ty.clone()
                    };
                    Some((ty, optional))
                }
                None => {
                    let on = Type::Record(record.clone()).to_string();
                    let names: Vec<Arc<str>> = record.fields().iter().map(|field| field.name.clone()).collect();
                    self.no_field(key, span, &on, names.iter().map(|name| &**name));
                    None
                }
            },
        }
    }

    /// The element type that a list literal must have, if a list is expected.
    pub(super) fn list_target(&self, expected: &Type) -> Option<Type> {
        let lists: Vec<&Type> = expected
            .members()
            .iter()
            .filter(|member| matches!(member, Type::List(_) | Type::Json))
            .collect();
        match lists.as_slice() {
            [Type::List(list)] => Some(list.item.clone()),
            [Type::Json] => Some(Type::Json),
            _ => None,
        }
    }

    /// Key and value type of a map literal, and the field that the key goes into when a list is expected.
    pub(super) fn map_target(&self, expected: &Type) -> Option<(Type, Type, Option<Arc<str>>)> {
        expected.members().iter().find_map(|member| match member {
            Type::Map(map) => Some((map.key.clone(), map.value.clone(), None)),
            Type::Json => Some((Type::STRING, Type::Json, None)),
            Type::List(list) => match (&list.key, &list.item) {
                (Some(key), Type::Record(item)) => Some((
                    Type::STRING,
                    Type::Record(Arc::new(item.keyed_by(key))),
                    Some(key.clone()),
                )),
                _ => None,
            },
            _ => None,
        })
    }

    /// Checks what elements alone cannot show: the length of a list, and that no element repeats.
    pub(super) fn after_literal(&mut self, lowered: hir::Expr, expected: &Type) -> hir::Expr {
        let ruled = expected.members().iter().find_map(|member| match member {
            Type::List(list) if list.min.is_some() || list.max.is_some() || list.unique => Some(list.clone()),
            _ => None,
        });
        match ruled {
            // The elements are right already: only the list itself is looked at.
            Some(list) => {
                let ty = Type::List(Arc::new(types::ListType {
                    item: Type::Error,
                    ..(*list).clone()
                }));
                let span = lowered.span;
                hir::Expr {
                    kind: Kind::Conform {
                        value: Box::new(lowered),
                        ty,
                    },
                    span,
                }
            }
            None => lowered,
        }
    }

    pub(super) fn items(&mut self, items: &'a [ListItem], item: &Type, s: &mut Scope) -> Vec<hir::Item> {
        items
            .iter()
            .map(|entry| match entry {
                ListItem::Value(value) => hir::Item::Value(self.check(value, item, s)),
                ListItem::Spread(value) => hir::Item::Spread(self.check(value, &Type::list(item.clone()), s)),
            })
            .collect()
    }

    pub(super) fn infer_list(&mut self, items: &'a [ListItem], span: Span, s: &mut Scope) -> (hir::Expr, Type) {
        let mut found: Option<Type> = None;
        let mut lowered = Vec::new();
        for entry in items {
            let ty = match entry {
                ListItem::Value(value) => {
                    let (value, ty) = self.infer(value, s);
                    lowered.push(hir::Item::Value(value));
                    ty
                }
                ListItem::Spread(value) => {
                    let at = value.span;
                    let (value, ty) = self.infer(value, s);
                    lowered.push(hir::Item::Spread(value));
                    match ty {
                        Type::List(list) => list.item.clone(),
                        Type::Error => Type::Error,
                        other => {
                            self.error(Diagnostic::error(
                                "K0201",
                                at,
                                format!("expected a list, found {other}"),
                            ));
                            Type::Error
                        }
                    }
                }
            };
            found = Some(found.map_or(ty.clone(), |known| join(known, ty)));
        }
        let item = found.unwrap_or_else(|| Type::Union(Arc::from([])));
        (
            hir::Expr {
                kind: Kind::List(lowered),
                span,
            },
            Type::list(item),
        )
    }

    /// `path.Type { … }`
    pub(super) fn infer_construct(
        &mut self,
        path: &'a Path,
        record: &'a Record,
        span: Span,
        s: &mut Scope,
    ) -> (hir::Expr, Type) {
        let ty = self.named_type(path, s.module);
        match &ty {
            Type::Record(target) => {
                let tree = self.tree(record);
                let fields = self.check_tree(tree, &Shape::Record(target.clone()), s);
                let lowered = match &target.object {
                    Some(object) => hir::Expr {
                        kind: Kind::Object {
                            ty: target.clone(),
                            object: object.clone(),
                            fields: Box::new(fields),
                        },
                        span,
                    },
                    None => hir::Expr { span, ..fields },
                };
                (lowered, ty)
            }
            Type::Error => {
                let (lowered, _) = self.infer_record(record, s);
                (
                    hir::Expr {
                        kind: Kind::Poisoned(Box::new(lowered)),
                        span,
                    },
                    Type::Error,
                )
            }
            other => {
                let message = format!("{other} is not built from fields");
                self.error(Diagnostic::error("K0201", path.span, message));
                (hir::Expr::error(span), Type::Error)
            }
        }
    }
}

fn describe(ty: &Type) -> String {
    let shown = ty.to_string();
    if shown.len() > 80 {
        "of its type".to_owned()
    } else {
        format!("of type {shown}")
    }
}

/// A literal from its entries: with static keys only, slots; else entry by entry.
fn assemble(entries: Vec<Entry>, span: Span) -> hir::Expr {
    let fixed = entries.iter().all(|entry| matches!(entry, Entry::Field { .. }));
    if !fixed {
        return hir::Expr {
            kind: Kind::Entries(entries),
            span,
        };
    }
    let mut fields: Vec<(Arc<str>, FieldValue)> = entries
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Field { key, value, .. } => Some((key, value)),
            _ => None,
        })
        .collect();
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    let (keys, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    hir::Expr {
        kind: Kind::Record {
            keys: keys.into(),
            values,
        },
        span,
    }
}
