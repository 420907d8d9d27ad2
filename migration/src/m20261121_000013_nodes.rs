//! Many nodes: who is alive, how often an organization's webhooks have changed, and what an installation has once.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, text, uuid, uuid_null},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let setting = Table::create()
            .table("setting")
            .col(text("name"))
            .col(big_integer("value"))
            .primary_key(Index::create().col("name"))
            .to_owned();
        manager.create_table(setting).await?;
        let base = Query::insert()
            .into_table("setting")
            .columns(["name", "value"])
            .values_panic(["sequence_base".into(), 0.into()])
            .to_owned();
        manager.execute(base).await?;
        let node = Table::create()
            .table("node")
            .col(uuid("id"))
            .col(text("name"))
            .col(text("version"))
            .col(text("role"))
            .col(big_integer("started_at"))
            .col(big_integer("seen_at"))
            .primary_key(Index::create().col("id"))
            .to_owned();
        manager.create_table(node).await?;
        let generation = Table::alter()
            .table("organization")
            .add_column(big_integer("generation").default(0))
            .to_owned();
        manager.alter_table(generation).await?;
        let carrier = Table::alter()
            .table("idempotency_key")
            .add_column(uuid_null("node_id"))
            .to_owned();
        manager.alter_table(carrier).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let carrier = Table::alter()
            .table("idempotency_key")
            .drop_column("node_id")
            .to_owned();
        manager.alter_table(carrier).await?;
        let generation = Table::alter()
            .table("organization")
            .drop_column("generation")
            .to_owned();
        manager.alter_table(generation).await?;
        for table in ["node", "setting"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
