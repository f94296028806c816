//! Compares rendering with what real Helm wrote down. `update.py` next to this file makes the expectations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ktl_chart::{Chart, ChartError, RenderRequest, Rendered};
use ktl_gotmpl::Limits;
use serde_json::Value as Json;

type Files = BTreeMap<String, Arc<[u8]>>;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests read their data from disk")]
    let listing = std::fs::read_dir(folder).expect("the folder of test data is there");
    let mut found: Vec<PathBuf> = listing
        .map(|entry| entry.expect("the folder can be listed").path())
        .collect();
    found.sort();
    found
}

#[expect(clippy::disallowed_methods, reason = "tests read their data from disk")]
fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read_json(path: &Path) -> Json {
    serde_json::from_slice(&read(path)).expect("test data is JSON")
}

fn collect(root: &Path, folder: &Path, files: &mut Files) {
    for path in entries(folder) {
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path
                .strip_prefix(root)
                .expect("the walk starts at the root")
                .to_string_lossy()
                .replace('\\', "/");
            files.insert(name, read(&path).into());
        }
    }
}

fn chart_of(files: &[(&str, &str)]) -> Files {
    let mut all: Files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().into()))
        .collect();
    all.entry("Chart.yaml".to_owned()).or_insert_with(|| {
        b"apiVersion: v2\nname: c\nversion: 0.1.0\nappVersion: 1.2.3\n"
            .as_slice()
            .into()
    });
    all
}

fn render(files: &Files, request: &RenderRequest) -> Result<Rendered, ChartError> {
    Chart::load(files)?.render(request)
}

fn request(values: Json) -> RenderRequest {
    RenderRequest {
        release_name: "r".to_owned(),
        namespace: "ns".to_owned(),
        values,
        ..RenderRequest::default()
    }
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
                report += &format!(
                    "\n{name}: {template}\n  helm {}: {:?}\n   ktl {}: {:?}\n",
                    expected.0, expected.1, found.0, found.1
                );
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
                let mut found: BTreeMap<String, String> = rendered
                    .manifests
                    .iter()
                    .map(|manifest| (manifest.template.clone(), manifest.text.clone()))
                    .collect();
                if let Some(notes) = &rendered.notes {
                    found.insert(
                        format!("{}/templates/NOTES.txt", case["chart"].as_str().unwrap()),
                        notes.clone(),
                    );
                }
                let mut expected: BTreeMap<String, String> = serde_json::from_value(expected.clone()).unwrap();
                // Helm renders the notes of sub-charts too, and shows them to nobody.
                expected.retain(|path, _| !(path.contains("/charts/") && path.ends_with("NOTES.txt")));
                for path in found.keys().chain(expected.keys()) {
                    if found.get(path) != expected.get(path) {
                        report += &format!(
                            "\n{name}: {path}\n--- helm\n{:#?}\n--- ktl\n{:#?}\n",
                            expected.get(path),
                            found.get(path)
                        );
                    }
                }
                if let Err(error) = rendered.objects() {
                    report += &format!("\n{name}: objects: {error}\n");
                }
            }
            (Err(error), None) if *case.get("ktl").unwrap_or(&golden["error"]) == error.to_string() => {}
            (Err(error), _) => report += &format!("\n{name}: ktl: {error}\n  helm: {golden}\n"),
            (Ok(_), None) => report += &format!("\n{name}: ktl rendered it\n  helm: {golden}\n"),
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn objects_come_in_install_order_with_their_place() {
    let mut files = Files::new();
    let root = here().join("charts/web");
    collect(&root, &root, &mut files);
    let request = RenderRequest {
        release_name: "demo".to_owned(),
        ..RenderRequest::default()
    };
    let rendered = render(&files, &request).unwrap();
    let objects = rendered.objects().unwrap();
    let found: Vec<String> = objects
        .iter()
        .map(|object| {
            let (kind, name) = (&object.body["kind"], &object.body["metadata"]["name"]);
            let hook = object
                .hook
                .as_ref()
                .map(|hook| format!(" {:?} {}", hook.events, hook.weight))
                .unwrap_or_default();
            format!(
                "{} {} {}:{}{hook}",
                kind.as_str().unwrap(),
                name.as_str().unwrap(),
                object.template,
                object.line
            )
        })
        .collect();
    let expected = [
        "ServiceAccount demo-web web/templates/service.yaml:27",
        "Secret demo-web web/templates/config.yaml:48",
        "ConfigMap demo-web-config web/templates/config.yaml:1",
        "ConfigMap item-0 web/templates/list.yaml:1",
        "ConfigMap item-1 web/templates/list.yaml:1",
        "Service demo-web web/templates/service.yaml:1",
        "Deployment demo-web web/templates/deployment.yaml:1",
        "HorizontalPodAutoscaler demo-web web/templates/hpa.yml:2",
        "Ingress demo-web web/templates/ingress.yaml:1",
        "Pod demo-ping web/templates/tests/ping.yaml:1 [\"test\"] 0",
        "Job demo-migrate web/templates/jobs.yaml:1 [\"pre-install\", \"pre-upgrade\"] -5",
    ];
    assert_eq!(found, expected);
    let port = &objects
        .iter()
        .find(|object| object.body["kind"] == "Service")
        .unwrap()
        .body["spec"]["ports"][0]["port"];
    assert!(port.is_u64(), "whole numbers are integers, not {port}");
    assert_eq!(rendered.crd_objects().unwrap().len(), 1);
}

#[test]
fn a_package_renders_like_its_directory() {
    let mut files = Files::new();
    let root = here().join("charts/umbrella");
    collect(&root, &root, &mut files);
    let package = |files: &Files, name: &str| {
        let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (path, data) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            builder
                .append_data(&mut header, format!("{name}/{path}"), data.as_ref())
                .unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    };
    let expected = render(&files, &request(Json::Null)).unwrap();
    let packed = Chart::load_archive(&package(&files, "umbrella"))
        .unwrap()
        .render(&request(Json::Null))
        .unwrap();
    assert_eq!(packed.manifests, expected.manifests);
    // The same with one sub-chart as a package.
    let (database, mut others): (Files, Files) = files
        .clone()
        .into_iter()
        .partition(|(path, _)| path.starts_with("charts/db/"));
    let database = database
        .into_iter()
        .map(|(path, data)| (path.replace("charts/db/", ""), data))
        .collect();
    others.insert("charts/db-1.0.5.tgz".to_owned(), package(&database, "db").into());
    assert_eq!(
        render(&others, &request(Json::Null)).unwrap().manifests,
        expected.manifests
    );
    let broken = Chart::load_archive(b"no package").unwrap_err();
    assert_eq!(broken.to_string(), "the package cannot be read: invalid gzip header");
}

/// The error for one template, or what it rendered.
fn outcome(template: &str) -> String {
    let limits = Limits {
        steps: 500_000,
        bytes: 16 << 20,
        cells: 200_000,
        ..Limits::default()
    };
    let request = RenderRequest {
        limits,
        ..request(Json::Null)
    };
    match render(&chart_of(&[("templates/x.yaml", template)]), &request) {
        Ok(rendered) => match rendered.objects() {
            Ok(objects) => format!("{} objects", objects.len()),
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    }
}

#[test]
fn hostile_charts_end_with_an_error() {
    let deep = |open: &str, close: &str, count: usize| format!("{}1{}", open.repeat(count), close.repeat(count));
    let cases: Vec<(String, &str)> = vec![
        (r#"{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}"#.into(), "templates execute more than 1500 deep"),
        (r#"{{ define "a" }}{{ include "b" . }}{{ end }}{{ define "b" }}{{ include "a" . }}{{ end }}{{ include "a" . }}"#.into(),
         "templates execute more than 1500 deep"),
        (r#"{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}"#.into(), "rendering template has a nested reference name: a"),
        (r#"{{ $t := "{{ tpl .t . }}" }}{{ tpl $t (dict "t" $t) }}"#.into(), "templates execute more than 1500 deep"),
        (r#"{{ $t := "{{ tpl .t . }}{{ tpl .t . }}x" }}{{ tpl $t (dict "t" $t) }}"#.into(), "templates execute more than 1500 deep"),
        (r#"{{ define "a" }}{{ range until 1000 }}{{ range until 1000 }}{{ range until 1000 }}{{ end }}{{ end }}{{ end }}{{ end }}{{ include "a" . }}"#.into(),
         "rendering makes lists of more than 200000 elements"),
        ("{{ range 1000000000 }}{{ end }}".into(), "rendering takes more than 500000 steps"),
        ("{{ until 1000000000 }}".into(), "rendering makes lists of more than 200000 elements"),
        ("{{ untilStep 0 9223372036854775807 1 }}".into(), "rendering makes lists of more than 200000 elements"),
        ("{{ len (until 100000) }}".into(), "the rendered text is no object"),
        (r#"{{ repeat 1000000000 "ab" }}"#.into(), "rendering makes more than 16777216 bytes of text"),
        (r#"{{ indent 1000000000 "ab" }}"#.into(), "rendering makes more than 16777216 bytes of text"),
        (r#"{{ $s := repeat 1000 "a" }}{{ range until 40 }}{{ $s = replace "a" "aa" $s }}{{ end }}"#.into(),
         "rendering makes more than 16777216 bytes of text"),
        (r#"{{ $s := "ab" }}{{ range until 60 }}{{ $s = print $s $s }}{{ end }}"#.into(),
         "rendering makes more than 16777216 bytes of text"),
        (r#"{{ $l := list 1 }}{{ range until 60 }}{{ $l = list $l $l $l }}{{ end }}{{ toYaml $l }}{{ toJson $l }}{{ $l }}"#.into(), ""),
        (r#"{{ $d := dict }}{{ $_ := set $d "self" $d }}{{ toYaml $d }}{{ toJson $d }}{{ deepCopy $d }}"#.into(), "nested more than 200 deep"),
        (r#"{{ $d := dict }}{{ $_ := set $d "self" $d }}{{ merge (dict "self" (deepCopy (dict))) $d }}"#.into(), ""),
        (deep("{{ if true }}", "{{ end }}", 100_000), "actions are nested more than 500 deep"),
        (format!("{{{{ {} }}}}", deep("(", ")", 100_000)), "max expression depth exceeded"),
        (format!("{{{{ if true }}}}{}{{{{ end }}}}", "{{ else if true }}".repeat(10_000)), "actions are nested more than 500 deep"),
        (format!("a: {}", deep("[", "]", 100_000)), "recursion limit exceeded"),
        (format!("a: {}", deep("[", "]", 150)), "collections are nested more than 100 deep"),
        (format!("a: {}", deep("{x: ", "}", 150)), "collections are nested more than 100 deep"),
        ("a: &a [x, x]\nb: &b [*a, *a]\n".to_owned() + &(0..40).map(|i| format!("c{i}: &c{i} [{}]\n", if i == 0 { "*b, *b".to_owned() } else { format!("*c{}, *c{}, *c{}", i - 1, i - 1, i - 1) })).collect::<String>(),
         "the text holds more than 1000000 values"),
        ("a: &a [*a]".into(), "c/templates/x.yaml:1:8: the rendered text is no valid YAML"),
        ("kind: A\napiVersion: v1\n---\n\nkind: B\n  bad: [\n".into(), "c/templates/x.yaml:6:"),
        ("kind: A\napiVersion: v1\n---\n- just\n- a list\n".into(), "c/templates/x.yaml:4: the rendered text is no object"),
        ("kind: A\n".into(), "c/templates/x.yaml:1: the rendered object has no `apiVersion`"),
        ("{{ genCA \"ca\" 365 }}".into(), "`genCA` makes a secret at render time"),
        ("{{ now | date \"2006\" }}".into(), "`now` gives another result each time"),
        ("{{ regexReplaceAll \"a*\" (repeat 1000000 \"b\") (repeat 10000 \"c\") }}".into(), "rendering makes more than 16777216 bytes"),
        ("{{ regexMatch \"(a{1000}){1000}\" \"a\" }}".into(), "the rendered text is no object"),
        ("{{ printf \"%999999999d\" 1 }}".into(), ""),
        ("{{ nindent -1 \"a\" }}".into(), "strings: negative Repeat count"),
    ];
    let mut report = String::new();
    for (template, expected) in &cases {
        let found = outcome(template);
        let shown: String = template.chars().take(120).collect();
        if !found.contains(expected) {
            let found: String = found.chars().take(600).collect();
            report += &format!("\n{shown}\n  expected {expected:?}\n  found    {found:?}\n");
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn broken_charts_name_the_file() {
    type Case<'c> = (Vec<(&'c str, &'c [u8])>, &'c str);
    let cases: Vec<Case<'_>> = vec![
        (
            vec![("values.yaml", b"a: 1")],
            "Chart.yaml: the file is missing, so this is no chart",
        ),
        (vec![("Chart.yaml", b"name: a\nversion: [")], "Chart.yaml:3:1: "),
        (vec![("Chart.yaml", b"name: a")], "Chart.yaml: `version` is required"),
        (
            vec![("Chart.yaml", b"name: a\nversion: x.y")],
            "Chart.yaml: the version `x.y` is no semantic version, such as `1.2.3`",
        ),
        (
            vec![("Chart.yaml", b"name: ../a\nversion: 1.0.0")],
            "Chart.yaml: the name `../a` is not allowed",
        ),
        (
            vec![
                ("Chart.yaml", b"name: a\nversion: 1.0.0"),
                ("templates/x.yaml", b"a\nb\xff"),
            ],
            "templates/x.yaml:2: the file is not UTF-8 text",
        ),
        (
            vec![("Chart.yaml", b"name: a\nversion: 1.0.0"), ("values.yaml", b"- a")],
            "values.yaml:1:1: values must be a mapping of names to values",
        ),
        (
            vec![
                ("Chart.yaml", b"name: a\nversion: 1.0.0"),
                ("values.yaml", b"a: {\nb: 1"),
            ],
            "values.yaml:",
        ),
        (
            vec![
                ("Chart.yaml", b"name: a\nversion: 1.0.0"),
                ("charts/b/Chart.yaml", b"name: b"),
            ],
            "charts/b/Chart.yaml: `version` is required",
        ),
        (
            vec![("Chart.yaml", b"name: a\nversion: 1.0.0"), ("charts/b.tgz", b"junk")],
            "charts/b.tgz: the package cannot be read",
        ),
        (
            vec![("Chart.yaml", b"name: a\nversion: 1.0.0"), (".helmignore", b"ok\na/**")],
            ".helmignore:2: `**` is not supported in ignore rules",
        ),
        (
            vec![("Chart.yaml", b"name: a\nversion: 1.0.0\ntype: library")],
            "Chart.yaml: the chart is a library",
        ),
        (
            vec![("Chart.yaml", b"name: a\nversion: 1.0.0\nkubeVersion: '<1.20'")],
            "Chart.yaml: the chart requires Kubernetes `<1.20`",
        ),
    ];
    for (files, expected) in cases {
        let files: Files = files
            .into_iter()
            .map(|(path, data)| (path.to_owned(), data.into()))
            .collect();
        let found = render(&files, &request(Json::Null))
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(found.starts_with(expected), "expected {expected:?}, found {found:?}");
    }
}
