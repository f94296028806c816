//! The parts of a page, and what was expected against what was printed.

use super::session::{Session, shape};

/// A Markdown page, cut into what is run and what is not. Put together again, the parts are the page.
pub struct Page<'a> {
    /// In their order.
    pub blocks: Vec<Block<'a>>,
}

/// A part of a page, with its text.
pub enum Block<'a> {
    /// Anything that is not run.
    Text(&'a str),
    /// A path of the repository to copy.
    With(&'a str, &'a str),
    /// A file to write: the text of the page, the path, the contents.
    File(&'a str, &'a str, &'a str),
    /// The commands of a console block.
    Console(Vec<Step<'a>>),
}

/// A command and what it prints.
pub struct Step<'a> {
    /// What is given to `sh`.
    pub command: String,
    /// The line or lines of the command, as they are in the page.
    pub line: &'a str,
    /// The lines up to the next command.
    pub output: &'a str,
}

impl<'a> Page<'a> {
    /// Cuts a page.
    ///
    /// # Errors
    /// When a block does not end, or a console block begins with something that is no command.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        let mut blocks = Vec::new();
        let mut rest = text;
        while let Some((line, after)) = first_line(rest) {
            let (block, end) = if let Some(info) = line.trim_end().strip_prefix("```") {
                let length = after
                    .split_inclusive('\n')
                    .scan(0, |at, line| {
                        let start = *at;
                        *at += line.len();
                        Some((start, line))
                    })
                    .find(|(_, line)| line.trim_end() == "```")
                    .map(|(start, _)| start)
                    .ok_or_else(|| format!("the block that begins with `{}` does not end", line.trim_end()))?;
                let (body, closing) = after.split_at(length);
                let (fence, end) = first_line(closing).expect("the closing line was found");
                let (whole, _) = rest.split_at(rest.len() - end.len());
                if info == "console" {
                    blocks.push(Block::Text(line));
                    blocks.push(Block::Console(steps(body)?));
                    (Block::Text(fence), end)
                } else if let Some((_, file)) = info.split_once(" file=") {
                    (Block::File(whole, file, body), end)
                } else {
                    (Block::Text(whole), end)
                }
            } else {
                let path = line.trim_end().strip_prefix("<!-- with ");
                match path.and_then(|path| path.strip_suffix(" -->")) {
                    Some(path) => (Block::With(line, path), after),
                    None => (Block::Text(line), after),
                }
            };
            blocks.push(block);
            rest = end;
        }
        Ok(Page { blocks })
    }
}

fn first_line(text: &str) -> Option<(&str, &str)> {
    let line = text.split_inclusive('\n').next()?;
    text.split_at_checked(line.len())
}

fn steps(body: &str) -> Result<Vec<Step<'_>>, String> {
    let mut steps = Vec::new();
    let mut rest = body;
    while let Some((first, _)) = first_line(rest) {
        if !first.starts_with("$ ") {
            return Err(format!(
                "a console block begins with a command, not with `{}`",
                first.trim_end()
            ));
        }
        let mut command_length = 0;
        for line in rest.split_inclusive('\n') {
            command_length += line.len();
            if !line.trim_end().ends_with('\\') {
                break;
            }
        }
        let (line, after) = rest.split_at(command_length);
        let output_length = after
            .split_inclusive('\n')
            .take_while(|line| !line.starts_with("$ "))
            .map(str::len)
            .sum();
        let (output, next) = after.split_at(output_length);
        let command = line.trim_start_matches("$ ").trim_end().to_owned();
        steps.push(Step { command, line, output });
        rest = next;
    }
    Ok(steps)
}

impl Step<'_> {
    /// Runs it, and returns what the page should say: what it says where that fits, else what was printed, as `show`
    /// puts it.
    pub fn replay(&self, session: &mut Session, show: impl Fn(&str) -> String) -> String {
        let printed = session.run(&self.command).transcript();
        let output = if matches(self.output, &printed) {
            self.output.to_owned()
        } else {
            show(&printed)
        };
        format!("{}{output}", self.line)
    }
}

/// Whether output is as expected: the same shape, where a line `…` stands for any lines.
pub fn matches(expected: &str, printed: &str) -> bool {
    let (expected, printed) = (shape(expected), shape(printed));
    let expected: Vec<&str> = expected.lines().collect();
    let printed: Vec<&str> = printed.lines().collect();
    lines_match(&expected, &printed)
}

fn lines_match(expected: &[&str], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((&"…", rest)) => (1..=printed.len()).any(|skip| {
            let (_, printed) = printed.split_at(skip);
            lines_match(rest, printed)
        }),
        Some((line, rest)) => printed
            .split_first()
            .is_some_and(|(first, printed)| first == line && lines_match(rest, printed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_put_together_is_the_page() {
        let text = "# A\n\n```ktl file=a.ktl\nstack\n```\n<!-- with examples/shop -->\n```console\n$ a \\\n  b\nout\n$ c\n```\nend";
        let page = Page::parse(text).unwrap();
        let mut again = String::new();
        let mut commands = Vec::new();
        for block in &page.blocks {
            match block {
                Block::Text(text) | Block::With(text, _) | Block::File(text, _, _) => again.push_str(text),
                Block::Console(steps) => {
                    for step in steps {
                        again.push_str(step.line);
                        again.push_str(step.output);
                        commands.push(step.command.as_str());
                    }
                }
            }
        }
        assert_eq!(again, text);
        assert_eq!(commands, ["a \\\n  b", "c"]);
    }

    #[test]
    fn an_ellipsis_is_one_line_or_more() {
        assert!(matches("a\n…\nd\n", "a\nb\nc\nd\n"));
        assert!(matches("a\n…\n", "a\nb\n"));
        assert!(!matches("a\n…\nd\n", "a\nd\n"));
        assert!(!matches("a\n", "a\nb\n"));
        assert!(!matches("", "a\n"));
    }
}
