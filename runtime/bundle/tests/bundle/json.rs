use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ktl_bundle::{Failure, StepId, open_bytes};
use serde_json::{Value, json};

use crate::fixture::trust;
use crate::forge::{Forge, PAYLOAD_TYPE, dsse, refused};

fn statement_text() -> String {
    String::from_utf8(Forge::new().statement_bytes()).unwrap()
}

fn plan_text() -> String {
    String::from_utf8(Forge::new().plan).unwrap()
}

/// Once, or the test tests nothing.
#[track_caller]
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1)
}

/// The same text in many other forms; a signature over any of them changes nothing.
fn other_forms(text: &str) -> Vec<String> {
    vec![
        format!(" {text}"),
        format!("{text}\n"),
        format!("\u{feff}{text}"),
        format!("{text}{text}"),
        text.replacen(',', ", ", 1),
        text.replacen(':', ": ", 1),
        text.replacen('{', "{\"a\":1,\"a\":1,", 1),
        text.replacen('{', "{\"\\u0061\":1,\"a\":1,", 1),
        text.replacen('{', "{\"A\":1,", 1),
        text.replacen('/', "\\/", 1),
        text.replacen("shop", "\\u0073hop", 1),
        text.replacen("shop", "sho\u{0}p", 1),
        text.replacen("shop", "e\u{301}shop", 1),
        text[..text.len() - 1].to_owned(),
        text[1..].to_owned(),
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        format!("{}{}", "[".repeat(129), "]".repeat(129)),
        "[".repeat(1_000_000),
    ]
}

#[test]
fn the_statement_has_one_form() {
    for other in other_forms(&statement_text()) {
        let bundle = Forge::new().build_with_statement(other.as_bytes());
        let error = open_bytes(&bundle, &trust()).unwrap_err();
        assert_eq!(error.step(), StepId::Statement, "{error}");
        assert!(
            matches!(error.failure(), Failure::Malformed | Failure::Limit),
            "{error}"
        );
    }
}

#[test]
fn the_plan_has_one_form() {
    for other in other_forms(&plan_text()) {
        let mut forge = Forge::new();
        forge.plan = other.into_bytes();
        let error = open_bytes(&forge.build(), &trust()).unwrap_err();
        assert_eq!(error.step(), StepId::Plan, "{error}");
        assert!(
            matches!(error.failure(), Failure::Malformed | Failure::Limit),
            "{error}"
        );
    }
}

#[test]
fn numbers_have_one_form() {
    for number in [
        "6.0",
        "6e0",
        "06",
        "-0",
        "1e400",
        "9007199254740993",
        "18446744073709551616",
        "\"6\"",
        "-6",
    ] {
        let to = format!("\"concurrency\":{number}");
        let text = replaced(&statement_text(), "\"concurrency\":6", &to);
        refused(
            &Forge::new().build_with_statement(text.as_bytes()),
            StepId::Statement,
            Failure::Malformed,
        );
        let text = replaced(&plan_text(), "\"concurrency\":8", &to);
        let mut forge = Forge::new();
        forge.plan = text.into_bytes();
        refused(&forge.build(), StepId::Plan, Failure::Malformed);
    }
}

#[test]
fn keys_stand_once_at_every_depth() {
    let text = statement_text();
    for (from, to) in [
        ("\"stack\":\"shop\"", "\"stack\":\"shop\",\"stack\":\"evil\""),
        ("\"concurrency\":6", "\"concurrency\":6,\"concurrency\":600"),
        ("\"ktl\":\"0.1.0\"", "\"ktl\":\"0.1.0\",\"ktl\":\"0.1.0\""),
        ("\"extensions\":{}", "\"extensions\":{\"a\":1,\"a\":2}"),
        (
            "\"extensions\":{}",
            "\"extensions\":{\"a\":{\"b\":[{\"c\":1,\"c\":1}]}}",
        ),
        ("\"sha256\":\"", "\"sha256\":\"\",\"sha256\":\""),
    ] {
        let text = replaced(&text, from, to);
        refused(
            &Forge::new().build_with_statement(text.as_bytes()),
            StepId::Statement,
            Failure::Malformed,
        );
    }
}

#[test]
fn unknown_members_are_refused_everywhere_but_in_extensions() {
    let paths = [
        "",
        "/predicate",
        "/predicate/runtime",
        "/predicate/render",
        "/subject/0",
        "/subject/0/digest",
        "/predicate/entries/0",
    ];
    for path in paths {
        let mut statement: Value = serde_json::from_str(&statement_text()).unwrap();
        statement.pointer_mut(path).unwrap()["zzz"] = json!(1);
        let bytes = serde_json::to_vec(&statement).unwrap();
        refused(
            &Forge::new().build_with_statement(&bytes),
            StepId::Statement,
            Failure::Malformed,
        );
    }
    let mut forge = Forge::new();
    forge.statement["predicate"]["extensions"] = json!({ "acme/freeze": { "until": "2027-01-01T00:00:00Z" } });
    let opened = open_bytes(&forge.build(), &trust()).unwrap();
    assert_eq!(
        opened.warnings,
        ["extensions of the bundle that this ktl does not know: \"acme/freeze\""]
    );
    forge.statement["predicate"]["extensions"] = json!({ "a": 1.5 });
    refused(&forge.build(), StepId::Statement, Failure::Malformed);

    let mut plan: Value = serde_json::from_str(&plan_text()).unwrap();
    plan["releases"][0]["zzz"] = json!(1);
    let mut forge = Forge::new();
    forge.plan = serde_json::to_vec(&plan).unwrap();
    refused(&forge.build(), StepId::Plan, Failure::Malformed);
}

#[test]
fn older_and_newer_statements_are_refused() {
    let cases: &[(&str, Value)] = &[
        ("/_type", json!("https://in-toto.io/Statement/v0.1")),
        ("/predicateType", json!("https://ktl.dev/attestation/sealed-plan/v0")),
        ("/predicateType", json!("https://ktl.dev/attestation/trust/v1")),
        ("/predicateType", json!("https://slsa.dev/provenance/v1")),
        ("/predicate/format", json!("ktl.bundle/v0")),
        ("/predicate/format", json!("KTL.bundle/v1")),
        ("/predicate/critical", json!(["notAfter"])),
        ("/predicate/critical", json!(["stack", "target"])),
        ("/predicate/runtime/concurrency", json!(0)),
        ("/predicate/runtime/failMode", json!("ignore")),
        ("/predicate/command", json!("Apply")),
        ("/predicate/command", json!("shell")),
    ];
    for (path, value) in cases {
        let mut forge = Forge::new();
        *forge.statement.pointer_mut(path).unwrap() = value.clone();
        refused(&forge.build(), StepId::Statement, Failure::Malformed);
    }
    let mut forge = Forge::new();
    forge.statement["predicate"]["critical"] = json!(["environment", "stack"]);
    assert!(open_bytes(&forge.build(), &trust()).is_ok());
    forge.statement["predicate"]
        .as_object_mut()
        .unwrap()
        .remove("environment");
    refused(&forge.build(), StepId::Statement, Failure::Malformed);
}

#[test]
fn the_statement_and_the_plan_agree() {
    for (path, value) in [
        ("stack", json!("other")),
        ("environment", json!("test")),
        ("render", json!({ "ktl": "9" })),
    ] {
        let mut forge = Forge::new();
        forge.statement["predicate"][path] = value;
        refused(&forge.build(), StepId::Plan, Failure::Malformed);
    }
}

#[test]
fn entries_and_subject_agree() {
    let forge = Forge::new();
    let statement: Value = serde_json::from_slice(&forge.statement_bytes()).unwrap();
    let change = |change: &dyn Fn(&mut Value)| {
        let mut statement = statement.clone();
        change(&mut statement);
        refused(
            &forge.build_with_statement(&serde_json::to_vec(&statement).unwrap()),
            StepId::Statement,
            Failure::Malformed,
        );
    };
    let zero = json!("0".repeat(64));
    change(&|statement| statement["subject"][0]["digest"]["sha256"] = zero.clone());
    change(&|statement| statement["subject"][2]["name"] = json!("other.tar"));
    change(&|statement| drop(statement["subject"].as_array_mut().unwrap().pop()));
    change(&|statement| statement["subject"].as_array_mut().unwrap().reverse());
    change(&|statement| statement["predicate"]["entries"].as_array_mut().unwrap().reverse());
    change(&|statement| drop(statement["predicate"]["entries"].as_array_mut().unwrap().pop()));
    change(&|statement| statement["predicate"]["entries"][0]["files"] = json!(1));
    change(&|statement| {
        drop(
            statement["predicate"]["entries"][1]
                .as_object_mut()
                .unwrap()
                .remove("tarSize"),
        )
    });
    change(&|statement| statement["predicate"]["entries"][1]["sha256"] = json!("A".repeat(64)));
    change(&|statement| statement["predicate"]["entries"][1]["size"] = json!(-1));
}

#[test]
fn the_envelope_has_one_form() {
    let forge = Forge::new();
    let statement = forge.statement_bytes();
    let text = String::from_utf8(forge.attestation(&statement)).unwrap();
    for other in other_forms(&text).into_iter().filter(|other| *other != text) {
        let error = open_bytes(&forge.build_with_attestation(other.as_bytes()), &trust()).unwrap_err();
        assert_eq!(error.step(), StepId::Envelope, "{error}");
    }
    let payload = STANDARD.encode(&statement);
    let sig = STANDARD.encode(dsse(&[7; 32], PAYLOAD_TYPE, &statement));
    let envelope = |payload: &str, sig: &str| {
        let text = json!({ "payload": payload, "payloadType": PAYLOAD_TYPE, "signatures": [{ "sig": sig }] });
        forge.build_with_attestation(&serde_json::to_vec(&text).unwrap())
    };
    assert!(open_bytes(&envelope(&payload, &sig), &trust()).is_ok());
    let wrapped = format!("{}\n{}", &payload[..64], &payload[64..]);
    let unpadded = sig.trim_end_matches('=');
    let cases = [
        (wrapped.as_str(), sig.as_str()),
        (&payload, unpadded),
        (&payload, ""),
        (&payload, "AAAA"),
        (&payload, &sig[..sig.len() - 4]),
        ("!", &sig),
    ];
    for (payload, sig) in cases {
        refused(&envelope(payload, sig), StepId::Envelope, Failure::Malformed);
    }
}

#[test]
fn bodies_have_no_second_meaning() {
    let bodies = [
        r#"{"apiVersion":"v1","kind":"ConfigMap","kind":"ConfigMap","metadata":{"name":"api"}}"#,
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"api","name":"api"}}"#,
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"\u006eame":"api"}}"#,
        r#"{"apiVersion":"v1", "kind":"ConfigMap","metadata":{"name":"api"}}"#,
        r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"api"}}"#,
        r#"[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"api"}}]"#,
        "",
        "\u{0}",
    ];
    for body in bodies {
        let mut forge = Forge::new();
        let mut plan: Value = serde_json::from_slice(&forge.plan).unwrap();
        let digest = ktl_plan::Digest::of(body.as_bytes());
        let old = plan["releases"][1]["objects"][0]["digest"]
            .as_str()
            .unwrap()
            .trim_start_matches("sha256:")
            .to_owned();
        plan["releases"][1]["objects"][0]["digest"] = json!(digest.to_string());
        forge.plan = serde_json::to_vec(&plan).unwrap();
        forge.files.retain(|(path, _)| !path.contains(&old));
        forge
            .files
            .push((format!("objects/{}.json", digest.hex()), body.as_bytes().to_vec()));
        forge.files.sort();
        refused(&forge.build(), StepId::Plan, Failure::Malformed);
    }
}

#[test]
fn plans_that_cannot_be_executed_are_refused() {
    let change = |change: &dyn Fn(&mut Value)| {
        let mut forge = Forge::new();
        let mut plan: Value = serde_json::from_slice(&forge.plan).unwrap();
        change(&mut plan);
        forge.plan = serde_json::to_vec(&plan).unwrap();
        refused(&forge.build(), StepId::Plan, Failure::Malformed).to_string()
    };
    assert!(change(&|plan| plan["edges"][0]["to"] = json!("main/shop/none")).contains("main/shop/none"));
    assert!(change(&|plan| plan["edges"][0]["to"] = plan["edges"][0]["from"].clone()).contains("cycle"));
    change(&|plan| plan["format"] = json!("ktl.plan/v0"));
    change(&|plan| plan["clusters"] = json!({}));
    change(&|plan| plan["runner"]["concurrency"] = json!(0));
    change(&|plan| plan["releases"][1]["objects"][0]["digest"] = json!(format!("sha256:{}", "0".repeat(64))));
    change(&|plan| plan["releases"][1]["objects"][0]["kind"] = json!("Secret"));
    change(&|plan| plan["sources"].as_array_mut().unwrap().reverse());
    change(&|plan| plan["releases"][1]["id"] = plan["releases"][0]["id"].clone());
}

#[test]
fn names_cannot_steer_a_terminal() {
    let evil = json!("\u{1b}[2J\u{202e}\u{9b}31m");
    let change = |failure, change: &dyn Fn(&mut Value)| {
        let mut forge = Forge::new();
        let mut plan: Value = serde_json::from_slice(&forge.plan).unwrap();
        change(&mut plan);
        forge.plan = serde_json::to_vec(&plan).unwrap();
        let error = refused(&forge.build(), StepId::Plan, failure);
        assert!(error.to_string().contains("\\u{1b}[2J\\u{202e}\\u{9b}31m"), "{error}");
    };
    change(Failure::DigestMismatch, &|plan| {
        plan["sources"][0]["path"] = evil.clone()
    });
    change(Failure::Malformed, &|plan| plan["edges"][0]["to"] = evil.clone());
    change(Failure::Malformed, &|plan| {
        plan["releases"][0]["cluster"] = evil.clone()
    });
    change(Failure::Malformed, &|plan| plan["format"] = evil.clone());
}
