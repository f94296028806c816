//! Numbers and durations as people write them, and text that says what it is.

use std::borrow::Cow;

/// The text with every character escaped that would move the cursor, colour a terminal, turn the direction of reading or
/// not be seen: names and messages come from plans and clusters, which anybody may have written.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_hidden(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Control characters, line and paragraph separators, and those that format without being seen.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// `1 release`, `2 releases`.
pub fn count(number: usize, word: &str) -> String {
    if number == 1 {
        format!("1 {word}")
    } else {
        format!("{number} {word}s")
    }
}

/// `0.4s`, `12.3s`, `4m 05s`, `1h 02m`.
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    if seconds < 60 {
        format!("{seconds}.{}s", milliseconds % 1000 / 100)
    } else if seconds < 3600 {
        format!("{}m {:02}s", seconds / 60, seconds % 60)
    } else {
        format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60)
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_well() {
        assert_eq!(count(1, "release"), "1 release");
        assert_eq!(count(0, "release"), "0 releases");
        assert_eq!(duration(999), "0.9s");
        assert_eq!(duration(61_000), "1m 01s");
        assert_eq!(duration(3_720_000), "1h 02m");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn hides_nothing() {
        assert_eq!(visible("größer / 東京 \u{1f680}"), "größer / 東京 \u{1f680}");
        assert_eq!(visible("a\u{1b}[31mb\nc\td\u{9b}e"), "a\\u{1b}[31mb\\nc\\td\\u{9b}e");
        assert_eq!(visible("a\u{202e}b\u{2066}c\u{200b}"), "a\\u{202e}b\\u{2066}c\\u{200b}");
    }
}
