//! Webhooks that are heard on somebody's own machine, and events that are only a test. SQLite adds one column at a
//! time.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer_null, boolean, uuid_null},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMNS: [(&str, &str); 4] = [
    ("webhook", "listener"),
    ("webhook", "listener_node"),
    ("webhook", "listener_seen_at"),
    ("event", "test"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in COLUMNS {
            let column = match column {
                "listener_node" => uuid_null(column),
                "listener_seen_at" => big_integer_null(column),
                _ => boolean(column).default(false).to_owned(),
            };
            let table = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        manager.create_index(listening()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(Index::drop().name("webhook_listener").to_owned())
            .await?;
        for (table, column) in COLUMNS {
            let table = Table::alter().table(table).drop_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }
}

/// Only those that are not removed for good: removing takes the moment away.
fn listening() -> IndexCreateStatement {
    Index::create()
        .name("webhook_listener")
        .table("webhook")
        .col("organization_id")
        .col("listener_seen_at")
        .and_where(Expr::col("listener_seen_at").is_not_null())
        .to_owned()
}
