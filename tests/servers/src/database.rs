//! A database of a test's own.

use crate::{postgres::Postgres, programs::variable};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};
use std::{
    fs,
    io::{self, Write},
    path::Path,
    thread,
};

/// A database. It is removed with the test that has it.
#[derive(Debug)]
pub struct Database {
    url: String,
    name: Option<String>,
}

impl Database {
    /// Creates a database: a file in `folder`, or one of a PostgreSQL server if the tests run against that.
    pub async fn new(folder: &Path) -> Self {
        match Self::is_postgres() {
            true => Self::of_postgres().await,
            false => Self {
                url: format!("sqlite://{}?mode=rwc", folder.join("labelhook.db").display()),
                name: None,
            },
        }
    }

    /// Creates a database on the PostgreSQL server, which must be available.
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

    /// Creates a database without tables on the PostgreSQL server. Returns none, with a message, if PostgreSQL is
    /// missing.
    pub async fn empty() -> Option<Self> {
        let server = Postgres::shared().await?;
        let name = server.empty_database().await;
        Some(Self {
            url: server.url(&name),
            name: Some(name),
        })
    }

    /// Returns whether the databases of this run are on PostgreSQL.
    pub fn is_postgres() -> bool {
        variable("TEST_DATABASE").is_some_and(|value| value == "postgres")
    }

    /// Returns everything in the database, byte by byte: the files, or each value of each table.
    pub async fn contents(&self) -> Vec<u8> {
        match &self.name {
            Some(_) => values(&self.url).await.expect("the server answers"),
            None => {
                let file = self.url.trim_start_matches("sqlite://").trim_end_matches("?mode=rwc");
                let read = |suffix: &str| fs::read(format!("{file}{suffix}")).unwrap_or_default();
                ["", "-wal"].into_iter().flat_map(read).collect()
            }
        }
    }

    /// Makes the PostgreSQL server log the plan of each statement for [`Database::plans`], from the next connections
    /// on. Sequential scans stay enabled, and the server prefers them for small tables, so there must be enough rows.
    pub async fn explain(&self) {
        let name = self.name.as_ref().expect("asked of a server only");
        let db = crate::postgres::connect(&self.url).await.expect("the server answers");
        for setting in [
            "session_preload_libraries = 'auto_explain'",
            "auto_explain.log_min_duration = 0",
        ] {
            let set = format!("ALTER DATABASE {name} SET {setting}");
            db.execute_unprepared(&set).await.expect("its owner may");
        }
        db.close().await.ok();
    }

    /// Returns the logged statements of this database with their plans, in the order in which they ended.
    pub fn plans(&self) -> Vec<String> {
        let server = Postgres::started().expect("there is a database");
        let said = format!(
            "{} LOG:  duration:",
            self.name.as_ref().expect("asked of a server only")
        );
        let mut plans: Vec<String> = Vec::new();
        let mut ours = false;
        for line in server.log().lines() {
            if !line.starts_with('\t') {
                ours = line.starts_with(&said);
                plans.extend(ours.then(String::new));
            } else if let (true, Some(plan)) = (ours, plans.last_mut()) {
                plan.push_str(line);
                plan.push('\n');
            }
        }
        plans
    }

    /// Returns its URL.
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

/// Returns whether the databases of this run are SQLite files. If they are not, reports the calling test as skipped.
pub fn files() -> bool {
    if Database::is_postgres() {
        say("about SQLite files");
    }
    !Database::is_postgres()
}

fn say(why: &str) {
    let test = thread::current();
    let name = test.name().unwrap_or("a test");
    // Written past the captured output of a passing test: a skipped test is worth a line.
    writeln!(io::stderr(), "skipped: {name} ({why})").ok();
}

/// Returns whether the plans of this run's databases can be read. If PostgreSQL's log cannot be read, reports the
/// calling test as skipped.
pub fn explains() -> bool {
    if !Database::is_postgres() {
        return false;
    }
    let told = Postgres::logs();
    if !told {
        say("it reads the log of a throwaway server");
    }
    told
}

const COLUMNS: &str = "SELECT CASE data_type WHEN 'bytea' THEN format('SELECT %I FROM %I', column_name, table_name) \
     ELSE format('SELECT convert_to(%I::text, ''UTF8'') FROM %I', column_name, table_name) END \
     FROM information_schema.columns WHERE table_schema = 'public'";

async fn values(url: &str) -> Result<Vec<u8>, DbErr> {
    let db = crate::postgres::connect(url).await?;
    let mut contents = Vec::new();
    for row in rows(&db, COLUMNS.to_owned()).await? {
        for row in rows(&db, row.try_get_by_index(0)?).await? {
            let value: Option<Vec<u8>> = row.try_get_by_index(0)?;
            contents.extend(value.unwrap_or_default());
            contents.push(0);
        }
    }
    db.close().await?;
    Ok(contents)
}

async fn rows(db: &DatabaseConnection, sql: String) -> Result<Vec<sea_orm::QueryResult>, DbErr> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    db.query_all_raw(statement).await
}
