//! Tokens as a tree: items in brackets, each token with the comments that travel with it.

use ktl_grammar::{Token, TokenKind};

/// A comment on a line of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comment<'a> {
    pub(super) text: &'a str,
    /// Whether an empty line stands above.
    pub(super) blank_before: bool,
}

/// A token with the comments around it.
#[derive(Clone, Debug)]
pub(super) struct Lexeme<'a> {
    pub(super) kind: TokenKind,
    pub(super) text: &'a str,
    /// First byte in the file.
    pub(super) start: usize,
    /// The comments above.
    pub(super) before: Vec<Comment<'a>>,
    /// The comment behind, on the same line.
    pub(super) after: Option<&'a str>,
    /// Whether an empty line stands above, below its comments.
    pub(super) blank_before: bool,
    /// Whether a line break stands before it.
    pub(super) newline_before: bool,
    /// Whether a line break that separates, or a comma, stands before it.
    pub(super) separated: bool,
    /// What the sign is here, where that cannot be told from its text.
    pub(super) role: Role,
}

/// What a sign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Plain,
    /// `-` or `!` before a value.
    Unary,
    /// `<` and `>` of `map<K, V>`.
    Angle,
}

impl Lexeme<'_> {
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text && !matches!(self.kind, TokenKind::StringText | TokenKind::RawString)
    }

    /// Whether an empty line stands above it and its comments.
    pub(super) fn blank_above(&self) -> bool {
        self.before
            .first()
            .map_or(self.blank_before, |comment| comment.blank_before)
    }
}

/// A part of an item.
#[derive(Clone, Debug)]
pub(super) enum Node<'a> {
    Leaf(Lexeme<'a>),
    /// A string in quotes: its opening quotes, what is inside, its closing quotes.
    Text(Lexeme<'a>, Vec<Piece<'a>>, Lexeme<'a>),
    Group(Group<'a>),
}

/// A part of a string.
#[derive(Clone, Debug)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    /// `${…}`, with its text as written.
    Hole(Item<'a>, &'a str),
}

/// Brackets and what they hold.
#[derive(Clone, Debug)]
pub(super) struct Group<'a> {
    pub(super) open: Lexeme<'a>,
    pub(super) items: Vec<Item<'a>>,
    pub(super) close: Lexeme<'a>,
}

/// What stands between separators.
#[derive(Clone, Debug, Default)]
pub(super) struct Item<'a> {
    /// The comments above.
    pub(super) before: Vec<Comment<'a>>,
    pub(super) nodes: Vec<Node<'a>>,
    /// The comment behind.
    pub(super) after: Option<&'a str>,
    /// What it must stay, because it makes no sense.
    pub(super) verbatim: Option<&'a str>,
}

impl<'a> Node<'a> {
    pub(super) fn first(&self) -> &Lexeme<'a> {
        match self {
            Node::Leaf(lexeme) | Node::Text(lexeme, ..) => lexeme,
            Node::Group(group) => &group.open,
        }
    }

    pub(super) fn first_mut(&mut self) -> &mut Lexeme<'a> {
        match self {
            Node::Leaf(lexeme) | Node::Text(lexeme, ..) => lexeme,
            Node::Group(group) => &mut group.open,
        }
    }

    pub(super) fn last_mut(&mut self) -> &mut Lexeme<'a> {
        match self {
            Node::Leaf(lexeme) | Node::Text(.., lexeme) => lexeme,
            Node::Group(group) => &mut group.close,
        }
    }

    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self, Node::Leaf(lexeme) if lexeme.is(text))
    }

    pub(super) fn is_word(&self) -> bool {
        matches!(self, Node::Leaf(lexeme) if lexeme.kind == TokenKind::Word)
    }
}

/// The tokens that say something, with the comments around them, and the comments at the end.
pub(super) fn lexemes<'a>(text: &'a str, tokens: &[Token]) -> (Vec<Lexeme<'a>>, Vec<Comment<'a>>) {
    let mut lexemes: Vec<Lexeme<'a>> = Vec::new();
    let mut before = Vec::new();
    let (mut newlines, mut newline_before, mut separated) = (0, false, false);
    for token in tokens {
        let spelling = text.get(token.start as usize..token.end as usize).unwrap_or("");
        match token.kind {
            TokenKind::Newline | TokenKind::Fold => {
                newlines += 1;
                newline_before = true;
                separated |= token.kind == TokenKind::Newline;
            }
            TokenKind::Comment | TokenKind::DocComment | TokenKind::HashComment => {
                let comment = spelling.trim_end();
                match lexemes.last_mut() {
                    Some(last) if newlines == 0 && before.is_empty() && last.after.is_none() => {
                        last.after = Some(comment);
                    }
                    _ => before.push(Comment {
                        text: comment,
                        blank_before: newlines > 1,
                    }),
                }
                newlines = 0;
            }
            kind => {
                lexemes.push(Lexeme {
                    kind,
                    text: spelling,
                    start: token.start as usize,
                    before: std::mem::take(&mut before),
                    after: None,
                    blank_before: newlines > 1,
                    newline_before: std::mem::take(&mut newline_before),
                    separated: std::mem::take(&mut separated),
                    role: Role::Plain,
                });
                newlines = 0;
            }
        }
    }
    (lexemes, before)
}

/// The tree of a declaration. `None` when brackets or strings do not match.
pub(super) fn tree<'a>(text: &'a str, lexemes: &[Lexeme<'a>]) -> Option<Item<'a>> {
    let mut reader = Reader {
        text,
        lexemes: lexemes.iter().cloned().peekable(),
    };
    let item = reader.item(Inside::Declaration)?;
    reader.lexemes.next().is_none().then_some(item)
}

/// What an item stands in, which decides what separates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Declaration,
    Brackets,
    Braces,
    Parentheses,
    /// A comprehension, the keys of a family or an interpolation: nothing separates.
    One,
}

struct Reader<'a, I: Iterator<Item = Lexeme<'a>>> {
    text: &'a str,
    lexemes: std::iter::Peekable<I>,
}

impl<'a, I: Iterator<Item = Lexeme<'a>> + Clone> Reader<'a, I> {
    /// Reads up to a separator (which is left), a closer (which is left) or the end.
    fn item(&mut self, inside: Inside) -> Option<Item<'a>> {
        let mut item = Item::default();
        let mut angles = 0;
        while let Some(next) = self.lexemes.peek() {
            if next.kind == TokenKind::Close
                || !item.nodes.is_empty() && angles == 0 && self.separates(inside, &item.nodes)
            {
                break;
            }
            let mut lexeme = self.lexemes.next()?;
            match lexeme.kind {
                TokenKind::StringOpen => {
                    let string = self.string(lexeme)?;
                    item.nodes.push(string);
                    continue;
                }
                TokenKind::Open => {
                    let group = self.group(lexeme, &item.nodes)?;
                    item.nodes.push(Node::Group(group));
                    continue;
                }
                TokenKind::StringText | TokenKind::StringClose => return None,
                TokenKind::Operator if lexeme.is("<") && item.nodes.last().is_some_and(|node| node.is("map")) => {
                    lexeme.role = Role::Angle;
                    angles += 1;
                }
                TokenKind::Operator if lexeme.is(">") && angles > 0 => {
                    lexeme.role = Role::Angle;
                    angles -= 1;
                }
                // `map<K, V>= default`
                TokenKind::Operator if lexeme.is(">=") && angles > 0 => {
                    angles -= 1;
                    let mut angle = lexeme.clone();
                    (angle.text, angle.role, angle.after) = (">", Role::Angle, None);
                    item.nodes.push(Node::Leaf(angle));
                    (lexeme.text, lexeme.kind, lexeme.before) = ("=", TokenKind::Equals, Vec::new());
                    lexeme.start += 1;
                }
                TokenKind::Operator if matches!(lexeme.text, "-" | "!") && operand_expected(item.nodes.last()) => {
                    lexeme.role = Role::Unary;
                }
                _ => {}
            }
            item.nodes.push(Node::Leaf(lexeme));
        }
        if let Some(first) = item.nodes.first_mut() {
            item.before = std::mem::take(&mut first.first_mut().before);
        }
        if inside == Inside::Declaration {
            match item.nodes.first() {
                Some(first) if first.is("import") => self.join(&mut item, "", "as")?,
                Some(first) if first.is("waive") => self.join(&mut item, "until", "because")?,
                _ => {}
            }
        }
        item.after = item.nodes.last_mut().and_then(|last| last.last_mut().after.take());
        Some(item)
    }

    /// Joins a version or a date, in which blanks matter: what stands between a word (or the source) and another word.
    fn join(&self, item: &mut Item<'a>, from: &str, to: &str) -> Option<()> {
        let start = item.nodes.iter().position(|node| match from {
            "" => matches!(node, Node::Text(..)),
            word => node.is(word),
        })? + 1;
        let end = item.nodes.iter().rposition(|node| node.is(to))?;
        if end <= start + 1 {
            return Some(());
        }
        let last = item.nodes.get_mut(end - 1)?.last_mut();
        let (after, stop) = (last.after.take(), last.start + last.text.len());
        let first = item.nodes.get(start)?.first().start;
        let text = self.text.get(first..stop)?;
        if text.contains('\n') {
            return None;
        }
        let mut joined = item.nodes.get(start)?.first().clone();
        (joined.text, joined.kind, joined.after) = (text, TokenKind::Number, after);
        item.nodes.splice(start..end, [Node::Leaf(joined)]);
        Some(())
    }

    /// Whether the next lexeme starts another item.
    fn separates(&mut self, inside: Inside, nodes: &[Node<'a>]) -> bool {
        let Some(next) = self.lexemes.peek() else { return false };
        let binder = |nodes: &[Node<'a>]| matches!(nodes, [.., word, name] if word.is("for") && name.is_word());
        match (inside, next.kind) {
            (Inside::Declaration | Inside::One, _) => false,
            (_, TokenKind::Comma) => !binder(nodes),
            (Inside::Parentheses, _) => false,
            _ if !next.separated => false,
            // The clause of a policy's rule may start a line, and so may its condition.
            (_, TokenKind::Word) if next.is("for") || next.is("if") && nodes.iter().any(|node| node.is("for")) => {
                let mut ahead = self.lexemes.clone();
                ahead.next();
                ahead.next().is_none_or(|after| after.kind == TokenKind::Colon)
            }
            _ => true,
        }
    }

    fn group(&mut self, open: Lexeme<'a>, before: &[Node<'a>]) -> Option<Group<'a>> {
        let closer = match open.text {
            "(" => ")",
            "{" => "}",
            "[" | "?[" => "]",
            _ => return None,
        };
        let family = matches!(before, [word, name] if word.is("release") && name.is_word());
        let inside = match open.text {
            _ if family || self.comprehension() => Inside::One,
            "(" => Inside::Parentheses,
            "{" => Inside::Braces,
            _ => Inside::Brackets,
        };
        let mut items = Vec::new();
        loop {
            let next = self.lexemes.peek()?;
            match next.kind {
                TokenKind::Close => break,
                TokenKind::Comma if inside != Inside::One => {
                    let comma = self.lexemes.next()?;
                    // What stands around the comma moves to its neighbours.
                    if let Some(next) = self.lexemes.peek_mut() {
                        let mut before = comma.before;
                        before.extend(comma.after.map(|text| Comment {
                            text,
                            blank_before: false,
                        }));
                        if comma.after.is_some() && before.len() == 1 {
                            // Right behind the item.
                            if let Some(last) = items.last_mut().filter(|last: &&mut Item<'a>| last.after.is_none()) {
                                last.after = comma.after;
                                before.clear();
                            }
                        }
                        before.append(&mut next.before);
                        next.before = before;
                        next.newline_before |= comma.newline_before;
                    }
                }
                _ => {
                    let item = self.item(inside)?;
                    items.push(item);
                }
            }
        }
        let close = self.lexemes.next().filter(|close| close.is(closer))?;
        Some(Group { open, items, close })
    }

    /// Whether what follows is `for x in` or `for x,`.
    fn comprehension(&self) -> bool {
        let mut ahead = self.lexemes.clone();
        ahead.next().is_some_and(|word| word.is("for"))
            && ahead.next().is_some_and(|name| name.kind == TokenKind::Word)
            && ahead
                .next()
                .is_some_and(|next| next.kind == TokenKind::Comma || next.is("in"))
    }

    fn string(&mut self, open: Lexeme<'a>) -> Option<Node<'a>> {
        let mut pieces = Vec::new();
        loop {
            let lexeme = self.lexemes.next()?;
            match lexeme.kind {
                TokenKind::StringText => pieces.push(Piece::Text(lexeme.text)),
                TokenKind::StringClose if lexeme.text == open.text => return Some(Node::Text(open, pieces, lexeme)),
                TokenKind::Open if lexeme.text == "${" => {
                    let item = self.item(Inside::One)?;
                    let close = self.lexemes.next().filter(|close| close.is("}"))?;
                    let written = self.text.get(lexeme.start..close.start + 1)?;
                    pieces.push(Piece::Hole(item, written));
                }
                _ => return None,
            }
        }
    }
}

/// Whether a value is still to come after a node.
fn operand_expected(before: Option<&Node<'_>>) -> bool {
    const WORDS: [&str; 6] = ["if", "then", "else", "in", "match", "expect"];
    match before {
        None => true,
        Some(Node::Leaf(lexeme)) => match lexeme.kind {
            TokenKind::Operator => !(lexeme.is("?") || lexeme.is(">") && lexeme.role == Role::Angle),
            TokenKind::Colon | TokenKind::Equals | TokenKind::Comma => true,
            TokenKind::Word => WORDS.contains(&lexeme.text),
            _ => false,
        },
        Some(_) => false,
    }
}
