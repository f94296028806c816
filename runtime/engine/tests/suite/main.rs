//! The engine against the simulated cluster, with the clock paused and nothing mocked above HTTP.
//!
//! Each file under `scenarios/` holds the releases of a plan and steps with what is expected of them.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod clusters;
mod faults;
mod harness;
mod listener;
mod plan;
mod unreachable;

use std::fs;
use std::path::Path;

use harness::Scenario;

#[test]
fn every_scenario_ends_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 10, "only {} scenarios were found", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let scenario: Scenario =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.file_stem().unwrap_or_default().display().to_string();
        let (first, second) = (harness::play(&scenario), harness::play(&scenario));
        wrong.extend(first.complaints.iter().map(|complaint| format!("{name}: {complaint}")));
        if first.log != second.log {
            let differs = first.log.iter().zip(&second.log).find(|(one, other)| one != other);
            wrong.push(format!("{name}: the same seed gives another event log: {differs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
