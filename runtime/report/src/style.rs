//! The few styles of ktl's text. Nothing is said by colour alone.

use anstyle::{AnsiColor, Style};

/// What a line is about.
pub const STRONG: Style = Style::new().bold();
/// What matters less.
pub const FAINT: Style = Style::new().dimmed();
/// Went well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Did not go well.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Deserves a look.
pub const WARN: Style = AnsiColor::Yellow.on_default();

/// The text in a style.
pub fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}
