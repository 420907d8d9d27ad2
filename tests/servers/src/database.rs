//! A database of a test's own.

use crate::{postgres::Postgres, programs::variable};
use std::path::Path;

/// A database; it goes with the test that has it.
#[derive(Debug)]
pub struct Database {
    url: String,
    name: Option<String>,
}

impl Database {
    /// A new one: a file in `folder`, or one of a PostgreSQL server when tests run against that.
    pub async fn new(folder: &Path) -> Self {
        match Self::is_postgres() {
            true => Self::of_postgres().await,
            false => Self {
                url: format!("sqlite://{}?mode=rwc", folder.join("labelhook.db").display()),
                name: None,
            },
        }
    }

    /// A new one of the PostgreSQL server, which is there.
    pub async fn of_postgres() -> Self {
        let server = Postgres::shared()
            .await
            .expect("TEST_DATABASE=postgres needs PostgreSQL");
        let name = server.database().await;
        Self {
            url: server.url(&name),
            name: Some(name),
        }
    }

    /// Whether this run's databases are PostgreSQL's.
    pub fn is_postgres() -> bool {
        variable("TEST_DATABASE").is_some_and(|value| value == "postgres")
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let server = Postgres::started();
        if let (Some(server), Some(name)) = (server, self.name.take()) {
            server.forget(name);
        }
    }
}
