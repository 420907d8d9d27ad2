//! Organizations, users and API keys.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, blob, boolean, small_integer, text, text_null, uuid},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        organization(manager).await?;
        user(manager).await?;
        api_key(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["api_key", "user", "organization"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

async fn organization(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("organization")
        .col(uuid("id"))
        .col(text("name"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    Ok(())
}

async fn user(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("user")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(text("email"))
        .col(text("name"))
        .col(small_integer("role"))
        .col(boolean("disabled"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("user_organization_email")
        .table("user")
        .col("organization_id")
        .col("email")
        .unique()
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}

async fn api_key(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("api_key")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("user_id"))
        .col(text("name"))
        .col(text("prefix"))
        .col(blob("hash"))
        .col(text_null("projects"))
        .col(big_integer("created_at"))
        .col(big_integer_null("expires_at"))
        .col(big_integer_null("last_used_at"))
        .col(big_integer_null("revoked_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("api_key_hash")
        .table("api_key")
        .col("hash")
        .unique()
        .to_owned();
    manager.create_index(index).await?;
    let index = Index::create()
        .name("api_key_organization")
        .table("api_key")
        .col("organization_id")
        .col("id")
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}
