//! A stack on the served simulated cluster, with `ktl` alone and as the real `kubectl` sees it.
//!
//! Without `kubectl` in the path its part says that it checked nothing; with `KTL_REQUIRE_KUBECTL=1` it fails.

#![expect(clippy::print_stderr, reason = "who runs the suite has to see what it did not check")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, ExitCode, Stdio};

use ktl_tests::files::copy;
use ktl_tests::root;
use ktl_tests::transcript::Session;
use libtest_mimic::{Arguments, Failed, Trial, run};
use serde_json::Value;

fn main() -> ExitCode {
    let trials = vec![
        Trial::test("ktl alone", ktl_alone),
        Trial::test("a namespace that nobody declared stays", implicit_namespaces_stay),
        Trial::test("kubectl sees what ktl does", kubectl_sees),
        Trial::test("kubectl changes things", kubectl_changes),
    ];
    run(&Arguments::from_args(), trials).exit_code()
}

/// A session beside a served cluster, whose kubeconfig is `k`, and a copy of the examples.
struct Simulated {
    session: Session,
    server: Child,
    /// Open as long as the server writes to it.
    _said: BufReader<ChildStderr>,
}

impl Simulated {
    fn serve() -> Result<Self, Failed> {
        let session = Session::new();
        copy(&root().join("examples"), session.directory());
        let mut server = session
            .command("ktl")
            .args(["sim", "serve", "--kubeconfig", "k", "--speed", "10"])
            .stderr(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(server.stderr.take().ok_or("the server's messages are piped")?);
        // It listens and has written the kubeconfig when it says so.
        let mut line = String::new();
        said.read_line(&mut line)?;
        let simulated = Simulated {
            session,
            server,
            _said: said,
        };
        if !line.contains("answers at http://127.0.0.1:") {
            return Err(format!("the simulated cluster does not start: {line}").into());
        }
        Ok(simulated)
    }

    /// What a command prints; it has to succeed.
    fn run(&mut self, command: &str) -> Result<String, Failed> {
        let ran = self.session.run(command);
        if ran.code == 0 {
            Ok(ran.output)
        } else {
            Err(format!("`{command}` ended with {}:\n{}", ran.code, ran.output).into())
        }
    }

    /// Runs a command, which has to print each of the texts.
    fn shows(&mut self, command: &str, texts: &[&str]) -> Result<String, Failed> {
        let output = self.run(command)?;
        match texts.iter().find(|text| !output.contains(**text)) {
            None => Ok(output),
            Some(missing) => Err(format!("`{command}` does not show `{missing}`:\n{output}").into()),
        }
    }

    fn json(&mut self, command: &str) -> Result<Value, Failed> {
        Ok(serde_json::from_str(&self.run(command)?)?)
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        // It may have ended, and then the test fails for that.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn ktl_alone() -> Result<(), Failed> {
    let mut sim = Simulated::serve()?;
    let plan = sim.json("ktl stack plan --config shop --output json")?;
    let releases = plan.get("releases").and_then(Value::as_array).map_or(0, Vec::len);
    let objects = planned(&plan)?.len();
    sim.shows(
        "ktl stack apply --config shop --kubeconfig k --dry-run",
        &[&format!("dry run of shop: {releases} releases would be applied")],
    )?;
    sim.shows(
        "ktl stack apply --config shop --kubeconfig k --yes",
        &[
            &format!("shop is ready: {releases} releases in "),
            &format!("; {objects} objects created\n"),
        ],
    )?;
    sim.shows(
        "ktl stack apply --config shop --kubeconfig k --yes",
        &[&format!(
            "shop is up to date: {releases} releases, {objects} objects unchanged; nothing had to change\n"
        )],
    )?;
    sim.shows(
        "ktl stack status --config shop",
        &["shop is up to date", "main/shop/front"],
    )?;
    let last = sim.json("ktl stack status --config shop --output json")?;
    let ready = last.get("releases").and_then(Value::as_array).map_or(0, Vec::len);
    if ready != releases {
        return Err(format!("the status has {ready} releases:\n{last:#}").into());
    }
    sim.shows(
        "ktl stack delete --config shop --kubeconfig k --yes",
        &[
            &format!("shop is gone: {releases} releases in "),
            &format!("; {objects} objects deleted\n"),
        ],
    )?;
    sim.shows(
        "ktl stack delete --config shop --kubeconfig k --yes",
        &["objects already gone"],
    )?;
    let runs = sim.json("ktl stack runs --config shop --output json")?;
    let ended: Vec<(Option<&str>, Option<&str>)> = runs
        .as_array()
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .filter(|run| run.get("dryRun").is_none_or(|dry| dry == false))
        .map(|run| ["command", "status"].map(|name| run.get(name).and_then(Value::as_str)))
        .map(|[command, status]| (command, status))
        .collect();
    let expected = ["delete", "delete", "apply", "apply"].map(|command| (Some(command), Some("succeeded")));
    if ended != expected {
        return Err(format!("the runs are not what was done, last one first:\n{runs:#}").into());
    }
    Ok(())
}

fn implicit_namespaces_stay() -> Result<(), Failed> {
    let mut sim = Simulated::serve()?;
    // The stack does not declare its namespace, so the run creates it and it is nobody's to delete.
    sim.shows(
        "ktl stack apply --config hello --kubeconfig k --yes",
        &["7 objects created"],
    )?;
    sim.shows(
        "ktl stack delete --config hello --kubeconfig k --yes",
        &["6 objects deleted"],
    )?;
    sim.shows(
        "ktl stack apply --config hello --kubeconfig k --yes",
        &["6 objects created"],
    )?;
    Ok(())
}

/// Whether there is a `kubectl`. `Ok(false)` is said aloud.
fn kubectl(sim: &mut Simulated) -> Result<bool, Failed> {
    if sim.session.run("command -v kubectl").code == 0 {
        return Ok(true);
    }
    if std::env::var_os("KTL_REQUIRE_KUBECTL").is_some_and(|value| value == "1") {
        return Err("`KTL_REQUIRE_KUBECTL` is set, and there is no `kubectl` in the path".into());
    }
    eprintln!("there is no `kubectl` in the path: NOTHING was checked with it");
    Ok(false)
}

fn kubectl_sees() -> Result<(), Failed> {
    let mut sim = Simulated::serve()?;
    if !kubectl(&mut sim)? {
        return Ok(());
    }
    let plan = sim.json("ktl stack plan --config shop --output json")?;
    let planned = planned(&plan)?;
    let kinds: BTreeSet<&str> = planned.iter().map(|(kind, _, _)| kind.as_str()).collect();
    let kinds = kinds.into_iter().collect::<Vec<_>>().join(",");

    sim.run("ktl stack apply --config shop --kubeconfig k --yes")?;
    sim.shows(
        "kubectl --kubeconfig k get all -A",
        &[
            "deployment.apps/front ",
            "statefulset.apps/queue ",
            "service/db-headless ",
            "job.batch/migrate ",
            "3/3",
            "Completed",
        ],
    )?;
    let list = sim.json(&format!(
        "kubectl --kubeconfig k get {kinds} -A -o json --show-managed-fields"
    ))?;
    let items = list.get("items").and_then(Value::as_array).ok_or("a list has items")?;
    let mut found = BTreeSet::new();
    for item in items {
        let managed = item.pointer("/metadata/managedFields").and_then(Value::as_array);
        let ours = managed.is_some_and(|managers| {
            managers.iter().any(|manager| {
                manager.get("manager").is_some_and(|name| name == "ktl/shop")
                    && manager.get("operation").is_some_and(|operation| operation == "Apply")
            })
        });
        if ours {
            found.insert(identity(item)?);
        }
    }
    if found != planned {
        let difference: Vec<_> = found.symmetric_difference(&planned).collect();
        return Err(format!("planned, or managed by `ktl/shop`, but not both: {difference:#?}").into());
    }
    sim.shows(
        "kubectl --kubeconfig k -n shop get deploy -o yaml --show-managed-fields",
        &["manager: ktl/shop", "kind: Deployment"],
    )?;
    sim.shows(
        "kubectl --kubeconfig k -n shop describe deploy catalog",
        &[
            "2 desired | 2 updated | 2 total | 2 available | 0 unavailable",
            "NewReplicaSetAvailable",
            "ScalingReplicaSet",
        ],
    )?;
    sim.shows(
        "kubectl --kubeconfig k -n shop get featureflags",
        &["express-checkout", "gift-cards"],
    )?;

    let versions = |list: &Value| -> Vec<Option<Value>> {
        let items = list
            .get("items")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let version = |item: &Value| item.pointer("/metadata/resourceVersion").cloned();
        items.iter().map(version).collect()
    };
    sim.run("ktl stack apply --config shop --kubeconfig k --yes")?;
    let after = sim.json(&format!("kubectl --kubeconfig k get {kinds} -A -o json"))?;
    if versions(&list) != versions(&after) {
        return Err("applying again wrote objects that had not changed".into());
    }

    sim.run("ktl stack delete --config shop --kubeconfig k --yes")?;
    let kinds: BTreeSet<&str> = planned
        .iter()
        .map(|(kind, _, _)| kind.as_str())
        // Its definition is gone, so nobody can ask for it.
        .filter(|kind| !kind.starts_with("FeatureFlag"))
        .collect();
    let kinds = kinds.into_iter().collect::<Vec<_>>().join(",");
    let list = sim.json(&format!(
        "kubectl --kubeconfig k get {kinds},pods,replicasets -A -o json"
    ))?;
    let left = list.get("items").and_then(Value::as_array).ok_or("a list has items")?;
    for item in left {
        let identity = identity(item)?;
        let shops = identity.1.starts_with("shop") || planned.contains(&identity);
        if shops {
            return Err(format!("{identity:?} is still there").into());
        }
    }
    Ok(())
}

fn kubectl_changes() -> Result<(), Failed> {
    let mut sim = Simulated::serve()?;
    if !kubectl(&mut sim)? {
        return Ok(());
    }
    sim.run("ktl stack apply --config hello --kubeconfig k --yes")?;
    sim.session.write(
        "note.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: note, namespace: hello }\ndata: { a: one }\n",
    );
    sim.shows("kubectl --kubeconfig k apply -f note.yaml", &["configmap/note created"])?;
    sim.shows(
        "kubectl --kubeconfig k apply -f note.yaml",
        &["configmap/note unchanged"],
    )?;
    sim.shows(
        "kubectl --kubeconfig k apply --server-side -f note.yaml",
        &["serverside-applied"],
    )?;
    // Each of these watches until it is so.
    sim.run("kubectl --kubeconfig k -n hello delete pod -l app.kubernetes.io/name=web --wait=true")?;
    sim.shows(
        "kubectl --kubeconfig k -n hello rollout status deploy/web --timeout=60s",
        &["successfully rolled out"],
    )?;
    sim.run("kubectl --kubeconfig k -n hello wait deploy/web --for=condition=Available --timeout=60s")?;
    sim.shows("kubectl --kubeconfig k -n hello delete configmap note", &["deleted"])?;
    // Whatever others did, the stack is as it was applied.
    sim.shows(
        "ktl stack apply --config hello --kubeconfig k --yes",
        &["nothing had to change"],
    )?;
    Ok(())
}

/// The kind as `kubectl` takes it (`Deployment.v1.apps`), the namespace, the name.
type Identity = (String, String, String);

fn planned(plan: &Value) -> Result<BTreeSet<Identity>, Failed> {
    let releases = plan
        .get("releases")
        .and_then(Value::as_array)
        .ok_or("a plan has releases")?;
    let mut planned = BTreeSet::new();
    for release in releases {
        let objects = release
            .get("objects")
            .and_then(Value::as_array)
            .ok_or("a release has objects")?;
        for object in objects {
            planned.insert(named(object, object)?);
        }
    }
    if planned.len() < 50 {
        return Err(format!("the plan has {} objects only", planned.len()).into());
    }
    Ok(planned)
}

fn identity(object: &Value) -> Result<Identity, Failed> {
    named(object, object.get("metadata").ok_or("an object has metadata")?)
}

fn named(typed: &Value, metadata: &Value) -> Result<Identity, Failed> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let version = text(typed, "apiVersion").ok_or("an object has an apiVersion")?;
    let kind = text(typed, "kind").ok_or("an object has a kind")?;
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    let name = text(metadata, "name").ok_or("an object has a name")?;
    Ok((
        format!("{kind}.{version}.{group}"),
        text(metadata, "namespace").unwrap_or_default(),
        name,
    ))
}
