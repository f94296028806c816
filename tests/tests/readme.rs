//! Runs the console blocks of `README.md` beside a copy of the examples, as [`ktl_tests::transcript`] says, and compares the
//! stacks that it shows with the ones in `examples/`. `UPDATE=1` writes the output. What `docs/` shows of the language has to
//! compile and to be formatted, and its commands are run on it.
//!
//! A block below a line `<!-- set-up -->` is for a new machine, before `ktl` is there: `cargo run -- …` is run as
//! `ktl …` and has to succeed, `cargo test …` is what runs this suite, and anything else is refused.

use std::process::ExitCode;

use ktl_tests::files::{copy, entries, name, read};
use ktl_tests::root;
use ktl_tests::transcript::{Block, Page, Session, Step, compare};
use libtest_mimic::{Arguments, Failed, Trial, run};

const SET_UP: &str = "<!-- set-up -->\n";

fn main() -> ExitCode {
    let trials = vec![
        Trial::test("commands print what the page shows", commands),
        Trial::test("stacks are those of the examples", stacks),
        Trial::test("guides show what is so", guides),
    ];
    run(&Arguments::from_args(), trials).exit_code()
}

fn commands() -> Result<(), Failed> {
    let path = root().join("README.md");
    let text = read(&path);
    let mut session = Session::new();
    copy(&root().join("examples"), &session.directory().join("examples"));
    let (mut found, mut shown, mut set_up) = (String::new(), 0, 0);
    let mut exempt = false;
    for block in Page::parse(&text)?.blocks {
        match block {
            Block::Text(text) | Block::With(text, _) | Block::File(text, _, _) => {
                // The fence of the block follows the marker.
                exempt = text == SET_UP || (exempt && text.starts_with("```"));
                found.push_str(text);
            }
            Block::Console(steps) => {
                for step in steps {
                    if exempt {
                        set_up += 1;
                        first_steps(&step, &mut session)?;
                        found.push_str(step.line);
                        found.push_str(step.output);
                    } else {
                        shown += 1;
                        found.push_str(&step.replay(&mut session, str::to_owned));
                    }
                }
            }
        }
    }
    if shown == 0 || set_up == 0 {
        return Err(format!("the page shows {set_up} commands to set up and {shown} others").into());
    }
    compare(&path, &text, &found)?;
    Ok(())
}

fn first_steps(step: &Step, session: &mut Session) -> Result<(), Failed> {
    if let Some(arguments) = step.command.strip_prefix("cargo run -- ") {
        let ran = session.run(&format!("ktl {arguments}"));
        if ran.code != 0 {
            return Err(format!("`{}` ends with {}:\n{}", step.command, ran.code, ran.output).into());
        }
        return Ok(());
    }
    if step.command.starts_with("cargo test ") {
        return Ok(());
    }
    Err(format!("`{}` does not set anything up", step.command).into())
}

fn stacks() -> Result<(), Failed> {
    let text = read(&root().join("README.md"));
    let mut compared = 0;
    for block in Page::parse(&text)?.blocks {
        let Block::Text(text) = block else { continue };
        let body = text
            .strip_prefix("```ktl\n")
            .and_then(|body| body.strip_suffix("```\n"));
        let Some(body) = body.filter(|body| body.starts_with("stack ")) else {
            continue;
        };
        let name = body.split_whitespace().nth(1).unwrap_or_default();
        let example = read(&root().join("examples").join(name).join("stack.ktl"));
        if body != example {
            return Err(format!("the page's `{name}` is not `examples/{name}/stack.ktl`").into());
        }
        compared += 1;
    }
    if compared == 0 {
        return Err("the page shows no stack".into());
    }
    Ok(())
}

fn guides() -> Result<(), Failed> {
    let mut checked = 0;
    for page in entries(&root().join("docs")) {
        let mut session = Session::new();
        let text = read(&page);
        let mut found = String::new();
        // A block without a header of its own goes on where the one before it on the page ended.
        let mut stack = "stack guide edition 1 { namespace: \"guide\" }\n".to_owned();
        for block in Page::parse(&text)?.blocks {
            match block {
                Block::With(text, _) => found.push_str(text),
                Block::File(text, place, body) => {
                    session.write(place, body);
                    found.push_str(text);
                }
                Block::Text(text) => {
                    found.push_str(text);
                    let body = text
                        .strip_prefix("```ktl\n")
                        .and_then(|body| body.strip_suffix("```\n"));
                    let Some(body) = body else { continue };
                    if body.lines().any(|line| line.starts_with("stack ")) {
                        stack.clear();
                    } else {
                        stack.push('\n');
                    }
                    stack.push_str(body);
                    session.write("stack.ktl", &stack);
                    for command in ["ktl check", "ktl fmt --check"] {
                        let ran = session.run(command);
                        if ran.code != 0 {
                            let name = name(&page);
                            return Err(format!("`{command}` on a block of {name}:\n{body}\n{}", ran.output).into());
                        }
                    }
                    checked += 1;
                }
                Block::Console(steps) => {
                    for step in steps {
                        found.push_str(&step.replay(&mut session, str::to_owned));
                    }
                }
            }
        }
        compare(&page, &text, &found)?;
    }
    if checked == 0 {
        return Err("the guides show nothing of the language".into());
    }
    Ok(())
}
