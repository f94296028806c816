//! Runs every page below `tests/transcripts` as [`ktl_tests::transcript`] says. `UPDATE=1` writes what is found.

use std::path::Path;
use std::process::ExitCode;

use ktl_tests::files::{entries, name};
use ktl_tests::transcript;
use libtest_mimic::{Arguments, Trial, run};

fn main() -> ExitCode {
    let pages = entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts"));
    assert!(!pages.is_empty(), "there are no transcripts");
    let trials = pages
        .into_iter()
        .map(|page| {
            Trial::test(name(&page).trim_end_matches(".md").to_owned(), move || {
                transcript::run(&page).map_err(Into::into)
            })
        })
        .collect();
    run(&Arguments::from_args(), trials).exit_code()
}
