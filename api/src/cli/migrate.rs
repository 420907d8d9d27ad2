//! `labelhook migrate`: migrates the database without serving. `serve` does the same when it starts.

use crate::config::Storage;
use anyhow::Context;
use clap::Args;
use labelhook_core::{App, background::heartbeat, sql::pending};
use std::process::ExitCode;

/// The exit code of `--dry-run` when migrations are pending.
const PENDING: u8 = 3;

#[derive(Args, Debug)]
pub struct Migrate {
    /// Print the pending migrations and the statements they would run, and change nothing. The exit code is 3 if there
    /// are any, and 0 if the database is up to date.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    storage: Storage,
}

impl Migrate {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        if self.dry_run {
            return self.tell().await;
        }
        let app = App::open(self.storage.core()?)
            .await
            .context("the database cannot be opened")?;
        heartbeat::leave(&app).await;
        app.db.close().await;
        println!("the database is up to date");
        Ok(ExitCode::SUCCESS)
    }

    async fn tell(self) -> anyhow::Result<ExitCode> {
        let pending = pending::pending(&self.storage.database_url)
            .await
            .context("the database cannot be read")?;
        for step in &pending {
            println!("-- {}", step.name);
            for statement in &step.statements {
                println!("{statement};");
            }
        }
        match pending.len() {
            0 => println!("-- the database is up to date"),
            count => println!("-- pending migrations: {count}; nothing was changed"),
        }
        Ok(match pending.is_empty() {
            true => ExitCode::SUCCESS,
            false => PENDING.into(),
        })
    }
}
