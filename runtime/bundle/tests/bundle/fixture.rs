//! A small stack: two releases, three objects, two sources.

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_bundle::{Command, PrivateKey, SealRequest, Trust, seal, sign};
use ktl_plan::{
    Cluster, Digest, Edge, EdgeKind, FORMAT, FailMode, Object, Objects, Plan, Reason, Release, Runner, Source,
    SourceFile, Until,
};
use serde_json::{Value, json};

/// What to seal.
pub fn request() -> SealRequest {
    let sources = BTreeMap::from([
        ("stack.ktl".to_owned(), Arc::from(&b"stack shop\n"[..])),
        (
            "charts/db/templates/_helpers.tpl".to_owned(),
            Arc::from(&b"{{- /* none */ -}}\n"[..]),
        ),
    ]);
    let mut objects = Objects::new();
    let release = |name: &str, list: Vec<Object>| Release {
        id: format!("main/shop/{name}"),
        name: name.to_owned(),
        cluster: "main".to_owned(),
        namespace: "shop".to_owned(),
        kind: "k8s.Objects".to_owned(),
        source: source(),
        tags: vec![],
        labels: BTreeMap::new(),
        timeout_ms: Some(60_000),
        parallelism_group: None,
        priority: 0,
        digest: Digest::of_parts(list.iter().map(|object| object.id.as_bytes())),
        objects: list,
    };
    let db = release(
        "db",
        vec![
            object(
                &mut objects,
                "v1",
                "ConfigMap",
                "db",
                json!({ "data": { "size": "1.5", "ratio": "e\u{301}" } }),
            ),
            object(
                &mut objects,
                "v1",
                "Service",
                "db",
                json!({ "spec": { "ports": [{ "port": 5432 }], "weight": 1.50 } }),
            ),
        ],
    );
    let api = release(
        "api",
        vec![object(
            &mut objects,
            "v1",
            "ConfigMap",
            "api",
            json!({ "data": { "DB": "db" } }),
        )],
    );
    let plan = Plan {
        format: FORMAT.to_owned(),
        ktl: "0.1.0".to_owned(),
        stack: "shop".to_owned(),
        edition: 2026,
        profile: Some("prod".to_owned()),
        inputs: BTreeMap::new(),
        sources: sources
            .iter()
            .map(|(path, bytes): (&String, &Arc<[u8]>)| SourceFile {
                path: path.clone(),
                digest: Digest::of(bytes),
            })
            .collect(),
        clusters: BTreeMap::from([("main".to_owned(), Cluster::default())]),
        runner: Runner::default(),
        releases: vec![db, api],
        edges: vec![Edge {
            from: "main/shop/api".to_owned(),
            to: "main/shop/db".to_owned(),
            between: EdgeKind::Releases,
            until: Until::Ready,
            reasons: vec![Reason::Needs { source: source() }],
        }],
    };
    SealRequest {
        plan,
        objects,
        sources,
        command: Command::Apply,
        concurrency: 6,
        fail_mode: FailMode::FailFast,
    }
}

/// An object with the members given, and its body in `objects`.
pub fn object(objects: &mut Objects, api_version: &str, kind: &str, name: &str, members: Value) -> Object {
    let mut body = json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": { "name": name, "namespace": "shop" },
    });
    body.as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    let bytes: Arc<[u8]> = serde_json::to_vec(&body).unwrap().into();
    let digest = Digest::of(&bytes);
    objects.insert(digest, bytes);
    Object {
        id: format!("main/shop/{kind}/{name}"),
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: Some("shop".to_owned()),
        name: name.to_owned(),
        digest,
        source: source(),
    }
}

fn source() -> Source {
    Source {
        file: "stack.ktl".to_owned(),
        line: 1,
        column: 1,
    }
}

/// The key whose signatures are trusted.
pub fn key() -> PrivateKey {
    PrivateKey::from_bytes(&[7; 32]).unwrap()
}

/// Another key.
pub fn other_key() -> PrivateKey {
    PrivateKey::from_bytes(&[8; 32]).unwrap()
}

/// Trust in [`key`].
pub fn trust() -> Trust {
    Trust::public_keys(vec![key().public()])
}

/// The small stack, sealed and signed.
pub fn signed() -> Vec<u8> {
    sign(&seal(&request()).unwrap().bundle(), &key()).unwrap()
}
