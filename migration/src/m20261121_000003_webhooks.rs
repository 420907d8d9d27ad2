//! Webhooks and their sealed secrets.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, blob, blob_null, double, integer, small_integer, text, text_null, uuid,
        uuid_null,
    },
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        webhook(manager).await?;
        webhook_secret(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["webhook_secret", "webhook"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

async fn webhook(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("webhook")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid_null("project_id"))
        .col(text("url"))
        .col(text("topics"))
        .col(small_integer("status"))
        .col(text_null("status_reason"))
        .col(text_null("description"))
        .col(small_integer("payload_format"))
        .col(small_integer("auth_type"))
        .col(blob_null("authorization"))
        .col(blob_null("headers"))
        .col(text_null("header_names"))
        .col(integer("max_attempts"))
        .col(text("delays_ms"))
        .col(double("jitter"))
        .col(integer("timeout_ms"))
        .col(integer("max_in_flight"))
        .col(uuid_null("created_by"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("webhook_organization")
        .table("webhook")
        .col("organization_id")
        .col("id")
        .to_owned();
    manager.create_index(index).await?;
    let index = Index::create()
        .name("webhook_project")
        .table("webhook")
        .col("project_id")
        .col("id")
        .and_where(Expr::col("project_id").is_not_null())
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}

async fn webhook_secret(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("webhook_secret")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("webhook_id"))
        .col(blob("sealed"))
        .col(big_integer("created_at"))
        .col(big_integer_null("expires_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("webhook_secret_webhook")
        .table("webhook_secret")
        .col("webhook_id")
        .col("id")
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}
