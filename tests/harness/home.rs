//! The folder and the database of a service, which outlive the process or the [`TestApp`].
//!
//! [`TestApp`]: crate::TestApp

use std::path::{Path, PathBuf};

use servers::Database;
use tempfile::TempDir;

/// The master key of servers on PostgreSQL, which have no key file.
const MASTER_KEY: &str = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";

/// A folder and a database. Both are removed when it is dropped.
#[derive(Debug)]
pub struct Home {
    database: Database,
    folder: TempDir,
}

impl Home {
    /// Creates a folder and a database.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        Self {
            database: Database::new(folder.path()).await,
            folder,
        }
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the URL of the database.
    pub fn url(&self) -> &str {
        self.database.url()
    }

    /// Returns the path of the SQLite database.
    pub fn file(&self) -> PathBuf {
        self.path().join("labelhook.db")
    }

    /// Returns the environment variables with which the binary uses this home.
    pub fn environment(&self) -> Vec<(&str, &str)> {
        let mut environment = vec![("LABELHOOK_DATABASE_URL", self.url())];
        if Database::is_postgres() {
            environment.push(("LABELHOOK_MASTER_KEY", MASTER_KEY));
            // A killed process soon counts as dead.
            environment.push(("LABELHOOK_NODE_TIMEOUT", "2"));
        }
        environment
    }

    /// Returns everything in the database, byte by byte.
    pub async fn stored(&self) -> Vec<u8> {
        self.database.contents().await
    }
}
