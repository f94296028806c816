//! What all builders of tree nodes share: places, names, doc comments, and walking pest's pairs.

use std::iter::{Filter, Peekable};
use std::ops::Range;
use std::sync::Arc;

use ktl_grammar::{Rule, Token, TokenKind};
use pest::iterators::{Pair, Pairs};

use crate::ast::{Expr, ExprKind, Name, Path, TypeExpr, TypeKind};
use crate::diagnostic::Diagnostic;
use crate::parse::balance::Lexeme;
use crate::parse::fragment::Fragment;
use crate::source::{FileId, SourceFile, Span};

/// A pair of the grammar.
pub(crate) type Node<'i> = Pair<'i, Rule>;

/// Builds the tree of one file.
pub(crate) struct Builder<'a> {
    pub(crate) file: FileId,
    pub(crate) source: &'a SourceFile,
    pub(crate) text: &'a str,
    pub(crate) tokens: &'a [Token],
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The tokens of the declaration that is being mended.
    pub(crate) lexemes: Vec<Lexeme>,
    /// Whether the brackets of the declaration were found wanting.
    pub(crate) unbalanced: bool,
    /// Findings in here follow from one that was given, and are dropped.
    muted: Option<Range<u32>>,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(file: FileId, source: &'a SourceFile, tokens: &'a [Token]) -> Self {
        Builder {
            file,
            source,
            text: source.text(),
            tokens,
            diagnostics: Vec::new(),
            lexemes: Vec::new(),
            unbalanced: false,
            muted: None,
        }
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        if !diagnostic.span.is_some_and(|span| self.is_muted(span)) {
            self.diagnostics.push(diagnostic);
        }
    }

    fn is_muted(&self, span: Span) -> bool {
        self.muted.as_ref().is_some_and(|muted| muted.contains(&span.start))
    }

    /// Where findings are dropped.
    pub(crate) fn muted(&self) -> Option<Range<u32>> {
        self.muted.clone()
    }

    pub(crate) fn set_muted(&mut self, muted: Option<Range<u32>>) {
        self.muted = muted;
    }

    /// Drops findings from here on, too.
    pub(crate) fn mute_from(&mut self, start: u32) {
        self.mute(start..u32::MAX);
    }

    /// Drops findings in a line, too.
    pub(crate) fn mute_line(&mut self, at: u32) {
        let (before, after) = self.text.split_at_checked(at as usize).unwrap_or((self.text, ""));
        let start = before.rfind('\n').map_or(0, |newline| newline + 1) as u32;
        let length = after.find('\n').unwrap_or(after.len()) as u32;
        self.mute(start..at + length + 1);
    }

    fn mute(&mut self, range: Range<u32>) {
        let muted = self.muted.take().unwrap_or_else(|| range.clone());
        self.muted = Some(muted.start.min(range.start)..muted.end.max(range.end));
    }

    pub(crate) fn spelling(&self, token: Token) -> &'a str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or("")
    }

    pub(crate) fn token_span(&self, token: Token) -> Span {
        Span {
            file: self.file,
            start: token.start,
            end: token.end,
        }
    }

    /// Where a node stands in the file. Pest counts blanks at the end to a node; they are left out.
    pub(crate) fn span(&self, fragment: &Fragment, node: &Node<'_>) -> Span {
        let span = node.as_span();
        let start = fragment.place(span.start() as u32);
        let length = span.as_str().trim_end_matches([' ', '\n']).len();
        // The last byte decides: what was inserted behind the node is no part of it.
        let end = match length.checked_sub(1) {
            Some(last) => fragment.place((span.start() + last) as u32).max(start) + 1,
            None => start,
        };
        let end = end.min(fragment.place((span.start() + length) as u32)).max(start);
        Span {
            file: self.file,
            start,
            end,
        }
    }

    pub(crate) fn name(&self, fragment: &Fragment, node: &Node<'_>) -> Name {
        Name {
            text: Arc::from(node.as_str().trim_end_matches([' ', '\n'])),
            span: self.span(fragment, node),
        }
    }

    /// A name that should stand at `at`.
    pub(crate) fn no_name(&self, at: Span) -> Name {
        Name {
            text: Arc::from(""),
            span: Span { end: at.start, ..at },
        }
    }

    pub(crate) fn no_expr(&self, at: Span) -> Expr {
        Expr {
            kind: ExprKind::Hole,
            span: Span { end: at.start, ..at },
        }
    }

    pub(crate) fn no_type(&self, at: Span) -> TypeExpr {
        TypeExpr {
            kind: TypeKind::Error,
            span: Span { end: at.start, ..at },
        }
    }

    /// The expression of a node, or a hole at `at`.
    pub(crate) fn expr_or(&mut self, fragment: &Fragment, node: Option<Node<'_>>, at: Span) -> Expr {
        match node {
            Some(node) => self.expr(fragment, node),
            None => self.no_expr(at),
        }
    }

    /// The type of a node, or an error at `at`.
    pub(crate) fn type_or(&mut self, fragment: &Fragment, node: Option<Node<'_>>, at: Span) -> TypeExpr {
        match node {
            Some(node) => self.type_expr(fragment, node),
            None => self.no_type(at),
        }
    }

    /// `a.b.c`; a missing last name is an empty segment, and reported.
    pub(crate) fn path(&mut self, fragment: &Fragment, node: Node<'_>) -> Path {
        let span = self.span(fragment, &node);
        let mut segments = Vec::new();
        for part in children(node) {
            if part.as_rule() == Rule::missing {
                let at = Span {
                    start: span.end,
                    ..span
                };
                self.report(
                    Diagnostic::error("K0001", at, "a name is missing after `.`")
                        .help("write the name of what is meant, or remove the `.`"),
                );
                segments.push(self.no_name(at));
            } else {
                segments.push(self.name(fragment, &part));
            }
        }
        if segments.is_empty() {
            segments.push(self.no_name(span));
        }
        Path { segments, span }
    }

    /// The `///` lines right above the token that starts at an offset.
    pub(crate) fn doc(&self, start: u32) -> Option<Arc<str>> {
        let index = self.tokens.partition_point(|token| token.start < start);
        let mut above = self.tokens.get(..index)?.iter().rev();
        let mut lines = Vec::new();
        loop {
            let newline = above
                .next()
                .is_some_and(|token| matches!(token.kind, TokenKind::Newline | TokenKind::Fold));
            match above.next() {
                Some(doc) if newline && doc.kind == TokenKind::DocComment => {
                    let line = self.spelling(*doc).trim_start_matches('/');
                    lines.push(line.strip_prefix(' ').unwrap_or(line).trim_end());
                }
                _ => break,
            }
        }
        lines.reverse();
        (!lines.is_empty()).then(|| Arc::from(lines.join("\n")))
    }

    /// `#` comments were read as comments; say so.
    pub(crate) fn report_hash_comments(&mut self) {
        for token in self.tokens.iter().filter(|token| token.kind == TokenKind::HashComment) {
            let sign = Span {
                file: self.file,
                start: token.start,
                end: token.start + 1,
            };
            self.report(
                Diagnostic::error("K0006", sign, "comments start with `//`")
                    .help("write `//` instead of `#`")
                    .fix("write `//`", sign, "//"),
            );
        }
    }
}

/// The nodes inside, without keywords.
pub(crate) fn children(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    node.into_inner().filter(|node| !is_keyword(node.as_rule()))
}

/// The nodes inside, without keywords.
type Significant<'i> = Filter<Pairs<'i, Rule>, fn(&Node<'i>) -> bool>;

/// A cursor over the nodes inside that takes the next one if it has the rule.
pub(crate) struct Children<'i> {
    inner: Peekable<Significant<'i>>,
}

impl<'i> Children<'i> {
    pub(crate) fn of(node: Node<'i>) -> Self {
        let keep: fn(&Node<'i>) -> bool = |node| !is_keyword(node.as_rule());
        Children {
            inner: node.into_inner().filter(keep).peekable(),
        }
    }

    pub(crate) fn next_if(&mut self, rule: Rule) -> Option<Node<'i>> {
        self.inner.next_if(|node| node.as_rule() == rule)
    }
}

impl<'i> Iterator for Children<'i> {
    type Item = Node<'i>;

    fn next(&mut self) -> Option<Node<'i>> {
        self.inner.next()
    }
}

fn is_keyword(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::EOI
            | Rule::k_as
            | Rule::k_because
            | Rule::k_cluster
            | Rule::k_component
            | Rule::k_edition
            | Rule::k_else
            | Rule::k_expect
            | Rule::k_extends
            | Rule::k_fn
            | Rule::k_for
            | Rule::k_if
            | Rule::k_import
            | Rule::k_in
            | Rule::k_input
            | Rule::k_let
            | Rule::k_map
            | Rule::k_match
            | Rule::k_only
            | Rule::k_output
            | Rule::k_param
            | Rule::k_policy
            | Rule::k_profile
            | Rule::k_release
            | Rule::k_runner
            | Rule::k_secret
            | Rule::k_stack
            | Rule::k_test
            | Rule::k_then
            | Rule::k_type
            | Rule::k_unset
            | Rule::k_until
            | Rule::k_waive
            | Rule::k_with
            | Rule::k_zone
    )
}
