//! `labelhook keys`: manages API keys on the server's machine, before a first key exists or after the last one is lost.

use crate::config::Storage;
use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use entity::{Role, Timestamp};
use labelhook_core::{App, api_key, background::heartbeat};
use std::sync::Arc;

#[derive(Args, Debug)]
pub struct Keys {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    storage: Storage,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a key and print it once. Creates the organization if it is new.
    Create {
        /// The name of the organization.
        #[arg(long)]
        organization: String,
        /// The role of the user that the key acts for.
        #[arg(long)]
        role: RoleName,
    },
    /// List all keys, without the keys themselves.
    List,
    /// Revoke a key.
    Revoke {
        /// The id of the key, as printed by keys list.
        id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
enum RoleName {
    Owner,
    Admin,
    WorkforceManager,
    User,
    Worker,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Owner => Self::Owner,
            RoleName::Admin => Self::Admin,
            RoleName::WorkforceManager => Self::WorkforceManager,
            RoleName::User => Self::User,
            RoleName::Worker => Self::Worker,
        }
    }
}

impl Keys {
    pub async fn run(self) -> anyhow::Result<()> {
        let opened = App::open(self.storage.core()?)
            .await
            .context("the database cannot be opened")?;
        let done = self.command.run(&opened).await;
        heartbeat::leave(&opened).await;
        opened.db.close().await;
        done
    }
}

impl Command {
    async fn run(self, app: &Arc<App>) -> anyhow::Result<()> {
        match self {
            Self::Create { organization, role } => {
                println!("{}", api_key::issue(app, organization, role.into(), None).await?.key);
            }
            Self::List => {
                for key in api_key::all(app).await? {
                    let ended = key.revoked_at.map_or("-".to_owned(), Timestamp::secs);
                    let (id, prefix, created) = (key.id, key.prefix, key.created_at.secs());
                    println!(
                        "{id}  {prefix}…  made {created}  revoked {ended}  organization {}  {}",
                        key.organization_id, key.name
                    );
                }
            }
            Self::Revoke { id } => {
                let key = api_key::revoke_any(app, &id).await?;
                println!("revoked {}", key.id);
            }
        }
        Ok(())
    }
}
