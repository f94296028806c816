//! Parsing a declaration that has a mistake: from the outside inwards.
//!
//! What does not parse as a whole is parsed with the contents of its brackets taken out. If that works, the mistake is in
//! the contents, which are then parsed item by item; else it is in what is left, which is short, and is mended there. So
//! everything that is well-formed by itself survives, and each level of brackets is read once more at most.

use std::ops::Range;
use std::sync::Arc;

use ktl_grammar::{Rule, Token, TokenKind};

use crate::ast::{
    Arg, Arm, Clause, Decl, DeclKind, Entry, EntryKind, Expr, ExprKind, ListItem, Param, Refinement,
    Rule as PolicyRule, Setting, TypeExpr, TypeField,
};
use crate::diagnostic::Diagnostic;
use crate::parse::balance::Lexeme;
use crate::parse::declarations::TestLine;
use crate::parse::fragment::{self, Fragment};
use crate::parse::place::Where;
use crate::parse::tree::{Builder, Node};
use crate::source::Span;

/// Makes a tree node of a pair.
pub(crate) type Build<'a, T> = fn(&mut Builder<'a>, &Fragment, Node<'_>) -> Option<T>;

impl<'a> Builder<'a> {
    /// A declaration that did not parse.
    pub(crate) fn recover_declaration(&mut self, tokens: &[Token]) -> DeclKind {
        let (tokens, keyword) = self.without_sign_in_keyword(tokens);
        let kind = match self.balance(&tokens) {
            Some(mut lexemes) => {
                if let (Some(first), Some(keyword)) = (lexemes.first_mut(), keyword) {
                    first.text = Some(keyword);
                }
                while lexemes
                    .last()
                    .is_some_and(|lexeme| lexeme.token.kind == TokenKind::Newline)
                {
                    lexemes.pop();
                }
                self.lexemes = lexemes;
                let whole = 0..self.lexemes.len();
                let build: Build<'a, DeclKind> = |builder, fragment, node| Some(builder.declaration(fragment, node));
                self.lenient(Rule::declaration, whole, Where::Declaration, build)
                    .into_iter()
                    .next()
            }
            None => {
                if let Some(first) = tokens.first() {
                    let span = self.token_span(*first);
                    self.report(Diagnostic::error(
                        "K0001",
                        span,
                        "the brackets of this declaration do not match",
                    ));
                }
                None
            }
        };
        self.lexemes = Vec::new();
        self.set_muted(None);
        kind.unwrap_or(DeclKind::Error)
    }

    /// Parses a range of tokens, mending what it can. Empty when nothing could be made of it; several when a separator
    /// was missing. Something is reported unless all is well.
    fn lenient<T>(&mut self, rule: Rule, range: Range<usize>, place: Where, build: Build<'a, T>) -> Vec<T> {
        let lexemes = self.lexemes.get(range.clone()).unwrap_or_default();
        let (text, fragment) = self.render(lexemes);
        if let Ok(node) = fragment::parse(rule, &text) {
            return build(self, &fragment, node).into_iter().collect();
        }
        let (skeleton, hollows) = self.hollow_out(range);
        let (text, mut fragment) = self.render(&skeleton);
        match fragment::parse(rule, &text) {
            Ok(node) => {
                fragment.hollows = hollows;
                build(self, &fragment, node).into_iter().collect()
            }
            Err(at) => {
                let index = fragment.piece_at(at as u32);
                let (mended, unsure) = self.mend(rule, place, &skeleton, index);
                // What stands behind a guess is not to be trusted.
                let muted = self.muted();
                if let Some(from) = unsure {
                    self.mute_from(from);
                }
                let mut built = Vec::new();
                for lexemes in mended {
                    let (text, mut fragment) = self.render(&lexemes);
                    fragment.hollows = hollows.clone();
                    if let Ok(node) = fragment::parse(rule, &text) {
                        built.extend(build(self, &fragment, node));
                    }
                }
                self.set_muted(muted);
                built
            }
        }
    }

    /// The text of some tokens, with the way back to the file.
    pub(crate) fn render(&self, lexemes: &[Lexeme]) -> (String, Fragment) {
        let mut text = String::new();
        let mut fragment = Fragment::default();
        let mut end = None;
        for lexeme in lexemes {
            let Token {
                kind,
                start,
                end: token_end,
            } = lexeme.token;
            if end.is_some_and(|end| end < start) {
                text.push(' ');
            }
            fragment.anchor(text.len() as u32, start);
            match &lexeme.text {
                Some(written) => text.push_str(written),
                None if kind == TokenKind::Unknown => text.push('\u{3}'),
                None => text.push_str(self.spelling(lexeme.token)),
            }
            fragment.anchor(text.len() as u32, token_end);
            end = Some(token_end.max(end.unwrap_or(0)));
        }
        (text, fragment)
    }

    /// The tokens of a range with the contents of its brackets taken out, and what was taken out.
    fn hollow_out(&self, range: Range<usize>) -> (Vec<Lexeme>, std::collections::BTreeMap<u32, Range<usize>>) {
        let mut skeleton = Vec::new();
        let mut hollows = std::collections::BTreeMap::new();
        let mut depth = 0usize;
        let mut opened = 0;
        for (index, lexeme) in self.lexemes.iter().enumerate().take(range.end).skip(range.start) {
            match lexeme.token.kind {
                TokenKind::Open => {
                    if depth == 0 {
                        skeleton.push(lexeme.clone());
                        opened = index;
                    }
                    depth += 1;
                }
                TokenKind::Close => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        let contents = opened + 1..index;
                        let written = self.lexemes.get(contents.clone()).unwrap_or_default();
                        if written.iter().any(|lexeme| lexeme.token.kind != TokenKind::Newline) {
                            let at = self.lexemes.get(opened).map_or(0, |opener| opener.token.end);
                            skeleton.push(Lexeme::inferred(TokenKind::Unknown, at, "\u{2}"));
                            hollows.insert(at, contents);
                        }
                        skeleton.push(lexeme.clone());
                    }
                }
                _ if depth == 0 => skeleton.push(lexeme.clone()),
                _ => {}
            }
        }
        (skeleton, hollows)
    }

    fn contents(&self, fragment: &Fragment, node: &Node<'_>) -> Range<usize> {
        let at = fragment.place(node.as_span().start() as u32);
        fragment.hollows.get(&at).cloned().unwrap_or(0..0)
    }

    fn range_span(&self, range: &Range<usize>) -> Span {
        let lexemes = self.lexemes.get(range.clone()).unwrap_or_default();
        let start = lexemes.first().map_or(0, |lexeme| lexeme.token.start);
        let end = lexemes.last().map_or(start, |lexeme| lexeme.token.end);
        Span {
            file: self.file,
            start,
            end: end.max(start),
        }
    }

    /// Cuts a range at its commas and, unless in parentheses, its newlines.
    fn split(&mut self, range: Range<usize>, newlines: bool, place: Where) -> Vec<Range<usize>> {
        let mut items = Vec::new();
        let mut depth = 0usize;
        let mut start = range.start;
        let mut item_before = false;
        let mut lonely = Vec::new();
        for (index, lexeme) in self.lexemes.iter().enumerate().take(range.end).skip(range.start) {
            match lexeme.token.kind {
                TokenKind::Open => depth += 1,
                TokenKind::Close => depth = depth.saturating_sub(1),
                TokenKind::Comma if depth == 0 => {
                    if start < index {
                        items.push(start..index);
                    } else if !item_before {
                        lonely.push(lexeme.token);
                    }
                    item_before = false;
                    start = index + 1;
                }
                TokenKind::Newline if depth == 0 && newlines => {
                    if start < index {
                        items.push(start..index);
                        item_before = true;
                    }
                    start = index + 1;
                }
                TokenKind::Newline if start == index => start = index + 1,
                _ => {}
            }
        }
        if start < range.end {
            items.push(start..range.end);
        }
        for comma in lonely {
            let span = self.token_span(comma);
            self.report(
                Diagnostic::error("K0001", span, format!("unexpected `,` in {}", place.name()))
                    .help("remove the `,`")
                    .fix("remove `,`", span, ""),
            );
        }
        items
    }

    fn items<T>(&mut self, rule: Rule, range: Range<usize>, place: Where, build: Build<'a, T>) -> Vec<T> {
        let newlines = !matches!(place, Where::Call | Where::Parameters | Where::Refinement);
        let mut built = Vec::new();
        for item in self.split(range, newlines, place) {
            built.extend(self.lenient(rule, item, place, build));
        }
        built
    }

    fn one<T>(&mut self, rule: Rule, range: Range<usize>, place: Where, build: Build<'a, T>) -> Option<T> {
        self.lenient(rule, range, place, build).into_iter().next()
    }

    fn starts_comprehension(&self, range: &Range<usize>, map: bool) -> bool {
        let lexemes = self.lexemes.get(range.clone()).unwrap_or_default();
        let mut words = lexemes.iter().filter(|lexeme| lexeme.token.kind != TokenKind::Newline);
        let is_for = words.next().is_some_and(|lexeme| self.shown(lexeme) == "for");
        let named = words.next().is_some_and(|lexeme| lexeme.token.kind == TokenKind::Word);
        let bound = words
            .next()
            .is_some_and(|lexeme| matches!(self.shown(lexeme).as_str(), "," | "in"));
        is_for && (!map || named && bound)
    }

    // ---- the contents of each kind of bracket -----------------------------------------------------------------------

    pub(crate) fn hollow_expr(&mut self, fragment: &Fragment, node: &Node<'_>) -> Expr {
        let range = self.contents(fragment, node);
        let span = self.range_span(&range);
        let built = self.one(Rule::one_expr, range, Where::Expression, |builder, fragment, node| {
            Some(builder.expr(fragment, node))
        });
        built.unwrap_or(Expr {
            kind: ExprKind::Error,
            span,
        })
    }

    pub(crate) fn hollow_type(&mut self, fragment: &Fragment, node: &Node<'_>) -> TypeExpr {
        let range = self.contents(fragment, node);
        let span = self.range_span(&range);
        let built = self.one(Rule::one_type, range, Where::Type, |builder, fragment, node| {
            Some(builder.type_expr(fragment, node))
        });
        built.unwrap_or_else(|| self.no_type(span))
    }

    pub(crate) fn hollow_type_fields(&mut self, fragment: &Fragment, node: &Node<'_>) -> Vec<TypeField> {
        let range = self.contents(fragment, node);
        self.items(Rule::one_type_field, range, Where::RecordType, Builder::type_field)
    }

    pub(crate) fn hollow_refinements(&mut self, fragment: &Fragment, node: &Node<'_>) -> Vec<Refinement> {
        let range = self.contents(fragment, node);
        self.items(Rule::one_refinement, range, Where::Refinement, Builder::refinement)
    }

    pub(crate) fn hollow_args(&mut self, fragment: &Fragment, node: &Node<'_>) -> Vec<Arg> {
        let range = self.contents(fragment, node);
        self.items(Rule::one_arg, range, Where::Call, Builder::arg)
    }

    pub(crate) fn hollow_arms(&mut self, fragment: &Fragment, node: &Node<'_>) -> Vec<Arm> {
        let range = self.contents(fragment, node);
        self.items(Rule::one_arm, range, Where::Match, Builder::arm)
    }

    pub(crate) fn hollow_list(&mut self, fragment: &Fragment, node: &Node<'_>) -> ExprKind {
        let range = self.contents(fragment, node);
        if self.starts_comprehension(&range, false) {
            let build: Build<'a, ExprKind> = |builder, fragment, node| Some(builder.list_for(fragment, node));
            return self
                .one(Rule::one_list_for, range, Where::Comprehension, build)
                .unwrap_or(ExprKind::Error);
        }
        let mut items = Vec::new();
        for item in self.split(range, true, Where::List) {
            let span = self.range_span(&item);
            let built = self.lenient(Rule::one_item, item, Where::List, Builder::item);
            if built.is_empty() {
                items.push(ListItem::Value(Expr {
                    kind: ExprKind::Error,
                    span,
                }));
            }
            items.extend(built);
        }
        ExprKind::List(items)
    }

    pub(crate) fn hollow_map_for(&mut self, fragment: &Fragment, node: &Node<'_>) -> Option<ExprKind> {
        let range = self.contents(fragment, node);
        if !self.starts_comprehension(&range, true) {
            return None;
        }
        let build: Build<'a, ExprKind> = |builder, fragment, node| Some(builder.map_for(fragment, node));
        Some(
            self.one(Rule::one_map_for, range, Where::Comprehension, build)
                .unwrap_or(ExprKind::Error),
        )
    }

    pub(crate) fn hollow_entries(&mut self, fragment: &Fragment, node: &Node<'_>) -> Vec<Entry> {
        let range = self.contents(fragment, node);
        let mut entries = Vec::new();
        for item in self.split(range, true, Where::Record) {
            let span = self.range_span(&item);
            let built = self.lenient(Rule::one_entry, item, Where::Record, Builder::entry);
            if built.is_empty() {
                entries.push(Entry {
                    doc: self.doc(span.start),
                    kind: EntryKind::Error,
                    span,
                });
            }
            entries.extend(built);
        }
        entries
    }

    pub(crate) fn hollow_settings(&mut self, fragment: &Fragment, node: &Node<'_>) -> Vec<Setting> {
        let range = self.contents(fragment, node);
        self.items(Rule::one_setting, range, Where::Settings, Builder::setting)
    }

    pub(crate) fn hollow_params(&mut self, fragment: &Fragment, node: &Node<'_>) -> Vec<Param> {
        let range = self.contents(fragment, node);
        self.items(Rule::one_param, range, Where::Parameters, |builder, fragment, node| {
            Some(builder.param(fragment, node))
        })
    }

    pub(crate) fn hollow_binder(&mut self, fragment: &Fragment, node: &Node<'_>) -> Option<Clause> {
        let range = self.contents(fragment, node);
        self.one(Rule::one_binder, range, Where::Family, Builder::binder)
    }

    pub(crate) fn hollow_text(&mut self, fragment: &Fragment, node: &Node<'_>) -> Arc<str> {
        let range = self.contents(fragment, node);
        let build: Build<'a, Arc<str>> = |builder, fragment, node| Some(builder.static_text(fragment, node).text);
        self.one(Rule::one_string, range, Where::Key, build)
            .unwrap_or_else(|| Arc::from(""))
    }

    pub(crate) fn hollow_inner(&mut self, fragment: &Fragment, node: &Node<'_>) -> Vec<Decl> {
        let range = self.contents(fragment, node);
        let mut decls = Vec::new();
        for item in self.split(range, true, Where::Component) {
            let span = self.range_span(&item);
            let built = self.lenient(Rule::one_inner, item, Where::Component, Builder::inner);
            if built.is_empty() {
                decls.push(Decl {
                    doc: self.doc(span.start),
                    kind: DeclKind::Error,
                    span,
                });
            }
            decls.extend(built);
        }
        decls
    }

    pub(crate) fn hollow_rules(&mut self, fragment: &Fragment, node: &Node<'_>) -> Vec<PolicyRule> {
        let range = self.contents(fragment, node);
        let items = self.split(range, true, Where::Policy);
        // A rule may go on with `for` and `if` on the next line.
        let mut rules: Vec<Range<usize>> = Vec::new();
        for item in items {
            let goes_on = self
                .lexemes
                .get(item.start)
                .is_some_and(|lexeme| matches!(self.shown(lexeme).as_str(), "for" | "if"));
            match rules.last_mut() {
                Some(rule) if goes_on => rule.end = item.end,
                _ => rules.push(item),
            }
        }
        let mut built = Vec::new();
        for item in rules {
            built.extend(self.lenient(Rule::one_rule, item, Where::Policy, Builder::policy_rule));
        }
        built
    }

    pub(crate) fn hollow_test(&mut self, fragment: &Fragment, node: &Node<'_>) -> Vec<TestLine> {
        let range = self.contents(fragment, node);
        self.items(Rule::one_test_line, range, Where::Test, Builder::test_line)
    }
}
