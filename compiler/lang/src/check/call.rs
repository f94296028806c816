//! Calls of functions, declared and built in.

use std::sync::Arc;

use ktl_syntax::ast::{Arg, Path};
use ktl_syntax::{Diagnostic, Span};

use super::Checker;
use super::scope::{Node, Scope};
use crate::builtin::Builtin;
use crate::hir::{self, FnId, Kind};
use crate::names::{TypeName, ValueName, nearest};
use crate::types::{Field, Number, Presence, Type, join};

impl<'a> Checker<'a> {
    pub(super) fn infer_call(
        &mut self,
        path: &'a Path,
        args: &'a [Arg],
        span: Span,
        s: &mut Scope,
    ) -> (hir::Expr, Type) {
        let error = |checker: &mut Self, s: &mut Scope| {
            for arg in args {
                checker.infer(&arg.value, s);
            }
            (hir::Expr::error(span), Type::Error)
        };
        let Some((last, modules)) = path.segments.split_last() else {
            return error(self, s);
        };
        let mut module = s.module;
        for segment in modules {
            match self.type_name(module, &segment.text) {
                Some(TypeName::Module(next)) => module = next,
                Some(TypeName::Error) => return error(self, s),
                _ => {
                    self.unknown_module(&segment.text, segment.span, s.module);
                    return error(self, s);
                }
            }
        }
        let declared = self.names(module).values.get(&last.text).map(|declared| declared.what);
        match declared {
            Some(ValueName::Fn(id)) if modules.is_empty() || self.exported(module, &last.text, last.span) => {
                s.refs.push((Node::Fn(id), path.span));
                self.call(id, args, path, span, s)
            }
            Some(ValueName::Unsupported | ValueName::Fn(_)) => error(self, s),
            Some(_) => {
                self.error(
                    Diagnostic::error("K0201", path.span, format!("`{}` is not a function", last.text))
                        .help("only functions are called"),
                );
                error(self, s)
            }
            None if modules.is_empty() => match Builtin::named(&last.text) {
                Some(builtin) => self.builtin(builtin, args, path.span, span, s),
                None => {
                    if !last.text.is_empty() {
                        self.unknown_function(&last.text, last.span, s);
                    }
                    error(self, s)
                }
            },
            None => {
                if !last.text.is_empty() {
                    self.no_member(module, last, false);
                }
                error(self, s)
            }
        }
    }

    fn unknown_function(&mut self, name: &str, span: Span, s: &Scope) {
        let names = self.names(s.module);
        let declared = names.values.iter();
        let functions = declared
            .filter(|(_, declared)| matches!(declared.what, ValueName::Fn(_)))
            .map(|(name, _)| &**name);
        let mut diagnostic = Diagnostic::error("K0101", span, format!("unknown function `{name}`"));
        if matches!(name, "vault" | "file" | "env" | "existing") {
            diagnostic = diagnostic.help("secret sources stand in `secret` declarations");
        } else if let Some(better) = nearest(name, functions.chain(Builtin::NAMES.iter().copied())) {
            diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                format!("replace by `{better}`"),
                span,
                better,
            );
        }
        self.error(diagnostic);
    }

    fn call(&mut self, id: FnId, args: &'a [Arg], path: &Path, span: Span, s: &mut Scope) -> (hir::Expr, Type) {
        let (params, result) = self.signature(id);
        let mut slots: Vec<Option<hir::Expr>> = vec![None; params.len()];
        let mut given = vec![false; params.len()];
        let mut next = 0;
        for arg in args {
            let index = match &arg.name {
                Some(name) => {
                    let found = params.iter().position(|param| param.name == name.text);
                    if found.is_none() {
                        let mut diagnostic = Diagnostic::error(
                            "K0203",
                            name.span,
                            format!("`{}` has no parameter `{}`", last(path), name.text),
                        );
                        if let Some(better) = nearest(&name.text, params.iter().map(|param| &*param.name)) {
                            diagnostic = diagnostic.help(format!("did you mean `{better}`?")).fix(
                                format!("replace by `{better}`"),
                                name.span,
                                better,
                            );
                        }
                        self.error(diagnostic);
                    }
                    found
                }
                None => {
                    next += 1;
                    if next > params.len() {
                        let message = format!("`{}` takes {}", last(path), count(params.len(), "argument"));
                        self.error(Diagnostic::error("K0203", arg.value.span, message));
                        None
                    } else {
                        Some(next - 1)
                    }
                }
            };
            let Some((index, param)) = index.and_then(|index| Some((index, params.get(index)?.clone()))) else {
                self.infer(&arg.value, s);
                continue;
            };
            let value = self.check(&arg.value, &param.ty, s);
            if given.get(index) == Some(&true) {
                self.error(Diagnostic::error(
                    "K0203",
                    arg.value.span,
                    format!("`{}` is given twice", param.name),
                ));
            }
            if let (Some(slot), Some(flag)) = (slots.get_mut(index), given.get_mut(index)) {
                *slot = Some(value);
                *flag = true;
            }
        }
        for (param, given) in params.iter().zip(&given) {
            if !given && !param.optional {
                let message = format!("`{}` needs `{}`, of type {}", last(path), param.name, param.ty);
                self.error(Diagnostic::error("K0203", path.span, message));
                return (hir::Expr::error(span), result);
            }
        }
        (
            hir::Expr {
                kind: Kind::Call {
                    function: id,
                    args: slots,
                },
                span,
            },
            result,
        )
    }

    /// A built-in function: its arguments by position, its result by their types.
    fn builtin(
        &mut self,
        function: Builtin,
        args: &'a [Arg],
        head: Span,
        span: Span,
        s: &mut Scope,
    ) -> (hir::Expr, Type) {
        let name = function.name();
        for arg in args {
            if let Some(named) = &arg.name {
                self.error(Diagnostic::error(
                    "K0203",
                    named.span,
                    format!("`{name}` takes its arguments by position"),
                ));
            }
        }
        let (least, most) = match function {
            Builtin::Range => (1, 2),
            Builtin::Replace => (3, 3),
            Builtin::Join | Builtin::Split | Builtin::Contains | Builtin::StartsWith | Builtin::EndsWith => (2, 2),
            Builtin::Min | Builtin::Max | Builtin::Format => (1, 64),
            _ => (1, 1),
        };
        if !(least..=most).contains(&args.len()) {
            let message = format!("`{name}` takes {}, found {}", count(least, "argument"), args.len());
            self.error(Diagnostic::error("K0203", head, message));
            return (hir::Expr::error(span), Type::Error);
        }
        let strings = |checker: &mut Self, s: &mut Scope| -> Vec<hir::Expr> {
            args.iter()
                .map(|arg| checker.check(&arg.value, &Type::STRING, s))
                .collect()
        };
        let (args, ty) = match function {
            Builtin::Join => {
                let texts = Type::list(Type::STRING);
                let mut lowered = Vec::new();
                for (arg, ty) in args.iter().zip([texts, Type::STRING]) {
                    lowered.push(self.check(&arg.value, &ty, s));
                }
                (lowered, Type::STRING)
            }
            Builtin::Split => (strings(self, s), Type::list(Type::STRING)),
            Builtin::Upper
            | Builtin::Lower
            | Builtin::Trim
            | Builtin::Replace
            | Builtin::Kebab
            | Builtin::Base64
            | Builtin::Sha256 => (strings(self, s), Type::STRING),
            Builtin::StartsWith | Builtin::EndsWith => (strings(self, s), Type::Bool),
            Builtin::Any | Builtin::All => {
                let flags = Type::list(Type::Bool);
                (
                    args.iter().map(|arg| self.check(&arg.value, &flags, s)).collect(),
                    Type::Bool,
                )
            }
            Builtin::Floor | Builtin::Ceil | Builtin::Round => (
                args.iter()
                    .map(|arg| self.check(&arg.value, &Type::DECIMAL, s))
                    .collect(),
                Type::INT,
            ),
            Builtin::TypeOf => {
                let mut lowered = Vec::new();
                let mut names = Vec::new();
                for arg in args {
                    let (value, ty) = self.infer(&arg.value, s);
                    names.extend(
                        ty.members()
                            .iter()
                            .filter_map(type_word)
                            .map(|word| Type::Literal(word.into())),
                    );
                    lowered.push(value);
                }
                let ty = if names.is_empty() {
                    Type::STRING
                } else {
                    Type::union(names)
                };
                (lowered, ty)
            }
            Builtin::Format => {
                let mut lowered = Vec::new();
                for (index, arg) in args.iter().enumerate() {
                    lowered.push(if index == 0 {
                        self.check(&arg.value, &Type::STRING, s)
                    } else {
                        let (value, ty) = self.infer(&arg.value, s);
                        if !(ty.is_text() || matches!(ty, Type::Number(..) | Type::Bool)) {
                            let expected = Type::union([Type::STRING, Type::INT]);
                            self.mismatch(&ty, &expected, &arg.value);
                        }
                        value
                    });
                }
                (lowered, Type::STRING)
            }
            _ => {
                let mut lowered = Vec::new();
                let mut found = Vec::new();
                for arg in args {
                    let (value, ty) = self.infer(&arg.value, s);
                    if ty.nullable() && !matches!(ty, Type::Null | Type::Error | Type::Json) {
                        self.mismatch(&ty, &ty.non_null(), &arg.value);
                        found.push(Type::Error);
                    } else {
                        found.push(ty);
                    }
                    lowered.push(value);
                }
                if found.iter().any(Type::is_error) {
                    let fixed = match function {
                        Builtin::Len => Type::INT,
                        Builtin::Contains => Type::Bool,
                        _ => Type::Error,
                    };
                    return (
                        hir::Expr {
                            kind: Kind::Builtin {
                                function,
                                args: lowered,
                            },
                            span,
                        },
                        fixed,
                    );
                }
                match result(function, &found) {
                    Ok(ty) => (lowered, ty),
                    Err(expected) => {
                        let shown: Vec<String> = found.iter().map(Type::to_string).collect();
                        let at = args.first().map_or(head, |arg| arg.value.span);
                        let message = format!("`{name}` takes {expected}, found {}", shown.join(", "));
                        self.error(Diagnostic::error("K0201", at, message));
                        return (hir::Expr::error(span), Type::Error);
                    }
                }
            }
        };
        (
            hir::Expr {
                kind: Kind::Builtin { function, args },
                span,
            },
            ty,
        )
    }
}

/// The result's type, or what should have been given.
fn result(function: Builtin, args: &[Type]) -> Result<Type, &'static str> {
    let first = args.first().ok_or("an argument")?;
    let list = || match first {
        Type::List(list) => Ok(list.clone()),
        _ => Err("a list"),
    };
    let entry = |value: Type| {
        let field = |name: &str, ty| Field {
            name: name.into(),
            ty,
            presence: Presence::Required,
            span: None,
        };
        Type::list(Type::record(vec![field("key", Type::STRING), field("value", value)]))
    };
    let values = || match first {
        Type::Map(map) => Ok(map.value.clone()),
        Type::Record(record) if record.object.is_none() => Ok(record
            .fields()
            .iter()
            .map(|field| field.ty.clone())
            .reduce(join)
            .unwrap_or(Type::Null)),
        _ => Err("a map"),
    };
    let comparable = |item: &Type| item.is_text() || matches!(item, Type::Number(..)) || item.members().is_empty();
    Ok(match function {
        Builtin::Keys => match first {
            Type::Map(map) => Type::list(map.key.clone()),
            _ => values().map(|_| Type::list(Type::STRING))?,
        },
        Builtin::Values => Type::list(values()?),
        Builtin::Entries => entry(values()?),
        Builtin::Len => match first {
            Type::List(_) | Type::Map(_) | Type::Record(_) => Type::INT,
            other if other.is_text() => Type::INT,
            _ => return Err("a list, a map or a string"),
        },
        Builtin::Sort => {
            let list = list()?;
            if !comparable(&list.item) {
                return Err("a list of numbers or strings");
            }
            Type::list(list.item.clone())
        }
        Builtin::Unique | Builtin::Reverse => Type::list(list()?.item.clone()),
        Builtin::Flatten => match &list()?.item {
            Type::List(inner) => Type::list(inner.item.clone()),
            item if item.members().is_empty() => Type::list(item.clone()),
            _ => return Err("a list of lists"),
        },
        Builtin::Range => match args {
            [Type::Range(item)] if matches!(**item, Type::Number(Number::Int, _)) => Type::list(Type::INT),
            [Type::Number(Number::Int, _)] | [Type::Number(Number::Int, _), Type::Number(Number::Int, _)] => {
                Type::list(Type::INT)
            }
            _ => return Err("a range of int, or one or two ints"),
        },
        Builtin::Sum => match &list()?.item {
            Type::Number(number, _) => Type::Number(*number, None),
            item if item.members().is_empty() => Type::INT,
            _ => return Err("a list of numbers"),
        },
        Builtin::Min | Builtin::Max => {
            let item = match first {
                Type::List(list) if args.len() == 1 => list.item.clone(),
                _ => args.iter().cloned().reduce(join).unwrap_or(Type::Error),
            };
            match item {
                Type::Number(number, _) => Type::Number(number, None),
                _ => return Err("numbers of one kind, or a list of them"),
            }
        }
        Builtin::Contains => match (first, args.get(1)) {
            (Type::List(_), Some(_)) => Type::Bool,
            (text, Some(part)) if text.is_text() && part.is_text() => Type::Bool,
            _ => return Err("a list and an element, or two strings"),
        },
        _ => return Err("other arguments"),
    })
}

/// What `typeOf` says of values of a type; `None` where only the value shows.
pub(super) fn type_word(ty: &Type) -> Option<&'static str> {
    Some(match ty {
        Type::Null => "null",
        Type::Bool => "bool",
        Type::Number(number, _) => number.name(),
        Type::List(_) => "list",
        Type::Map(_) | Type::Record(_) | Type::Object => "record",
        other if other.is_text() && !other.is_error() => "string",
        _ => return None,
    })
}

fn last(path: &Path) -> Arc<str> {
    path.segments
        .last()
        .map_or_else(|| "".into(), |segment| segment.text.clone())
}

pub(super) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}
