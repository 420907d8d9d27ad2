//! Carries an installation from a SQLite file over to a PostgreSQL server, while nobody else has either.
//!
//! Tables go over in pages, in the order of their primary keys ([`page`]), and each page is one statement; so what is there
//! already says where one that was broken off goes on. A row of `setting` says that the copy is under way and from which
//! installation: no node starts on that database until it is done.
//!
//! In the end both sides are read in full, and what they hold is counted and hashed, table by table ([`row`]). Only when
//! all are equal, and every sealed value opens with the master key, are the claims of the old process given back and the
//! row removed.

mod page;
mod row;
mod table;
mod target;

pub use table::{APART, TABLES};
pub(crate) use target::check_done;

use super::rekey;
use crate::{
    Clock, Error, Result,
    queue::claim,
    secret::Keyring,
    sql::copy_ends::{self, Held},
};
use entity::NodeId;
use page::Pages;
use row::Sum;
use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use table::Table;
use uuid::Uuid;

/// From where to where.
#[derive(Debug)]
pub struct Config {
    /// The URL of the SQLite file.
    pub from: String,
    /// The URL of the PostgreSQL database.
    pub to: String,
    /// The master key that the file's secrets are sealed with.
    pub keyring: Keyring,
}

/// How far it is.
#[derive(Debug)]
pub enum Progress {
    /// So many rows of a table went over in this run.
    Copied {
        /// Which table.
        table: &'static str,
        /// How many rows.
        rows: u64,
        /// Whether these were the last.
        ended: bool,
    },
    /// Both sides hold the same rows of a table.
    Equal {
        /// Which table.
        table: &'static str,
        /// How many rows.
        rows: u64,
        /// Their checksum.
        checksum: String,
    },
}

/// What was carried over.
#[derive(Debug)]
pub struct Done {
    /// Rows in all.
    pub rows: u64,
    /// Values that open with the master key.
    pub sealed: u64,
    /// Notifications that the old process held.
    pub freed: u64,
    /// What is added to the numbers of the feed from now on.
    pub base: i64,
}

/// A copy that may begin, or go on.
#[derive(Debug)]
pub struct Copy {
    source: Held,
    target: DatabaseConnection,
    tables: Vec<Table>,
    keyring: Keyring,
}

impl Copy {
    /// Checks both sides and says in the target that a copy is under way. Fails when a process has the file open, when the
    /// key is not its key, and when the target holds anything but this copy broken off, or has nodes.
    pub async fn open(config: Config) -> Result<Self> {
        let source = copy_ends::hold(&config.from).await?;
        let name = target::check_source(&source.conn, &config.keyring).await?;
        let target = copy_ends::to_fill(&config.to, async |conn| target::check_free(conn, name).await).await?;
        target::begin(&target, name).await?;
        Ok(Self {
            tables: table::all(&source.conn, &target).await?,
            source,
            target,
            keyring: config.keyring,
        })
    }

    /// Does all that is left and tells how far it is.
    pub async fn run(self, mut report: impl FnMut(Progress)) -> Result<Done> {
        for table in &self.tables {
            self.carry(table, &mut report).await?;
        }
        let mut rows = 0;
        for table in &self.tables {
            rows += self.compare(table, &mut report).await?;
        }
        let sealed = rekey::check_all(&self.target, &self.keyring).await?;
        self.end(rows, sealed).await
    }

    async fn carry(&self, table: &Table, report: &mut impl FnMut(Progress)) -> Result<()> {
        let mut rows = 0;
        let last = page::last_key(&self.target, table).await?;
        let mut pages = Pages::after(table, last);
        while let Some(page) = pages.next(&self.source.conn).await? {
            page::insert(&self.target, table, &page).await?;
            rows += page.len() as u64;
            let (table, ended) = (table.name, false);
            report(Progress::Copied { table, rows, ended });
        }
        let (table, ended) = (table.name, true);
        report(Progress::Copied { table, rows, ended });
        Ok(())
    }

    async fn compare(&self, table: &Table, report: &mut impl FnMut(Progress)) -> Result<u64> {
        let here = sum(&self.source.conn, table).await?;
        let there = sum(&self.target, table).await?;
        if here != there {
            return Err(Error::Conflict(format!(
                "{} differs: {here} in the SQLite file, {there} in the PostgreSQL database. The file was changed after the \
                 copy had begun, or somebody else wrote into the database: make the database anew and copy again",
                table.name
            )));
        }
        report(Progress::Equal {
            table: table.name,
            rows: here.rows,
            checksum: here.checksum,
        });
        Ok(here.rows)
    }

    /// What differs on the new server from here on, in one transaction.
    async fn end(self, rows: u64, sealed: u64) -> Result<Done> {
        let base = copy_ends::raise_base(&self.target).await?;
        let txn = self.target.begin().await?;
        let nobody = NodeId(Uuid::nil());
        let freed = claim::free_claims(&txn, nobody, Clock::default().now()).await?;
        target::end(&txn).await?;
        txn.commit().await?;
        self.target.close().await?;
        Ok(Done {
            rows,
            sealed,
            freed,
            base,
        })
    }
}

/// Everything that a table holds, in the order of its keys.
async fn sum(db: &impl ConnectionTrait, table: &Table) -> Result<Sum> {
    let (mut pages, mut adding) = (Pages::after(table, None), row::Adding::default());
    while let Some(page) = pages.next(db).await? {
        page.iter().for_each(|row| adding.row(row));
    }
    Ok(adding.sum())
}
