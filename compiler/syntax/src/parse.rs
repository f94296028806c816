//! From text to tree: scan, cut into declarations, parse each with pest, build the tree; mend what did not parse.

mod balance;
mod declarations;
mod expressions;
mod fragment;
mod mend;
mod place;
mod recover;
mod strings;
mod suggest;
mod tree;
mod types;

use ktl_grammar::{Rule, Token, TokenKind};
use pest::iterators::Pair;

use crate::ast::{Decl, DeclKind, Module};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{FileId, Sources, Span};
use fragment::Fragment;
use tree::Builder;

/// How deep brackets, `if` and `match` may nest.
pub const NESTING_LIMIT: usize = 64;

/// Parses a file. Total: any text gives a tree, in time linear in its length for valid text, without panics.
///
/// What makes no sense becomes an error node or a hole, with a diagnostic; a mistake costs at most the declaration that
/// holds it, and nearly always only the entry.
pub fn parse(sources: &Sources, file: FileId, diagnostics: &mut Diagnostics) -> Module {
    let text = sources.get(file).text();
    let scan = ktl_grammar::scan(text);
    let laid_out = ktl_grammar::lay_out(text, &scan.tokens);
    let mut builder = Builder::new(file, sources.get(file), &scan.tokens);
    let mut decls = Vec::new();
    for range in &scan.declarations {
        let tokens = scan.tokens.get(range.clone()).unwrap_or_default();
        let significant = |token: &&Token| !token.kind.is_trivia() && token.kind != TokenKind::Newline;
        let (Some(first), Some(last)) = (tokens.iter().find(significant), tokens.iter().rfind(significant)) else {
            continue;
        };
        let span = Span {
            file,
            start: first.start,
            end: last.end,
        };
        decls.push(declaration(&mut builder, text, &laid_out, tokens, span));
    }
    builder.report_hash_comments();
    diagnostics.extend(builder.diagnostics);
    Module { file, decls }
}

fn declaration(builder: &mut Builder<'_>, source: &str, laid_out: &str, tokens: &[Token], span: Span) -> Decl {
    let doc = builder.doc(span.start);
    if let Some(deep) = too_deep(source, tokens) {
        let deep = builder.token_span(deep);
        builder.report(
            Diagnostic::error("K0007", deep, format!("nested more than {NESTING_LIMIT} levels"))
                .help("name an inner part with `let`"),
        );
        return Decl {
            doc,
            span,
            kind: DeclKind::Error,
        };
    }
    let text = laid_out.get(span.start as usize..span.end as usize).unwrap_or("");
    let fragment = Fragment::plain(span.start);
    let kind = match fragment::parse(Rule::declaration, text) {
        Ok(pair) => builder.declaration(&fragment, pair),
        Err(_) => builder.recover_declaration(tokens),
    };
    Decl { doc, span, kind }
}

/// The parse of a declaration without mistakes, from its text as it is laid out.
pub(crate) fn declaration_pair(laid_out: &str) -> Option<Pair<'_, Rule>> {
    fragment::parse(Rule::declaration, laid_out).ok()
}

/// Whether a text is what one of the rules says, all of it.
pub(crate) fn parses(rules: &[Rule], laid_out: &str) -> bool {
    rules.iter().any(|rule| fragment::parse(*rule, laid_out).is_ok())
}

/// Whether a declaration nests no deeper than what is parsed.
pub(crate) fn within_limits(text: &str, tokens: &[Token]) -> bool {
    too_deep(text, tokens).is_none()
}

/// The token at which brackets, `if` and `match` nest too deep. Checked before pest sees the text, because it recurses.
fn too_deep(text: &str, tokens: &[Token]) -> Option<Token> {
    // For each open bracket, how many `if` and `match` without their braces there were since the last separator in it.
    let mut frames: Vec<(usize, usize)> = vec![(0, 0)];
    let mut depth = 0;
    for token in tokens {
        match (
            token.kind,
            text.get(token.start as usize..token.end as usize).unwrap_or(""),
        ) {
            (TokenKind::Open, opener) => {
                if let Some((_, matches)) = frames.last_mut()
                    && *matches > 0
                    && opener == "{"
                {
                    *matches -= 1;
                    depth -= 1;
                }
                frames.push((0, 0));
                depth += 1;
            }
            (TokenKind::Close, _) if frames.len() > 1 => {
                let (conditions, matches) = frames.pop().unwrap_or_default();
                depth -= 1 + conditions + matches;
            }
            (TokenKind::Newline | TokenKind::Comma, _) => {
                if let Some((conditions, matches)) = frames.last_mut().map(std::mem::take) {
                    depth -= conditions + matches;
                }
            }
            (TokenKind::Word, "if") => {
                frames
                    .last_mut()
                    .into_iter()
                    .for_each(|(conditions, _)| *conditions += 1);
                depth += 1;
            }
            (TokenKind::Word, "match") => {
                frames.last_mut().into_iter().for_each(|(_, matches)| *matches += 1);
                depth += 1;
            }
            _ => {}
        }
        if depth > NESTING_LIMIT {
            return Some(*token);
        }
    }
    None
}
