use std::io::Read;
use std::sync::Arc;

use flate2::read::{GzDecoder, MultiGzDecoder};
use ktl_bundle::{
    Command, Failure, Limits, Outcome, SealError, StepId, Trust, open, open_bytes, seal, sign, sign_file,
    write_atomically,
};
use ktl_plan::{Digest, FailMode};
use serde_json::json;

use crate::fixture::{key, object, other_key, request, signed, trust};
use crate::forge::refused_by;

#[test]
fn what_was_sealed_comes_out() {
    let request = request();
    let sealed = seal(&request).unwrap();
    let opened = open_bytes(&signed(), &trust()).unwrap();
    assert_eq!(opened.plan, request.plan);
    assert_eq!(opened.objects, request.objects);
    assert_eq!(opened.sources, request.sources);
    assert_eq!(opened.content_digest, sealed.content_digest);
    assert_eq!(opened.plan_digest, Digest::of(&sealed.plan_json));
    assert_eq!(opened.signers, [key().public().id()]);
    assert_eq!(opened.warnings, Vec::<String>::new());
    let predicate = opened.statement.predicate;
    assert_eq!(
        (predicate.stack.as_str(), predicate.environment.as_deref()),
        ("shop", Some("prod"))
    );
    assert_eq!((predicate.command, predicate.runtime.concurrency), (Command::Apply, 6));
    assert_eq!(predicate.runtime.fail_mode, FailMode::FailFast);
}

#[test]
fn sealing_twice_gives_identical_bytes() {
    let (first, second) = (seal(&request()).unwrap(), seal(&request()).unwrap());
    assert_eq!(first, second);
    assert_eq!(first.bundle(), second.bundle());
    assert_eq!(
        sign(&first.bundle(), &key()).unwrap(),
        sign(&second.bundle(), &key()).unwrap()
    );
    // What is sealed today must be sealed to the same bytes tomorrow.
    assert_eq!(
        first.content_digest.to_string(),
        "sha256:64334e2414b865090420b5a03f670d98ac3299b03d743ac01c3fde8cb8044e2a"
    );
}

#[test]
fn every_input_reaches_the_bytes() {
    let base = seal(&request()).unwrap().bundle();
    let mut delete = request();
    delete.command = Command::Delete;
    let mut fewer = request();
    fewer.concurrency = 5;
    let mut goes_on = request();
    goes_on.fail_mode = FailMode::Continue;
    let mut other_profile = request();
    other_profile.plan.profile = None;
    for changed in [delete, fewer, goes_on, other_profile] {
        assert_ne!(seal(&changed).unwrap().bundle(), base);
    }
}

#[test]
fn the_verdict_has_every_step_in_order() {
    let opened = open_bytes(&signed(), &trust()).unwrap();
    let ids: Vec<_> = opened.verdict.steps.iter().map(|step| step.id).collect();
    assert_eq!(ids, StepId::ALL);
    let outcome = |id| opened.verdict.steps.iter().find(|step| step.id == id).unwrap().outcome;
    for id in [
        StepId::TrustRule,
        StepId::Time,
        StepId::Sequence,
        StepId::Target,
        StepId::Policy,
    ] {
        assert_eq!(outcome(id), Outcome::NotConfigured);
    }
    let passed = opened
        .verdict
        .steps
        .iter()
        .filter(|step| step.outcome == Outcome::Passed)
        .count();
    assert_eq!(passed, StepId::ALL.len() - 5);
    let json = serde_json::to_value(&opened.verdict).unwrap();
    assert_eq!(json["steps"][7]["id"], "trust-rule");
    assert_eq!(json["steps"][7]["outcome"], "not-configured");

    let error = refused_by(b"", &trust(), StepId::Gzip, Failure::Malformed);
    let outcomes: Vec<_> = error.verdict().steps.iter().map(|step| step.outcome).collect();
    assert_eq!(outcomes[..3], [Outcome::Passed, Outcome::Failed, Outcome::Skipped]);
    assert_eq!(error.exit_code(), 26);
}

#[test]
fn any_tar_and_gzip_see_the_same_files() {
    fn list(tar: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut archive = tar::Archive::new(tar);
        let read = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
            let mut entry = entry.unwrap();
            let mut body = Vec::new();
            entry.read_to_end(&mut body).unwrap();
            (entry.path().unwrap().to_str().unwrap().to_owned(), body)
        };
        archive.entries().unwrap().map(read).collect()
    }
    fn gunzip(bytes: &[u8]) -> Vec<u8> {
        let (mut one, mut many) = (Vec::new(), Vec::new());
        GzDecoder::new(bytes).read_to_end(&mut one).unwrap();
        MultiGzDecoder::new(bytes).read_to_end(&mut many).unwrap();
        assert_eq!(one, many);
        one
    }
    let mut request = request();
    let long = format!("{}/{}/values.yaml", "charts".repeat(16), "b".repeat(60));
    request.sources.insert(long.clone(), Arc::from(&b"a: 1\n"[..]));
    request.plan.sources.push(ktl_plan::SourceFile {
        path: long.clone(),
        digest: Digest::of(b"a: 1\n"),
    });
    request.plan.sources.sort();
    let sealed = seal(&request).unwrap();
    let outer = list(&gunzip(&sealed.bundle()));
    let names: Vec<_> = outer.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(names, ["ktl-bundle", "attestation.json", "plan.json", "inputs.tar.gz"]);
    assert_eq!(outer[1].1, sealed.attestation_json);
    assert_eq!(outer[2].1, sealed.plan_json);
    let opened = open_bytes(&sealed.bundle(), &Trust::none()).unwrap();
    let inner = list(&gunzip(&outer[3].1));
    assert_eq!(inner.len(), opened.objects.len() + opened.sources.len());
    assert!(opened.sources.contains_key(&long));
    for (path, body) in inner {
        match path.strip_prefix("sources/") {
            Some(source) => assert_eq!(*opened.sources[source], *body),
            None => assert_eq!(path, format!("objects/{}.json", Digest::of(&body).hex())),
        }
    }
}

#[test]
fn an_empty_plan_and_a_large_one() {
    let mut empty = request();
    (empty.plan.releases, empty.plan.edges, empty.plan.sources) = (vec![], vec![], vec![]);
    empty.sources.clear();
    let opened = open_bytes(&seal(&empty).unwrap().bundle(), &Trust::none()).unwrap();
    assert_eq!((opened.objects.len(), opened.sources.len()), (0, 0));

    // More than one block of the outer file, and blocks that end where it does.
    let mut large = request();
    let text: Vec<u8> = (0..70_000_u32)
        .flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    for len in [65_535 * 4 - 1, 65_535 * 4, 65_535 * 4 + 1] {
        large.sources.insert("stack.ktl".to_owned(), Arc::from(&text[..len]));
        large
            .plan
            .sources
            .iter_mut()
            .find(|source| source.path == "stack.ktl")
            .unwrap()
            .digest = Digest::of(&text[..len]);
        let bundle = sign(&seal(&large).unwrap().bundle(), &key()).unwrap();
        assert_eq!(open_bytes(&bundle, &trust()).unwrap().sources, large.sources);
    }
}

#[test]
fn what_cannot_be_sealed_says_why() {
    let mut missing = request();
    missing.sources.remove("stack.ktl");
    let error = seal(&missing).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the plan was made from `stack.ktl`, which is not among the sources"
    );

    let mut changed = request();
    changed.sources.insert("stack.ktl".to_owned(), Arc::from(&b"other"[..]));
    assert!(matches!(seal(&changed).unwrap_err(), SealError::SourceChanged { .. }));

    let mut extra = request();
    extra.sources.insert("extra.ktl".to_owned(), Arc::from(&b""[..]));
    assert_eq!(
        seal(&extra).unwrap_err(),
        SealError::SourceUnknown("extra.ktl".to_owned())
    );

    let mut body = request();
    body.objects.values_mut().for_each(|body| *body = Arc::from(&b"{}"[..]));
    assert!(matches!(seal(&body).unwrap_err(), SealError::BodyChanged(_)));

    let mut none = request();
    none.objects.clear();
    assert!(matches!(seal(&none).unwrap_err(), SealError::Invalid(_)));

    let mut still = request();
    still.concurrency = 0;
    assert!(seal(&still).unwrap_err().to_string().contains("at least 1 rollout"));

    let mut number = request();
    number.plan.releases[0].timeout_ms = Some(u64::MAX);
    let error = seal(&number).unwrap_err().to_string();
    assert!(error.ends_with("at `/releases/0/timeoutMs`"), "{error}");
}

#[test]
fn bodies_are_the_objects_that_the_plan_says() {
    let cases = [
        ("v1", "Secret", "db", json!({})),
        ("v2", "ConfigMap", "db", json!({})),
        ("v1", "ConfigMap", "other", json!({})),
        (
            "v1",
            "ConfigMap",
            "db",
            json!({ "metadata": { "name": "db", "namespace": "kube-system" } }),
        ),
    ];
    for (api_version, kind, name, members) in cases {
        let mut request = request();
        request.plan.releases[0].objects[0].digest =
            object(&mut request.objects, api_version, kind, name, members).digest;
        let error = seal(&request).unwrap_err().to_string();
        assert!(error.contains("is not the object that the plan says"), "{error}");
    }
}

#[test]
fn several_sign_in_any_order_and_once() {
    let bundle = seal(&request()).unwrap().bundle();
    let one = sign(&bundle, &key()).unwrap();
    let both = sign(&one, &other_key()).unwrap();
    assert_eq!(sign(&sign(&bundle, &other_key()).unwrap(), &key()).unwrap(), both);
    assert_eq!(sign(&both, &key()).unwrap(), both);
    assert_ne!(one, both);
    let trust = Trust::public_keys(vec![key().public(), other_key().public()]);
    let signers = open_bytes(&both, &trust).unwrap().signers;
    assert_eq!(signers.len(), 2);
    assert!(signers.is_sorted());
}

#[test]
fn files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/shop.tgz");
    write_atomically(&path, &seal(&request()).unwrap().bundle()).unwrap();
    assert_eq!(open(&path, &trust()).unwrap_err().exit_code(), 20);
    sign_file(&path, &key()).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), signed());
    assert_eq!(open(&path, &trust()).unwrap().plan, request().plan);
    assert_eq!(
        std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
        1,
        "nothing temporary is left"
    );

    // The name of the file decides nothing.
    let renamed = folder.path().join("..odd name.zip");
    std::fs::rename(&path, &renamed).unwrap();
    assert_eq!(
        open(&renamed, &trust()).unwrap().verdict,
        open_bytes(&signed(), &trust()).unwrap().verdict
    );

    let missing = open(&path, &trust()).unwrap_err();
    assert_eq!(
        (missing.step(), missing.failure(), missing.exit_code()),
        (StepId::Open, Failure::Unreadable, 3)
    );
    let broken = folder.path().join("broken.tgz");
    std::fs::write(&broken, &signed()[..100]).unwrap();
    assert!(sign_file(&broken, &key()).is_err());
    assert_eq!(
        std::fs::read(&broken).unwrap(),
        signed()[..100],
        "a refused file is left as it was"
    );
}

#[cfg(unix)]
#[test]
fn only_plain_files_are_opened_and_nothing_waits() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.tgz");
    std::fs::write(&file, signed()).unwrap();
    let link = folder.path().join("link.tgz");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let pipe = folder.path().join("pipe.tgz");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    for path in [link, pipe, folder.path().to_owned(), "/dev/zero".into()] {
        let error = open(&path, &trust()).unwrap_err();
        assert_eq!(
            (error.step(), error.failure()),
            (StepId::Open, Failure::Malformed),
            "{error}"
        );
    }
}

#[test]
fn exit_codes() {
    let codes = Failure::ALL.map(Failure::exit_code);
    assert_eq!(codes, [3, 20, 21, 22, 26, 27, 29]);
}

#[test]
fn limits() {
    let bundle = signed();
    let limits = Limits::default;
    let cases: Vec<(Limits, StepId)> = vec![
        (
            Limits {
                bundle: bundle.len() as u64 - 1,
                ..limits()
            },
            StepId::Open,
        ),
        (
            Limits {
                attestation: 100,
                ..limits()
            },
            StepId::Envelope,
        ),
        (
            Limits {
                statement: 100,
                ..limits()
            },
            StepId::Envelope,
        ),
        (
            Limits {
                signatures: 0,
                ..limits()
            },
            StepId::Envelope,
        ),
        (Limits { json: 100, ..limits() }, StepId::Entries),
        (
            Limits {
                inputs: 100,
                ..limits()
            },
            StepId::Entries,
        ),
        (
            Limits {
                unpacked: 1024,
                ..limits()
            },
            StepId::Inner,
        ),
        (Limits { files: 4, ..limits() }, StepId::Inner),
        (Limits { file: 10, ..limits() }, StepId::Inner),
    ];
    for (limits, step) in cases {
        let error = refused_by(&bundle, &trust().within(limits), step, Failure::Limit);
        assert_eq!(error.exit_code(), 29);
    }
    let exact = Limits {
        bundle: bundle.len() as u64,
        files: 5,
        signatures: 1,
        ..limits()
    };
    assert!(open_bytes(&bundle, &trust().within(exact)).is_ok());
}
