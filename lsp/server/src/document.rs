//! An open document, and places in it as editors count them.

/// What a column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of UTF-16: what every editor knows.
    #[default]
    Utf16,
}

/// A place: both from 0, the column in units of the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub line: u32,
    pub column: u32,
}

/// A change: the text between two places is replaced, or all of it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub range: Option<(Point, Point)>,
    pub text: String,
}

impl Encoding {
    /// The place of a byte offset. `line_start` is the first byte of its line.
    pub fn point(self, text: &str, line: u32, line_start: u32, offset: u32) -> Point {
        let before = text.get(line_start as usize..offset as usize).unwrap_or("");
        let column = match self {
            Encoding::Utf8 => before.len(),
            Encoding::Utf16 => before.encode_utf16().count(),
        };
        Point {
            line,
            column: column as u32,
        }
    }

    /// The byte offset of a place. One beyond its line or the text is the end of that.
    pub fn offset(self, text: &str, point: Point) -> usize {
        let mut start = 0;
        for _ in 0..point.line {
            match text.get(start..).and_then(|rest| rest.find('\n')) {
                Some(newline) => start += newline + 1,
                None => return text.len(),
            }
        }
        let line = text.get(start..).unwrap_or("");
        let line = line.split('\n').next().unwrap_or("");
        let mut column = 0;
        for (at, char) in line.char_indices() {
            if column >= point.column {
                return start + at;
            }
            column += match self {
                Encoding::Utf8 => char.len_utf8(),
                Encoding::Utf16 => char.len_utf16(),
            } as u32;
        }
        start + line.len()
    }
}

/// Applies changes one after the other, each to what the one before left.
pub(crate) fn apply(text: &mut String, changes: Vec<Change>, encoding: Encoding) {
    for change in changes {
        match change.range {
            None => *text = change.text,
            Some((from, to)) => {
                let (from, to) = (encoding.offset(text, from), encoding.offset(text, to));
                text.replace_range(from.min(to)..from.max(to), &change.text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Encoding, Point, apply};

    fn edited(encoding: Encoding, text: &str, from: (u32, u32), to: (u32, u32), with: &str) -> String {
        let point = |(line, column)| Point { line, column };
        let mut text = text.to_owned();
        let change = Change {
            range: Some((point(from), point(to))),
            text: with.to_owned(),
        };
        apply(&mut text, vec![change], encoding);
        text
    }

    #[test]
    fn columns_count_units_of_the_encoding() {
        let text = "a\nx😀é = 1\n";
        assert_eq!(edited(Encoding::Utf16, text, (1, 3), (1, 4), "e"), "a\nx😀e = 1\n");
        assert_eq!(edited(Encoding::Utf8, text, (1, 5), (1, 7), "e"), "a\nx😀e = 1\n");
    }

    #[test]
    fn places_outside_the_text_are_its_ends() {
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            assert_eq!(edited(encoding, "ab\ncd", (9, 9), (9, 10), "!"), "ab\ncd!");
            assert_eq!(edited(encoding, "ab\ncd", (0, 99), (0, 99), "!"), "ab!\ncd");
            assert_eq!(edited(encoding, "ab\ncd", (1, 1), (0, 1), "!"), "a!d");
            // Within a character: before the next one.
            assert_eq!(edited(encoding, "😀b", (0, 1), (0, 1), "!"), "😀!b");
        }
    }

    #[test]
    fn offsets_and_points_agree() {
        let text = "a😀é\nb";
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            for (at, _) in text.char_indices() {
                let line = text[..at].matches('\n').count() as u32;
                let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1) as u32;
                let point = encoding.point(text, line, start, at as u32);
                assert_eq!(encoding.offset(text, point), at);
            }
        }
    }
}
