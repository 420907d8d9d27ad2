//! The receivers of `docs/receivers` run, take what is rightly signed and refuse what is not, in both languages.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use harness::{Process, TestApp, post, programs, signature};
use serde_json::{Value, json};

use crate::desk::Desk;

const SECRET: &str = "a secret of some length";
const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TOKEN: &str = "token-of-the-receiver";
const BODY: &str = r#"{"id":"1","name":"Croissànt"}"#;

/// Headers that authenticate [`BODY`].
type Headers = Vec<(&'static str, String)>;

#[tokio::test]
async fn none_takes_everything() {
    each_language("none", &[], async |receiver| {
        receiver.takes(vec![]).await;
    })
    .await;
}

#[tokio::test]
async fn secret_takes_hub_signatures_of_both_forms() {
    each_language("secret", &[("SECRET", SECRET)], async |receiver| {
        let digest = signature::hub_sha1(SECRET, BODY.as_bytes());
        receiver
            .takes(vec![("x-hub-signature", format!("sha1={digest}"))])
            .await;
        receiver.takes(vec![("x-hub-signature", digest)]).await;
        receiver
            .refuses(vec![(
                "x-hub-signature",
                signature::hub_sha1("another", BODY.as_bytes()),
            )])
            .await;
        receiver.refuses(vec![("x-hub-signature", String::new())]).await;
        receiver.refuses(vec![]).await;
    })
    .await;
}

#[tokio::test]
async fn secret_sha256_takes_the_longer_hub_signature() {
    each_language("secret_sha256", &[("SECRET", SECRET)], async |receiver| {
        receiver
            .takes(vec![(
                "x-hub-signature-256",
                signature::hub_sha256(SECRET, BODY.as_bytes()),
            )])
            .await;
        receiver
            .refuses(vec![("x-hub-signature-256", signature::hub_sha256(SECRET, b"{}"))])
            .await;
        receiver.refuses(vec![]).await;
    })
    .await;
}

#[tokio::test]
async fn standard_webhooks_takes_secrets_of_both_kinds_while_they_are_fresh() {
    for secret in [SECRET, STANDARD_SECRET] {
        each_language("standard_webhooks", &[("SECRET", secret)], async |receiver| {
            receiver.takes(standard(secret, "event-1", now())).await;
            let mut rotating = standard(secret, "event-2", now());
            rotating[2].1 = format!(
                "{} {}",
                signature::standard("old", "event-2", now(), b"{}"),
                rotating[2].1
            );
            receiver.takes(rotating).await;
            receiver.refuses(standard("another", "event-3", now())).await;
            receiver.refuses(standard(secret, "event-4", now() - 600)).await;
            receiver.refuses(vec![]).await;
        })
        .await;
    }
}

#[tokio::test]
async fn bearer_takes_its_token_only() {
    each_language("bearer", &[("TOKEN", TOKEN)], async |receiver| {
        receiver.takes(vec![("authorization", format!("Bearer {TOKEN}"))]).await;
        receiver
            .refuses(vec![("authorization", format!("Bearer {TOKEN}x"))])
            .await;
        receiver.refuses(vec![("authorization", TOKEN.to_owned())]).await;
        receiver.refuses(vec![]).await;
    })
    .await;
}

#[tokio::test]
async fn header_takes_its_value_only() {
    each_language("header", &[("TOKEN", "Basic dXNlcjpwYXNz")], async |receiver| {
        receiver
            .takes(vec![("authorization", "Basic dXNlcjpwYXNz".to_owned())])
            .await;
        receiver
            .refuses(vec![("authorization", "Basic dXNlcg==".to_owned())])
            .await;
        receiver.refuses(vec![]).await;
    })
    .await;
}

#[tokio::test]
async fn an_event_that_comes_twice_is_worked_on_once() {
    each_language("none", &[], async |receiver| {
        for id in ["event-1", "event-1", "event-2", "event-1", "last"] {
            receiver.takes(vec![("webhook-id", id.to_owned())]).await;
        }
        receiver.process.line_with("last").await;
        let worked_on: Vec<_> = receiver
            .process
            .said()
            .into_iter()
            .filter(|line| line.starts_with("received"))
            .collect();
        assert_eq!(worked_on.len(), 3, "{worked_on:#?}");
    })
    .await;
}

#[tokio::test]
async fn a_body_without_bounds_is_refused() {
    each_language("none", &[], async |receiver| {
        let status = post(&receiver.url, &[], vec![b' '; (1 << 20) + 1]).await;
        assert!(
            status.is_err() || status.is_ok_and(|status| status == 413),
            "the body is too large"
        );
        receiver.takes(vec![]).await;
    })
    .await;
}

#[tokio::test]
async fn each_receiver_takes_the_deliveries_of_our_own_server() {
    let standard = json!({ "secret": STANDARD_SECRET });
    let bearer = json!({"authType": "BEARER", "bearerToken": TOKEN});
    let header = json!({"authType": "HEADER", "authorizationHeader": "Basic dXNlcjpwYXNz"});
    let cases = [
        ("none", "", "", json!({"authType": "NONE"})),
        ("secret", "SECRET", SECRET, json!({ "secret": SECRET })),
        (
            "secret",
            "SECRET",
            SECRET,
            json!({"secret": SECRET, "payloadFormat": "ANGO"}),
        ),
        (
            "secret_sha256",
            "SECRET",
            SECRET,
            json!({"secret": SECRET, "payloadFormat": "ANGO"}),
        ),
        ("standard_webhooks", "SECRET", SECRET, json!({ "secret": SECRET })),
        ("standard_webhooks", "SECRET", STANDARD_SECRET, standard),
        ("bearer", "TOKEN", TOKEN, bearer),
        ("header", "TOKEN", "Basic dXNlcjpwYXNz", header),
    ];
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    for (name, variable, value, input) in cases {
        let environment: Vec<_> = [(variable, value)]
            .into_iter()
            .filter(|(name, _)| !name.is_empty())
            .collect();
        each_language(name, &environment, async |receiver| {
            deliver_to(&desk, name, input.clone(), receiver).await
        })
        .await;
    }
}

/// One label to this receiver, which takes it, and one to the same receiver with a proof that does not fit.
async fn deliver_to(desk: &Desk, name: &str, input: Value, receiver: Running) {
    let id = desk.webhook(&receiver.url, &["PING"], input).await;
    assert_eq!(
        pinged(desk, &id).await,
        204,
        "{name} said {:#?}",
        receiver.process.said()
    );
    if name == "none" {
        return;
    }
    let wrong = json!({"authType": "BEARER", "bearerToken": "wrong", "secret": "wrong"});
    let id = desk.webhook(&receiver.url, &["PING"], wrong).await;
    assert_eq!(
        pinged(desk, &id).await,
        401,
        "{name} said {:#?}",
        receiver.process.said()
    );
}

async fn pinged(desk: &Desk, id: &str) -> Value {
    let ping = "mutation($id: ID!) {pingWebhook(where: {id: $id}) {responseCode}}";
    desk.client.query(ping, json!({ "id": id })).await["pingWebhook"]["responseCode"].take()
}

/// A receiver of `docs/receivers` as its own process.
struct Running {
    process: Process,
    url: String,
}

impl Running {
    async fn takes(&self, headers: Headers) {
        assert_eq!(
            self.posted(&headers).await,
            204,
            "{headers:?}; it said {:#?}",
            self.process.said()
        );
    }

    async fn refuses(&self, headers: Headers) {
        assert_eq!(
            self.posted(&headers).await,
            401,
            "{headers:?}; it said {:#?}",
            self.process.said()
        );
    }

    async fn posted(&self, headers: &Headers) -> u16 {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        post(&self.url, &headers, BODY)
            .await
            .expect("the receiver answers")
            .as_u16()
    }
}

/// Tells the story to the Python receiver and to the JavaScript one, as far as this machine has the language.
async fn each_language(name: &str, environment: &[(&str, &str)], story: impl AsyncFn(Running)) {
    if let Some((python, file)) = python(name) {
        story(start(&python, &file, environment).await).await;
    }
    if let Some((node, file)) = javascript(name) {
        story(start(&node, &file, environment).await).await;
    }
}

async fn start(program: &Path, file: &Path, environment: &[(&str, &str)]) -> Running {
    let mut variables: Vec<_> = environment
        .iter()
        .map(|(name, value)| (*name, OsStr::new(*value)))
        .collect();
    variables.extend([("PORT", OsStr::new("0")), ("PYTHONDONTWRITEBYTECODE", OsStr::new("1"))]);
    let process = Process::start(program, &[file.to_str().expect("the path is text")], &variables);
    let url = process.address().await;
    Running { process, url }
}

fn python(name: &str) -> Option<(PathBuf, PathBuf)> {
    let folder = receivers().join("python");
    let python = match name {
        "standard_webhooks" => programs::python(&folder.join("requirements.txt"))?,
        _ => programs::need("python3")?,
    };
    Some((python, folder.join(format!("{name}.py"))))
}

/// Modules are looked for beside the file that asks, so the files are copied to where the packages are.
fn javascript(name: &str) -> Option<(PathBuf, PathBuf)> {
    let node = programs::need("node")?;
    let folder = receivers().join("javascript");
    if name != "standard_webhooks" {
        return Some((node, folder.join(format!("{name}.js"))));
    }
    let installed = programs::node_modules(&folder.join("package.json"))?;
    for file in ["receiver.js", "standard_webhooks.js"] {
        std::fs::copy(folder.join(file), installed.join(file)).expect("a file can be copied");
    }
    Some((node, installed.join(format!("{name}.js"))))
}

fn receivers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/receivers")
}

fn standard(secret: &str, id: &str, timestamp: i64) -> Headers {
    let token = signature::standard(secret, id, timestamp, BODY.as_bytes());
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", token),
    ]
}

#[expect(clippy::disallowed_methods, reason = "the receivers look at the real clock")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_secs()).expect("seconds fit for a while")
}
