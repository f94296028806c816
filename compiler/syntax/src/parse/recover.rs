//! Mending what did not parse.

use std::sync::Arc;

use ktl_grammar::Token;

use crate::ast::{
    Arg, Arm, Clause, Decl, DeclKind, Entry, Expr, ExprKind, Param, Refinement, Rule as PolicyRule, Setting, TypeExpr,
    TypeField,
};
use crate::diagnostic::Diagnostic;
use crate::parse::declarations::TestLine;
use crate::parse::fragment::Fragment;
use crate::parse::tree::{Builder, Node};

impl Builder<'_> {
    pub(crate) fn recover_declaration(&mut self, tokens: &[Token]) -> DeclKind {
        if let Some(first) = tokens.first() {
            let span = self.token_span(*first);
            self.report(Diagnostic::error("K0001", span, "this declaration does not parse"));
        }
        DeclKind::Error
    }

    pub(crate) fn hollow_expr(&mut self, _: &Fragment, node: &Node<'_>) -> Expr {
        let _ = node;
        Expr {
            kind: ExprKind::Error,
            span: crate::Span {
                file: self.file,
                start: 0,
                end: 0,
            },
        }
    }
    pub(crate) fn hollow_type(&mut self, f: &Fragment, node: &Node<'_>) -> TypeExpr {
        let span = self.span(f, node);
        self.no_type(span)
    }
    pub(crate) fn hollow_type_fields(&mut self, _: &Fragment, _: &Node<'_>) -> Vec<TypeField> {
        Vec::new()
    }
    pub(crate) fn hollow_refinements(&mut self, _: &Fragment, _: &Node<'_>) -> Vec<Refinement> {
        Vec::new()
    }
    pub(crate) fn hollow_args(&mut self, _: &Fragment, _: &Node<'_>) -> Vec<Arg> {
        Vec::new()
    }
    pub(crate) fn hollow_arms(&mut self, _: &Fragment, _: &Node<'_>) -> Vec<Arm> {
        Vec::new()
    }
    pub(crate) fn hollow_list(&mut self, _: &Fragment, _: &Node<'_>) -> ExprKind {
        ExprKind::Error
    }
    pub(crate) fn hollow_map_for(&mut self, _: &Fragment, _: &Node<'_>) -> Option<ExprKind> {
        None
    }
    pub(crate) fn hollow_entries(&mut self, _: &Fragment, _: &Node<'_>) -> Vec<Entry> {
        Vec::new()
    }
    pub(crate) fn hollow_settings(&mut self, _: &Fragment, _: &Node<'_>) -> Vec<Setting> {
        Vec::new()
    }
    pub(crate) fn hollow_params(&mut self, _: &Fragment, _: &Node<'_>) -> Vec<Param> {
        Vec::new()
    }
    pub(crate) fn hollow_binder(&mut self, _: &Fragment, _: &Node<'_>) -> Option<Clause> {
        None
    }
    pub(crate) fn hollow_text(&mut self, _: &Fragment, _: &Node<'_>) -> Arc<str> {
        Arc::from("")
    }
    pub(crate) fn hollow_inner(&mut self, _: &Fragment, _: &Node<'_>) -> Vec<Decl> {
        Vec::new()
    }
    pub(crate) fn hollow_rules(&mut self, _: &Fragment, _: &Node<'_>) -> Vec<PolicyRule> {
        Vec::new()
    }
    pub(crate) fn hollow_test(&mut self, _: &Fragment, _: &Node<'_>) -> Vec<TestLine> {
        Vec::new()
    }
}
