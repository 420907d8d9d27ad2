//! `labelhook copy`: copies an installation from a SQLite file to PostgreSQL, while neither is in use. An interrupted
//! copy is resumed by running the same command again.

use crate::config::Storage;
use anyhow::{Context, bail};
use clap::Args;
use labelhook_core::{
    admin::copy::{self, Progress},
    secret::Keyring,
    sql::sqlite::file_of,
};
use std::collections::HashMap;

/// The number of rows of a table between two lines of progress.
const ROWS_PER_LINE: u64 = 4_096;

#[derive(Args, Debug)]
pub struct Copy {
    /// The SQLite file, as in sqlite://labelhook.db. No server may have it open.
    #[arg(long)]
    from: String,
    /// The PostgreSQL database, as in postgres://user:password@host/labelhook. It must be empty or contain an
    /// interrupted copy of the same file.
    #[arg(long, env = "LABELHOOK_COPY_TO", hide_env_values = true)]
    to: String,
    /// The master key: 32 bytes in base64. Read from the key file beside the SQLite file if omitted.
    #[arg(long, env = "LABELHOOK_MASTER_KEY", hide_env_values = true)]
    master_key: Option<String>,
}

impl Copy {
    pub async fn run(self) -> anyhow::Result<()> {
        if !self.from.starts_with("sqlite:") || !self.to.starts_with("postgres") {
            bail!("copy goes from SQLite to PostgreSQL only: --from sqlite://… --to postgres://…");
        }
        let Some(file) = file_of(&self.from).filter(|file| file.exists()) else {
            bail!("there is no SQLite database at {}", self.from);
        };
        let config = copy::Config {
            from: self.from.clone(),
            to: self.to.clone(),
            keyring: self.keyring()?,
        };
        let copy = copy::Copy::open(config).await.context("nothing can be copied")?;
        let mut told = HashMap::new();
        let done = copy.run(|progress| tell(&mut told, progress)).await;
        let done = done.context("the copy broke off; run it again to finish it")?;
        println!(
            "{} rows are the same on both sides; {} sealed values open with the master key",
            done.rows, done.sealed
        );
        println!("{} notifications that were being sent are pending again", done.freed);
        println!("numbers of the feed go on above {}", done.base);
        println!("next: start every node with LABELHOOK_DATABASE_URL and with the same LABELHOOK_MASTER_KEY");
        println!(
            "do not start a server on {} again: it would send what is pending a second time",
            file.display()
        );
        Ok(())
    }

    /// Returns the master key. It is never generated: it must be the key of the SQLite file.
    fn keyring(&self) -> anyhow::Result<Keyring> {
        let storage = Storage {
            database_url: self.from.clone(),
            master_key: self.master_key.clone(),
        };
        match &storage.master_key {
            Some(_) => storage.keyring(),
            None => {
                let path = storage.key_file()?;
                let keyring = Keyring::load(&path);
                keyring.with_context(|| format!("{} cannot be used, and no --master-key is given", path.display()))
            }
        }
    }
}

/// Prints a line at the end of each table, one now and then within a table, and one when both sides were found equal.
fn tell(told: &mut HashMap<&'static str, u64>, progress: Progress) {
    match progress {
        Progress::Copied { table, rows, ended } => {
            let last = told.entry(table).or_default();
            if ended || rows - *last >= ROWS_PER_LINE {
                *last = rows;
                println!("{table}: {rows} rows copied");
            }
        }
        Progress::Equal { table, rows, checksum } => println!("{table}: {rows} rows are equal ({checksum})"),
    }
}
