//! Which names a file in a bundle may have: those that mean the same on every system, to every tool.

use std::collections::BTreeSet;
use std::fmt;

const MAX_BYTES: usize = 240;
const MAX_COMPONENTS: usize = 16;
const MAX_COMPONENT_BYTES: usize = 99;

/// What is wrong with a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathProblem {
    /// Nothing there.
    Empty,
    /// `/a`, `a//b`, `a/`.
    EmptyComponent,
    /// `.`, `..`, `..a`, `a.`.
    Dots(String),
    /// A character outside `A-Z a-z 0-9 . _ + @ = -`, or one of the last four in front.
    Character(char),
    /// More than 240 bytes, or a component of more than 99.
    TooLong(usize),
    /// More than 16 components.
    TooDeep(usize),
    /// A name that is a device on Windows.
    Device(String),
    /// No `/` where the archive format could cut it in two.
    Uncuttable,
    /// The same as another one, or inside it, where upper and lower case do not count.
    Collides(String),
}

impl PathProblem {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            PathProblem::TooLong(_) | PathProblem::TooDeep(_) | PathProblem::Uncuttable => {
                "shorten the names of the file or its folders"
            }
            PathProblem::Collides(_) => "rename one of the two",
            _ => {
                "rename the file: names are made of `A-Z a-z 0-9 . _ + @ = -` and begin with a letter, a digit, `_` or one `.`"
            }
        }
    }
}

impl fmt::Display for PathProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathProblem::Empty => f.write_str("the path is empty"),
            PathProblem::EmptyComponent => f.write_str("the path begins or ends with `/`, or has two in a row"),
            PathProblem::Dots(name) => write!(f, "{name:?} begins with too many dots or ends with one"),
            PathProblem::Character(char) => write!(f, "{char:?} may not stand there"),
            PathProblem::TooLong(len) => write!(f, "{len} bytes are too long a name"),
            PathProblem::TooDeep(len) => write!(f, "{len} folders deep, at most {MAX_COMPONENTS} are possible"),
            PathProblem::Device(name) => write!(f, "{name:?} is a device on Windows"),
            PathProblem::Uncuttable => f.write_str("its names are too long in a row"),
            PathProblem::Collides(other) => write!(f, "it collides with {other:?}"),
        }
    }
}

/// Checks one path.
pub(crate) fn check(path: &str) -> Result<(), PathProblem> {
    if path.is_empty() {
        return Err(PathProblem::Empty);
    }
    if path.len() > MAX_BYTES {
        return Err(PathProblem::TooLong(path.len()));
    }
    let components = path.split('/').count();
    if components > MAX_COMPONENTS {
        return Err(PathProblem::TooDeep(components));
    }
    path.split('/').try_for_each(component)?;
    match cut(path) {
        Some(_) => Ok(()),
        None => Err(PathProblem::Uncuttable),
    }
}

fn component(name: &str) -> Result<(), PathProblem> {
    if name.is_empty() {
        return Err(PathProblem::EmptyComponent);
    }
    let plain = name.strip_prefix('.').unwrap_or(name);
    if plain.is_empty() || plain.starts_with('.') || plain.ends_with('.') {
        return Err(PathProblem::Dots(name.to_owned()));
    }
    let allowed = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '+' | '@' | '=' | '-');
    if let Some(char) = plain.chars().find(|char| !allowed(*char)) {
        return Err(PathProblem::Character(char));
    }
    if let Some(char) = plain
        .chars()
        .next()
        .filter(|char| matches!(char, '+' | '@' | '=' | '-'))
    {
        return Err(PathProblem::Character(char));
    }
    if plain.len() > MAX_COMPONENT_BYTES {
        return Err(PathProblem::TooLong(name.len()));
    }
    if is_device(name) {
        return Err(PathProblem::Device(name.to_owned()));
    }
    Ok(())
}

/// Windows opens the device whatever the ending.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    match stem.as_str() {
        "con" | "prn" | "aux" | "nul" => true,
        _ => match stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt")) {
            Some(number) => number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit()),
            None => false,
        },
    }
}

/// The two fields of a ustar header that hold a path: prefix and name. A short path has no prefix; a longer one is cut
/// at the first `/` that leaves a name that fits.
pub(crate) fn cut(path: &str) -> Option<(&str, &str)> {
    if path.len() <= 100 {
        return Some(("", path));
    }
    path.match_indices('/')
        .filter_map(|(at, _)| Some((path.get(..at)?, path.get(at + 1..)?)))
        .find(|(prefix, name)| prefix.len() <= 155 && name.len() <= 100)
}

/// The paths seen so far, each different from the others on a system that ignores case, and none inside another.
#[derive(Default)]
pub(crate) struct Seen {
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
}

impl Seen {
    pub fn add(&mut self, path: &str) -> Result<(), PathProblem> {
        check(path)?;
        let lower = path.to_ascii_lowercase();
        let folders: Vec<&str> = lower.match_indices('/').filter_map(|(at, _)| lower.get(..at)).collect();
        if self.files.contains(&lower) || self.folders.contains(&lower) {
            return Err(PathProblem::Collides(lower));
        }
        if let Some(file) = folders.iter().find(|folder| self.files.contains(**folder)) {
            return Err(PathProblem::Collides((*file).to_owned()));
        }
        self.folders.extend(folders.into_iter().map(str::to_owned));
        self.files.insert(lower);
        Ok(())
    }
}
