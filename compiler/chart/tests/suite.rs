//! Compares rendering with what real Helm wrote down. `update.py` next to this file makes the expectations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ktl_chart::{Chart, ChartError, RenderRequest, Rendered};
use serde_json::Value as Json;

type Files = BTreeMap<String, Arc<[u8]>>;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests read their data from disk")]
    let listing = std::fs::read_dir(folder).unwrap();
    let mut found: Vec<PathBuf> = listing.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

#[expect(clippy::disallowed_methods, reason = "tests read their data from disk")]
fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read_json(path: &Path) -> Json {
    serde_json::from_slice(&read(path)).unwrap()
}

fn collect(root: &Path, folder: &Path, files: &mut Files) {
    for path in entries(folder) {
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            files.insert(name, read(&path).into());
        }
    }
}

fn chart_of(files: &[(&str, &str)]) -> Files {
    let mut all: Files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().into())).collect();
    all.entry("Chart.yaml".to_owned())
        .or_insert_with(|| b"apiVersion: v2\nname: c\nversion: 0.1.0\nappVersion: 1.2.3\n".as_slice().into());
    all
}

fn render(files: &Files, request: &RenderRequest) -> Result<Rendered, ChartError> {
    Chart::load(files)?.render(request)
}

fn request(values: Json) -> RenderRequest {
    RenderRequest { release_name: "r".to_owned(), namespace: "ns".to_owned(), values, ..RenderRequest::default() }
}

#[test]
fn probes_match_helm() {
    let mut report = String::new();
    let (mut good, mut bad) = (0, 0);
    for path in entries(&here().join("probes")) {
        let suite = read_json(&path);
        let shared = suite["values"].as_str().unwrap_or_default();
        for probe in suite["probes"].as_array().unwrap() {
            let template = probe["template"].as_str().unwrap();
            let values = probe["values"].as_str().unwrap_or(shared);
            let files = chart_of(&[("values.yaml", values), ("templates/x.yaml", template)]);
            let found = match render(&files, &request(Json::Null)) {
                Ok(rendered) => ("output", rendered.manifests[0].text.clone()),
                Err(error) => ("error", error.to_string()),
            };
            // Where ktl differs on purpose, the probe says what it gives instead.
            let expected = match probe.get("ktl").or_else(|| probe.get("error")) {
                Some(error) => ("error", error.as_str().unwrap().to_owned()),
                None => ("output", probe["output"].as_str().unwrap().to_owned()),
            };
            if found == expected {
                good += 1;
            } else {
                bad += 1;
                let name = path.file_stem().unwrap().to_string_lossy();
                report += &format!("\n{name}: {template}\n  helm {}: {:?}\n   ktl {}: {:?}\n", expected.0, expected.1, found.0, found.1);
            }
        }
    }
    assert!(bad == 0, "{bad} of {} probes differ:{report}", good + bad);
    assert!(good > 400, "only {good} probes were found");
}

#[test]
fn charts_match_helm() {
    let mut report = String::new();
    let cases = read_json(&here().join("cases.json"));
    for case in cases.as_array().unwrap() {
        let name = case["case"].as_str().unwrap();
        let golden = read_json(&here().join("goldens").join(format!("{name}.json")));
        let mut files = Files::new();
        let root = here().join("charts").join(case["chart"].as_str().unwrap());
        collect(&root, &root, &mut files);
        let request = RenderRequest {
            release_name: case["name"].as_str().unwrap_or("release-name").to_owned(),
            namespace: case["namespace"].as_str().unwrap_or("default").to_owned(),
            values: case["values"].clone(),
            is_upgrade: case["is_upgrade"].as_bool().unwrap_or(false),
            revision: u32::try_from(case["revision"].as_u64().unwrap_or(1)).unwrap(),
            ..RenderRequest::default()
        };
        match (render(&files, &request), golden.get("manifests")) {
            (Ok(rendered), Some(expected)) => {
                let mut found: BTreeMap<String, String> =
                    rendered.manifests.iter().map(|manifest| (manifest.template.clone(), manifest.text.clone())).collect();
                if let Some(notes) = &rendered.notes {
                    found.insert(format!("{}/templates/NOTES.txt", case["chart"].as_str().unwrap()), notes.clone());
                }
                let expected: BTreeMap<String, String> = serde_json::from_value(expected.clone()).unwrap();
                for path in found.keys().chain(expected.keys()) {
                    if found.get(path) != expected.get(path) {
                        report += &format!("\n{name}: {path}\n--- helm\n{:#?}\n--- ktl\n{:#?}\n", expected.get(path), found.get(path));
                    }
                }
                if let Err(error) = rendered.objects() {
                    report += &format!("\n{name}: objects: {error}\n");
                }
            }
            (Err(error), None) if golden["error"] == error.to_string() => {}
            (Err(error), _) => report += &format!("\n{name}: ktl: {error}\n  helm: {golden}\n"),
            (Ok(_), None) => report += &format!("\n{name}: ktl rendered it\n  helm: {golden}\n"),
        }
    }
    assert!(report.is_empty(), "{report}");
}
