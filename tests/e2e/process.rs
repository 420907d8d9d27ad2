//! Tests of the real binary as an operator uses it: its output, its shutdown, and its commands.

use std::ffi::OsStr;
use std::fs;

use harness::{Answer, Client, Gate, Home, KEY, Process, Service, Socket, TestReceiver, binary, signature};
use serde_json::{Value, json};

use crate::desk::Desk;

const NOBODYS: [(&str, &str); 1] = [("LABELHOOK_LOG", "warn")];

/// Starts a command in this home.
fn run(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> Process {
    let environment: Vec<_> = [home.environment(), NOBODYS.to_vec(), environment.to_vec()]
        .concat()
        .into_iter()
        .map(|(name, value)| (name, OsStr::new(value)))
        .collect();
    Process::start(binary(), arguments, &environment)
}

/// Runs a command to its end. Returns whether it succeeded, and its output.
async fn done(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> (bool, String) {
    let mut process = run(home, arguments, environment);
    let ended = process.ended().await;
    (ended.success(), process.said().join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_prints_its_address_and_the_first_key_once() {
    let home = Home::new().await;
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let process = run(&home, &serve, &[]);
    let key = process.line_with("lh_").await;
    let client = Client::new(&process.address().await, Some(&key));
    let user = client.query("{user {role} organization {name}}", json!({})).await;
    assert_eq!(user["user"]["role"], "OWNER");
    for path in ["/healthz", "/readyz"] {
        let (status, body) = client.get(path).await.expect("an answer");
        assert_eq!((status.as_u16(), &body[..]), (200, &b"ok\n"[..]), "{path} needs no key");
    }
    assert_eq!(client.get("/nowhere").await.expect("an answer").0.as_u16(), 404);
    assert!(process.terminate().await.success());
    let again = run(&home, &serve, &[]);
    let client = again.client(&key).await;
    client.query("{user {role}}", json!({})).await;
    assert!(
        !again.said().iter().any(|line| line.contains("lh_")),
        "{:?}",
        again.said()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_process_finishes_and_records_what_is_in_flight() {
    let (home, receiver, gate) = (Home::new().await, TestReceiver::start().await, Gate::default());
    receiver.answer(Answer::status(200).body("just in time").behind(&gate));
    let service = Service::start(&home).await;
    let desk = Desk::set(&service.client).await;
    desk.listener(&receiver, json!({})).await;
    desk.submit("{}").await;
    receiver.wait_for(1).await;
    let ending = tokio::spawn(service.terminate());
    harness::deadline::until("it accepts nobody any more", || async {
        desk.client.get("/healthz").await.is_err()
    })
    .await;
    assert!(!ending.is_finished(), "a request is still in flight");
    gate.open();
    assert!(ending.await.expect("no panic").success());

    let service = Service::start(&home).await;
    let log = "{notifications {nodes {status attempts {response {body}}}}}";
    let log = service.client.query(log, json!({})).await;
    let expected = json!([{"status": "SUCCEEDED", "attempts": [{"response": {"body": "just in time"}}]}]);
    assert_eq!(log["notifications"]["nodes"], expected);
    assert_eq!(receiver.received().len(), 1, "and nothing is sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_file_fails_and_says_why() {
    if !harness::programs::files() {
        return;
    }
    let home = Home::new().await;
    let first = Service::start(&home).await;
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["keys", "list"],
        &["migrate"],
    ] {
        let (success, said) = done(&home, arguments, &[]).await;
        assert!(!success && said.contains("labelhook.db"), "{arguments:?}: {said}");
        assert!(said.contains("process"), "{arguments:?}: {said}");
    }
    first.client.query("{user {id}}", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_key_works_and_a_short_one_is_refused() {
    let home = Home::new().await;
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let short = [("LABELHOOK_BOOTSTRAP_KEY", "0123456789012345678901234567890")];
    let (success, said) = done(&home, &serve, &short).await;
    assert!(!success && said.contains("at least 32"), "{said}");
    let process = run(&home, &serve, &[("LABELHOOK_BOOTSTRAP_KEY", KEY)]);
    process.client(KEY).await.query("{user {id}}", json!({})).await;
    assert!(
        !process.said().join("\n").contains(KEY),
        "a key that was given is not printed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_listed_and_revoked_at_the_machine() {
    let home = Home::new().await;
    let create = [
        "keys",
        "create",
        "--organization",
        "Acme",
        "--role",
        "WORKFORCE_MANAGER",
    ];
    let (success, key) = done(&home, &create, &[]).await;
    assert!(success && key.starts_with("lh_"), "{key}");
    let (_, second) = done(&home, &create, &[]).await;
    let (success, listed) = done(&home, &["keys", "list"], &[]).await;
    assert!(
        success && listed.lines().count() == 2 && !listed.contains(&key),
        "{listed}"
    );
    let id = listed.split_whitespace().next().expect("an id").to_owned();
    let (success, said) = done(&home, &["keys", "revoke", &id], &[]).await;
    assert!(success && said.contains(&id), "{said}");
    let (success, said) = done(&home, &["keys", "revoke", "unknown"], &[]).await;
    assert!(!success && said.contains("not found"), "{said}");

    let process = run(&home, &["serve", "--listen", "127.0.0.1:0"], &[]);
    let client = process.client(&key).await;
    assert_eq!(
        client.answer("{user {id}}", json!({})).await.code(),
        Some("AUTHENTICATION_ERROR")
    );
    let user = client
        .with_key(&second)
        .query("{user {role} organization {name}}", json!({}))
        .await;
    assert_eq!(
        user,
        json!({"user": {"role": "WORKFORCE_MANAGER"}, "organization": {"name": "Acme"}})
    );
}

/// The arguments, the environment, and a word of the expected message.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_cannot_work_fail_and_say_why() {
    let home = Home::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let cases: [Case; 7] = [
        (
            &["keys", "create", "--organization", "Acme", "--role", "KING"],
            &[],
            "KING",
        ),
        (
            &["keys", "create", "--organization", "", "--role", "OWNER"],
            &[],
            "organization",
        ),
        (&["serve", "--listen", &taken], &[], "cannot listen"),
        (&["serve", "--egress-allow", "10.0.0.0/99"], &[], "10.0.0.0/99"),
        (&["serve", "--egress-ports", "25,smtp"], &[], "smtp"),
        (
            &["serve", "--listen", "127.0.0.1:0"],
            &[("LABELHOOK_MASTER_KEY", "short")],
            "LABELHOOK_MASTER_KEY",
        ),
        (&["serve", "--database-url", "mysql://localhost/x"], &[], "database"),
    ];
    for (arguments, environment, reason) in cases {
        let (success, said) = done(&home, arguments, environment).await;
        assert!(!success && said.contains(reason), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_makes_the_database_and_its_key_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    if !harness::programs::files() {
        return;
    }
    let home = Home::new().await;
    for _ in 0..2 {
        let (success, said) = done(&home, &["migrate"], &[]).await;
        assert!(success, "{said}");
    }
    let key = home.file().with_added_extension("key");
    for file in [key, home.file(), home.file().with_added_extension("lock")] {
        let mode = fs::metadata(&file).expect("the file is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn help_shows_no_password_of_the_environment() {
    let help = |command: &str| {
        let mut binary = std::process::Command::new(binary());
        binary.args([command, "--help"]);
        for name in ["DATABASE_URL", "COPY_TO", "BUS"] {
            binary.env(format!("LABELHOOK_{name}"), "postgres://labelhook:hunter2@db/labelhook");
        }
        let output = binary.output().expect("it starts");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    for command in ["serve", "copy", "migrate", "rekey", "keys", "demo"] {
        assert!(!help(command).contains("hunter2"), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_trace_level_no_key_and_no_secret_is_logged() {
    let (home, receiver) = (Home::new().await, TestReceiver::start().await);
    let service = Service::start_with(&home, &[("LABELHOOK_LOG", "trace,tungstenite=trace")]).await;
    let make = "mutation($data: WebhookCreateInput!) {createWebhook(data: $data) {id}}";
    let secrets = [
        "a-signing-secret",
        "a-bearer-token",
        "a-secret-header",
        "a-token-in-the-query",
    ];
    let [secret, bearer, header, query] = secrets;
    let data = json!({"url": format!("{}?token={query}", receiver.url("hook")), "secret": secret, "authType": "BEARER",
        "bearerToken": bearer, "headers": {"X-Api-Key": header}, "topics": {"set": ["LABEL_CREATED"]}});
    let made = service.client.query(make, json!({ "data": data })).await;
    let ping = "mutation($id: ID!) {pingWebhook(where: {id: $id}) {id}}";
    service
        .client
        .query(ping, json!({"id": made["createWebhook"]["id"]}))
        .await;
    receiver.wait_for(1).await;
    let created = service
        .client
        .query("mutation {createApiKey(data: {name: \"k\"}) {key}}", json!({}))
        .await;
    let created = created["createApiKey"]["key"].as_str().expect("a key").to_owned();
    Socket::greeted(service.client.endpoint(), KEY).await.close().await;
    let said = service.kill();
    assert!(said.iter().any(|line| line.contains("TRACE")), "it logs at trace level");
    for secret in secrets.into_iter().chain([KEY, &created]) {
        let line = said.iter().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_prints_the_published_schema() {
    let output = std::process::Command::new(binary())
        .arg("schema")
        .output()
        .expect("it starts");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), labelhook_api::graphql::sdl());
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_tells_a_right_signature_from_a_wrong_one_by_its_exit_code() {
    let home = Home::new().await;
    let body = home.path().join("body.json");
    let bytes = "{\"batches\":[\"Le Croissànt\"]}".as_bytes();
    fs::write(&body, bytes).expect("a file can be written");
    let body = body.to_str().expect("text");
    let (secret, id, time) = ("your_secret_key", "0192", "1614265330");
    let sha1 = signature::hub_sha1(secret, bytes);
    let verify = async |signature: &str, secret: &str, more: &[&str]| {
        let head = ["verify", "--secret", secret, "--signature", signature, "--body", body];
        done(&home, &[&head[..], more].concat(), &[]).await
    };
    let standard = signature::standard(secret, id, 1_614_265_330, bytes);
    let both = ["--id", id, "--timestamp", time];
    for (signature, more) in [
        (format!("sha1={sha1}"), &[][..]),
        (sha1.clone(), &[]),
        (signature::hub_sha256(secret, bytes), &[]),
        (standard.clone(), &both),
    ] {
        assert_eq!(
            verify(&signature, secret, more).await,
            (true, "valid".into()),
            "{signature}"
        );
        assert_eq!(
            verify(&signature, "another", more).await,
            (false, "invalid".into()),
            "{signature}"
        );
    }
    for (signature, more) in [("nonsense", &[][..]), (&standard, &[])] {
        let (success, said) = verify(signature, secret, more).await;
        assert!(!success && said.contains("--signature"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demonstration_ends_well_whatever_settings_the_server_has() {
    let home = Home::new().await;
    let nonsense = [("LABELHOOK_RETENTION", "never"), ("LABELHOOK_ROLE", "none")];
    let (success, said) = done(&home, &["demo", "--once"], &nonsense).await;
    assert!(success, "{said}");
    assert!(
        said.contains("http://127.0.0.1:") && said.contains("all signatures fit"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_refused_unless_the_operator_allows_them() {
    let (home, receiver) = (Home::new().await, TestReceiver::start().await);
    let environment = [("LABELHOOK_BOOTSTRAP_KEY", KEY)];
    let process = run(&home, &["serve", "--listen", "127.0.0.1:0"], &environment);
    let client = process.client(KEY).await;
    let make = "mutation($url: String!) {createWebhook(data: {url: $url, secret: \"s\", topics: {set: [PING]}}) {id}}";
    let made = client.query(make, json!({"url": receiver.url("hook")})).await;
    let ping = "mutation($id: ID!) {pingWebhook(where: {id: $id}) {attempts {error {kind}}}}";
    let pinged = client.query(ping, json!({"id": made["createWebhook"]["id"]})).await;
    let expected: Value = json!({"pingWebhook": {"attempts": [{"error": {"kind": "BLOCKED_ADDRESS"}}]}});
    assert_eq!(pinged, expected);
    assert!(receiver.received().is_empty());
}
