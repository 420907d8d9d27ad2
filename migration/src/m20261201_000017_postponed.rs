//! Matches of events with webhooks that are decided later, outside of the transaction that published the event.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, integer, uuid},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("postponed_match")
            .col(uuid("id"))
            .col(uuid("organization_id"))
            .col(uuid("webhook_id"))
            .col(uuid("event_id"))
            .col(big_integer("sequence"))
            .col(integer("failures"))
            .col(big_integer("due_at"))
            .primary_key(Index::create().col("id"))
            .to_owned();
        manager.create_table(table).await?;
        for (name, columns) in [
            ("postponed_match_order", ["organization_id", "sequence"]),
            ("postponed_match_webhook", ["webhook_id", "sequence"]),
        ] {
            let [first, second] = columns;
            let index = Index::create()
                .name(name)
                .table("postponed_match")
                .col(first)
                .col(second)
                .to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("postponed_match").to_owned())
            .await
    }
}
