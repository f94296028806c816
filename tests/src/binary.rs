//! The `ktl` under test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The built binary: `$KTL_BIN` if it is set, else what `cargo build` makes of the sources as they are, in the target
/// directory and profile of the suite itself.
///
/// # Panics
/// When there is none, or it cannot be built: a suite without its subject has shown nothing.
pub fn ktl() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("KTL_BIN") {
        Some(path) => {
            let path = PathBuf::from(path);
            assert!(path.is_file(), "`KTL_BIN` names `{}`, which is no file", path.display());
            path
        }
        None => build(),
    })
}

fn build() -> PathBuf {
    let suite = std::env::current_exe().expect("a running program has a path");
    // target/<profile>/deps/<suite>
    let profile = suite.parent().and_then(Path::parent).expect("suites are run by cargo");
    let target = profile.parent().expect("suites are run by cargo");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--locked", "-p", "ktl", "--message-format=json"]);
    if profile.file_name().is_some_and(|name| name == "release") {
        cargo.arg("--release");
    }
    cargo.arg("--target-dir").arg(target).current_dir(crate::root());
    cargo.stderr(Stdio::inherit());
    let output = cargo
        .output()
        .unwrap_or_else(|error| panic!("cannot run cargo to build ktl: {error}; name a built binary with `KTL_BIN`"));
    assert!(
        output.status.success(),
        "ktl cannot be built, so there is nothing to test"
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|message| {
            let executable = message.get("executable")?.as_str()?.to_owned();
            (message.pointer("/target/name")? == "ktl").then_some(PathBuf::from(executable))
        })
        .expect("cargo says where it puts the binary that it built")
}
