use std::sync::Arc;

use ktl_bundle::{Failure, SealError, StepId, seal};
use ktl_plan::{Digest, SourceFile};
use proptest::prelude::*;

use crate::fixture::request;
use crate::forge::{Forge, header, outer, padded, refused, tar};

/// Names that mean different things to different systems, or lead out of a folder.
const BAD: &[&str] = &[
    "",
    ".",
    "..",
    "/",
    "//",
    "./a",
    "a/.",
    "a/./b",
    "../evil",
    "../../../../etc/passwd",
    "a/../../evil",
    "a/../b",
    "a/..",
    "/abs",
    "//abs",
    "a//b",
    "a/",
    "...",
    ".../a",
    "..a",
    "a.",
    "a./b",
    "a..",
    "a ",
    " a",
    "a b",
    "a\tb",
    "a\nb",
    "a\rb",
    "a\u{1b}[31m",
    "a\u{7f}",
    "a\\b",
    "..\\evil",
    "C:\\a",
    "C:a",
    "\\\\host\\share",
    "a:b",
    "a*",
    "a?",
    "a\"b",
    "a<b",
    "a>b",
    "a|b",
    "a$b",
    "a`b",
    "a;b",
    "a'b",
    "a%2e%2e",
    "~",
    "~/a",
    "-rf",
    "--help",
    "=a",
    "+a",
    "@a",
    "CON",
    "con.txt",
    "a/NUL",
    "aux.c",
    "PRN",
    "Com1",
    "lpt9.log",
    "é",
    "e\u{301}",
    "\u{202e}gpj.exe",
    "a\u{200b}b",
    "ａ",
    "<script>",
];

const GOOD: &[&str] = &[
    "a",
    ".helmignore",
    "_helpers.tpl",
    "a.b.c",
    "a..b",
    "A-b_c+d=e@f",
    "charts/db/values.yaml",
    "0",
    "com10",
    "null",
    "console",
    ".a/.b",
];

fn sealed_with(paths: &[&str]) -> Result<(), SealError> {
    let mut request = request();
    for path in paths {
        request.sources.insert((*path).to_owned(), Arc::from(&b"x"[..]));
        request.plan.sources.push(SourceFile {
            path: (*path).to_owned(),
            digest: Digest::of(b"x"),
        });
    }
    request.plan.sources.sort();
    seal(&request).map(|_| ())
}

#[test]
fn bad_names_are_refused_when_sealing_and_the_file_is_named() {
    for bad in BAD {
        let error = sealed_with(&[bad]).unwrap_err();
        assert!(
            matches!(&error, SealError::Path { path, .. } if path == bad),
            "{bad:?}: {error}"
        );
        assert!(error.help().is_some());
    }
    for good in GOOD {
        assert_eq!(sealed_with(&[good]), Ok(()), "{good:?}");
    }
    let deep = ["a"; 16].join("/");
    let long = "a".repeat(100);
    let uncuttable = format!("{}/{}/{}", "a".repeat(90), "b".repeat(90), "c".repeat(40));
    for bad in [deep.as_str(), &long, &uncuttable, &"a/".repeat(130)] {
        let error = sealed_with(&[bad]).unwrap_err();
        assert_eq!(
            error.help().unwrap(),
            "shorten the names of the file or its folders",
            "{bad}"
        );
    }
    let error = sealed_with(&["a b.yaml"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`a b.yaml` cannot be in a bundle: ' ' may not stand there"
    );
}

#[test]
fn bad_names_are_refused_when_reading() {
    for bad in BAD {
        let forge = Forge::new();
        let name = format!("sources/{bad}");
        let mut inner = forge.tar();
        inner.truncate(inner.len() - 1024);
        inner.extend(header(name.as_bytes(), 1, b'0'));
        inner.extend(padded(b"x"));
        inner.extend([0; 1024]);
        refused(&forge.build_with_tar(&inner), StepId::Inner, Failure::Malformed);
        refused(&outer(&[(bad, b"ktl.bundle/v1\n")]), StepId::Magic, Failure::Malformed);
    }
}

#[test]
fn bytes_behind_a_zero_and_bytes_that_are_no_text_are_refused() {
    for name in [&b"sources/a\0/../../evil"[..], b"sources/\xff", b"\0a", b"sources/a\0b"] {
        let forge = Forge::new();
        let mut inner = header(name, 1, b'0').to_vec();
        inner.extend(padded(b"x"));
        inner.extend([0; 1024]);
        refused(&forge.build_with_tar(&inner), StepId::Inner, Failure::Malformed);
    }
}

const PAIRS: &[(&str, &str)] = &[
    ("Plan.json", "plan.json"),
    ("a/B", "a/b"),
    ("A/b", "a/b"),
    ("x", "x/y"),
    ("X", "x/y"),
    ("x/y", "x/y/z"),
    ("STACK.ktl", "b"),
];

#[test]
fn names_that_collide_somewhere_are_refused() {
    for (one, other) in PAIRS {
        let error = sealed_with(&[one, other]).unwrap_err();
        assert!(matches!(error, SealError::Path { .. }), "{error}");
        let forge = Forge::new();
        let mut files = vec![("sources/stack.ktl".to_owned(), b"x".to_vec())];
        files.extend([one, other].map(|path| (format!("sources/{path}"), b"x".to_vec())));
        files.sort();
        let files: Vec<_> = files
            .iter()
            .map(|(path, body)| (path.as_str(), body.as_slice()))
            .collect();
        refused(&forge.build_with_tar(&tar(&files)), StepId::Inner, Failure::Malformed);
    }
}

proptest! {
    #[test]
    fn a_name_that_is_accepted_is_its_own_normal_form(path in "[a-cA-C./_+@=\\- ~\\\\:é]{0,20}") {
        if sealed_with(&[&path]).is_ok() {
            let normal: Vec<_> = std::path::Path::new(&path)
                .components()
                .map(|component| match component {
                    std::path::Component::Normal(name) => name.to_str().unwrap(),
                    other => panic!("{other:?} in {path:?}"),
                })
                .collect();
            prop_assert_eq!(normal.join("/"), path.clone());
            prop_assert!(path.is_ascii() && !path.contains(['\\', ':', ' ', '~']));
        }
    }
}
