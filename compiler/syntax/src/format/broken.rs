//! Declarations with mistakes: what is well-formed by itself is laid out, the rest stays as it is written.
//!
//! As the parser does, from the outside inwards: what does not parse is parsed with its brackets emptied. If that works,
//! the mistake is inside one of them, which are then looked at item by item.

use ktl_grammar::Rule;

use super::tree::{Group, Item, Node, Piece};
use crate::parse::parses;
use crate::{Diagnostics, Sources};

/// What may stand in braces, in brackets and in parentheses.
const IN_BRACES: [Rule; 8] = [
    Rule::one_entry,
    Rule::one_setting,
    Rule::one_arm,
    Rule::one_type_field,
    Rule::one_inner,
    Rule::one_rule,
    Rule::one_test_line,
    Rule::one_map_for,
];
const IN_BRACKETS: [Rule; 4] = [Rule::one_item, Rule::one_list_for, Rule::one_type, Rule::one_binder];
const IN_PARENTHESES: [Rule; 4] = [Rule::one_arg, Rule::one_param, Rule::one_refinement, Rule::one_type];

/// A text as it is laid out for the grammar, and as it is written.
pub(super) struct Source<'a> {
    pub(super) written: &'a str,
    pub(super) laid_out: &'a str,
    /// Where the laid out text starts in the written one.
    pub(super) start: usize,
}

impl<'a> Source<'a> {
    /// Marks what must stay as it is. `None` when that is everything.
    pub(super) fn mark(&self, declaration: &mut Item<'a>) -> Option<()> {
        if !self.skeleton_parses(declaration, &[Rule::declaration]) {
            return None;
        }
        self.mark_groups(declaration);
        Some(())
    }

    fn mark_groups(&self, item: &mut Item<'a>) {
        for node in &mut item.nodes {
            let Node::Group(group) = node else { continue };
            let rules = match group.open.text {
                "{" => IN_BRACES.as_slice(),
                "(" => IN_PARENTHESES.as_slice(),
                _ => IN_BRACKETS.as_slice(),
            };
            for item in &mut group.items {
                let Some((start, end)) = span(item) else { continue };
                if self.laid_out(start, end).is_some_and(|text| parses(rules, text)) {
                    continue;
                }
                if self.skeleton_parses(item, rules) {
                    self.mark_groups(item);
                } else {
                    item.verbatim = self.written.get(start..end);
                }
            }
        }
    }

    fn laid_out(&self, start: usize, end: usize) -> Option<&'a str> {
        self.laid_out
            .get(start.checked_sub(self.start)?..end.checked_sub(self.start)?)
    }

    /// Whether an item parses when its brackets are emptied.
    fn skeleton_parses(&self, item: &Item<'a>, rules: &[Rule]) -> bool {
        self.skeleton(item).is_some_and(|text| parses(rules, &text))
    }

    fn skeleton(&self, item: &Item<'a>) -> Option<String> {
        let mut text = String::new();
        let mut end = span(item)?.0;
        for node in &item.nodes {
            let (start, stop) = bounds(node);
            text.push_str(self.laid_out(end, start)?);
            match node {
                Node::Group(Group { open, items, close }) => {
                    let hollow = if items.is_empty() { "" } else { "\u{2}" };
                    text.extend([open.text, hollow, close.text]);
                }
                Node::Leaf(_) | Node::Text(..) => text.push_str(self.laid_out(start, stop)?),
            }
            end = stop;
        }
        Some(text)
    }
}

fn bounds(node: &Node<'_>) -> (usize, usize) {
    let last = match node {
        Node::Leaf(lexeme) | Node::Text(.., lexeme) => lexeme,
        Node::Group(group) => &group.close,
    };
    (node.first().start, last.start + last.text.len())
}

fn span(item: &Item<'_>) -> Option<(usize, usize)> {
    Some((bounds(item.nodes.first()?).0, bounds(item.nodes.last()?).1))
}

/// Whether two spellings of a declaration hold the same signs, and the same mistakes.
pub(super) fn same(old: &Item<'_>, old_text: &str, new: &Item<'_>, new_text: &str) -> bool {
    let (mut old_signs, mut new_signs) = (Vec::new(), Vec::new());
    signs(old, &mut old_signs);
    signs(new, &mut new_signs);
    old_signs == new_signs && findings(old_text) == findings(new_text)
}

/// The texts of an item in order, with brackets as they nest.
fn signs(item: &Item<'_>, out: &mut Vec<String>) {
    let mut push = |text: &str| out.push(text.split_whitespace().collect());
    for node in &item.nodes {
        match node {
            Node::Leaf(lexeme) => push(lexeme.text),
            Node::Text(open, pieces, _) => {
                push(open.text);
                for piece in pieces {
                    match piece {
                        Piece::Text(text) | Piece::Hole(_, text) => push(text),
                    }
                }
            }
            Node::Group(group) => {
                push(group.open.text);
                let mut inside = Vec::new();
                for item in &group.items {
                    signs(item, &mut inside);
                    inside.push(String::from(","));
                }
                inside.push(group.close.text.to_owned());
                inside.iter().for_each(|text| push(text));
            }
        }
    }
}

/// What the parser says about a text, without places.
fn findings(text: &str) -> Vec<(&'static str, String)> {
    let mut sources = Sources::default();
    let file = sources.add("", text);
    let mut diagnostics = Diagnostics::default();
    crate::parse(&sources, file, &mut diagnostics);
    diagnostics
        .sorted()
        .into_iter()
        .map(|diagnostic| (diagnostic.code, diagnostic.message))
        .collect()
}
