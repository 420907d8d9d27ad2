//! Tests of a full disk: a clear error, no partial change, and recovery when there is room again.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use harness::{Answer, Answered, Client, Home, Service, TestReceiver, programs};
use serde_json::{Value, json};

const CREATE_LABEL: &str = "mutation($row: ID!, $label: String!, $project: ID!) {
    createLabel(data: {dataRow: {connect: {id: $row}}, label: $label, project: {connect: {id: $project}}}) {id}}";

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_a_clear_error_and_nothing_accepted_is_lost() {
    if !programs::files() {
        return;
    }
    let Some(disk) = SmallDisk::mounted().await else { return };
    let Some(python) = programs::need("python3") else {
        return;
    };
    let receiver = TestReceiver::start().await;
    receiver.answer(Answer::status(204));
    let service = Service::start(&disk.0).await;
    let desk = Desk::set(&service.client, &receiver).await;
    desk.accepts("before").await;

    let ballast = disk.fill();
    let (accepted, refused) = desk.until_refused().await;
    assert_eq!(refused.code(), Some("SERVICE_UNAVAILABLE"), "{:#}", refused.body);
    assert_eq!(
        refused.status, 503,
        "the same request may succeed later, and clients know it by this"
    );
    assert_eq!(
        desk.labels().await.len(),
        1 + accepted,
        "reading goes on, and the refused label is not there"
    );

    fs::remove_file(ballast).expect("the ballast can go");
    desk.accepts("after").await;
    assert_eq!(desk.labels().await.len(), 2 + accepted);
    receiver.wait_for(2 + accepted).await;
    assert!(service.terminate().await.success());
    assert_eq!(integrity(&python, &disk.0.file()), "ok");

    let again = Service::start(&disk.0).await;
    let desk = Desk {
        client: again.client.clone(),
        ..desk
    };
    assert_eq!(
        desk.labels().await.len(),
        2 + accepted,
        "what was accepted is still there after a restart"
    );
}

/// A project with one data row, and a webhook for its labels.
struct Desk {
    client: Client,
    project: Value,
    row: Value,
}

impl Desk {
    async fn set(client: &Client, receiver: &TestReceiver) -> Self {
        let make = "mutation {createProject(data: {name: \"p\"}) {id} createDataset(data: {name: \"d\"}) {id}}";
        let made = client.query(make, json!({})).await;
        let make = "mutation($dataset: ID!, $project: ID!, $url: String!) {
            createDataRow(data: {rowData: \"x\", dataset: {connect: {id: $dataset}}}) {id}
            createWebhook(data: {project: {id: $project}, topics: {set: [LABEL_CREATED]}, url: $url, secret: \"s\",
                retryPolicy: {maxAttempts: 50, delaysMs: [100]}}) {id}}";
        let (project, dataset) = (&made["createProject"]["id"], &made["createDataset"]["id"]);
        let variables = json!({"dataset": dataset, "project": project, "url": receiver.url("labels")});
        let row = client.query(make, variables).await["createDataRow"]["id"].take();
        Self {
            client: client.clone(),
            project: project.clone(),
            row,
        }
    }

    async fn label(&self, text: &str) -> Answered {
        let variables = json!({"row": self.row, "label": text, "project": self.project});
        self.client.answer(CREATE_LABEL, variables).await
    }

    async fn accepts(&self, text: &str) {
        let answer = self.label(&json!({"text": text}).to_string()).await;
        assert!(answer.body.get("errors").is_none(), "{:#}", answer.body);
    }

    /// Creates large labels until one is refused. Returns the number of accepted labels, and the refusal.
    async fn until_refused(&self) -> (usize, Answered) {
        let large = json!({"text": "x".repeat(100_000)}).to_string();
        for accepted in 0..1_000 {
            let answer = self.label(&large).await;
            if answer.body.get("errors").is_some() {
                return (accepted, answer);
            }
        }
        panic!("a hundred megabytes do not fit on the disk");
    }

    async fn labels(&self) -> Vec<Value> {
        let text = "query($id: ID!) {project(where: {id: $id}) {labels(first: 100) {id label}}}";
        let found = self.client.query(text, json!({"id": self.project})).await;
        found["project"]["labels"].as_array().expect("a list").clone()
    }
}

/// A tmpfs of a few megabytes; unmounted when dropped.
struct SmallDisk(Home);

impl SmallDisk {
    async fn mounted() -> Option<Self> {
        let mount = programs::need("mount")?;
        let home = Home::new().await;
        let options = ["-t", "tmpfs", "-o", "size=12m", "tmpfs"];
        let output = Command::new(mount)
            .args(options)
            .arg(home.path())
            .output()
            .expect("mount starts");
        match output.status.success() {
            true => Some(Self(home)),
            false => programs::skip("the right to mount a tmpfs"),
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file until there is no room for another page. Returns its path.
    fn fill(&self) -> std::path::PathBuf {
        let path = self.path().join("ballast");
        let mut file = fs::File::create(&path).expect("there is room for a name");
        while file.write_all(&[0; 4096]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process of a failed test may still have files open.
        Command::new("umount").arg("--lazy").arg(self.path()).status().ok();
    }
}

/// Returns the result of SQLite's `integrity_check` on the file, by the SQLite library of Python.
fn integrity(python: &Path, database: &Path) -> String {
    let code =
        "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('PRAGMA integrity_check').fetchone()[0])";
    let output = Command::new(python)
        .args(["-c", code])
        .arg(database)
        .output()
        .expect("python starts");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
