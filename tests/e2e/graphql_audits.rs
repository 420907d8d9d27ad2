//! The GraphQL-over-HTTP audits of the npm package graphql-http, run by node. Said to be skipped where node, npm or
//! the package cannot be had; with `LABELHOOK_REQUIRE_ALL=1` that is a failure.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::graphql_http::{KEY, start};

#[tokio::test(flavor = "multi_thread")]
async fn all_61_audits_of_graphql_http_pass() {
    let Some(folder) = installed() else { return };
    let server = start().await;
    let url = server.url.clone();
    let audits = move || {
        run(Command::new("node")
            .current_dir(&folder)
            .args(["audits.mjs", &url, KEY]))
    };
    let output = tokio::task::spawn_blocking(audits).await.expect("no panic");
    assert!(output.status.success(), "{}", text(&output));
}

/// The folder with the audits and what they need, or nothing where that cannot be had.
fn installed() -> Option<PathBuf> {
    for program in ["node", "npm"] {
        if Command::new(program).arg("--version").output().is_err() {
            return skip(&format!("{program} is missing"));
        }
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("js/audits");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("audits");
    std::fs::create_dir_all(&folder).expect("a folder");
    let copy = |name| std::fs::copy(source.join(name), folder.join(name)).expect("a copy");
    copy("audits.mjs");
    let wanted = std::fs::read(source.join("package.json")).expect("a manifest");
    let is_there = std::fs::read(folder.join("package.json")).is_ok_and(|found| found == wanted);
    if is_there && folder.join("node_modules/graphql-http").exists() {
        return Some(folder);
    }
    copy("package.json");
    let flags = ["install", "--no-package-lock", "--no-audit", "--no-fund"];
    let output = run(Command::new("npm").current_dir(&folder).args(flags));
    if !output.status.success() {
        return skip(&format!("npm install failed: {}", text(&output)));
    }
    Some(folder)
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skip(why: &str) -> Option<PathBuf> {
    let required = std::env::var("LABELHOOK_REQUIRE_ALL").is_ok_and(|value| value == "1");
    assert!(!required, "{why}");
    eprintln!("skipped: {why}");
    None
}

fn run(command: &mut Command) -> Output {
    command.output().expect("it starts")
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
