//! `labelhook migrate`: brings the database up to date without serving. `serve` does the same when it starts.

use crate::config::Storage;
use anyhow::Context;
use clap::Args;
use labelhook_core::{App, node};

#[derive(Args, Debug)]
pub struct Migrate {
    #[command(flatten)]
    storage: Storage,
}

impl Migrate {
    pub async fn run(self) -> anyhow::Result<()> {
        let app = App::open(self.storage.core()?)
            .await
            .context("the database cannot be opened")?;
        node::leave(&app).await;
        app.db.close().await;
        println!("the database is up to date");
        Ok(())
    }
}
