use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn written(value: &Value) -> String {
    String::from_utf8(to_vec(value).unwrap()).unwrap()
}

/// The examples of RFC 8785, sections 3.2.2 and 3.2.3, without their fractions and `null`.
#[test]
fn rfc_8785_vectors() {
    let strings =
        json!({ "string": "\u{20ac}$\u{000F}\u{000a}A'\u{0042}\u{0022}\u{005c}\\\"/", "literals": [true, false] });
    let expected = "{\"literals\":[true,false],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
    assert_eq!(written(&strings), expected);

    // U+FB33 of that section is no NFC; the private use character stands for it, and sorts in the same place.
    let keys = json!({
        "\u{20ac}": "Euro Sign",
        "\r": "Carriage Return",
        "\u{e000}": "Private Use",
        "1": "One",
        "\u{1f600}": "Emoji: Grinning Face",
        "\u{80}": "Control",
        "\u{f6}": "Latin Small Letter O With Diaeresis",
    });
    let order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Private"];
    let text = written(&keys);
    let places: Vec<_> = order.iter().map(|word| text.find(word).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
    assert_eq!(from_slice::<Value>(text.as_bytes()).unwrap(), keys);

    let controls = json!("\u{8}\t\n\u{c}\r\u{1}\u{1f}\u{7f}");
    assert_eq!(written(&controls), "\"\\b\\t\\n\\f\\r\\u0001\\u001f\u{7f}\"");
}

#[test]
fn what_cannot_be_written_says_where() {
    let cases = [
        (
            json!({ "a": [1, 1.5] }),
            "expected an integer, found 1.5; write a fraction as text at `/a/1`",
        ),
        (
            json!({ "a": { "b/c": null } }),
            "expected a value or nothing, found `null` at `/a/b~1c`",
        ),
        (
            json!([9_007_199_254_740_992_u64]),
            "expected an integer of at most 9007199254740991, found 9007199254740992; write it as text at `/0`",
        ),
        (
            json!({ "a": "e\u{301}" }),
            "expected text in Unicode's composed form (NFC), found \"e\\u{301}\" at `/a`",
        ),
    ];
    for (value, expected) in cases {
        assert_eq!(to_vec(&value).unwrap_err().to_string(), expected);
    }
    assert_eq!(
        written(&json!([9_007_199_254_740_991_u64, -9_007_199_254_740_991_i64, 0])),
        "[9007199254740991,-9007199254740991,0]"
    );
}

#[test]
fn only_the_canonical_text_is_read() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "expected a value, found the end (byte 0)"),
        (b"\xef\xbb\xbf{}", "expected a value, found byte 0xef (byte 0)"),
        (b" {}", "expected a value, found byte 0x20 (byte 0)"),
        (b"{} ", "expected the end, found byte 0x20 (byte 2)"),
        (b"{}{}", "expected the end, found `{` (byte 2)"),
        (b"{\"a\":1,}", "expected `\"`, found `}` (byte 7)"),
        (b"{\"a\" :1}", "expected `:`, found byte 0x20 (byte 4)"),
        (b"{\"a\":1,\"a\":2}", "the key stands twice at `/a` (byte 7)"),
        (
            b"{\"a\":1,\"\\u0061\":2}",
            "the string escapes what needs no escape, or not in the shortest way (byte 7)",
        ),
        (
            b"{\"x\":[{\"a\":1,\"a\":1}]}",
            "the key stands twice at `/x/0/a` (byte 13)",
        ),
        (b"{\"b\":1,\"a\":2}", "the keys are not sorted at `/a` (byte 7)"),
        (
            b"[1.0]",
            "expected an integer of at most 9007199254740991, in its shortest form, found `1.0` at `/0` (byte 1)",
        ),
        (
            b"[-0]",
            "expected an integer of at most 9007199254740991, in its shortest form, found `-0` at `/0` (byte 1)",
        ),
        (
            b"[01]",
            "expected an integer of at most 9007199254740991, in its shortest form, found `01` at `/0` (byte 1)",
        ),
        (
            b"[1e400]",
            "expected an integer of at most 9007199254740991, in its shortest form, found `1e400` at `/0` (byte 1)",
        ),
        (
            b"[9007199254740993]",
            "expected an integer of at most 9007199254740991, in its shortest form, found `9007199254740993` at `/0` (byte 1)",
        ),
        (b"[+1]", "expected a value, found `+` at `/0` (byte 1)"),
        (b"[null]", "expected a value, found `n` at `/0` (byte 1)"),
        (b"[NaN]", "expected a value, found `N` at `/0` (byte 1)"),
        (
            b"[\"\\/\"]",
            "the string escapes what needs no escape, or not in the shortest way at `/0` (byte 1)",
        ),
        (
            b"[\"\\u000A\"]",
            "the string escapes what needs no escape, or not in the shortest way at `/0` (byte 1)",
        ),
        (
            b"[\"\\ud800\"]",
            "the string has an escape that JSON lacks at `/0` (byte 1)",
        ),
        (
            b"[\"\n\"]",
            "expected an escaped control character, found byte 0x0a at `/0` (byte 2)",
        ),
        (
            b"[\"\\",
            "expected the end of the string, found the end at `/0` (byte 4)",
        ),
        (b"[\"\xff\"]", "expected UTF-8 (byte 2)"),
        (
            "[\"e\u{301}\"]".as_bytes(),
            "expected text in Unicode's composed form (NFC), found \"e\\u{301}\" at `/0` (byte 1)",
        ),
        (b"[1,]", "expected a value, found `]` at `/1` (byte 3)"),
        (b"[1", "expected `,`, found the end (byte 2)"),
        (
            b"{\"\xe2\x80\xae\":1,\"a\":1}",
            "the keys are not sorted at `/a` (byte 9)",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(
            from_slice::<Value>(bytes).unwrap_err().to_string(),
            *expected,
            "{}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn limits() {
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    assert!(from_slice::<Value>(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert!(
        from_slice::<Value>(nested(MAX_DEPTH + 1).as_bytes())
            .unwrap_err()
            .is_limit()
    );
    assert!(
        from_slice::<Value>("[".repeat(1_000_000).as_bytes())
            .unwrap_err()
            .is_limit()
    );
    let mut value = json!(1);
    for _ in 0..MAX_DEPTH {
        value = json!([value]);
    }
    assert!(to_vec(&value).is_ok());
    assert!(to_vec(&json!([value])).unwrap_err().is_limit());

    let keys: BTreeMap<String, u8> = (0..=MAX_KEYS).map(|key| (format!("{key:06}"), 0)).collect();
    assert!(to_vec(&keys).unwrap_err().is_limit());
    let text = serde_json::to_vec(&keys).unwrap();
    assert!(from_slice::<BTreeMap<String, u8>>(&text).unwrap_err().is_limit());
    assert!(from_slice::<Value>(&vec![b'['; MAX_BYTES + 1]).unwrap_err().is_limit());
}

#[test]
fn members_that_hold_their_default_are_left_out() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Counted {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        list: Vec<u8>,
    }
    assert!(from_slice::<Counted>(b"{}").is_ok());
    let error = from_slice::<Counted>(b"{\"list\":[]}")
        .map(|counted| counted.list)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "a member that holds its default must be left out (byte 1)"
    );
}

#[test]
fn bodies() {
    let good: &[&str] = &[
        r#"{"a":1.50,"b":-0.0,"c":1E+3,"d":null,"e":18446744073709551616}"#,
        "{\"e\u{301}\":\"e\u{301}\"}",
        "{}",
    ];
    for body in good {
        assert_eq!(check_body(body.as_bytes()), Ok(()), "{body}");
    }
    let bad = [
        "[]",
        "1",
        "",
        "{\"a\":1,\"a\":1}",
        "{\"b\":1,\"a\":1}",
        "{\"a\": 1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1e}",
        "{\"a\":-}",
        "{\"a\":1e+}",
        "{\"a\":\"\\u0041\"}",
        "{\"a\":1}\n",
        "{\"a\":nul}",
        "{\"a\":1-1}",
    ];
    for body in bad {
        assert!(check_body(body.as_bytes()).is_err(), "{body}");
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
        any::<String>()
            .prop_filter("composed", |text| is_nfc(text))
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let key = any::<String>().prop_filter("composed", |text| is_nfc(text));
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_and_written_again(value in values()) {
        let bytes = to_vec(&value).unwrap();
        let again: Value = from_slice(&bytes).unwrap();
        prop_assert_eq!(&again, &value);
        prop_assert_eq!(to_vec(&again).unwrap(), bytes);
    }

    #[test]
    fn a_changed_byte_is_another_value_or_none(value in values(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = to_vec(&value).unwrap();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        if let Ok(other) = from_slice::<Value>(&bytes) {
            prop_assert_ne!(other, value);
        }
    }

    #[test]
    fn arbitrary_bytes_are_read_only_if_canonical(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = from_slice::<Value>(&bytes) {
            prop_assert_eq!(to_vec(&value).unwrap(), bytes.clone());
        }
        let _ = check_body(&bytes);
    }

    #[test]
    fn json_like_text_never_panics(text in "[\\[\\]{}\",:0-9a-f\\\\u.\\-+eE tn]{0,40}") {
        if let Ok(value) = from_slice::<Value>(text.as_bytes()) {
            prop_assert_eq!(to_vec(&value).unwrap(), text.into_bytes());
        }
    }
}
