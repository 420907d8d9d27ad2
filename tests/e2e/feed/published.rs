//! The published JavaScript clients: graphql-ws and graphql-sse, run by node. Said to be skipped where they cannot be
//! had.

use std::path::Path;
use std::process::Command;

use harness::{KEY, TestApp, programs};
use serde_json::json;

use crate::desk::{Desk, text};

#[tokio::test(flavor = "multi_thread")]
async fn graphql_ws_and_graphql_sse_are_told_what_happened() {
    if programs::need("node").is_none() {
        return;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("js/feed");
    let Some(folder) = programs::node_modules(&source.join("package.json")) else {
        return;
    };
    std::fs::copy(source.join("feed.mjs"), folder.join("feed.mjs")).expect("a copy");
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    desk.submit("{}").await;
    let cursor = text(&app.query(super::LOG, json!({})).await["events"]["edges"][0]["cursor"]);
    desk.submit("{}").await;
    desk.review(&desk.submit("{}").await, 1.0).await;
    let url = app.client.endpoint().to_owned();
    let run = move || {
        let mut node = Command::new("node");
        node.current_dir(&folder)
            .args(["feed.mjs", &url, KEY, &cursor, "3"])
            .output()
    };
    let output = tokio::task::spawn_blocking(run)
        .await
        .expect("no panic")
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let expected = json!(super::log(&app).await[1..]).to_string();
    assert_eq!(said.lines().collect::<Vec<_>>(), [expected.as_str(), expected.as_str()]);
}
