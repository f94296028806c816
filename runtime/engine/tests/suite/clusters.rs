//! Two clusters in one plan: each has its own connection and its own failures.

use std::collections::BTreeMap;

use ktl_cluster::Cluster;
use ktl_engine::run;
use ktl_plan::{FailMode, Plan};
use ktl_store::event::{Command, RunStatus};
use serde_json::json;

use crate::harness::request;
use crate::plan::{ReleaseCase, plan};

/// The same release on `main` and on `spare`.
fn on_two_clusters() -> (Plan, ktl_plan::Objects) {
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "1"}});
    let release = ReleaseCase {
        name: "web".to_owned(),
        namespace: "default".to_owned(),
        timeout_ms: None,
        priority: 0,
        objects: vec![config],
    };
    let (mut plan, objects) = plan(&[release], &[], &ktl_plan::Limits::default());
    let mut twin = plan.releases.first().cloned().unwrap();
    twin.cluster = "spare".to_owned();
    twin.id = twin.id.replace("main", "spare");
    twin.objects
        .iter_mut()
        .for_each(|object| object.id = object.id.replace("main", "spare"));
    plan.releases.push(twin);
    plan.clusters.insert("spare".to_owned(), ktl_plan::Cluster::default());
    (plan, objects)
}

#[tokio::test(start_paused = true)]
async fn what_fails_on_one_does_not_stop_the_other() {
    let simulated = [
        ktl_sim::Cluster::new(ktl_sim::Options::default()),
        ktl_sim::Cluster::new(ktl_sim::Options::default()),
    ];
    let [main, spare] = simulated
        .each_ref()
        .map(|cluster| Cluster::from_service(cluster.service()));
    let theirs = br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"a":"theirs"}}"#;
    let object = ktl_cluster::ObjectRef::new("v1", "ConfigMap", Some("default"), "a");
    main.apply(&object, theirs, "kubectl", false).await.unwrap();
    let (plan, objects) = on_two_clusters();
    let mut request = request("r1", Command::Apply, &plan, &objects, &main);
    request.clusters = BTreeMap::from([("main".to_owned(), main.clone()), ("spare".to_owned(), spare.clone())]);
    request.fail_mode = FailMode::Continue;
    let summary = run(request).await.unwrap();
    assert_eq!(summary.status, RunStatus::Failed);
    assert_eq!(
        (summary.summary.releases_failed, summary.summary.releases_ready),
        (1, 1)
    );
    let value = |live: Option<serde_json::Value>| live.and_then(|live| live.pointer("/data/a").cloned());
    assert_eq!(value(main.get(&object).await.unwrap()), Some(json!("theirs")));
    assert_eq!(value(spare.get(&object).await.unwrap()), Some(json!("1")));
}
