//! A stage's log: a line for each of its notifications, `[Date][Status] external_id`.

use std::time::Duration;

use harness::Answer;
use serde_json::json;
use tokio::net::TcpListener;

use super::Scene;
use super::passage::shown;
use crate::desk::text;

#[tokio::test]
async fn the_log_has_a_line_for_each_answer_and_each_error_newest_first() {
    let scene = Scene::set().await;
    let once = json!({"retryPolicy": {"maxAttempts": 1}});
    let hook = scene.draw_hook(once.clone()).await;
    scene.receiver.then([Answer::status(500), Answer::status(200)]);
    let mut tasks = Vec::new();
    for external_id in ["broken.jpg", "fine [1].jpg"] {
        tasks.push(scene.floor.task(external_id).await);
        scene.floor.submit(&tasks[tasks.len() - 1]).await;
        scene.later(Duration::from_millis(1_234)).await;
    }
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port")
        .local_addr()
        .expect("an address");
    let mut moved = super::labelled_then_sent(super::hook(&scene.receiver, once));
    moved["stages"][2]["webhook"]["url"] = json!(format!("http://{closed}/hook"));
    for (place, name) in ["Start", "Label", "Hook", "Done"].into_iter().enumerate() {
        moved["stages"][place]["id"] = json!(scene.floor.stage(name).await);
    }
    scene.floor.draw(moved).await;
    tasks.push(scene.floor.task("unreachable.jpg").await);
    scene.floor.submit(&tasks[2]).await;
    scene.later(Duration::from_secs(60)).await;

    let log = "query($id: ID!) {stage(where: {id: $id}) {notifications {nodes {logLine}}}}";
    let log = scene.app.query(log, json!({ "id": hook })).await;
    let lines: Vec<_> = log["stage"]["notifications"]["nodes"]
        .as_array()
        .expect("a list")
        .clone();
    let lines: Vec<_> = lines.iter().map(|line| text(&line["logLine"])).collect();
    assert_eq!(
        lines,
        [
            "[2027-01-15T08:01:02.468Z][CONNECT] unreachable.jpg",
            "[2027-01-15T08:00:02.468Z][200] fine [1].jpg",
            "[2027-01-15T08:00:01.234Z][500] broken.jpg",
        ]
    );
    for line in &lines {
        assert!(is_log_line(line), "{line}");
    }
    let own = shown(&scene, &tasks[0]).await;
    assert_eq!(own["notifications"]["nodes"][0]["logLine"], lines[2]);
    assert_eq!(
        own["notifications"]["nodes"].as_array().map(Vec::len),
        Some(1),
        "its own alone"
    );
}

/// `[Date][Status] external_id`, the date as ISO 8601 has it: `YYYY-MM-DDThh:mm:ss.sssZ`.
fn is_log_line(line: &str) -> bool {
    const DATE: &str = "0000-00-00T00:00:00.000Z";
    let shape: String = line
        .chars()
        .skip(1)
        .take(DATE.len())
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let rest = line.get(DATE.len() + 1..).and_then(|rest| rest.strip_prefix("]["));
    let status = rest.and_then(|rest| rest.split_once("] ")).map(|(status, _)| status);
    let word = |status: &str| {
        status.chars().all(|c| c.is_ascii_digit()) || status.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    };
    line.starts_with('[') && shape == DATE && status.is_some_and(|status| !status.is_empty() && word(status))
}

#[tokio::test]
async fn a_retried_notification_has_one_line_with_its_newest_answer() {
    let scene = Scene::set().await;
    let hook = scene
        .draw_hook(json!({"timeoutMs": 5_000, "retryPolicy": {"delaysMs": [1_000], "jitter": 0.0}}))
        .await;
    scene.receiver.then([Answer::status(503), Answer::hang()]);
    let task = scene.floor.task("tree.jpg").await;
    scene.floor.submit(&task).await;
    let log = "query($id: ID!) {stage(where: {id: $id}) {notifications {nodes {logLine status attempts {number}}}}}";
    let mut seen = Vec::new();
    for _ in 0..3 {
        scene.deliver().await;
        let shown = scene.app.query(log, json!({ "id": hook })).await;
        let nodes = shown["stage"]["notifications"]["nodes"]
            .as_array()
            .expect("a list")
            .clone();
        assert_eq!(nodes.len(), 1);
        seen.push(text(&nodes[0]["logLine"]));
        scene.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(seen[0], "[2027-01-15T08:00:00.000Z][503] tree.jpg");
    assert_eq!(seen[1], "[2027-01-15T08:00:01.000Z][TIMEOUT] tree.jpg");
    assert_eq!(seen[2], "[2027-01-15T08:00:02.000Z][200] tree.jpg");
}
