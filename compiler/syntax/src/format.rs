//! The formatter: one way to write a file.
//!
//! Declarations are laid out one by one, from their tokens, so that no comment and no spelling is lost. What does not
//! parse stays as it is written. Lines have up to 100 columns; depth is two blanks; a record or list that was written
//! over several lines has an entry on each, and one that was written on one line stays there if it fits.

mod broken;
mod doc;
mod layout;
mod same;
mod strings;
mod tree;

use ktl_grammar::{Scan, Token, TokenKind};

use self::tree::{Comment, Lexeme};
use crate::parse;

/// Formats a file. Total: what cannot be read stays as it is. Formatting twice is formatting once.
///
/// ```
/// let text = "let  a={b:1,c:[ 2,3 ]} // four\n\n\n\nlet d = -\n";
/// assert_eq!(ktl_syntax::format(text), "let a = { b: 1, c: [2, 3] } // four\n\nlet d = -\n");
/// ```
pub fn format(text: &str) -> String {
    let Scan { tokens, declarations } = ktl_grammar::scan(text);
    let (lexemes, end) = tree::lexemes(text, &tokens);
    let mut rest = lexemes.as_slice();
    let mut pieces = Vec::new();
    for range in &declarations {
        let tokens = tokens.get(range.clone()).unwrap_or_default();
        let Some(stop) = tokens.last().map(|token| token.end as usize) else {
            continue;
        };
        let count = rest
            .iter()
            .take_while(|lexeme| lexeme.start + lexeme.text.len() <= stop)
            .count();
        let (own, others) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        rest = others;
        pieces.extend(Piece::new(text, tokens, own));
    }
    sort_imports(&mut pieces);
    let mut out = String::new();
    if text.starts_with('\u{feff}') {
        out.push('\u{feff}');
    }
    let mut above: Option<&Piece<'_>> = None;
    for piece in &pieces {
        if above.is_some_and(|above| piece.blank_above || !above.one_line || !piece.one_line) {
            out.push('\n');
        }
        piece.print(&mut out);
        above = Some(piece);
    }
    for (index, comment) in end.iter().enumerate() {
        if comment.blank_before && (index > 0 || above.is_some()) {
            out.push('\n');
        }
        out.push_str(comment.text);
        out.push('\n');
    }
    out
}

/// A declaration as it will be printed.
struct Piece<'a> {
    /// The comments above it.
    before: Vec<Comment<'a>>,
    /// Whether an empty line stands above it and its comments.
    blank_above: bool,
    /// Whether an empty line stands between it and its comments.
    blank_before: bool,
    text: String,
    after: Option<&'a str>,
    one_line: bool,
    /// An import, by what it is sorted.
    import: Option<(u8, &'a str)>,
}

impl<'a> Piece<'a> {
    fn new(text: &'a str, tokens: &[Token], lexemes: &[Lexeme<'a>]) -> Option<Self> {
        let (first, last) = (lexemes.first()?, lexemes.last()?);
        let laid_out = settled(text, tokens, lexemes);
        let import = laid_out.as_ref().and_then(|_| import(lexemes));
        let body = match laid_out {
            Some(laid_out) => laid_out,
            // A string that is never closed takes the blanks below.
            None => text
                .get(first.start..last.start + last.text.len())?
                .trim_end()
                .to_owned(),
        };
        Some(Piece {
            before: first.before.clone(),
            blank_above: first.blank_above(),
            blank_before: first.blank_before,
            one_line: !body.contains('\n'),
            text: body,
            after: last.after,
            import,
        })
    }

    fn print(&self, out: &mut String) {
        for (index, comment) in self.before.iter().enumerate() {
            if index > 0 && comment.blank_before {
                out.push('\n');
            }
            out.push_str(comment.text);
            out.push('\n');
        }
        if !self.before.is_empty() && self.blank_before {
            out.push('\n');
        }
        out.push_str(&self.text);
        if let Some(comment) = self.after {
            out.extend([" ", comment]);
        }
        out.push('\n');
    }
}

/// How often a declaration is laid out until nothing changes: what broke for its length is read as broken by its author.
const ROUNDS: usize = 8;

/// The text of a declaration that stays the same when it is laid out again.
fn settled(text: &str, tokens: &[Token], lexemes: &[Lexeme<'_>]) -> Option<String> {
    let mut out = laid_out(text, tokens, lexemes)?;
    for _ in 0..ROUNDS {
        let scan = ktl_grammar::scan(&out);
        let (lexemes, _) = tree::lexemes(&out, &scan.tokens);
        let again = laid_out(&out, &scan.tokens, &lexemes)?;
        if again == out {
            return Some(out);
        }
        out = again;
    }
    None
}

/// The text of a declaration, with mistakes as they are written. `None` when nothing of it can be laid out, and when that
/// would change it.
fn laid_out(text: &str, tokens: &[Token], lexemes: &[Lexeme<'_>]) -> Option<String> {
    let start = lexemes.first()?.start;
    let stop = lexemes.last().map(|last| last.start + last.text.len())?;
    let own: Vec<Token> = tokens
        .iter()
        .filter(|token| token.start as usize >= start && token.end as usize <= stop)
        .copied()
        .collect();
    if !parse::within_limits(text, tokens) {
        return None;
    }
    let seen = same::laid_out(text, tokens)?;
    let mut item = tree::tree(text, lexemes)?;
    let clean = parse::declaration_pair(&seen).is_some();
    if !clean {
        let source = broken::Source {
            written: text,
            laid_out: &seen,
            start,
        };
        source.mark(&mut item)?;
    }
    item.before.clear();
    item.after = None;
    let out = layout::declaration(&item).print();
    if clean {
        return same::same(text, &own, &out).then_some(out);
    }
    let scan = ktl_grammar::scan(&out);
    let (lexemes, end) = tree::lexemes(&out, &scan.tokens);
    let again = tree::tree(&out, &lexemes)?;
    let same = scan.declarations.len() == 1
        && end.is_empty()
        && same::comments(text, &own) == same::comments(&out, &scan.tokens)
        && broken::same(&item, text.get(start..stop)?, &again, &out);
    same.then_some(out)
}

/// By what an import is sorted: what it brings, the standard library first; then where from.
fn import<'a>(lexemes: &[Lexeme<'a>]) -> Option<(u8, &'a str)> {
    let mut lexemes = lexemes.iter();
    if !lexemes.next()?.is("import") {
        return None;
    }
    let next = lexemes.next()?;
    let mut source = lexemes.filter(|lexeme| lexeme.kind == TokenKind::StringText);
    let source = source.next().map_or("", |lexeme| lexeme.text);
    let kind = match next.text {
        "chart" => 2,
        "crd" => 3,
        "schema" => 4,
        _ if source.starts_with("std/") => 0,
        _ => 1,
    };
    Some((kind, source))
}

/// Sorts imports that stand together, each with its comments.
fn sort_imports(pieces: &mut [Piece<'_>]) {
    let blocks =
        pieces.chunk_by_mut(|above, below| above.import.is_some() && below.import.is_some() && !below.blank_above);
    for block in blocks.filter(|block| block.len() > 1) {
        let blank = block.first().is_some_and(|first| first.blank_above);
        block.sort_by_key(|piece| piece.import);
        for (index, piece) in block.iter_mut().enumerate() {
            piece.blank_above = index == 0 && blank;
        }
    }
}
