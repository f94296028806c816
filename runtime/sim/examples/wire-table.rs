//! Writes `src/http/wire.txt`: which field of which message has which number, read from the Go types of Kubernetes.
//!
//! `cargo run -p ktl-sim --example wire-table -- K8S_IO_API APIMACHINERY > runtime/sim/src/http/wire.txt`, with the
//! folders of the Go modules `k8s.io/api` and `k8s.io/apimachinery`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

/// The fields of one struct, as they are written; and the structs that it embeds.
type Message = (Vec<String>, Vec<String>);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [api, machinery] = arguments.as_slice() else {
        return Err("two folders are needed".into());
    };
    let mut messages = BTreeMap::new();
    for group in std::fs::read_dir(api)? {
        let group = group?;
        let Ok(versions) = std::fs::read_dir(group.path()) else {
            continue;
        };
        for version in versions {
            let version = version?;
            let (group, name) = (group.file_name(), version.file_name());
            let prefix = format!("api.{}.{}", group.to_string_lossy(), name.to_string_lossy());
            read(&version.path(), &prefix, &mut messages)?;
        }
    }
    let meta = "apimachinery.pkg.apis.meta.v1";
    read(&Path::new(machinery).join("pkg/apis/meta/v1"), meta, &mut messages)?;
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for name in messages.keys() {
        if ktl_schema::record(&format!("io.k8s.{name}")).is_some() {
            wanted.insert(name.clone());
        }
    }
    loop {
        let embedded = wanted
            .iter()
            .filter_map(|name| messages.get(name))
            .flat_map(|(_, embedded)| embedded.clone());
        let more: BTreeSet<String> = embedded.filter(|name| !wanted.contains(name)).collect();
        if more.is_empty() {
            break;
        }
        wanted.extend(more);
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "# Written by `cargo run -p ktl-sim --example wire-table`. Do not edit."
    )?;
    writeln!(
        out,
        "# message, then number:field; `?` leaves zero out, `^` embeds another message."
    )?;
    for name in wanted {
        if let Some((fields, _)) = messages.get(&name) {
            writeln!(out, "{name} {}", fields.join(" "))?;
        }
    }
    Ok(())
}

/// Reads the structs of one package.
fn read(folder: &Path, prefix: &str, messages: &mut BTreeMap<String, Message>) -> std::io::Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    let stable = prefix
        .rsplit('.')
        .next()
        .is_some_and(|version| !version.contains("alpha") && !version.contains("beta"));
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let generated = name.contains("generated") || name.ends_with("_test.go");
        if !stable || generated || !name.ends_with(".go") {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        let mut current: Option<(String, Message)> = None;
        for line in text.lines() {
            if let Some(name) = line
                .strip_prefix("type ")
                .and_then(|rest| rest.strip_suffix(" struct {"))
            {
                current = Some((format!("{prefix}.{name}"), Message::default()));
            } else if line == "}" {
                messages.extend(current.take());
            } else if let Some((_, message)) = &mut current {
                field(line.trim(), prefix, message);
            }
        }
    }
    Ok(())
}

fn field(line: &str, prefix: &str, (fields, embedded): &mut Message) {
    let tag = |key: &str| {
        let (_, rest) = line.split_once(&format!("{key}:\""))?;
        rest.split_once('"').map(|(tag, _)| tag)
    };
    let (Some(json), Some(wire), false) = (tag("json"), tag("protobuf"), line.starts_with("//")) else {
        return;
    };
    let Some(number) = wire.split(',').nth(1) else { return };
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    if json.starts_with(',') {
        let name = first.trim_start_matches('*');
        let name = match name.split_once('.') {
            Some(("metav1", name)) => format!("apimachinery.pkg.apis.meta.v1.{name}"),
            Some((_, name)) => format!("api.core.v1.{name}"),
            None => format!("{prefix}.{name}"),
        };
        fields.push(format!("{number}:^{name}"));
        embedded.push(name);
        return;
    }
    let pointer = words.next().unwrap_or_default().starts_with('*');
    let (name, rest) = json.split_once(',').unwrap_or((json, ""));
    let zero = if rest.contains("omitempty") && !pointer {
        "?"
    } else {
        ""
    };
    fields.push(format!("{number}:{name}{zero}"));
}
