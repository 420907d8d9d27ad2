//! The GraphQL-over-HTTP audits of the npm package graphql-http, run by node. Said to be skipped where node, npm or
//! the package cannot be had; with `LABELHOOK_REQUIRE_ALL=1` that is a failure.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use harness::{KEY, TestApp, programs};

#[tokio::test(flavor = "multi_thread")]
async fn all_61_audits_of_graphql_http_pass() {
    let Some(folder) = installed() else { return };
    let app = TestApp::start().await;
    let url = app.client.endpoint().to_owned();
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
    programs::need("node")?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("js/audits");
    let folder = programs::node_modules(&source.join("package.json"))?;
    std::fs::copy(source.join("audits.mjs"), folder.join("audits.mjs")).expect("a copy");
    Some(folder)
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
