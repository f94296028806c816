//! Console sessions written down in Markdown, run for real.
//!
//! | in the page | what it does |
//! |---|---|
//! | a block ` ```… file=PATH ` | writes its text to `PATH` |
//! | `<!-- with PATH -->` | copies `PATH` of the repository to the same place |
//! | a block ` ```console ` | runs each line that begins with `$ ` by `sh`, and compares what it prints |
//! | `[exit N]` | the exit code, after the output; without it the command has to succeed |
//! | a line `…` | any lines |
//!
//! Every page has an empty directory of its own and an environment without settings. Standard output and standard error
//! come as they would on a terminal. What differs from run to run is compared by its shape: see [`shape`].

mod page;
mod session;

pub use page::{Block, Page, Step, matches};
pub use session::{Ran, Session, shape};

use std::path::Path;

/// Runs a page from its beginning.
///
/// # Errors
/// What is different from what the page says. With `UPDATE=1` the page is written instead.
///
/// # Panics
/// When files cannot be read or written.
pub fn run(path: &Path) -> Result<(), String> {
    let text = crate::files::read(path);
    let page = Page::parse(&text)?;
    let mut session = Session::new();
    let mut found = String::new();
    let mut commands = 0;
    for block in page.blocks {
        match block {
            Block::Text(text) => found.push_str(text),
            Block::With(text, place) => {
                found.push_str(text);
                crate::files::copy(&crate::root().join(place), &session.directory().join(place));
            }
            Block::File(text, place, body) => {
                found.push_str(text);
                session.write(place, body);
            }
            Block::Console(steps) => {
                for step in steps {
                    commands += 1;
                    found.push_str(&step.replay(&mut session, shape));
                }
            }
        }
    }
    if commands == 0 {
        return Err("the page runs nothing".to_owned());
    }
    compare(path, &text, &found)
}

/// The text as it stands against the text as it should be; writes the latter with `UPDATE=1`.
///
/// # Errors
/// The difference.
///
/// # Panics
/// When the file cannot be written.
pub fn compare(path: &Path, stands: &str, found: &str) -> Result<(), String> {
    if stands == found {
        return Ok(());
    }
    if crate::update() {
        std::fs::write(path, found).unwrap_or_else(|error| panic!("cannot write `{}`: {error}", path.display()));
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(stands, found);
    let diff = diff
        .unified_diff()
        .context_radius(4)
        .header("expected", "found")
        .to_string();
    Err(format!(
        "{}\n{diff}\n`UPDATE=1` writes what was found; read the difference before keeping it",
        path.display()
    ))
}
