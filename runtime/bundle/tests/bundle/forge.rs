//! Makes hostile bundles byte by byte, with none of the crate's own writers. Unless a test wants otherwise they are signed
//! by the trusted key and every digest fits, so that nothing but the attack itself can be what is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use flate2::Compression;
use ktl_bundle::{Failure, StepId, Trust, VerifyError, open_bytes, seal};
use ktl_plan::Digest;
use serde_json::{Value, json};
use std::io::Write;

use crate::fixture::{key, request, trust};

pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A bundle in parts; each can be changed before it is built.
#[derive(Clone)]
pub struct Forge {
    pub plan: Vec<u8>,
    /// The inner files.
    pub files: Vec<(String, Vec<u8>)>,
    pub statement: Value,
    pub payload_type: String,
    pub signed_by: Vec<[u8; 32]>,
}

impl Forge {
    /// A good one.
    pub fn new() -> Self {
        let request = request();
        let objects = request
            .objects
            .iter()
            .map(|(digest, body)| (format!("objects/{}.json", digest.hex()), body.to_vec()));
        let sources = request
            .sources
            .iter()
            .map(|(path, body)| (format!("sources/{path}"), body.to_vec()));
        let mut files: Vec<_> = objects.chain(sources).collect();
        files.sort();
        let plan = seal(&request).unwrap().plan_json;
        Forge {
            plan,
            files,
            statement: json!({
                "_type": "https://in-toto.io/Statement/v1",
                "predicateType": "https://ktl.dev/attestation/sealed-plan/v1",
                "predicate": {
                    "format": "ktl.bundle/v1",
                    "stack": "shop",
                    "environment": "prod",
                    "command": "apply",
                    "runtime": { "concurrency": 6, "failMode": "fail-fast" },
                    "render": { "ktl": "0.1.0" },
                    "critical": [],
                    "extensions": {},
                },
            }),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signed_by: vec![[7; 32]],
        }
    }

    /// The inner archive.
    pub fn tar(&self) -> Vec<u8> {
        let files: Vec<_> = self
            .files
            .iter()
            .map(|(path, body)| (path.as_str(), body.as_slice()))
            .collect();
        tar(&files)
    }

    /// The whole bundle.
    pub fn build(&self) -> Vec<u8> {
        self.build_with_tar(&self.tar())
    }

    /// The whole bundle with another inner archive.
    pub fn build_with_tar(&self, tar: &[u8]) -> Vec<u8> {
        self.build_with_inputs(&gzip(tar), tar)
    }

    /// The whole bundle with another inner gzip file.
    pub fn build_with_inputs(&self, inputs: &[u8], tar: &[u8]) -> Vec<u8> {
        let attestation = self.attestation(&serde_json::to_vec(&self.statement_about(inputs, tar)).unwrap());
        outer(&[
            ("ktl-bundle", b"ktl.bundle/v1\n"),
            ("attestation.json", &attestation),
            ("plan.json", &self.plan),
            ("inputs.tar.gz", inputs),
        ])
    }

    /// The statement with the digests of the parts.
    pub fn statement_about(&self, inputs: &[u8], tar: &[u8]) -> Value {
        let hex = |bytes: &[u8]| Digest::of(bytes).hex();
        let subject = |name: &str, bytes: &[u8]| json!({ "name": name, "digest": { "sha256": hex(bytes) } });
        let mut statement = self.statement.clone();
        statement["subject"] = json!([
            subject("plan.json", &self.plan),
            subject("inputs.tar.gz", inputs),
            subject("inputs.tar", tar)
        ]);
        if statement["predicate"].get("entries").is_none() {
            statement["predicate"]["entries"] = json!([
                { "name": "plan.json", "size": self.plan.len(), "sha256": hex(&self.plan) },
                {
                    "name": "inputs.tar.gz", "size": inputs.len(), "sha256": hex(inputs),
                    "tarSize": tar.len(), "tarSha256": hex(tar), "files": self.files.len(),
                },
            ]);
        }
        statement
    }

    /// The bytes of a good statement.
    pub fn statement_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.statement_about(&gzip(&self.tar()), &self.tar())).unwrap()
    }

    /// The bundle around a statement given as bytes.
    pub fn build_with_statement(&self, statement: &[u8]) -> Vec<u8> {
        self.build_with_attestation(&self.attestation(statement))
    }

    /// The bundle around an envelope given as bytes.
    pub fn build_with_attestation(&self, attestation: &[u8]) -> Vec<u8> {
        outer(&[
            ("ktl-bundle", b"ktl.bundle/v1\n"),
            ("attestation.json", attestation),
            ("plan.json", &self.plan),
            ("inputs.tar.gz", &gzip(&self.tar())),
        ])
    }

    pub fn attestation(&self, statement: &[u8]) -> Vec<u8> {
        let signatures: Vec<Value> = self
            .signed_by
            .iter()
            .map(|secret| json!({ "sig": STANDARD.encode(dsse(secret, &self.payload_type, statement)) }))
            .collect();
        envelope(&self.payload_type, statement, &json!(signatures))
    }
}

/// An envelope with signatures as given.
pub fn envelope(payload_type: &str, statement: &[u8], signatures: &Value) -> Vec<u8> {
    let payload = STANDARD.encode(statement);
    serde_json::to_vec(&json!({ "payload": payload, "payloadType": payload_type, "signatures": signatures })).unwrap()
}

/// A signature over a payload and its type.
pub fn dsse(secret: &[u8; 32], payload_type: &str, payload: &[u8]) -> [u8; 64] {
    SigningKey::from_bytes(secret)
        .sign(&pae(payload_type, payload))
        .to_bytes()
}

/// What is signed.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    [
        format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).as_bytes(),
        payload,
    ]
    .concat()
}

/// A bundle of outer files as given.
pub fn outer(files: &[(&str, &[u8])]) -> Vec<u8> {
    stored(&tar(files))
}

/// A tar archive of plain files.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, body) in files {
        out.extend(header(path.as_bytes(), body.len(), b'0'));
        out.extend(padded(body));
    }
    out.extend([0; 1024]);
    out
}

/// A body and the zeros after it.
pub fn padded(body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(512), 0);
    body
}

/// A ustar header of any type and name.
pub fn header(path: &[u8], size: usize, kind: u8) -> [u8; 512] {
    let mut block = [0; 512];
    let path = &path[..path.len().min(100)];
    block[..path.len()].copy_from_slice(path);
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    fix_checksum(&mut block);
    block
}

/// Makes a header good again after a change.
pub fn fix_checksum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block[..512].iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// gzip without compression.
pub fn stored(contents: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let count = contents.chunks(65_535).len();
    for (index, block) in contents.chunks(65_535).enumerate() {
        let len = u16::try_from(block.len()).unwrap();
        out.push(u8::from(index + 1 == count));
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend(block);
    }
    out.extend(trailer(contents));
    out
}

/// gzip with compression.
pub fn gzip(contents: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(contents).unwrap();
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [&header[..], &encoder.finish().unwrap(), &trailer(contents)].concat()
}

fn trailer(contents: &[u8]) -> [u8; 8] {
    let mut crc = flate2::Crc::new();
    crc.update(contents);
    let mut out = [0; 8];
    out[..4].copy_from_slice(&crc.sum().to_le_bytes());
    out[4..].copy_from_slice(&crc.amount().to_le_bytes());
    out
}

/// Opens what must not open under the trusted key.
#[track_caller]
pub fn refused(bundle: &[u8], step: StepId, failure: Failure) -> VerifyError {
    refused_by(bundle, &trust(), step, failure)
}

/// Opens what must not open.
#[track_caller]
pub fn refused_by(bundle: &[u8], trust: &Trust, step: StepId, failure: Failure) -> VerifyError {
    let error = match open_bytes(bundle, trust) {
        Ok(_) => panic!("this bundle was accepted"),
        Err(error) => error,
    };
    assert_eq!((error.step(), error.failure()), (step, failure), "{error}");
    assert!(!error.help().is_empty());
    assert_eq!(
        error.verdict().steps.len(),
        StepId::ALL.len(),
        "every step has its outcome"
    );
    let printable = |char: char| !char.is_control() && !('\u{202a}'..='\u{202e}').contains(&char);
    assert!(error.to_string().chars().all(printable), "{error:?}");
    error
}

#[test]
fn what_the_forge_makes_is_accepted_unless_it_attacks() {
    let forge = Forge::new();
    let opened = open_bytes(&forge.build(), &trust()).unwrap();
    assert_eq!(opened.plan, request().plan);
    assert_eq!(opened.signers, [key().public().id()]);
    assert_eq!(
        open_bytes(&forge.build_with_statement(&forge.statement_bytes()), &trust())
            .unwrap()
            .plan,
        request().plan
    );
}
