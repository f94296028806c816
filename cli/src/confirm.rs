//! Asking before the cluster changes.

use std::io::{BufRead, IsTerminal, Write};

use crate::error::{Failure, Outcome};
use crate::exit::Exit;

/// Goes on when `--yes` was given or the person says `yes`; without a terminal nobody can be asked.
pub fn confirm(yes: bool, question: &str) -> Outcome {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        let message = "this changes a cluster, and nobody is here to be asked";
        return Err(Failure::new(Exit::Usage, message).help("pass `--yes`"));
    }
    anstream::eprint!("{question} Only `yes` is taken as yes: ");
    let mut answer = String::new();
    let asked = std::io::stderr()
        .flush()
        .and_then(|()| std::io::stdin().lock().read_line(&mut answer));
    match asked {
        Ok(_) if answer.trim() == "yes" => Ok(()),
        Ok(_) => Err(Failure::new(Exit::RunCancelled, "nothing was done")),
        Err(error) => Err(Failure::new(Exit::File, format!("cannot read the answer: {error}"))),
    }
}
