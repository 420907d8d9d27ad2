//! Adds the filter and the payload query of a webhook, and the hash of the query that made a payload. SQLite adds one
//! column at a time.

use sea_orm_migration::{
    prelude::*,
    schema::{blob_null, text_null},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMNS: [(&str, &str); 3] = [
    ("webhook", "filter"),
    ("webhook", "payload_query"),
    ("payload", "query_hash"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in COLUMNS {
            let column = match column {
                "query_hash" => blob_null(column),
                _ => text_null(column),
            };
            let table = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in COLUMNS {
            let table = Table::alter().table(table).drop_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }
}
