//! A document of texts and places where a line may break, and its printing within a width.

use std::rc::Rc;

/// Columns of a line.
pub(super) const WIDTH: usize = 100;
const STEP: usize = 2;

/// A piece of what is printed.
#[derive(Clone, Debug)]
pub(super) enum Doc {
    Text(String),
    /// A blank; none at the end of a line.
    Space,
    /// A blank, or a line break.
    Line,
    /// Nothing, or a line break.
    Soft,
    /// Between items: a comma and a blank, or a line break, with a comma before it if it is true.
    Separator(bool),
    /// A line break.
    Hard,
    /// An empty line.
    Blank,
    /// A comment at the end of a line.
    Comment(String),
    /// A string of several lines: the first as it is, the others with the depth they have in it, or as they are.
    Lines(String, Vec<Option<(usize, String)>>),
    /// A string of several lines, kept as it is.
    Verbatim(String),
    Concat(Vec<Doc>),
    /// Deeper by a step, where the group around it is broken.
    Indent(Rc<Doc>),
    Group(Rc<Group>),
}

/// What is on one line if it fits.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) doc: Doc,
    /// Broken although it may fit.
    pub(super) forced: bool,
    /// When it does not fit, its lines stay while what stands in them breaks.
    pub(super) hugs: bool,
}

/// How a piece is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Nothing breaks but what is forced to.
    Flat,
    /// Its own lines do not break, groups in it may.
    Loose,
    Broken,
}

impl Doc {
    pub(super) fn text(text: impl Into<String>) -> Doc {
        Doc::Text(text.into())
    }

    pub(super) fn indent(self) -> Doc {
        Doc::Indent(Rc::new(self))
    }

    pub(super) fn group(self) -> Doc {
        self.group_with(false, false)
    }

    pub(super) fn group_with(self, forced: bool, hugs: bool) -> Doc {
        Doc::Group(Rc::new(Group {
            doc: self,
            forced,
            hugs,
        }))
    }

    /// Whether it holds a line break wherever it is printed.
    pub(super) fn breaks(&self) -> bool {
        match self {
            Doc::Hard | Doc::Blank | Doc::Comment(_) | Doc::Lines(..) | Doc::Verbatim(_) => true,
            Doc::Concat(docs) => docs.iter().any(Doc::breaks),
            Doc::Indent(doc) => doc.breaks(),
            Doc::Group(group) => group.forced || group.doc.breaks(),
            Doc::Text(_) | Doc::Space | Doc::Line | Doc::Soft | Doc::Separator(_) => false,
        }
    }

    /// The text on one line, unless it has several.
    pub(super) fn flat(&self) -> Option<String> {
        if self.breaks() {
            return None;
        }
        let mut printer = Printer {
            width: usize::MAX,
            ..Printer::default()
        };
        printer.print(self, Mode::Flat);
        Some(printer.out)
    }

    /// The text within the width.
    pub(super) fn print(&self) -> String {
        let mut printer = Printer {
            width: WIDTH,
            ..Printer::default()
        };
        printer.print(self, Mode::Broken);
        printer.out
    }
}

#[derive(Default)]
struct Printer {
    out: String,
    width: usize,
    column: usize,
    /// Blanks that are written when a text follows.
    blanks: usize,
    /// Whether a comment was written, so that only a line break may follow.
    ends_line: bool,
}

type Command<'d> = (usize, Mode, &'d Doc);

impl Printer {
    fn print(&mut self, doc: &Doc, mode: Mode) {
        let mut commands: Vec<Command<'_>> = vec![(0, mode, doc)];
        while let Some((indent, mode, doc)) = commands.pop() {
            match doc {
                Doc::Text(text) => self.text(indent, text),
                Doc::Space => self.blanks += 1,
                Doc::Line if mode == Mode::Broken => self.newline(indent),
                Doc::Line => self.blanks += 1,
                Doc::Soft if mode == Mode::Broken => self.newline(indent),
                Doc::Soft => {}
                Doc::Separator(comma) if mode == Mode::Broken => {
                    if *comma {
                        self.text(indent, ",");
                    }
                }
                Doc::Separator(_) => {
                    self.text(indent, ",");
                    self.blanks += 1;
                }
                Doc::Hard => self.newline(indent),
                Doc::Blank => {
                    self.newline(indent);
                    self.out.truncate(self.out.trim_end_matches(' ').len());
                    self.column = 0;
                    self.out.push('\n');
                    self.start_line(indent);
                }
                Doc::Comment(text) => {
                    self.blanks += 1;
                    self.text(indent, text);
                    self.ends_line = true;
                }
                Doc::Lines(first, rest) => {
                    self.text(indent, first);
                    for line in rest {
                        self.out.push('\n');
                        self.column = 0;
                        if let Some((depth, line)) = line {
                            let depth = indent + STEP + depth;
                            self.out.extend(std::iter::repeat_n(' ', depth));
                            self.out.push_str(line);
                            self.column = depth + line.chars().count();
                        }
                    }
                }
                Doc::Verbatim(text) => {
                    self.text(indent, text);
                    self.column = text.rsplit('\n').next().unwrap_or("").chars().count();
                }
                Doc::Concat(docs) => commands.extend(docs.iter().rev().map(|doc| (indent, mode, doc))),
                Doc::Indent(doc) => {
                    let deeper = if mode == Mode::Broken { indent + STEP } else { indent };
                    commands.push((deeper, mode, doc));
                }
                Doc::Group(group) => {
                    let mode = self.mode(mode, group, &commands);
                    commands.push((indent, mode, &group.doc));
                }
            }
        }
    }

    fn mode(&self, around: Mode, group: &Group, rest: &[Command<'_>]) -> Mode {
        if group.forced {
            return if group.hugs { Mode::Loose } else { Mode::Broken };
        }
        if around == Mode::Flat {
            return Mode::Flat;
        }
        if self.fits(Mode::Flat, &group.doc, rest) {
            return if group.doc.breaks() { Mode::Loose } else { Mode::Flat };
        }
        if group.hugs && self.fits(Mode::Loose, &group.doc, rest) {
            return Mode::Loose;
        }
        Mode::Broken
    }

    /// Whether what comes up to the next line break fits on this line.
    fn fits(&self, mode: Mode, doc: &Doc, rest: &[Command<'_>]) -> bool {
        let Some(mut left) = self.width.checked_sub(self.column + self.blanks) else {
            return false;
        };
        let mut rest = rest.iter().rev();
        let mut commands = vec![(mode, doc)];
        let mut take = |width: usize| match left.checked_sub(width) {
            Some(less) => {
                left = less;
                true
            }
            None => false,
        };
        loop {
            let Some((mode, doc)) = commands.pop() else {
                match rest.next() {
                    Some((_, mode, doc)) => commands.push((*mode, doc)),
                    None => return true,
                }
                continue;
            };
            let fits = match doc {
                Doc::Text(text) => take(text.chars().count()),
                Doc::Space => take(1),
                Doc::Line | Doc::Soft if mode == Mode::Broken => return true,
                Doc::Line => take(1),
                Doc::Soft => true,
                Doc::Separator(comma) if mode == Mode::Broken => take(usize::from(*comma)),
                Doc::Separator(_) => take(2),
                Doc::Hard | Doc::Blank | Doc::Comment(_) => return true,
                Doc::Lines(first, _) => return take(first.chars().count()),
                Doc::Verbatim(text) => return take(text.lines().next().unwrap_or("").chars().count()),
                Doc::Concat(docs) => {
                    commands.extend(docs.iter().rev().map(|doc| (mode, doc)));
                    true
                }
                Doc::Indent(doc) => {
                    commands.push((mode, doc));
                    true
                }
                Doc::Group(group) => {
                    let mode = match (group.forced, mode) {
                        (false, Mode::Flat) => Mode::Flat,
                        _ if group.hugs => Mode::Loose,
                        _ => Mode::Broken,
                    };
                    commands.push((mode, &group.doc));
                    true
                }
            };
            if !fits {
                return false;
            }
        }
    }

    fn text(&mut self, indent: usize, text: &str) {
        if self.ends_line {
            self.newline(indent);
        }
        self.out.extend(std::iter::repeat_n(' ', self.blanks));
        self.column += self.blanks + text.chars().count();
        self.blanks = 0;
        self.out.push_str(text);
    }

    fn newline(&mut self, indent: usize) {
        self.blanks = 0;
        self.ends_line = false;
        // Two breaks in a row are one: an empty line is asked for by name.
        let line = self.out.rsplit('\n').next().unwrap_or("");
        if line.trim_matches(' ').is_empty() {
            let end = self.out.len() - line.len();
            self.out.truncate(end);
        } else {
            self.out.push('\n');
        }
        self.start_line(indent);
    }

    fn start_line(&mut self, indent: usize) {
        self.column = indent;
        self.out.extend(std::iter::repeat_n(' ', indent));
    }
}
