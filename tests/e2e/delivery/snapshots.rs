//! One whole request in each dialect, as a receiver gets it: the contract with everybody's receivers. What differs from
//! run to run (ids, signatures, the port) is named instead of shown.

use std::fmt::Write;

use harness::{Received, TestApp};
use insta::{assert_snapshot, with_settings};
use serde_json::{Value, json};

use super::Scene;

const REFRESH: &str = "to accept it: INSTA_UPDATE=always cargo test -p labelhook-tests --test e2e snapshots";
const LABEL: &str = r#"{"tools":[{"title":"Tree"}],"classifications":[{"title":"Croissànt","answer":"yes"}]}"#;

#[tokio::test]
async fn a_request_in_labelboxes_form_is_as_it_always_was() {
    let request = request("LABELBOX").await;
    with_settings!({description => REFRESH, omit_expression => true}, {assert_snapshot!("labelbox", request)});
}

#[tokio::test]
async fn a_request_in_angos_form_is_as_it_always_was() {
    let request = request("ANGO").await;
    with_settings!({description => REFRESH, omit_expression => true}, {assert_snapshot!("ango", request)});
}

#[tokio::test]
async fn a_request_in_v7s_form_is_as_it_always_was() {
    let request = request("V7").await;
    with_settings!({description => REFRESH, omit_expression => true}, {assert_snapshot!("v7", request)});
}

async fn request(format: &str) -> String {
    let scene = Scene::set().await;
    let more = json!({"payloadFormat": format, "headers": {"X-Team": "blue"}});
    scene
        .desk
        .webhook(&scene.receiver.url("hook"), &["LABEL_CREATED"], more)
        .await;
    let label = scene.desk.submit(LABEL).await;
    let received = scene.deliver().await.remove(0);
    let user = scene.app.query("{user {id}}", json!({})).await["user"]["id"].take();
    let names = [
        (label.as_str(), "LABEL"),
        (&scene.desk.project, "PROJECT"),
        (&scene.desk.dataset, "DATASET"),
        (&scene.desk.row, "DATA_ROW"),
        (user.as_str().expect("an id"), "USER"),
    ];
    names
        .iter()
        .fold(shown(&scene.app, &received).await, |text, (id, name)| {
            text.replace(id, &format!("[{name}]"))
        })
}

/// A request to the webhook of the newest notification, with what differs from run to run named.
pub async fn shown(app: &TestApp, received: &Received) -> String {
    let log = app.query("{notifications {nodes {id event {id}}}}", json!({})).await;
    let node = &log["notifications"]["nodes"][0];
    let mut text = format!("{} {}\n", received.method, received.path);
    let mut headers: Vec<_> = received.headers.iter().collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in headers {
        let value = value.to_str().expect("text");
        let shown = match name.as_str() {
            "host" => "[ADDRESS]".to_owned(),
            "content-length" => "[LENGTH]".to_owned(),
            name if name.contains("signature") => hidden(value),
            _ if node["id"] == value => "[NOTIFICATION]".to_owned(),
            _ if node["event"]["id"] == value => "[EVENT]".to_owned(),
            _ => value.to_owned(),
        };
        writeln!(text, "{name}: {shown}").expect("text can be appended");
    }
    let body: Value = received.json();
    let body = serde_json::to_string_pretty(&body).expect("JSON can be written");
    text + "\n" + &body
}

/// The form of a signature without its digits.
fn hidden(value: &str) -> String {
    match value.split_once(['=', ',']) {
        Some((form, _)) if form.len() < 7 => format!("{}[SIGNATURE]", &value[..=form.len()]),
        _ => "[SIGNATURE]".to_owned(),
    }
}
