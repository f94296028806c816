//! A shell session with `ktl` in its path.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use regex::Regex;

/// A temporary directory, and where the session is in it.
pub struct Session {
    directory: tempfile::TempDir,
    at: PathBuf,
}

/// How a command ended.
pub struct Ran {
    /// What it printed, standard error among standard output, with the session's directory as `[dir]`.
    pub output: String,
    /// Its exit code.
    pub code: i32,
}

impl Session {
    /// A session in a new, empty directory.
    ///
    /// # Panics
    /// When there can be none.
    #[expect(clippy::new_without_default, reason = "it makes a directory, which no default does")]
    pub fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("ktl-")
            .tempdir()
            .expect("there is a place for temporary files");
        let at = directory.path().to_owned();
        Session { directory, at }
    }

    /// Where it began. The directory goes when the session does.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file, and the folders that it is in.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, place: &str, text: &str) {
        let path = self.at.join(place);
        let folder = path.parent().expect("it is in the session's directory");
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .unwrap_or_else(|error| panic!("cannot write `{}`: {error}", path.display()));
    }

    /// Runs a command by `sh`, without a terminal and without input. `cd` stays in effect.
    ///
    /// # Panics
    /// When there is no shell, or `cd` leads nowhere.
    pub fn run(&mut self, command: &str) -> Ran {
        if let Some(place) = command.strip_prefix("cd ") {
            self.at = self.at.join(place);
            assert!(self.at.is_dir(), "`{command}` leads nowhere");
            return Ran {
                output: String::new(),
                code: 0,
            };
        }
        // A pipe for both, so that lines come in the order in which they were written.
        let mut shell = self.command("sh");
        let output = shell
            .args(["-c", &format!("{{ {command}\n}} 2>&1")])
            .output()
            .unwrap_or_else(|error| panic!("cannot run `{command}`: {error}"));
        let output_text = String::from_utf8(output.stdout).expect("ktl prints UTF-8");
        Ran {
            output: output_text.replace(&*self.directory().to_string_lossy(), "[dir]"),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// A program, in the session's place and environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let binary = crate::binary::ktl().parent().expect("a binary is in a directory");
        let mut path = OsString::from(binary);
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.directory())
            .env("TMPDIR", self.directory())
            // Midsummer 2026: what ends on a day, as waivers do, does not end for a test.
            .env("SOURCE_DATE_EPOCH", "1782000000")
            .current_dir(&self.at)
            .stdin(Stdio::null());
        command
    }
}

impl Ran {
    /// The output as a page shows it, with the exit code if the command failed.
    pub fn transcript(&self) -> String {
        let mut text = self.output.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str("[no end of line]\n");
        }
        if self.code != 0 {
            text.push_str(&format!("[exit {}]\n", self.code));
        }
        text
    }
}

/// Text without what differs from run to run: digests, ids of keys and runs, times, ports, sizes
/// of files, numbers that the system has for errors.
pub fn shape(text: &str) -> String {
    static SHAPES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (r"\b[0-9a-f]{64}\b", "[digest]"),
            (r"\bktl1:[a-z2-7]{26}\b", "ktl1:[key]"),
            (r"\b\d+ bytes\b", "[n] bytes"),
            (r"\(os error \d+\)", "(os error [n])"),
            (r"\b20\d{6}-\d{6}-[0-9a-f]{4}\b", "[run]"),
            (r"\b20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?Z", "[time]"),
            (r"127\.0\.0\.1:\d{2,5}\b", "127.0.0.1:[port]"),
        ]
        .map(|(pattern, name)| (Regex::new(pattern).expect("it is a pattern"), name))
        .into()
    });
    let mut text = Cow::Borrowed(text);
    for (pattern, name) in SHAPES.iter() {
        text = Cow::Owned(pattern.replace_all(&text, *name).into_owned());
    }
    text.into_owned()
}
