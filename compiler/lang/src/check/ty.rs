//! Types as written, and the names in them.

use std::sync::{Arc, OnceLock};

use ktl_syntax::ast::{BinaryOp, Expr, ExprKind, Path, Refinement, RefinementKind, TypeExpr, TypeKind};
use ktl_syntax::{Diagnostic, Span};

use super::scope::{Scope, plain_string};
use super::{Checker, DeferredDefault};
use crate::hir::{Kind, ModuleId, TypeId};
use crate::names::{TypeName, nearest};
use crate::types::{self, Bounds, Field, ImageRules, ListType, Number, Pattern, Presence, RecordType, Text, Type};
use crate::value::Kind as V;
use rust_decimal::Decimal;

/// The largest compiled form of a pattern, in bytes.
const PATTERN_BYTES: usize = 1 << 20;

impl<'a> Checker<'a> {
    pub(super) fn type_expr(&mut self, ty: &'a TypeExpr, s: &Scope) -> Type {
        self.written_type(ty, s.module)
    }

    pub(super) fn written_type(&mut self, ty: &'a TypeExpr, module: ModuleId) -> Type {
        if self.depth >= 500 {
            self.error(Diagnostic::error("K0007", ty.span, "this type nests too deeply"));
            return Type::Error;
        }
        self.depth += 1;
        let written = stacker::maybe_grow(128 << 10, 2 << 20, || self.written_type_inner(ty, module));
        self.depth -= 1;
        if written.weight() > crate::limits::TYPE_WEIGHT || usize::from(written.depth()) > crate::limits::NESTING {
            self.error(Diagnostic::error(
                "K0902",
                ty.span,
                "this type is too large or nests too deeply",
            ));
            return Type::Error;
        }
        written
    }

    fn written_type_inner(&mut self, ty: &'a TypeExpr, module: ModuleId) -> Type {
        match &ty.kind {
            TypeKind::Error => Type::Error,
            TypeKind::Literal(text) => Type::Literal(text.clone()),
            TypeKind::Optional(inner) => self.written_type(inner, module).optional(),
            TypeKind::Later(inner) => {
                self.written_type(inner, module);
                self.unsupported("later", ty.span);
                Type::Error
            }
            TypeKind::Union(members) => {
                let lowered: Vec<Type> = members.iter().map(|member| self.written_type(member, module)).collect();
                self.check_union(&lowered, members);
                Type::union(lowered)
            }
            TypeKind::Map { key, value } => {
                let lowered = self.written_type(key, module);
                if !lowered.is_text() {
                    self.error(Diagnostic::error(
                        "K0201",
                        key.span,
                        format!("keys are strings, found {lowered}"),
                    ));
                }
                let value = self.written_type(value, module);
                Type::map(lowered, value)
            }
            TypeKind::List { item, refinements } => {
                let item = self.written_type(item, module);
                let mut list = ListType {
                    item,
                    min: None,
                    max: None,
                    unique: false,
                    key: None,
                    span: Some(ty.span),
                };
                for refinement in refinements {
                    if self.is_word(refinement, "unique") {
                        list.unique = true;
                    } else if let Some(bounds) = self.bounds(refinement, Number::Int, module) {
                        (list.min, list.max) = sizes(&bounds);
                    }
                }
                Type::List(Arc::new(list))
            }
            TypeKind::Record(fields) => {
                let mut lowered: Vec<Field> = Vec::new();
                for field in fields {
                    if field.name.text.is_empty() {
                        continue;
                    }
                    if let Some(first) = lowered.iter().find(|known| known.name == field.name.text) {
                        let mut diagnostic = Diagnostic::error(
                            "K0102",
                            field.name.span,
                            format!("`{}` is declared twice", field.name.text),
                        );
                        if let Some(span) = first.span {
                            diagnostic = diagnostic.related(span, "first declared here");
                        }
                        self.error(diagnostic);
                        continue;
                    }
                    let written = self.written_type(&field.ty, module);
                    let presence = match (&field.default, field.optional || written.nullable()) {
                        (Some(default), _) => {
                            let cell = Arc::new(OnceLock::new());
                            self.deferred.push(DeferredDefault {
                                module,
                                expr: default,
                                ty: written.clone(),
                                cell: cell.clone(),
                            });
                            Presence::Default(cell)
                        }
                        (None, true) if !matches!(written, Type::Json | Type::Error) || field.optional => {
                            Presence::Optional
                        }
                        (None, _) => Presence::Required,
                    };
                    // `g?: T` and `g: T?` both read as `T?`.
                    let ty = if matches!(presence, Presence::Optional) {
                        written.non_null()
                    } else {
                        written
                    };
                    lowered.push(Field {
                        name: field.name.text.clone(),
                        ty,
                        presence,
                        span: Some(field.name.span),
                    });
                }
                Type::record(lowered)
            }
            TypeKind::Named { path, refinements } => {
                if let [name] = path.segments.as_slice()
                    && &*name.text == "secret"
                {
                    self.unsupported("secret", path.span);
                    return Type::Error;
                }
                let base = self.named_type(path, module);
                refinements
                    .iter()
                    .fold(base, |base, refinement| self.refine(base, refinement, module))
            }
        }
    }

    /// A union of records needs a field that tells them apart.
    fn check_union(&mut self, members: &[Type], written: &[TypeExpr]) {
        for (index, a) in members.iter().enumerate() {
            for (b, place) in members.iter().zip(written).skip(index + 1) {
                if let (Type::Record(x), Type::Record(y)) = (a, b)
                    && !types::tagged(x, y)
                    && x.object.is_none()
                    && y.object.is_none()
                {
                    self.error(
                        Diagnostic::error("K0201", place.span, "nothing tells these records apart")
                            .help("give each a required field with a literal of its own, such as `kind: \"http\"`"),
                    );
                    return;
                }
            }
        }
    }

    /// A named type; unknown names are reported.
    pub(super) fn named_type(&mut self, path: &'a Path, module: ModuleId) -> Type {
        let Some((last, modules)) = path.segments.split_last() else {
            return Type::Error;
        };
        if last.text.is_empty() {
            return Type::Error;
        }
        let mut at = module;
        for (index, segment) in modules.iter().enumerate() {
            match self.type_name(at, &segment.text) {
                Some(TypeName::Module(next)) => at = next,
                Some(TypeName::Crd(kinds)) if index + 1 == modules.len() => {
                    return match kinds.get(&last.text) {
                        Some(ty) => ty.clone(),
                        None => {
                            let known: Vec<&str> = kinds.keys().map(|name| &**name).collect();
                            let mut diagnostic = Diagnostic::error(
                                "K0101",
                                last.span,
                                format!("`{}` has no kind `{}`", segment.text, last.text),
                            );
                            diagnostic = match nearest(&last.text, known.iter().copied()) {
                                Some(better) => diagnostic.help(format!("did you mean `{better}`?")).fix(
                                    format!("replace by `{better}`"),
                                    last.span,
                                    better,
                                ),
                                None => diagnostic.help(format!("it has {}", known.join(", "))),
                            };
                            self.error(diagnostic);
                            Type::Error
                        }
                    };
                }
                Some(TypeName::Error) => return Type::Error,
                _ => {
                    self.unknown_module(&segment.text, segment.span, module);
                    return Type::Error;
                }
            }
        }
        match self.type_name(at, &last.text) {
            Some(TypeName::Type(id)) if modules.is_empty() || self.exported(at, &last.text, last.span) => {
                self.alias(id)
            }
            Some(TypeName::Error | TypeName::Type(_)) => Type::Error,
            Some(TypeName::Component(_)) => {
                self.error(
                    Diagnostic::error(
                        "K0201",
                        path.span,
                        format!("`{}` is a component, not a type", last.text),
                    )
                    .help(format!(
                        "use it as the kind of a release: `release x: {} {{ … }}`",
                        last.text
                    )),
                );
                Type::Error
            }
            Some(TypeName::Module(_) | TypeName::Chart { .. } | TypeName::Crd(_)) => {
                self.error(
                    Diagnostic::error("K0201", path.span, format!("`{}` is an import, not a type", last.text))
                        .help("name one of its types after a dot"),
                );
                Type::Error
            }
            None => {
                if let Some(ty) = self.k8s_member(at, &last.text) {
                    return ty;
                }
                if modules.is_empty()
                    && let Some(ty) = types::builtin_type(&last.text)
                {
                    return ty;
                }
                if modules.is_empty() {
                    self.unknown_type(&last.text, last.span, at);
                } else {
                    self.no_member(at, last, true);
                }
                Type::Error
            }
        }
    }

    fn unknown_type(&mut self, name: &str, span: Span, module: ModuleId) {
        let names = self.names(module);
        let known: Vec<&str> = names
            .types
            .keys()
            .map(|name| &**name)
            .chain(types::BUILTIN_TYPES.iter().copied())
            .collect();
        let mut diagnostic = Diagnostic::error("K0101", span, format!("unknown type `{name}`"));
        if let Some(better) = nearest(name, known) {
            diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                format!("replace by `{better}`"),
                span,
                better,
            );
        } else if ktl_schema::preferred(name).is_some() {
            diagnostic = diagnostic.help(format!("kinds are in `std/k8s`: import it and write `k8s.{name}`"));
        }
        self.error(diagnostic);
    }

    pub(super) fn unknown_module(&mut self, name: &str, span: Span, module: ModuleId) {
        if name.is_empty() {
            return;
        }
        let names = self.names(module);
        let known: Vec<&str> = names.types.keys().map(|name| &**name).collect();
        let mut diagnostic = Diagnostic::error("K0101", span, format!("unknown module `{name}`"));
        if let Some(better) = nearest(name, known) {
            diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                format!("replace by `{better}`"),
                span,
                better,
            );
        } else if ktl_stdlib::module(&format!("std/{name}")).is_some() {
            diagnostic = diagnostic.help(format!("add `import \"std/{name}\" as {name}`"));
        }
        self.error(diagnostic);
    }

    /// The type that a declaration names.
    pub(super) fn alias(&mut self, id: TypeId) -> Type {
        let Some(slot) = self.types.get_mut(id.index()) else {
            return Type::Error;
        };
        if let Some(ty) = &slot.lowered {
            return ty.clone();
        }
        let (ast, name, module) = (slot.ast, slot.name.clone(), slot.module);
        if slot.busy {
            self.error(
                Diagnostic::error("K0402", name.span, format!("type `{}` contains itself", name.text))
                    .help("types are finite: use `json` for what nests without end"),
            );
            return Type::Error;
        }
        slot.busy = true;
        let prefix = match self.module(module) {
            Some(module) if module.path.as_ref() == "std/k8s" => "k8s.",
            _ => "",
        };
        let lowered = match self.written_type(ast, module) {
            Type::Record(record) if record.name.is_none() => {
                let named = RecordType::new(Some(format!("{prefix}{}", name.text).into()), record.fields().to_vec());
                Type::Record(Arc::new(named))
            }
            other => other,
        };
        if let Some(slot) = self.types.get_mut(id.index()) {
            slot.busy = false;
            slot.lowered = Some(lowered.clone());
        }
        lowered
    }

    fn is_word(&self, refinement: &Refinement, word: &str) -> bool {
        matches!(&refinement.kind, RefinementKind::Value(Expr { kind: ExprKind::Name(name), .. }) if &**name == word)
    }

    fn refine(&mut self, base: Type, refinement: &'a Refinement, module: ModuleId) -> Type {
        match base {
            Type::Error => Type::Error,
            Type::Number(number, known) => match self.bounds(refinement, number, module) {
                Some(bounds) => Type::Number(number, Some(Arc::new(bounds))),
                None => Type::Number(number, known),
            },
            Type::String(known) => {
                let mut text = known.as_deref().cloned().unwrap_or(Text {
                    min: None,
                    max: None,
                    pattern: None,
                    units: false,
                    span: None,
                });
                text.span = Some(refinement.span);
                if let RefinementKind::Value(Expr {
                    kind: ExprKind::Regex(source),
                    span,
                }) = &refinement.kind
                {
                    text.pattern = self.pattern_of(source, *span);
                } else if let Some(bounds) = self.bounds(refinement, Number::Int, module) {
                    (text.min, text.max) = sizes(&bounds);
                }
                Type::String(Some(Arc::new(text)))
            }
            Type::Image(known) => {
                let mut rules = known.as_deref().cloned().unwrap_or(ImageRules {
                    digest: false,
                    registry: None,
                    span: None,
                });
                rules.span = Some(refinement.span);
                match &refinement.kind {
                    _ if self.is_word(refinement, "digest") => rules.digest = true,
                    RefinementKind::Named(name, value)
                        if &*name.text == "registry" && plain_string(value).is_some() =>
                    {
                        rules.registry = plain_string(value);
                    }
                    _ => self.bad_refinement("image", "`digest` or `registry: \"…\"`", refinement.span),
                }
                Type::Image(Some(Arc::new(rules)))
            }
            other => {
                self.bad_refinement(&other.to_string(), "nothing", refinement.span);
                other
            }
        }
    }

    fn bad_refinement(&mut self, ty: &str, expected: &str, span: Span) {
        self.error(Diagnostic::error(
            "K0201",
            span,
            format!("{ty} is narrowed by {expected}"),
        ));
    }

    fn pattern_of(&mut self, source: &str, span: Span) -> Option<Arc<Pattern>> {
        match regex::RegexBuilder::new(&format!("^(?:{source})$"))
            .size_limit(PATTERN_BYTES)
            .build()
        {
            Ok(regex) => Some(Arc::new(Pattern {
                source: source.into(),
                regex,
            })),
            Err(regex::Error::CompiledTooBig(_)) => {
                self.error(Diagnostic::error("K0302", span, "this regular expression is too large"));
                None
            }
            Err(problem) => {
                let text = problem.to_string();
                let reason = text
                    .lines()
                    .last()
                    .unwrap_or("")
                    .trim_start_matches("error: ")
                    .to_owned();
                self.error(Diagnostic::error(
                    "K0302",
                    span,
                    format!("not a regular expression: {reason}"),
                ));
                None
            }
        }
    }

    /// `1..50`, `>= 1`, `30`: limits of a number in its base unit.
    fn bounds(&mut self, refinement: &'a Refinement, number: Number, module: ModuleId) -> Option<Bounds> {
        let (low, high, above_min, below_max) = match &refinement.kind {
            RefinementKind::Compare(BinaryOp::GreaterEqual, value) => (Some(value), None, false, false),
            RefinementKind::Compare(BinaryOp::Greater, value) => (Some(value), None, true, false),
            RefinementKind::Compare(BinaryOp::LessEqual, value) => (None, Some(value), false, false),
            RefinementKind::Compare(BinaryOp::Less, value) => (None, Some(value), false, true),
            RefinementKind::Value(Expr {
                kind:
                    ExprKind::Binary {
                        op: BinaryOp::Range,
                        left,
                        right,
                        ..
                    },
                ..
            }) => (Some(&**left), Some(&**right), false, false),
            _ => {
                self.bad_refinement(number.name(), "a range such as `1..50`, or `>= 1`", refinement.span);
                return None;
            }
        };
        let mut limit = |value: Option<&'a Expr>| -> Option<Option<Decimal>> {
            let Some(value) = value else { return Some(None) };
            let mut s = Scope::new(module, None);
            let lowered = self.check(value, &Type::Number(number, None), &mut s);
            match lowered.kind {
                Kind::Const(value) => match value.kind {
                    V::Int(number) => Some(Some(number.into())),
                    V::Decimal(number) => Some(Some(number)),
                    V::Quantity(quantity) => Some(Some(quantity.amount)),
                    _ => None,
                },
                Kind::Error => None,
                _ => {
                    self.error(Diagnostic::error("K0201", value.span, "a limit is a constant"));
                    None
                }
            }
        };
        let (min, max) = (limit(low)?, limit(high)?);
        if let (Some(low), Some(high)) = (min, max)
            && low > high
        {
            self.error(Diagnostic::error("K0301", refinement.span, "this range is empty"));
            return None;
        }
        let text = self.sources.text(refinement.span).into();
        Some(Bounds {
            min,
            max,
            above_min,
            below_max,
            text,
            span: Some(refinement.span),
        })
    }
}

/// Limits of a count.
fn sizes(bounds: &Bounds) -> (Option<u64>, Option<u64>) {
    let whole = |limit: Decimal, add: i64| u64::try_from(limit + Decimal::from(add)).ok();
    (
        bounds.min.and_then(|min| whole(min, i64::from(bounds.above_min))),
        bounds.max.and_then(|max| whole(max, -i64::from(bounds.below_max))),
    )
}
