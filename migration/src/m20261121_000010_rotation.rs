//! Changes of the master key, and the requests that carried an idempotency key, with their answers.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, blob, blob_null, boolean, small_integer_null, text, text_null, uuid},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rekey(manager).await?;
        idempotency_key(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["idempotency_key", "rekey"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

async fn rekey(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("rekey")
        .col(uuid("id"))
        .col(text("from_key"))
        .col(text("to_key"))
        .col(big_integer("created_at"))
        .col(big_integer_null("done_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await
}

async fn idempotency_key(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("idempotency_key")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("api_key_id"))
        .col(text("key"))
        .col(blob("request"))
        .col(boolean("committed"))
        .col(small_integer_null("response_status"))
        .col(text_null("content_type"))
        .col(blob_null("answer"))
        .col(big_integer("created_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("idempotency_key_key")
        .table("idempotency_key")
        .col("api_key_id")
        .col("key")
        .unique()
        .to_owned();
    manager.create_index(index).await?;
    let index = Index::create()
        .name("idempotency_key_created")
        .table("idempotency_key")
        .col("created_at")
        .to_owned();
    manager.create_index(index).await
}
