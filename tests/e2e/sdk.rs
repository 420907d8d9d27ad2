//! The Labelbox Python SDKs work unmodified, with only their endpoint changed: what `tests/python` tells, against a
//! service of its own.

use std::ffi::OsStr;
use std::path::Path;

use harness::{KEY, Process, TestApp, programs};

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_labelbox_sdk_works_unmodified() {
    tell("7").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_labelbox_sdk_with_review_topics_works_unmodified() {
    tell("3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_labelbox_sdk_that_creates_labels_works_unmodified() {
    tell("2").await;
}

async fn tell(version: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let Some(python) = programs::python(&folder.join(format!("requirements-{version}.txt"))) else {
        return;
    };
    let app = TestApp::start().await;
    let script = folder.join(format!("labelbox_{version}.py"));
    let environment = [
        ("LABELHOOK_ENDPOINT", OsStr::new(app.client.endpoint())),
        ("LABELHOOK_API_KEY", OsStr::new(KEY)),
        ("PYTHONDONTWRITEBYTECODE", OsStr::new("1")),
    ];
    let mut story = Process::start(&python, &[script.to_str().expect("the path is text")], &environment);
    let ended = story.ended().await;
    let said = story.said().join("\n");
    assert!(ended.success() && said.contains("checks"), "{ended}\n{said}");
}
