//! Declarations.

use std::sync::Arc;

use ktl_grammar::Rule;

use crate::ast::{
    Decl, DeclKind, Expr, ImportKind, Let, Name, Param, Path, Record, Release, Rule as PolicyRule, Text, TypeExpr,
};
use crate::parse::fragment::Fragment;
use crate::parse::tree::{Builder, Children, Node, children};
use crate::source::Span;

/// A line of a test.
pub(crate) enum TestLine {
    With(crate::ast::Setting),
    Expect(Expr),
}

impl Builder<'_> {
    /// Any declaration.
    pub(crate) fn declaration(&mut self, fragment: &Fragment, node: Node<'_>) -> DeclKind {
        let span = self.span(fragment, &node);
        let mut head = Head {
            builder: self,
            fragment,
            span,
            parts: Children::of(node.clone()),
        };
        match node.as_rule() {
            Rule::stack => {
                let name = head.name();
                let edition = head.text(Rule::amount);
                let body = head.record();
                DeclKind::Stack {
                    name,
                    edition: Some(edition),
                    body,
                }
            }
            Rule::import => {
                let kind = match head.parts.next_if(Rule::import_kind).map(|node| node.as_str()) {
                    Some("chart") => ImportKind::Chart,
                    Some("crd") => ImportKind::Crd,
                    Some("schema") => ImportKind::Schema,
                    _ => ImportKind::Module,
                };
                let source = head.string();
                let version = head
                    .parts
                    .next_if(Rule::version)
                    .map(|node| head.builder.written(fragment, &node));
                DeclKind::Import {
                    kind,
                    source,
                    version,
                    alias: head.name(),
                }
            }
            Rule::type_ => DeclKind::Type {
                name: head.name(),
                ty: head.ty(),
            },
            Rule::let_ => DeclKind::Let(self.let_(fragment, node)),
            Rule::fn_ => {
                let name = head.name();
                let mut params = Vec::new();
                while let Some(node) = head.parts.next_if(Rule::param) {
                    params.push(head.builder.param(fragment, node));
                }
                if let Some(node) = head.parts.next_if(Rule::hollow) {
                    params = head.builder.hollow_params(fragment, &node);
                }
                let result = head.optional_type();
                let body = head.parts.next_if(Rule::fn_body).and_then(|node| children(node).next());
                let body = match body {
                    Some(node) => self.expr(fragment, node),
                    None => self.no_expr(span.after()),
                };
                DeclKind::Fn {
                    name,
                    params,
                    result,
                    body,
                }
            }
            Rule::input => {
                let Param { name, ty, default } = head.param();
                DeclKind::Input { name, ty, default }
            }
            Rule::secret => DeclKind::Secret {
                name: head.name(),
                ty: head.ty(),
                source: head.expr(),
            },
            Rule::zone => DeclKind::Zone {
                name: head.name(),
                body: head.record(),
            },
            Rule::cluster => DeclKind::Cluster {
                name: head.name(),
                body: head.record(),
            },
            Rule::release => DeclKind::Release(self.release(fragment, node)),
            Rule::component => {
                let name = head.name();
                let mut body = Vec::new();
                for node in head.parts {
                    match node.as_rule() {
                        Rule::hollow => body = self.hollow_inner(fragment, &node),
                        _ => body.extend(self.inner(fragment, node)),
                    }
                }
                DeclKind::Component { name, body }
            }
            Rule::policy => {
                let name = head.name();
                let mut rules = Vec::new();
                for node in head.parts {
                    match node.as_rule() {
                        Rule::hollow => rules = self.hollow_rules(fragment, &node),
                        _ => rules.extend(self.policy_rule(fragment, node)),
                    }
                }
                DeclKind::Policy { name, rules }
            }
            Rule::waive => DeclKind::Waive {
                name: head.name(),
                objects: head.string(),
                until: head.text(Rule::date),
                because: head.string(),
            },
            Rule::profile => {
                let name = head.name();
                let extends = head.parts.next_if(Rule::extends).and_then(|node| children(node).next());
                let extends = extends.map(|node| head.builder.name(fragment, &node));
                let settings = head.parts.next_if(Rule::settings);
                let settings = settings.map_or_else(Vec::new, |node| self.settings(fragment, node));
                DeclKind::Profile {
                    name,
                    extends,
                    settings,
                }
            }
            Rule::runner => DeclKind::Runner { body: head.record() },
            Rule::test => {
                let name = head.string();
                let mut lines = Vec::new();
                for node in head.parts {
                    match node.as_rule() {
                        Rule::hollow => lines = self.hollow_test(fragment, &node),
                        _ => lines.extend(self.test_line(fragment, node)),
                    }
                }
                let (mut with, mut expects) = (Vec::new(), Vec::new());
                for line in lines {
                    match line {
                        TestLine::With(setting) => with.push(setting),
                        TestLine::Expect(expr) => expects.push(expr),
                    }
                }
                DeclKind::Test { name, with, expects }
            }
            _ => DeclKind::Error,
        }
    }

    fn written(&self, fragment: &Fragment, node: &Node<'_>) -> Text {
        Text {
            text: Arc::from(node.as_str().trim_end()),
            span: self.span(fragment, node),
        }
    }

    fn let_(&mut self, fragment: &Fragment, node: Node<'_>) -> Let {
        let span = self.span(fragment, &node);
        let mut head = Head {
            builder: self,
            fragment,
            span,
            parts: Children::of(node),
        };
        Let {
            name: head.name(),
            ty: head.optional_type(),
            value: head.expr(),
        }
    }

    pub(crate) fn param(&mut self, fragment: &Fragment, node: Node<'_>) -> Param {
        let span = self.span(fragment, &node);
        let mut head = Head {
            builder: self,
            fragment,
            span,
            parts: Children::of(node),
        };
        let (name, ty) = (head.name(), head.ty());
        let default = head.parts.next_if(Rule::expr).map(|node| self.expr(fragment, node));
        Param { name, ty, default }
    }

    fn release(&mut self, fragment: &Fragment, node: Node<'_>) -> Release {
        let span = self.span(fragment, &node);
        let mut head = Head {
            builder: self,
            fragment,
            span,
            parts: Children::of(node),
        };
        let name = head.name();
        let family = head.parts.next_if(Rule::family).and_then(|node| children(node).next());
        let family = family.and_then(|node| match node.as_rule() {
            Rule::hollow => head.builder.hollow_binder(fragment, &node),
            _ => head.builder.binder(fragment, node),
        });
        let kind = match head.parts.next_if(Rule::type_path) {
            Some(path) => head.builder.path(fragment, path),
            None => Path {
                segments: vec![head.builder.no_name(span.after())],
                span: span.after(),
            },
        };
        Release {
            name,
            family,
            kind,
            body: head.record(),
        }
    }

    /// A declaration inside a component.
    pub(crate) fn inner(&mut self, fragment: &Fragment, node: Node<'_>) -> Option<Decl> {
        let span = self.span(fragment, &node);
        let inner = children(node).next()?;
        let kind = match inner.as_rule() {
            Rule::inner_param => {
                let param = children(inner).next()?;
                DeclKind::Param(self.param(fragment, param))
            }
            Rule::release => DeclKind::Release(self.release(fragment, inner)),
            Rule::let_ => DeclKind::Let(self.let_(fragment, inner)),
            Rule::output => DeclKind::Output(self.output(fragment, inner)?),
            _ => DeclKind::Error,
        };
        Some(Decl {
            doc: self.doc(span.start),
            span,
            kind,
        })
    }

    pub(crate) fn policy_rule(&mut self, fragment: &Fragment, node: Node<'_>) -> Option<PolicyRule> {
        let span = self.span(fragment, &node);
        let mut parts = Children::of(node);
        let deny = parts.next_if(Rule::verdict)?.as_str() == "deny";
        let message = parts.next()?;
        let message = self.string(fragment, message);
        let clause = parts.next_if(Rule::clause)?;
        Some(PolicyRule {
            deny,
            message,
            clause: self.clause(fragment, clause)?,
            span,
        })
    }

    pub(crate) fn test_line(&mut self, fragment: &Fragment, node: Node<'_>) -> Option<TestLine> {
        let line = children(node).next()?;
        let rule = line.as_rule();
        let inner = children(line).next()?;
        match rule {
            Rule::test_with => self.setting(fragment, inner).map(TestLine::With),
            _ => Some(TestLine::Expect(self.expr(fragment, inner))),
        }
    }
}

/// Takes the parts of a declaration's head, one after the other; what is missing becomes a hole.
struct Head<'b, 'a, 'i> {
    builder: &'b mut Builder<'a>,
    fragment: &'b Fragment,
    span: Span,
    parts: Children<'i>,
}

impl Head<'_, '_, '_> {
    fn name(&mut self) -> Name {
        match self.parts.next_if(Rule::name) {
            Some(node) => self.builder.name(self.fragment, &node),
            None => self.builder.no_name(self.span.after()),
        }
    }

    fn string(&mut self) -> Text {
        match self.parts.next_if(Rule::string) {
            Some(node) => self.builder.static_text(self.fragment, node),
            None => Text {
                text: Arc::from(""),
                span: self.span.after(),
            },
        }
    }

    fn text(&mut self, rule: Rule) -> Text {
        match self.parts.next_if(rule) {
            Some(node) => self.builder.written(self.fragment, &node),
            None => Text {
                text: Arc::from(""),
                span: self.span.after(),
            },
        }
    }

    fn record(&mut self) -> Record {
        match self.parts.next_if(Rule::record) {
            Some(node) => self.builder.record(self.fragment, node),
            None => Record {
                entries: Vec::new(),
                span: self.span.after(),
            },
        }
    }

    fn optional_type(&mut self) -> Option<TypeExpr> {
        self.parts
            .next_if(Rule::type_expr)
            .map(|node| self.builder.type_expr(self.fragment, node))
    }

    fn ty(&mut self) -> TypeExpr {
        self.optional_type()
            .unwrap_or_else(|| self.builder.no_type(self.span.after()))
    }

    fn expr(&mut self) -> Expr {
        match self.parts.next_if(Rule::expr) {
            Some(node) => self.builder.expr(self.fragment, node),
            None => self.builder.no_expr(self.span.after()),
        }
    }

    fn param(&mut self) -> Param {
        match self.parts.next_if(Rule::param) {
            Some(node) => self.builder.param(self.fragment, node),
            None => Param {
                name: self.builder.no_name(self.span.after()),
                ty: self.builder.no_type(self.span.after()),
                default: None,
            },
        }
    }
}
