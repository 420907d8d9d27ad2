//! `labelhook rekey`: seals every secret in the database under another master key. Runs on the server's machine while
//! the server is stopped. An interrupted run is resumed by running the same command again.
//!
//! If the current key is in the key file beside the database, the new key is stored in `<file>.new` during the run and
//! replaces it at the end; the old key is kept in `<file>.<its id>`.

use crate::config::Storage;
use anyhow::{Context, bail};
use clap::Args;
use labelhook_core::{
    Error, Result,
    admin::rekey::{self, Position},
    secret::{self, Keyring},
    sql::sqlite::file_of,
};
use std::path::{Path, PathBuf};

/// The number of values between two lines of progress.
const VALUES_PER_LINE: u64 = 1_024;

#[derive(Args, Debug)]
pub struct Rekey {
    /// The new master key: 32 bytes in base64. Generated and stored in the key file if omitted. Required if the current
    /// key is given by --master-key instead of the key file.
    #[arg(long, env = "LABELHOOK_NEW_MASTER_KEY", hide_env_values = true)]
    new_master_key: Option<String>,
    #[command(flatten)]
    storage: Storage,
}

impl Rekey {
    pub async fn run(self) -> anyhow::Result<()> {
        if let Some(database) = file_of(&self.storage.database_url).filter(|file| !file.exists()) {
            bail!("there is no database in {}", database.display());
        }
        match &self.storage.master_key {
            Some(_) => self.given().await,
            None => self.in_file(&self.storage.key_file()?).await,
        }
    }

    /// Changes from one given key to another. Stores neither.
    async fn given(&self) -> anyhow::Result<()> {
        let Some(new) = self.new_master_key.clone() else {
            bail!("--new-master-key is missing: the current key is given by --master-key, and so must be the new one");
        };
        let new = Keyring::from_base64(&new).context("LABELHOOK_NEW_MASTER_KEY cannot be used")?;
        self.change(self.storage.keyring()?, || Ok(new)).await?;
        println!("from now on the server needs the new key as LABELHOOK_MASTER_KEY");
        println!("copies of the database made before need the old one: keep it with them");
        Ok(())
    }

    /// Changes from the key in the key file to one that replaces it there.
    async fn in_file(&self, file: &Path) -> anyhow::Result<()> {
        let new = file.with_added_extension("new");
        let current = Keyring::load(file).with_context(|| format!("{} cannot be used", file.display()))?;
        let id = current.id();
        self.change(current, || waiting(&new, self.new_master_key.as_deref()))
            .await?;
        let kept: PathBuf = secret::succeed(file, &id, &new)?;
        println!("the new key is in {}", file.display());
        println!(
            "copies of the database made before need the old one, now in {}: keep it with them",
            kept.display()
        );
        Ok(())
    }

    async fn change(&self, current: Keyring, new: impl FnOnce() -> Result<Keyring>) -> anyhow::Result<()> {
        let config = self.storage.core_with(current);
        let rekey = rekey::Rekey::open(config, new)
            .await
            .context("the master key cannot be changed")?;
        let broken = "the change of the master key broke off; run rekey again to finish it";
        let values = rekey.run(tell).await.context(broken)?;
        println!("all {values} sealed values open with the new key");
        Ok(())
    }
}

/// Returns the new key from its file. Creates the file unless an interrupted change has; fails if that chose another
/// key.
fn waiting(file: &Path, given: Option<&str>) -> Result<Keyring> {
    let Some(given) = given else {
        return Keyring::load_or_create(file);
    };
    Keyring::create(file, given)?;
    let (waiting, given) = (Keyring::load(file)?, Keyring::from_base64(given)?);
    if waiting.id() != given.id() {
        let reason = format!(
            "another key waits in {} since a change was broken off: finish that without --new-master-key",
            file.display()
        );
        return Err(Error::invalid("newMasterKey", reason));
    }
    Ok(waiting)
}

fn tell(place: Position) {
    let (table, column) = place.column();
    if place.ended || place.values.is_multiple_of(VALUES_PER_LINE) {
        println!("{table}.{column}: {} values are under the new key", place.values);
    }
}
