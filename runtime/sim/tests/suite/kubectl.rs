//! The real kubectl against a listener on loopback.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ktl_sim::{Cluster, Options, kubeconfig, serve};
use tokio::process::Command;

/// Runs a command line, with `stdin`; gives what it printed on both streams and whether it succeeded.
async fn kubectl(config: &Path, line: &str, stdin: &str) -> (bool, String) {
    use tokio::io::AsyncWriteExt as _;
    let words = split(line);
    let mut child = Command::new("kubectl")
        .args(&words)
        .env("KUBECONFIG", config)
        .env("HOME", config.parent().unwrap())
        .env("KUBECTL_EXTERNAL_DIFF", "diff -N -u")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // A command that reads nothing has closed the pipe already.
    let _ = input.write_all(stdin.as_bytes()).await;
    drop(input);
    let output = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output()).await;
    let output = output
        .unwrap_or_else(|_| panic!("`kubectl {line}` did not end"))
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Words, with single quotes around those that hold spaces.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The script: `$ kubectl …`, then what goes to its stdin (lines with `|`), then lines that the output must hold.
/// `!$` expects failure. `!` before a line means that the output must not hold it.
const SCRIPT: &str = include_str!("../kubectl.txt");

#[tokio::test]
async fn the_real_kubectl_works() {
    let found = std::process::Command::new("kubectl")
        .arg("version")
        .arg("--client")
        .output();
    if found.is_err() {
        let required = std::env::var("KTL_REQUIRE_KUBECTL").is_ok_and(|value| value == "1");
        assert!(!required, "kubectl is not installed, and KTL_REQUIRE_KUBECTL=1");
        // Written past the harness, which hides what passing tests print.
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr(),
            "\nSKIPPED: kubectl is not installed; nothing was checked against it\n"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let cluster = Cluster::new(Options {
        speed: 4.0,
        start: 1_700_000_000,
        ..Options::default()
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    std::fs::write(&config, kubeconfig(listener.local_addr().unwrap())).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(cluster, listener, stopped));

    let mut failures = Vec::new();
    let mut lines = SCRIPT.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let Some((fails, line)) = line
            .strip_prefix("!$ ")
            .map(|line| (true, line))
            .or(line.strip_prefix("$ ").map(|line| (false, line)))
        else {
            continue;
        };
        let mut stdin = String::new();
        while let Some((_, input)) = lines.next_if(|(_, line)| line.starts_with('|')) {
            stdin.push_str(input.strip_prefix("| ").unwrap_or(""));
            stdin.push('\n');
        }
        let (ok, output) = kubectl(&config, line, &stdin).await;
        let flat = squeeze(&output);
        let mut wrong = Vec::new();
        if ok == fails {
            wrong.push(if ok {
                "it succeeded".to_owned()
            } else {
                "it failed".to_owned()
            });
        }
        while let Some((_, wanted)) =
            lines.next_if(|(_, line)| !line.is_empty() && !line.starts_with("$ ") && !line.starts_with("!$ "))
        {
            if wanted.starts_with('#') {
                continue;
            }
            let (absent, wanted) = wanted.strip_prefix('!').map_or((false, wanted), |rest| (true, rest));
            if flat.contains(&squeeze(wanted)) == absent {
                wrong.push(format!("{} `{wanted}`", if absent { "holds" } else { "lacks" }));
            }
        }
        if !wrong.is_empty() {
            failures.push(format!(
                "kubectl.txt:{}: kubectl {line}: {}\n{output}",
                number + 1,
                wrong.join(", ")
            ));
        }
    }
    let _ = stop.send(());
    server.await.unwrap().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs of blanks as one: the width of columns is not the point.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
