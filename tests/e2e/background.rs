//! Tests of the background tasks, as `/readyz?verbose` reports them.

use http::StatusCode;
use serde_json::{Value, json};

use harness::{TestApp, deadline::until};

/// The tasks of every node, with the nodes that they run on. With PostgreSQL there are also `heartbeat` and
/// `membership`.
const TASKS: [(&str, &str); 8] = [
    ("deletions", "leader"),
    ("hints", "everyNode"),
    ("idempotency_keys", "leader"),
    ("listeners", "everyNode"),
    ("postponed_matches", "leader"),
    ("replays", "owner"),
    ("retention", "leader"),
    ("workflow_jobs", "leader"),
];

async fn report(app: &TestApp) -> Value {
    let (status, body) = app.client.get("/readyz?verbose").await.expect("an answer");
    assert_eq!(status, StatusCode::OK);
    serde_json::from_slice(&body).expect("JSON")
}

async fn task(app: &TestApp, name: &str) -> Option<Value> {
    let mut report = report(app).await;
    let tasks = report["tasks"].as_array_mut().expect("a list");
    tasks.iter().find(|task| task["name"] == name).cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn readyz_tells_how_each_background_task_fares_when_it_is_asked_to() {
    let app = TestApp::start().await;
    let (_, body) = app.client.get("/readyz").await.expect("an answer");
    assert_eq!(&body[..], b"ok\n", "without being asked it says no more");
    for (name, runs_on) in TASKS {
        until("it has run", || async {
            task(&app, name)
                .await
                .is_some_and(|task| !task["lastDurationMs"].is_null())
        })
        .await;
        let task = task(&app, name).await.expect("it has run");
        assert_eq!(task["runsOn"], runs_on, "{name}");
        assert!(task["periodSeconds"].as_f64().expect("a number") > 0.0, "{name}");
        let last_run = task["lastRun"].as_str().expect("a time");
        assert!(last_run.parse::<entity::Timestamp>().is_ok(), "{last_run}");
        assert_eq!(
            [&task["lastError"], &task["failing"], &task["backlog"]],
            [&Value::Null, &json!(0), &json!(0)],
            "{name}"
        );
    }
    assert_eq!(report(&app).await["ready"], true);
}
