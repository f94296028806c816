//! Compiles, plans, seals and runs every stack of `examples/`, with each profile that it declares.

use std::path::Path;
use std::process::ExitCode;

use ktl_tests::files::{copy, entries, name, read};
use ktl_tests::root;
use ktl_tests::transcript::Session;
use libtest_mimic::{Arguments, Failed, Trial, run};
use regex::Regex;
use serde_json::Value;

fn main() -> ExitCode {
    let mut examples = entries(&root().join("examples"));
    examples.retain(|path| path.is_dir());
    assert!(!examples.is_empty(), "there are no examples");
    let mut trials = Vec::new();
    for example in examples {
        let stack = name(&example).to_owned();
        let profiles = profiles(&example);
        for profile in std::iter::once(None).chain(profiles.into_iter().map(Some)) {
            let (stack, title) = (stack.clone(), title(&stack, profile.as_deref()));
            trials.push(Trial::test(title, move || {
                rolls_out(&stack, profile.as_deref())?;
                Ok(())
            }));
        }
    }
    trials.push(Trial::test("what the shop promises", the_shop_is_production_like));
    run(&Arguments::from_args(), trials).exit_code()
}

fn title(stack: &str, profile: Option<&str>) -> String {
    profile.map_or(stack.to_owned(), |profile| format!("{stack}, profile {profile}"))
}

fn profiles(example: &Path) -> Vec<String> {
    let profile = Regex::new(r"(?m)^profile (\w+)").expect("it is a pattern");
    let text = read(&example.join("stack.ktl"));
    let names = profile.captures_iter(&text).map(|found| found.extract());
    names.map(|(_, [name])| name.to_owned()).collect()
}

/// A session beside a copy of the example, in a directory of its name.
fn session(stack: &str) -> Session {
    let session = Session::new();
    copy(&root().join("examples").join(stack), &session.directory().join(stack));
    session
}

fn rolls_out(stack: &str, profile: Option<&str>) -> Result<(), Failed> {
    let mut session = session(stack);
    let config = match profile {
        Some(profile) => format!("--config {stack} --profile {profile}"),
        None => format!("--config {stack}"),
    };
    succeeds(&mut session, &format!("ktl check {config}"))?;
    succeeds(&mut session, &format!("ktl fmt --check {stack}"))?;

    let plan = succeeds(&mut session, &format!("ktl stack plan {config} --output json"))?;
    let again = succeeds(&mut session, &format!("ktl stack plan {config} --output json"))?;
    same("two plans", plan.as_bytes(), again.as_bytes())?;
    let plan: Value = serde_json::from_str(&plan).map_err(|error| format!("the plan is no JSON: {error}"))?;

    for out in ["one", "two"] {
        succeeds(
            &mut session,
            &format!("ktl stack seal {config} --out {out} --bundle-file {stack}.tgz"),
        )?;
    }
    let files = entries(&session.directory().join("one"));
    if files.len() < 4 {
        return Err(format!("sealing wrote {files:?} only").into());
    }
    for file in files {
        let name = name(&file);
        let bytes = |out: &str| std::fs::read(session.directory().join(out).join(name));
        same(name, &bytes("one")?, &bytes("two")?)?;
    }

    let releases = list(&plan, "releases").len();
    let applied = succeeds(&mut session, &format!("ktl stack apply {config} --sim --yes"))?;
    if !applied.contains(&format!("{releases} release")) {
        return Err(format!("the plan has {releases} releases, and the run says:\n{applied}").into());
    }

    // Elsewhere, and with the sources gone.
    std::fs::remove_dir_all(session.directory().join(stack))?;
    std::fs::create_dir(session.directory().join("elsewhere"))?;
    session.run("cd elsewhere");
    let from_bundle = succeeds(
        &mut session,
        &format!("ktl stack apply --from-bundle ../one/{stack}.tgz --sim --yes"),
    )?;
    if last_line(&applied) != last_line(&from_bundle) {
        let (sources, bundle) = (last_line(&applied), last_line(&from_bundle));
        return Err(format!("from sources: {sources}\nfrom the bundle: {bundle}").into());
    }
    Ok(())
}

fn the_shop_is_production_like() -> Result<(), Failed> {
    let mut session = session("shop");
    let plan = succeeds(&mut session, "ktl stack plan --config shop --output json")?;
    let plan: Value = serde_json::from_str(&plan)?;
    let mut objects = 0;
    let mut namespaces = std::collections::BTreeSet::new();
    for release in list(&plan, "releases") {
        for object in list(release, "objects") {
            objects += 1;
            namespaces.extend(object.get("namespace").and_then(Value::as_str));
        }
    }
    let because = |kind: &str| {
        let reasons = list(&plan, "edges").iter().flat_map(|edge| list(edge, "reasons"));
        reasons
            .filter(|reason| reason.get("kind").is_some_and(|found| found == kind))
            .count()
    };
    let profiles = profiles(&session.directory().join("shop"));
    let found = [
        ("releases", list(&plan, "releases").len(), 12),
        ("objects", objects, 50),
        ("namespaces", namespaces.len(), 2),
        ("profiles", profiles.len(), 2),
        ("explicit edges", because("needs"), 1),
        ("references", because("reference"), 1),
        ("inferred edges", because("inferred"), 1),
    ];
    for (what, number, least) in found {
        if number < least {
            return Err(format!("the shop has {number} {what}; it promises {least} or more").into());
        }
    }
    Ok(())
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

fn succeeds(session: &mut Session, command: &str) -> Result<String, Failed> {
    let ran = session.run(command);
    if ran.code == 0 {
        Ok(ran.output)
    } else {
        Err(format!("`{command}` ended with {}:\n{}", ran.code, ran.output).into())
    }
}

fn same(what: &str, one: &[u8], two: &[u8]) -> Result<(), Failed> {
    if one == two {
        Ok(())
    } else {
        Err(format!("{what} differ").into())
    }
}
