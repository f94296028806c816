//! Readiness over a corpus: each file under `readiness/` holds objects with the verdicts that are expected.

use std::fs;
use std::path::Path;

use ktl_cluster::readiness::evaluate;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    object: Value,
    state: String,
    evidence: String,
}

#[test]
fn every_object_of_the_corpus_is_judged_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readiness");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let (mut judged, mut wrong) = (0, Vec::new());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let cases: Vec<Case> =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for case in cases {
            judged += 1;
            let verdict = evaluate(&case.object);
            let (state, evidence) = (verdict.state.to_string(), verdict.evidence);
            if state != case.state || evidence != case.evidence {
                let file = file.file_name().unwrap_or_default().display().to_string();
                wrong.push(format!("{file}: {}: {state}: {evidence}", case.name));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {judged} judged otherwise:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(judged > 50, "only {judged} objects were found");
}
