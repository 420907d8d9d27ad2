//! The database's history, one file a change. Migrations import nothing of ours: they describe a past that must not
//! move. Expand, move the data, contract later.

use sea_orm_migration::{prelude::*, sea_orm::Statement};

mod m20261121_000001_people;
mod m20261121_000002_annotation;
mod m20261121_000003_webhooks;
mod m20261121_000004_events;
mod m20261121_000005_workflow;
mod m20261121_000006_pace;
mod m20261121_000007_feed;
mod m20261121_000008_shield;
mod m20261121_000009_shapes;
mod m20261121_000010_rotation;
mod m20261121_000011_replay;
mod m20261121_000012_listen;
mod m20261121_000013_nodes;
mod m20261121_000014_retention;
mod m20261121_000015_rare;
mod m20261121_000016_turn;
mod m20261201_000017_postponed;
mod rehearsal;

/// All migrations, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_people::Migration),
            Box::new(m20261121_000002_annotation::Migration),
            Box::new(m20261121_000003_webhooks::Migration),
            Box::new(m20261121_000004_events::Migration),
            Box::new(m20261121_000005_workflow::Migration),
            Box::new(m20261121_000006_pace::Migration),
            Box::new(m20261121_000007_feed::Migration),
            Box::new(m20261121_000008_shield::Migration),
            Box::new(m20261121_000009_shapes::Migration),
            Box::new(m20261121_000010_rotation::Migration),
            Box::new(m20261121_000011_replay::Migration),
            Box::new(m20261121_000012_listen::Migration),
            Box::new(m20261121_000013_nodes::Migration),
            Box::new(m20261121_000014_retention::Migration),
            Box::new(m20261121_000015_rare::Migration),
            Box::new(m20261121_000016_turn::Migration),
            Box::new(m20261201_000017_postponed::Migration),
        ]
    }
}

/// Runs a statement that is written by hand, in a way that a rehearsal hears.
async fn by_hand(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    let statement = Statement::from_string(manager.get_database_backend(), sql);
    manager.get_connection().execute_raw(statement).await?;
    Ok(())
}

pub use rehearsal::{Pending, pending};
pub use sea_orm_migration::MigratorTrait;
