//! Types as written.

use ktl_grammar::Rule;

use crate::ast::{BinaryOp, ExprKind, Path, Refinement, RefinementKind, TypeExpr, TypeField, TypeKind};
use crate::parse::fragment::Fragment;
use crate::parse::tree::{Builder, Children, Node, children};

impl Builder<'_> {
    /// `A | B`
    pub(crate) fn type_expr(&mut self, fragment: &Fragment, node: Node<'_>) -> TypeExpr {
        let span = self.span(fragment, &node);
        let mut alternatives = Vec::new();
        for alternative in children(node) {
            alternatives.push(self.type_alternative(fragment, alternative));
        }
        match alternatives.len() {
            0 => self.no_type(span),
            1 => alternatives.pop().unwrap_or_else(|| self.no_type(span)),
            _ => TypeExpr {
                kind: TypeKind::Union(alternatives),
                span,
            },
        }
    }

    /// `later T?` is `later (T?)`.
    fn type_alternative(&mut self, fragment: &Fragment, node: Node<'_>) -> TypeExpr {
        let span = self.span(fragment, &node);
        let mut parts = Children::of(node);
        let later = parts.next_if(Rule::later).is_some();
        let mut ty = match parts.next() {
            Some(atom) => self.type_atom(fragment, atom),
            None => self.no_type(span),
        };
        if parts.next_if(Rule::optional).is_some() {
            let span = crate::Span {
                start: ty.span.start,
                ..span
            };
            ty = TypeExpr {
                kind: TypeKind::Optional(Box::new(ty)),
                span,
            };
        }
        if later {
            TypeExpr {
                kind: TypeKind::Later(Box::new(ty)),
                span,
            }
        } else {
            ty
        }
    }

    fn type_atom(&mut self, fragment: &Fragment, node: Node<'_>) -> TypeExpr {
        let span = self.span(fragment, &node);
        let kind = match node.as_rule() {
            Rule::string | Rule::block | Rule::raw => TypeKind::Literal(self.static_text(fragment, node).text),
            Rule::type_map => {
                let mut parts = Children::of(node);
                let mut next = || parts.next_if(Rule::type_expr);
                let (key, value) = (next(), next());
                TypeKind::Map {
                    key: Box::new(self.type_or(fragment, key, span)),
                    value: Box::new(self.type_or(fragment, value, span)),
                }
            }
            Rule::type_list => {
                let mut parts = Children::of(node);
                let item = match parts.next() {
                    Some(node) if node.as_rule() == Rule::type_expr => self.type_expr(fragment, node),
                    Some(node) => self.hollow_type(fragment, &node),
                    None => self.no_type(span),
                };
                let refinements = parts.next_if(Rule::refinements);
                let refinements = refinements.map_or_else(Vec::new, |node| self.refinements(fragment, node));
                TypeKind::List {
                    item: Box::new(item),
                    refinements,
                }
            }
            Rule::type_record => {
                let mut fields = Vec::new();
                for node in children(node) {
                    match node.as_rule() {
                        Rule::hollow => fields = self.hollow_type_fields(fragment, &node),
                        _ => fields.extend(self.type_field(fragment, node)),
                    }
                }
                TypeKind::Record(fields)
            }
            Rule::type_paren => {
                return match children(node).next() {
                    Some(node) if node.as_rule() == Rule::type_expr => TypeExpr {
                        kind: self.type_expr(fragment, node).kind,
                        span,
                    },
                    Some(node) => TypeExpr {
                        kind: self.hollow_type(fragment, &node).kind,
                        span,
                    },
                    None => self.no_type(span),
                };
            }
            Rule::type_named => {
                let mut parts = Children::of(node);
                let path = match parts.next_if(Rule::type_path) {
                    Some(path) => self.path(fragment, path),
                    None => Path {
                        segments: vec![self.no_name(span)],
                        span,
                    },
                };
                let refinements = parts.next_if(Rule::refinements);
                let refinements = refinements.map_or_else(Vec::new, |node| self.refinements(fragment, node));
                TypeKind::Named { path, refinements }
            }
            _ => TypeKind::Error,
        };
        TypeExpr { kind, span }
    }

    pub(crate) fn type_field(&mut self, fragment: &Fragment, node: Node<'_>) -> Option<TypeField> {
        let span = self.span(fragment, &node);
        let mut parts = Children::of(node);
        let name = parts.next()?;
        let name = match name.as_rule() {
            Rule::key_name => self.name(fragment, &name),
            _ => {
                let text = self.static_text(fragment, name);
                crate::ast::Name {
                    text: text.text,
                    span: text.span,
                }
            }
        };
        let optional = parts.next_if(Rule::optional).is_some();
        let ty = parts.next_if(Rule::type_expr);
        let ty = self.type_or(fragment, ty, span.after());
        let default = parts.next_if(Rule::expr).map(|node| self.expr(fragment, node));
        Some(TypeField {
            doc: self.doc(span.start),
            name,
            optional,
            ty,
            default,
        })
    }

    fn refinements(&mut self, fragment: &Fragment, node: Node<'_>) -> Vec<Refinement> {
        let mut refinements = Vec::new();
        for node in children(node) {
            match node.as_rule() {
                Rule::hollow => return self.hollow_refinements(fragment, &node),
                _ => refinements.extend(self.refinement(fragment, node)),
            }
        }
        refinements
    }

    pub(crate) fn refinement(&mut self, fragment: &Fragment, node: Node<'_>) -> Option<Refinement> {
        let span = self.span(fragment, &node);
        let inner = children(node).next()?;
        let kind = match inner.as_rule() {
            Rule::refine_compare => {
                let mut parts = Children::of(inner);
                let op = match parts.next()?.as_str().trim_end() {
                    "<=" => BinaryOp::LessEqual,
                    ">=" => BinaryOp::GreaterEqual,
                    "<" => BinaryOp::Less,
                    _ => BinaryOp::Greater,
                };
                let value = parts.next()?;
                RefinementKind::Compare(op, self.expr(fragment, value))
            }
            Rule::refine_named => {
                let mut parts = Children::of(inner);
                let name = children(parts.next()?).next()?;
                let value = parts.next()?;
                RefinementKind::Named(self.name(fragment, &name), self.expr(fragment, value))
            }
            Rule::regex => {
                let written = inner.as_str();
                let body = written
                    .strip_prefix('/')
                    .and_then(|body| body.strip_suffix('/'))
                    .unwrap_or(written);
                let kind = ExprKind::Regex(body.into());
                RefinementKind::Value(crate::ast::Expr { kind, span })
            }
            _ => RefinementKind::Value(self.expr(fragment, inner)),
        };
        Some(Refinement { kind, span })
    }
}
