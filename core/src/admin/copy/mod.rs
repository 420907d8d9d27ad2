//! Copies an installation from a SQLite file to a PostgreSQL server, while no other process uses either.
//!
//! `labelhook copy` enters it with [`Copy`](struct@Copy); servers call `check_done` at their start. It must never run
//! beside a node.
//!
//! Tables are copied in pages, in the order of their primary keys ([`page`]), and each page is one statement. So an
//! interrupted copy continues after the last key in the target. A row of `setting` marks the copy and names its source:
//! no node starts on that database until the copy is done.
//!
//! At the end both sides are read in full, and their rows are counted and hashed, table by table ([`row`]). Only when
//! all are equal, and every sealed value opens with the master key, are the claims of the old process released and the
//! mark removed.

mod page;
mod row;
mod table;
mod target;

pub use table::{NOT_COPIED, TABLES};
pub(crate) use target::check_done;

use super::rekey;
use crate::{
    Clock, Error, Result,
    queue::claim,
    secret::Keyring,
    sql::copy_ends::{self, LockedSource},
};
use entity::NodeId;
use page::Pages;
use row::Sum;
use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use table::Table;
use uuid::Uuid;

/// The source and the target of a copy.
#[derive(Debug)]
pub struct Config {
    /// The URL of the SQLite file.
    pub from: String,
    /// The URL of the PostgreSQL database.
    pub to: String,
    /// The master key that seals the file's secrets.
    pub keyring: Keyring,
}

/// The progress of a copy.
#[derive(Debug)]
pub enum Progress {
    /// Rows of a table were copied in this run.
    Copied {
        /// The table.
        table: &'static str,
        /// The number of rows so far.
        rows: u64,
        /// True when these were the last.
        ended: bool,
    },
    /// Both sides hold the same rows of a table.
    Equal {
        /// The table.
        table: &'static str,
        /// The number of rows.
        rows: u64,
        /// The checksum of the rows.
        checksum: String,
    },
}

/// The result of a copy.
#[derive(Debug)]
pub struct Done {
    /// The number of rows in all tables.
    pub rows: u64,
    /// The number of sealed values, all of which open with the master key.
    pub sealed: u64,
    /// The number of notifications whose claims by the old process were released.
    pub freed: u64,
    /// The base that is added to the feed's sequence numbers from now on.
    pub base: i64,
}

/// A checked copy, ready to begin or to continue.
#[derive(Debug)]
pub struct Copy {
    source: LockedSource,
    target: DatabaseConnection,
    tables: Vec<Table>,
    keyring: Keyring,
}

impl Copy {
    /// Checks both sides and marks the target. Fails when a process has the file open, when the key is not the file's
    /// key, and when the target has nodes or holds anything but this copy, interrupted.
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

    /// Copies and compares all that is left, and reports its progress.
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

    /// Raises the base of the sequence numbers, releases claims and removes the mark; the last two in one transaction.
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

/// Counts and hashes all rows of a table, in the order of its keys.
async fn sum(db: &impl ConnectionTrait, table: &Table) -> Result<Sum> {
    let (mut pages, mut adding) = (Pages::after(table, None), row::Checksum::default());
    while let Some(page) = pages.next(db).await? {
        page.iter().for_each(|row| adding.row(row));
    }
    Ok(adding.sum())
}
