//! What a service needs to live in: a folder for its files and a database, which outlive the process or the [`TestApp`].
//!
//! [`TestApp`]: crate::TestApp

use std::path::{Path, PathBuf};

use servers::Database;
use tempfile::TempDir;

/// Of servers whose database is no file with a key file beside it.
const MASTER_KEY: &str = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";

/// A folder and a database; both go when it is dropped.
#[derive(Debug)]
pub struct Home {
    database: Database,
    folder: TempDir,
}

impl Home {
    /// A new one.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        Self {
            database: Database::new(folder.path()).await,
            folder,
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the database is.
    pub fn url(&self) -> &str {
        self.database.url()
    }

    /// The file of a SQLite database.
    pub fn file(&self) -> PathBuf {
        self.path().join("labelhook.db")
    }

    /// What tells the binary to live here.
    pub fn environment(&self) -> Vec<(&str, &str)> {
        let mut environment = vec![("LABELHOOK_DATABASE_URL", self.url())];
        if Database::is_postgres() {
            environment.push(("LABELHOOK_MASTER_KEY", MASTER_KEY));
            // A process that is killed is missed soon.
            environment.push(("LABELHOOK_NODE_TIMEOUT", "2"));
        }
        environment
    }

    /// Everything that is in the database, byte by byte.
    pub async fn stored(&self) -> Vec<u8> {
        self.database.contents().await
    }
}
