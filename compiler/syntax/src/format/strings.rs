//! Strings: spelt as they are written, with blanks in order inside `${ }`, and block strings moved to the depth of the
//! line they start on.

use super::doc::Doc;
use super::layout;
use super::tree::Piece;

/// A string in quotes.
pub(super) fn string(quotes: &str, pieces: &[Piece<'_>]) -> Doc {
    let mut text = quotes.to_owned();
    let mut fixed = false;
    for piece in pieces {
        match piece {
            Piece::Text(part) => text.push_str(part),
            Piece::Hole(item, written) => match layout::flat(item).filter(|_| !written.contains('\n')) {
                Some(inner) => text.extend(["${", &inner, "}"]),
                None => {
                    // Its lines are no lines of the string.
                    fixed |= written.contains('\n');
                    text.push_str(written);
                }
            },
        }
    }
    text.push_str(quotes);
    if fixed { Doc::Verbatim(text) } else { block(&text) }
}

/// A raw string, quotes included.
pub(super) fn raw(text: &str) -> Doc {
    block(text)
}

/// The indentation that all lines share is no part of a block string, so it follows the code around it.
fn block(text: &str) -> Doc {
    // A carriage return before a line break is no part of the string.
    let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let first = lines.next().unwrap_or("").to_owned();
    let lines: Vec<&str> = lines.collect();
    if lines.is_empty() {
        return Doc::Text(first);
    }
    let blanks = |line: &str| line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let shared = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| blanks(line))
        .min()
        .unwrap_or(0);
    let rest = lines
        .iter()
        .map(|line| {
            let rest = line.get(shared.min(blanks(line))..).unwrap_or("");
            (!rest.is_empty()).then(|| (0, rest.to_owned()))
        })
        .collect();
    Doc::Lines(first, rest)
}
