//! How a tree is laid out: where blanks stand, and where lines may break.

use std::rc::Rc;

use ktl_grammar::TokenKind;

use super::doc::{self, Doc};
use super::strings;
use super::tree::{Group, Item, Lexeme, Node, Role};

/// What is longer than this gains nothing by a line of its own.
const SHORT: usize = 80;

/// A declaration, without the comments above and behind.
pub(super) fn declaration(item: &Item<'_>) -> Doc {
    entry(&item.nodes)
}

/// An item: laid out, or as it is written.
fn whole(item: &Item<'_>) -> Doc {
    match item.verbatim {
        Some(text) if text.contains('\n') => Doc::Verbatim(text.to_owned()),
        Some(text) => Doc::text(text),
        None => entry(&item.nodes),
    }
}

/// The text of an item on one line, unless it needs several.
pub(super) fn flat(item: &Item<'_>) -> Option<String> {
    if !item.before.is_empty() || item.after.is_some() {
        return None;
    }
    entry(&item.nodes).flat()
}

/// What stands between separators.
fn entry(nodes: &[Node<'_>]) -> Doc {
    if let [word, name, ..] = nodes {
        if word.is("for") && name.is_word() {
            return comprehension(nodes);
        }
        if word.is("waive") && name.is_word() {
            return waiver(nodes);
        }
        if (word.is("deny") || word.is("warn")) && matches!(name, Node::Text(..)) {
            let clause = nodes.iter().position(|node| node.is("for")).unwrap_or(nodes.len());
            let (rule, clause) = nodes.split_at_checked(clause).unwrap_or((nodes, &[]));
            return Doc::Concat(vec![
                run(rule),
                Doc::Concat(vec![Doc::Line, comprehension(clause)]).indent(),
            ])
            .group();
        }
        if word.is("expect") && !matches!(nodes, [_, Node::Group(_)]) && !name.is(":") && !name.is(".") {
            return Doc::Concat(vec![run(std::slice::from_ref(word)), attached(skip(nodes, 1))]);
        }
    }
    if let Some((head, value)) = split(nodes, |lexeme| lexeme.kind == TokenKind::Equals) {
        let head = head.split_last().map_or_else(
            || run(head),
            |(sign, left)| {
                let blank = if left.is_empty() { Doc::text("") } else { Doc::Space };
                Doc::Concat(vec![entry(left), blank, run(std::slice::from_ref(sign))])
            },
        );
        return Doc::Concat(vec![head, attached(value)]);
    }
    if let Some((head, value)) = split(nodes, |lexeme| lexeme.kind == TokenKind::Colon) {
        return Doc::Concat(vec![run(head), attached(value)]);
    }
    if let Some((first, rest)) = nodes.split_first()
        && first.is("...")
    {
        return Doc::Concat(vec![run(std::slice::from_ref(first)), value(rest)]);
    }
    value(nodes)
}

/// Cuts behind the first lexeme that is looked for.
fn split<'n, 'a>(nodes: &'n [Node<'a>], wanted: fn(&Lexeme<'_>) -> bool) -> Option<(&'n [Node<'a>], &'n [Node<'a>])> {
    let at = nodes
        .iter()
        .position(|node| matches!(node, Node::Leaf(lexeme) if wanted(lexeme)))?;
    nodes.split_at_checked(at + 1)
}

fn skip<'n, 'a>(nodes: &'n [Node<'a>], count: usize) -> &'n [Node<'a>] {
    nodes.get(count..).unwrap_or(&[])
}

/// A value behind `=`, `:`, `then` and the like: on the same line, or below and deeper.
fn attached(nodes: &[Node<'_>]) -> Doc {
    if nodes.is_empty() {
        return Doc::text("");
    }
    // The lines of a chain stand below each other, so the first one moves too.
    if let Some(chain) = chain(nodes, false) {
        let (forced, hugs) = (chain.forced, chain.hugs);
        let chain = Doc::Group(Rc::new(chain));
        return Doc::Concat(vec![Doc::Line, chain]).indent().group_with(forced, hugs);
    }
    let doc = run(nodes);
    let breakable = nodes.iter().any(|node| matches!(node, Node::Group(_)));
    let short = doc.flat().is_some_and(|text| text.chars().count() < SHORT);
    if short && !breakable {
        return Doc::Concat(vec![Doc::Line, doc]).indent().group();
    }
    Doc::Concat(vec![Doc::Space, doc])
}

/// A value or a type.
fn value(nodes: &[Node<'_>]) -> Doc {
    chain(nodes, true).map_or_else(|| run(nodes), |chain| Doc::Group(Rc::new(chain)))
}

/// An `if` or a chain of operands. `deepens`: the lines behind the first are deeper.
fn chain(nodes: &[Node<'_>], deepens: bool) -> Option<doc::Group> {
    if nodes.first().is_some_and(|node| node.is("if")) {
        return Some(conditional(nodes));
    }
    let level = loosest(nodes)?;
    let mut docs = Vec::new();
    let mut start = 0;
    for at in operators(nodes, level) {
        let (operand, sign) = (nodes.get(start..at), nodes.get(at..=at));
        docs.extend(operand.map(value));
        docs.push(Doc::Space);
        docs.extend(sign.map(run));
        docs.push(Doc::Line);
        start = at + 1;
    }
    docs.push(value(skip(nodes, start)));
    let first = if docs.is_empty() { Doc::text("") } else { docs.remove(0) };
    let rest = Doc::Concat(docs);
    let rest = if deepens { rest.indent() } else { rest };
    Some(doc::Group {
        doc: Doc::Concat(vec![first, rest]),
        forced: false,
        hugs: level == 0 && matches!(nodes.last(), Some(Node::Group(group)) if group.open.is("{")),
    })
}

/// How loosely an operator binds; the loosest is 0.
fn level(lexeme: &Lexeme<'_>) -> Option<usize> {
    if lexeme.role != Role::Plain {
        return None;
    }
    match (lexeme.kind, lexeme.text) {
        (TokenKind::Operator, "|") => Some(0),
        (TokenKind::Operator, "||") => Some(1),
        (TokenKind::Operator, "&&") => Some(2),
        (TokenKind::Operator, "==" | "!=" | "<" | "<=" | ">" | ">=") | (TokenKind::Word, "in") => Some(3),
        (TokenKind::Operator, "??") => Some(4),
        (TokenKind::Operator, "+" | "-") => Some(5),
        (TokenKind::Operator, "*" | "/" | "%") => Some(6),
        _ => None,
    }
}

fn loosest(nodes: &[Node<'_>]) -> Option<usize> {
    (0..=6).find(|level| operators(nodes, *level).next().is_some())
}

/// Where the operators of a level stand. An `if` takes all that follows it.
fn operators<'n>(nodes: &'n [Node<'_>], wanted: usize) -> impl Iterator<Item = usize> + 'n {
    let end = (0..nodes.len())
        .find(|at| keyword(nodes, *at, "if"))
        .unwrap_or(nodes.len());
    nodes
        .iter()
        .enumerate()
        .take(end)
        .skip(1)
        .filter(move |(at, node)| match node {
            Node::Leaf(lexeme) => level(lexeme) == Some(wanted) && (lexeme.text != "in" || keyword(nodes, *at, "in")),
            _ => false,
        })
        .map(|(at, _)| at)
}

/// Whether a word stands there that is no field.
fn keyword(nodes: &[Node<'_>], at: usize, word: &str) -> bool {
    nodes.get(at).is_some_and(|node| node.is(word))
        && !at
            .checked_sub(1)
            .and_then(|before| nodes.get(before))
            .is_some_and(|node| node.is(".") || node.is("?."))
}

/// `if c then a else if d then b else e`
fn conditional(nodes: &[Node<'_>]) -> doc::Group {
    let mut docs = Vec::new();
    let (mut forced, mut branches, mut plain) = (false, 0, true);
    let mut rest = nodes;
    while rest.first().is_some_and(|node| node.is("if")) {
        let then = (1..rest.len())
            .scan(0, |open, at| {
                *open += i32::from(keyword(rest, at, "if")) - i32::from(keyword(rest, at, "else"));
                Some((at, *open))
            })
            .find(|(at, open)| *open == 0 && keyword(rest, *at, "then"))
            .map_or(rest.len(), |(at, _)| at);
        let mut open = 0;
        let mut otherwise = rest.len();
        for at in then + 1..rest.len() {
            open += i32::from(keyword(rest, at, "if"));
            if keyword(rest, at, "else") {
                if open == 0 {
                    otherwise = at;
                    break;
                }
                open -= 1;
            }
        }
        let branch = attached(rest.get(then + 1..otherwise).unwrap_or(&[]));
        let breaks = branch.breaks();
        docs.extend([
            run(rest.get(..1).unwrap_or(&[])),
            Doc::Space,
            value(rest.get(1..then).unwrap_or(&[])),
            Doc::Space,
            run(rest.get(then..=then).unwrap_or(&[])),
            branch,
        ]);
        if let Some(word) = rest.get(otherwise..=otherwise) {
            let below = word.iter().any(|node| node.first().newline_before);
            forced |= below;
            docs.extend([if breaks && !below { Doc::Space } else { Doc::Line }, run(word)]);
        }
        plain &= !breaks;
        branches += 1;
        rest = skip(rest, otherwise + 1);
        if rest.first().is_some_and(|node| node.is("if")) {
            docs.push(Doc::Space);
        }
    }
    docs.push(attached(rest));
    let call = matches!(rest.last(), Some(Node::Group(group)) if group.open.is("(") && !group.items.iter().all(|item| hugged(&item.nodes)));
    let hugs = !forced && plain && branches == 1 && ends_in_group(rest) && !call;
    doc::Group {
        doc: Doc::Concat(docs),
        forced,
        hugs,
    }
}

/// Whether the last thing is a pair of brackets that hold something, and nothing before it wants to break.
fn ends_in_group(nodes: &[Node<'_>]) -> bool {
    let filled = matches!(nodes.last(), Some(Node::Group(group)) if !group.items.is_empty());
    filled && !nodes.first().is_some_and(|node| node.is("if")) && loosest(nodes).is_none()
}

/// `for x in xs if c: body`, also without a body; with several clauses, each may have its line.
fn comprehension(nodes: &[Node<'_>]) -> Doc {
    let body = nodes.iter().position(|node| node.is(":")).unwrap_or(nodes.len());
    let clauses = nodes.get(..body).unwrap_or(&[]);
    let mut starts: Vec<usize> = (0..clauses.len())
        .filter(|at| {
            keyword(clauses, *at, "for")
                || keyword(clauses, *at, "if") && at.checked_sub(1).is_some_and(|before| ends_value(clauses, before))
        })
        .collect();
    starts.push(clauses.len());
    let mut docs = Vec::new();
    for (start, end) in starts.iter().zip(starts.iter().skip(1)) {
        if !docs.is_empty() {
            docs.push(Doc::Line);
        }
        let clause = clauses.get(*start..*end).unwrap_or(&[]);
        let head = match clause.iter().position(|node| node.is("in")) {
            Some(at) if keyword(clause, 0, "for") => at + 1,
            _ => 1,
        };
        let (head, source) = clause.split_at_checked(head).unwrap_or((clause, &[]));
        docs.push(run(head));
        if !source.is_empty() {
            docs.extend([Doc::Space, value(source)]);
        }
    }
    let clauses = Doc::Concat(docs).group();
    let Some(colon) = nodes.get(body..=body) else {
        return clauses;
    };
    let body = skip(nodes, body + 1);
    let mut docs = vec![clauses, run(colon)];
    match body.iter().position(|node| node.is("=>")) {
        Some(arrow) => {
            docs.push(attached(body.get(..arrow).unwrap_or(&[])));
            docs.push(Doc::Space);
            docs.push(run(body.get(arrow..=arrow).unwrap_or(&[])));
            docs.push(attached(skip(body, arrow + 1)));
        }
        None => docs.push(attached(body)),
    }
    Doc::Concat(docs)
}

/// Whether a value can end with this node: what follows starts something else.
fn ends_value(nodes: &[Node<'_>], at: usize) -> bool {
    match nodes.get(at) {
        Some(Node::Leaf(lexeme)) => match lexeme.kind {
            TokenKind::Word => !["in", "then", "else", "if", "match"]
                .iter()
                .any(|word| keyword(nodes, at, word)),
            kind => kind != TokenKind::Operator,
        },
        other => other.is_some(),
    }
}

/// `waive name for "…" until date because "…"`
fn waiver(nodes: &[Node<'_>]) -> Doc {
    let mut docs = Vec::new();
    let mut start = 0;
    let mut first = None;
    for at in (1..=nodes.len()).filter(|at| {
        *at == nodes.len()
            || ["for", "until", "because"]
                .iter()
                .any(|word| *at > 1 && keyword(nodes, *at, word))
    }) {
        let part = run(nodes.get(start..at).unwrap_or(&[]));
        match first {
            None => first = Some(part),
            Some(_) => docs.extend([Doc::Line, part]),
        }
        start = at;
    }
    Doc::Concat(vec![first.unwrap_or(Doc::text("")), Doc::Concat(docs).indent()]).group()
}

/// Nodes beside each other.
fn run(nodes: &[Node<'_>]) -> Doc {
    let mut docs = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| nodes.get(before));
        if let Some(before) = before
            && blank_between(nodes, at, before, node)
        {
            docs.push(Doc::Space);
        }
        match node {
            Node::Leaf(leaf) if leaf.kind == TokenKind::RawString => {
                comments_above(leaf, &mut docs);
                docs.push(strings::raw(leaf.text));
                docs.extend(leaf.after.map(|text| Doc::Comment(text.to_owned())));
            }
            Node::Leaf(leaf) => lexeme(leaf, &mut docs),
            Node::Text(open, pieces, close) => {
                comments_above(open, &mut docs);
                docs.push(strings::string(open.text, pieces));
                docs.extend(close.after.map(|text| Doc::Comment(text.to_owned())));
            }
            Node::Group(group) => {
                comments_above(&group.open, &mut docs);
                docs.push(brackets(group, before.is_some_and(|before| calls(before))));
                docs.extend(group.close.after.map(|text| Doc::Comment(text.to_owned())));
            }
        }
    }
    if docs.len() == 1 {
        docs.remove(0)
    } else {
        Doc::Concat(docs)
    }
}

/// Whether brackets behind it are arguments, parameters or refinements.
fn calls(before: &Node<'_>) -> bool {
    match before {
        Node::Leaf(lexeme) => lexeme.kind == TokenKind::Word,
        Node::Group(group) => group.open.is("["),
        Node::Text(..) => false,
    }
}

fn lexeme(lexeme: &Lexeme<'_>, docs: &mut Vec<Doc>) {
    comments_above(lexeme, docs);
    docs.push(Doc::text(lexeme.text));
    docs.extend(lexeme.after.map(|text| Doc::Comment(text.to_owned())));
}

/// Comments on their own lines in the middle of an item.
fn comments_above(lexeme: &Lexeme<'_>, docs: &mut Vec<Doc>) {
    for comment in &lexeme.before {
        docs.extend([Doc::Hard, Doc::text(comment.text)]);
    }
    if !lexeme.before.is_empty() {
        docs.push(Doc::Hard);
    }
}

/// Whether a blank stands between two neighbours.
fn blank_between(nodes: &[Node<'_>], at: usize, before: &Node<'_>, node: &Node<'_>) -> bool {
    if let Node::Leaf(lexeme) = node {
        let tight = matches!(lexeme.kind, TokenKind::Comma | TokenKind::Colon | TokenKind::Dot)
            || lexeme.kind == TokenKind::Operator && matches!(lexeme.text, "?." | "?" | "..")
            || lexeme.role == Role::Angle;
        if tight {
            return false;
        }
    }
    if let Node::Leaf(lexeme) = before {
        let tight = lexeme.kind == TokenKind::Dot
            || lexeme.kind == TokenKind::Operator && matches!(lexeme.text, "?." | "..." | ".." | "^" | "~")
            || lexeme.role == Role::Unary
            || lexeme.role == Role::Angle && lexeme.text == "<";
        if tight {
            return false;
        }
    }
    let Node::Group(group) = node else { return true };
    match group.open.text {
        "?[" => false,
        "{" => true,
        _ => match before {
            Node::Leaf(lexeme) if lexeme.kind == TokenKind::Word => {
                const WORDS: [&str; 9] = ["if", "then", "else", "for", "in", "match", "with", "as", "later"];
                let value = at > 1 && nodes.get(at - 2).is_some_and(|node| node.is(":"));
                let contextual = at == 1 && lexeme.is("expect") && !group.open.is("(");
                WORDS.iter().any(|word| keyword(nodes, at - 1, word))
                    || lexeme.is("only") && (value || at == 1 && group.open.is("["))
                    || contextual
            }
            Node::Leaf(lexeme) => !matches!(lexeme.text, "?") || group.open.is("{"),
            Node::Text(..) | Node::Group(_) => false,
        },
    }
}

/// Brackets and what they hold: on one line, or an item on each line.
fn brackets(group: &Group<'_>, call: bool) -> Doc {
    let grouping = group.open.is("(") && !call;
    let commented = group.open.after.is_some()
        || !group.close.before.is_empty()
        || group
            .items
            .iter()
            .any(|item| !item.before.is_empty() || item.after.is_some());
    if group.items.is_empty() && !commented {
        return Doc::text(format!("{}{}", group.open.text, group.close.text));
    }
    // Written over several lines, it stays so.
    let stays = !grouping && (group.items.iter().any(starts_line) || group.close.newline_before && !group.open.is("("));
    let docs: Vec<Doc> = group.items.iter().map(whole).collect();
    let (last, others) = docs
        .split_last()
        .map_or((None, docs.as_slice()), |(last, others)| (Some(last), others));
    let comprehends = matches!(group.items.as_slice(), [item] if matches!(item.nodes.as_slice(), [word, name, ..] if word.is("for") && name.is_word()));
    let hugging = group.items.last().is_some_and(|item| hugged(&item.nodes));
    let hugs = !stays
        && !commented
        && hugging
        && match (group.open.text, others.is_empty()) {
            ("{", _) => group
                .items
                .iter()
                .all(|item| item.nodes.first().is_some_and(|node| node.is("for"))),
            (_, true) => !comprehends || docs.iter().any(Doc::breaks),
            // The last argument may span lines by itself.
            ("(", false) => last.is_some_and(Doc::breaks) && !others.iter().any(Doc::breaks),
            _ => false,
        };
    let forced = stays || commented || !hugs && docs.iter().any(Doc::breaks);
    let edge = || if group.open.is("{") { Doc::Line } else { Doc::Soft };
    let mut inside = vec![];
    for (at, (item, doc)) in group.items.iter().zip(docs).enumerate() {
        let mut blank = item.before.first().map_or_else(
            || item.nodes.first().is_some_and(|node| node.first().blank_before),
            |comment| comment.blank_before,
        );
        blank &= at > 0;
        for (index, comment) in item.before.iter().enumerate() {
            blank |= index > 0 && comment.blank_before;
            inside.extend([if blank { Doc::Blank } else { Doc::Hard }, Doc::text(comment.text)]);
            blank = false;
        }
        blank |= !item.before.is_empty() && item.nodes.first().is_some_and(|node| node.first().blank_before);
        inside.push(match (blank && forced, at) {
            (true, _) => Doc::Blank,
            (false, 0) => edge(),
            (false, _) => Doc::Soft,
        });
        inside.push(doc);
        if at + 1 < group.items.len() {
            inside.push(Doc::Separator(group.open.is("(")));
        }
        inside.extend(item.after.map(|text| Doc::Comment(text.to_owned())));
    }
    for (index, comment) in group.close.before.iter().enumerate() {
        let blank = comment.blank_before && (index > 0 || !group.items.is_empty());
        inside.extend([if blank { Doc::Blank } else { Doc::Hard }, Doc::text(comment.text)]);
    }
    let mut docs = vec![Doc::text(group.open.text)];
    docs.extend(group.open.after.map(|text| Doc::Comment(text.to_owned())));
    docs.extend([Doc::Concat(inside).indent(), edge(), Doc::text(group.close.text)]);
    Doc::Concat(docs).group_with(forced, hugs)
}

fn starts_line(item: &Item<'_>) -> bool {
    item.nodes.first().is_some_and(|node| node.first().newline_before)
}

/// Whether brackets close around it: `[{ … }]`, `f({ … })`, `[for x in xs: { … }]`.
fn hugged(nodes: &[Node<'_>]) -> bool {
    let value = match nodes.iter().position(|node| node.is(":")) {
        Some(colon) => skip(nodes, colon + 1),
        None => nodes,
    };
    let value = match value.iter().position(|node| node.is("=>")) {
        Some(arrow) => skip(value, arrow + 1),
        None => value,
    };
    ends_in_group(value) || matches!(value, [Node::Text(..)])
}
