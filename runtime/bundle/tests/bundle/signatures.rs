use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use ktl_bundle::{Failure, KeyError, Outcome, PublicKey, SignError, StepId, Trust, open_bytes, seal, sign};
use serde_json::{Value, json};

use crate::fixture::{key, other_key, request, signed, trust};
use crate::forge::{Forge, PAYLOAD_TYPE, dsse, envelope, outer, refused, refused_by};

/// The good statement under signatures as given.
fn with_signatures(signatures: &Value) -> Vec<u8> {
    let forge = Forge::new();
    forge.build_with_attestation(&envelope(PAYLOAD_TYPE, &forge.statement_bytes(), signatures))
}

fn signature(secret: u8) -> String {
    STANDARD.encode(dsse(&[secret; 32], PAYLOAD_TYPE, &Forge::new().statement_bytes()))
}

#[test]
fn stripped_signatures() {
    let unsigned = seal(&request()).unwrap().bundle();
    for bundle in [unsigned, with_signatures(&json!([]))] {
        let error = refused(&bundle, StepId::Signatures, Failure::Unsigned);
        assert_eq!(error.exit_code(), 20);
        refused_by(
            &bundle,
            &Trust::none().require_signature(),
            StepId::Signatures,
            Failure::Unsigned,
        );
        refused_by(
            &bundle,
            &Trust::public_keys(vec![]),
            StepId::Signatures,
            Failure::Unsigned,
        );
    }
    let forge = Forge::new();
    let mut text: Value = serde_json::from_slice(&forge.attestation(&forge.statement_bytes())).unwrap();
    text.as_object_mut().unwrap().remove("signatures");
    let bundle = forge.build_with_attestation(&serde_json::to_vec(&text).unwrap());
    refused(&bundle, StepId::Envelope, Failure::Malformed);
    let bare = outer(&[("ktl-bundle", b"ktl.bundle/v1\n"), ("plan.json", b"{}")]);
    assert_eq!(refused(&bare, StepId::Envelope, Failure::Unsigned).exit_code(), 20);
    refused_by(&bare, &Trust::none(), StepId::Envelope, Failure::Malformed);
}

#[test]
fn without_trust_integrity_is_checked_and_the_user_told() {
    let unsigned = seal(&request()).unwrap().bundle();
    for (bundle, why) in [
        (unsigned, "the bundle is not signed"),
        (signed(), "it has 1 signature, and no key was given to check with"),
        (
            with_signatures(&json!([{ "sig": STANDARD.encode([0; 64]) }])),
            "it has 1 signature, and no key was given to check with",
        ),
    ] {
        let opened = open_bytes(&bundle, &Trust::none()).unwrap();
        assert_eq!(
            opened.warnings,
            [format!("integrity was checked, origin was not: {why}")]
        );
        assert!(opened.signers.is_empty());
        let step = opened
            .verdict
            .steps
            .iter()
            .find(|step| step.id == StepId::Signatures)
            .unwrap();
        assert_eq!(step.outcome, Outcome::Skipped);
    }
    let error = refused_by(
        &signed(),
        &Trust::none().require_signature(),
        StepId::Signatures,
        Failure::Untrusted,
    );
    assert_eq!(error.help(), "name the signer's public key with `--pub`");
}

#[test]
fn wrong_key() {
    let trust = Trust::public_keys(vec![other_key().public()]);
    let error = refused_by(&signed(), &trust, StepId::Signatures, Failure::Untrusted);
    assert_eq!(error.exit_code(), 22);
    let expected = format!(
        "the bundle has 1 signature and none is by a trusted key; trusted: {}; labelled: {:?}",
        other_key().public().id(),
        key().public().id()
    );
    assert_eq!(error.to_string(), expected);
    refused_by(
        &signed(),
        &Trust::public_keys(vec![]),
        StepId::Signatures,
        Failure::Untrusted,
    );
    let both = Trust::public_keys(vec![other_key().public(), key().public()]);
    assert!(open_bytes(&signed(), &both).is_ok());
}

#[test]
fn labels_prove_nothing() {
    let (ours, theirs) = (key().public().id(), other_key().public().id());
    let good = signature(7);
    // By another key under our label, by us under another label, and by nobody under ours.
    for (label, sig) in [
        (&ours, signature(8)),
        (&theirs, good.clone()),
        (&ours, STANDARD.encode([0; 64])),
    ] {
        let bundle = with_signatures(&json!([{ "keyid": label, "sig": sig }]));
        assert_eq!(
            refused(&bundle, StepId::Signatures, Failure::BadSignature).exit_code(),
            21
        );
    }
    refused(
        &with_signatures(&json!([{ "keyid": "\u{1b}[2J\u{202e}", "sig": good }])),
        StepId::Signatures,
        Failure::BadSignature,
    );
    refused(
        &with_signatures(&json!([{ "keyid": "nobody", "sig": signature(8) }])),
        StepId::Signatures,
        Failure::Untrusted,
    );
    refused(
        &with_signatures(&json!([{ "sig": signature(8) }])),
        StepId::Signatures,
        Failure::Untrusted,
    );
    for good in [
        json!([{ "sig": good }]),
        json!([{ "keyid": "", "sig": good }]),
        json!([{ "keyid": ours, "sig": good }]),
    ] {
        assert_eq!(
            open_bytes(&with_signatures(&good), &trust()).unwrap().signers,
            std::slice::from_ref(&ours)
        );
    }
    let url_safe = URL_SAFE.encode(STANDARD.decode(&good).unwrap());
    assert!(open_bytes(&with_signatures(&json!([{ "sig": url_safe }])), &trust()).is_ok());
}

#[test]
fn a_key_counts_once_and_strangers_do_not_count() {
    let (ours, good) = (key().public().id(), signature(7));
    let twice = json!([{ "sig": good }, { "keyid": ours, "sig": good }, { "sig": signature(8) }]);
    assert_eq!(
        open_bytes(&with_signatures(&twice), &trust()).unwrap().signers,
        std::slice::from_ref(&ours)
    );
    // The same key under an alias.
    refused(
        &with_signatures(&json!([{ "sig": good }, { "keyid": "alias", "sig": good }])),
        StepId::Signatures,
        Failure::BadSignature,
    );
    let crowd = |count: usize| json!(vec![json!({ "sig": signature(8) }); count]);
    refused(&with_signatures(&crowd(32)), StepId::Signatures, Failure::Untrusted);
    refused(&with_signatures(&crowd(33)), StepId::Envelope, Failure::Limit);
    refused(&with_signatures(&crowd(10_000)), StepId::Envelope, Failure::Limit);
    let error = sign(&with_signatures(&crowd(32)), &key()).unwrap_err();
    assert!(matches!(error, SignError::Full(32)), "{error}");
}

#[test]
fn a_signature_is_for_one_type_of_payload() {
    let mut forge = Forge::new();
    forge.payload_type = "application/json".to_owned();
    refused(&forge.build(), StepId::Envelope, Failure::Malformed);
    // Signed as something else, and passed off as a statement.
    let statement = forge.statement_bytes();
    for message_type in ["application/json", "", "application/vnd.in-toto+json "] {
        let sig = STANDARD.encode(dsse(&[7; 32], message_type, &statement));
        refused(
            &with_signatures(&json!([{ "sig": sig }])),
            StepId::Signatures,
            Failure::Untrusted,
        );
    }
    // Over the bare statement, and over another one.
    let bare = ed25519_dalek::Signer::sign(&ed25519_dalek::SigningKey::from_bytes(&[7; 32]), &statement).to_bytes();
    let other = dsse(&[7; 32], PAYLOAD_TYPE, b"{}");
    for sig in [bare, other] {
        refused(
            &with_signatures(&json!([{ "sig": STANDARD.encode(sig) }])),
            StepId::Signatures,
            Failure::Untrusted,
        );
    }
}

#[test]
fn a_key_in_the_bundle_is_no_key() {
    let forge = Forge::new();
    let public = STANDARD.encode(other_key().public().to_bytes());
    let signatures = json!([{ "keyid": other_key().public().id(), "sig": signature(8), "public": public }]);
    let bundle = forge.build_with_attestation(&envelope(PAYLOAD_TYPE, &forge.statement_bytes(), &signatures));
    refused(&bundle, StepId::Envelope, Failure::Malformed);
}

/// The order of the group in which honest keys live, little endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

#[test]
fn a_signature_has_one_form() {
    // S and S + L fit the same equation.
    let good: [u8; 64] = STANDARD.decode(signature(7)).unwrap().try_into().unwrap();
    let mut other = good;
    let mut carry = 0;
    for (byte, order) in other[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_ne!(other, good);
    assert_eq!(carry, 0);
    refused(
        &with_signatures(&json!([{ "sig": STANDARD.encode(other) }])),
        StepId::Signatures,
        Failure::Untrusted,
    );

    // R with a part of small order in it.
    let r = CompressedEdwardsY(good[..32].try_into().unwrap()).decompress().unwrap();
    for torsion in EIGHT_TORSION {
        let mut other = good;
        other[..32].copy_from_slice((r + torsion).compress().as_bytes());
        let bundle = with_signatures(&json!([{ "sig": STANDARD.encode(other) }]));
        assert_eq!(open_bytes(&bundle, &trust()).is_ok(), torsion.is_identity());
    }

    // R of small order with S = 0, which fits every message under a weak key.
    for torsion in EIGHT_TORSION {
        let sig = [torsion.compress().to_bytes(), [0; 32]].concat();
        refused(
            &with_signatures(&json!([{ "sig": STANDARD.encode(sig) }])),
            StepId::Signatures,
            Failure::Untrusted,
        );
    }
}

#[test]
fn weak_and_odd_keys_are_no_keys() {
    // All points of small order, and honest keys with such a part in them.
    for torsion in EIGHT_TORSION {
        assert_eq!(
            PublicKey::from_bytes(torsion.compress().as_bytes()).unwrap_err(),
            KeyError::Weak
        );
        let mixed = ED25519_BASEPOINT_POINT * Scalar::from(12_345_u64) + torsion;
        let read = PublicKey::from_bytes(mixed.compress().as_bytes());
        assert_eq!(read.is_ok(), torsion.is_identity());
    }
    // Every second way of writing a point: y of at least p = 2^255 - 19, and the sign of x = 0.
    let mut odd = Vec::new();
    for low in 0xed..=0xff_u8 {
        for sign in [0x7f, 0xff] {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, sign);
            odd.push(bytes);
        }
    }
    let mut one = [0; 32];
    (one[0], one[31]) = (1, 0x80);
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0xff);
    odd.extend([one, minus_one, [0; 32]]);
    for bytes in odd {
        assert!(PublicKey::from_bytes(&bytes).is_err(), "{bytes:02x?}");
    }
    assert_eq!(PublicKey::from_bytes(&[1; 31]).unwrap_err(), KeyError::Length(31));
    let not_points = (0..=u8::MAX)
        .filter(|byte| PublicKey::from_bytes(&[*byte; 32]).is_err())
        .count();
    assert!(not_points > 100);
    assert_eq!(
        PublicKey::from_bytes(&key().public().to_bytes()).unwrap(),
        key().public()
    );
}
