//! `labelhook migrate --dry-run`: what is pending, without a change.

use std::ffi::OsStr;

use harness::programs::{Database, files};
use harness::{Home, Process, Service, binary};

/// The exit code, and what it said.
async fn dry_run(url: &str) -> (Option<i32>, String) {
    let environment = [("LABELHOOK_DATABASE_URL", url), ("LABELHOOK_LOG", "warn")];
    let environment = environment.map(|(name, value)| (name, OsStr::new(value)));
    let mut process = Process::start(binary(), &["migrate", "--dry-run"], &environment);
    let ended = process.ended().await;
    (ended.code(), process.said().join("\n"))
}

fn assert_everything_is_pending((code, said): &(Option<i32>, String), uuid: &str) {
    assert_eq!(*code, Some(3), "{said}");
    assert!(said.contains("-- m20261121_000001_people"), "{said}");
    assert!(said.contains("-- m20261121_000013_nodes"), "{said}");
    let table = format!("CREATE TABLE \"webhook\" ( \"id\" {uuid} NOT NULL");
    assert!(said.contains(&table), "{table} in {said}");
    assert!(said.contains("INSERT INTO tally"), "by hand as well: {said}");
    assert!(!said.contains("pg_temp"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_what_a_new_sqlite_file_would_get_and_makes_none() {
    if !files() {
        return;
    }
    let home = Home::new().await;
    assert_everything_is_pending(&dry_run(home.url()).await, "uuid_text");
    assert_eq!(
        home.path().read_dir().expect("it is there").count(),
        0,
        "no file, no key, no lock"
    );

    let service = Service::start(&home).await;
    let (code, said) = dry_run(home.url()).await;
    assert_eq!(code, Some(0), "beside a server: {said}");
    assert!(said.contains("up to date"), "{said}");
    assert!(service.terminate().await.success());
    let before = std::fs::read(home.file()).expect("a file");
    assert_eq!(dry_run(home.url()).await.0, Some(0));
    assert_eq!(std::fs::read(home.file()).expect("a file"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_what_a_postgresql_database_would_get_and_makes_nothing() {
    let Some(database) = Database::empty().await else {
        return;
    };
    for _ in 0..2 {
        assert_everything_is_pending(&dry_run(database.url()).await, "uuid");
    }
    let (server, _) = database.url().rsplit_once('/').expect("a URL names a database");
    let missing = format!("{server}/not_there_yet");
    for _ in 0..2 {
        assert_everything_is_pending(&dry_run(&missing).await, "uuid");
    }
    let (code, said) = dry_run("postgres://postgres@127.0.0.1:1/labelhook").await;
    assert_eq!(code, Some(1), "a server that is not there is a fault: {said}");
}
