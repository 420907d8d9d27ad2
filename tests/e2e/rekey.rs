//! Tests of `labelhook rekey` as an operator uses it: offline, with the key file or with given keys, interrupted and
//! resumed.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use harness::{Home, Process, Service, TestReceiver, binary, signature};
use labelhook_api::graphql::payload::Shaper;
use labelhook_core::Config;
use labelhook_core::admin::rekey::{Position, Rekey};
use labelhook_core::secret::Keyring;
use serde_json::json;

use crate::desk::{Desk, SECRET};

const KEYS: [&str; 2] = [
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
];

/// Runs a command to its end. Returns whether it succeeded, and its output.
async fn done(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> (bool, String) {
    let settings = [("LABELHOOK_LOG", "warn")];
    let environment: Vec<_> = [home.environment(), settings.to_vec(), environment.to_vec()]
        .concat()
        .into_iter()
        .map(|(name, value)| (name, OsStr::new(value)))
        .collect();
    let mut process = Process::start(binary(), arguments, &environment);
    let ended = process.ended().await;
    (ended.success(), process.said().join("\n"))
}

fn key_file(home: &Home) -> std::path::PathBuf {
    home.file().with_added_extension("key")
}

fn keyring(path: &Path) -> Keyring {
    Keyring::load(path).expect("a key file")
}

/// Starts a service, creates a webhook with a secret and a token, and stops the service.
async fn stopped(home: &Home, receiver: &TestReceiver) -> Desk {
    let service = Service::start(home).await;
    let desk = Desk::set(&service.client).await;
    let token = json!({"authType": "BEARER", "bearerToken": "the-token"});
    desk.listener(receiver, token).await;
    assert!(service.terminate().await.success());
    desk
}

/// Asserts that a service started after the command uses the sealed values: it sends the token and a valid signature.
async fn delivers(home: &Home, receiver: &TestReceiver, desk: &Desk) {
    let service = Service::start(home).await;
    let desk = Desk {
        client: service.client.clone(),
        ..desk.clone()
    };
    let before = receiver.received().len();
    desk.submit("{}").await;
    let received = receiver.wait_for(before + 1).await.remove(before);
    assert_eq!(received.header("authorization"), "Bearer the-token");
    signature::assert_standard(SECRET, &received.headers, &received.body);
    assert!(service.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_in_the_file_is_changed_while_the_server_is_stopped() {
    if !harness::programs::files() {
        return;
    }
    let (home, receiver) = (&Home::new().await, TestReceiver::start().await);
    let desk = stopped(home, &receiver).await;
    let old = keyring(&key_file(home)).id();

    let running = Service::start(home).await;
    let (success, said) = done(home, &["rekey"], &[]).await;
    assert!(!success && said.contains("in use by another process"), "{said}");
    assert!(
        !key_file(home).with_added_extension("new").exists(),
        "nothing was begun"
    );
    assert!(running.terminate().await.success());

    let (success, said) = done(home, &["rekey"], &[]).await;
    assert!(
        success && said.contains("all 2 sealed values open with the new key"),
        "{said}"
    );
    assert!(said.contains("webhook_secret.sealed: 1 values"), "{said}");
    let kept = key_file(home).with_added_extension(&old);
    assert_eq!(keyring(&kept).id(), old);
    assert_ne!(keyring(&key_file(home)).id(), old);
    assert!(said.contains(&kept.display().to_string()), "{said}");
    delivers(home, &receiver, &desk).await;

    let given = [("LABELHOOK_NEW_MASTER_KEY", KEYS[0])];
    let (success, said) = done(home, &["rekey"], &given).await;
    assert!(success && !said.contains(KEYS[0]), "{said}");
    let expected = Keyring::from_base64(KEYS[0]).expect("a key").id();
    assert_eq!(keyring(&key_file(home)).id(), expected);
    delivers(home, &receiver, &desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_was_killed_in_the_middle_is_finished_by_running_it_again() {
    if !harness::programs::files() {
        return;
    }
    let (home, receiver) = (&Home::new().await, TestReceiver::start().await);
    let desk = stopped(home, &receiver).await;
    let waiting = key_file(home).with_added_extension("new");
    let new = Keyring::load_or_create(&waiting).expect("a key file");
    let new_id = new.id();
    let config = Config::new(
        home.url().to_owned(),
        Arc::new(keyring(&key_file(home))),
        Arc::new(Shaper::default()),
    );
    // The first column is under the new key, the second is not: the state after the command is killed there.
    let killed = Rekey::open(config, || Ok(new)).await.expect("nobody else has it");
    killed.step(Position::default(), &mut |_| ()).await.expect("a step");
    drop(killed);

    let (success, said) = done(home, &["serve", "--listen", "127.0.0.1:0"], &[]).await;
    assert!(!success && said.contains("rekey"), "{said}");
    let other = [("LABELHOOK_NEW_MASTER_KEY", KEYS[0])];
    let (success, said) = done(home, &["rekey"], &other).await;
    assert!(!success && said.contains("another key waits"), "{said}");
    let (success, said) = done(home, &["rekey"], &[]).await;
    assert!(success, "{said}");
    assert_eq!(keyring(&key_file(home)).id(), new_id);
    assert!(!waiting.exists());
    delivers(home, &receiver, &desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_ended_before_the_files_were_swapped_swaps_them() {
    if !harness::programs::files() {
        return;
    }
    let (home, receiver) = (&Home::new().await, TestReceiver::start().await);
    let desk = stopped(home, &receiver).await;
    let old = std::fs::read(key_file(home)).expect("a key file");
    let (success, said) = done(home, &["rekey"], &[]).await;
    assert!(success, "{said}");
    let new = key_file(home).with_added_extension("new");
    std::fs::rename(key_file(home), new).expect("a file can be moved");
    let kept = std::fs::read_dir(home.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    let kept = kept
        .filter(|path| std::fs::read(path).is_ok_and(|bytes| bytes == old))
        .last();
    std::fs::rename(kept.expect("the old key is kept"), key_file(home)).expect("a file can be moved");

    let (success, said) = done(home, &["serve", "--listen", "127.0.0.1:0"], &[]).await;
    assert!(!success && said.contains("masterKey"), "{said}");
    let (success, said) = done(home, &["rekey"], &[]).await;
    assert!(success && said.contains("all 2 sealed values"), "{said}");
    delivers(home, &receiver, &desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_given_are_kept_nowhere_and_faults_are_named() {
    if !harness::programs::files() {
        return;
    }
    let home = &Home::new().await;
    let (success, said) = done(home, &["rekey"], &[]).await;
    assert!(!success && said.contains("there is no database"), "{said}");
    let old = [("LABELHOOK_MASTER_KEY", KEYS[0])];
    assert!(done(home, &["migrate"], &old).await.0);
    let both = [old[0], ("LABELHOOK_NEW_MASTER_KEY", KEYS[1])];
    let cases: [(&[(&str, &str)], &str); 4] = [
        (&old, "--new-master-key is missing"),
        (
            &[old[0], ("LABELHOOK_NEW_MASTER_KEY", "short")],
            "LABELHOOK_NEW_MASTER_KEY",
        ),
        (
            &[old[0], ("LABELHOOK_NEW_MASTER_KEY", KEYS[0])],
            "is the master key already",
        ),
        (&[], "labelhook.db.key"),
    ];
    for (environment, reason) in cases {
        let (success, said) = done(home, &["rekey"], environment).await;
        assert!(!success && said.contains(reason), "{environment:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    let (success, said) = done(home, &["rekey"], &both).await;
    assert!(success && said.contains("LABELHOOK_MASTER_KEY"), "{said}");
    assert!(!said.contains(KEYS[0]) && !said.contains(KEYS[1]), "{said}");
    assert!(!key_file(home).exists() && !key_file(home).with_added_extension("new").exists());
    let new = [("LABELHOOK_MASTER_KEY", KEYS[1])];
    assert!(done(home, &["migrate"], &new).await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_given_change_wherever_the_database_is() {
    let (home, receiver) = (&Home::new().await, TestReceiver::start().await);
    let service = Service::start_with(home, &[("LABELHOOK_MASTER_KEY", KEYS[0])]).await;
    Desk::set(&service.client).await.listener(&receiver, json!({})).await;
    let both = [("LABELHOOK_MASTER_KEY", KEYS[0]), ("LABELHOOK_NEW_MASTER_KEY", KEYS[1])];
    let (success, said) = done(home, &["rekey"], &both).await;
    assert!(
        !success && (said.contains("in use") || said.contains("is at work")),
        "{said}"
    );
    assert!(service.terminate().await.success());
    let (success, said) = done(home, &["rekey"], &both).await;
    assert!(success && said.contains("all 1 sealed values"), "{said}");
    let (success, said) = done(home, &["migrate"], &both[..1]).await;
    assert!(!success && said.contains("masterKey"), "{said}");
    assert!(done(home, &["migrate"], &[("LABELHOOK_MASTER_KEY", KEYS[1])]).await.0);
}
