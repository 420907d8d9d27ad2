//! Events, payloads, notifications and attempts. The bytes live apart from the narrow row that is updated.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, blob, blob_null, boolean, integer, integer_null, small_integer,
        small_integer_null, text, text_null, uuid, uuid_null,
    },
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        event(manager).await?;
        payload(manager).await?;
        notification(manager).await?;
        attempt(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["attempt", "notification", "payload", "event"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

async fn event(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("event")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(big_integer("sequence"))
        .col(small_integer("topic"))
        .col(uuid_null("project_id"))
        .col(uuid_null("data_row_id"))
        .col(text_null("external_id"))
        .col(text("data"))
        .col(big_integer("created_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("event_sequence")
        .table("event")
        .col("organization_id")
        .col("sequence")
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}

async fn payload(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("payload")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("event_id"))
        .col(small_integer("format"))
        .col(blob("body"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("payload_event")
        .table("payload")
        .col("event_id")
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}

/// Partial indexes keep what is claimed, held or failed small, so that a delivered notification costs them nothing.
async fn notification(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("notification")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("webhook_id"))
        .col(uuid("event_id"))
        .col(uuid("payload_id"))
        .col(uuid_null("project_id"))
        .col(small_integer("topic"))
        .col(text_null("external_id"))
        .col(small_integer("status"))
        .col(integer("attempt_count"))
        .col(integer("throttled_count"))
        .col(big_integer_null("due_at"))
        .col(uuid_null("node_id"))
        .col(integer_null("response_code"))
        .col(small_integer_null("error"))
        .col(uuid_null("redelivery_of"))
        .col(big_integer("sequence"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("notification_organization")
        .table("notification")
        .col("organization_id")
        .col("id")
        .to_owned();
    manager.create_index(index).await?;
    let index = Index::create()
        .name("notification_webhook")
        .table("notification")
        .col("webhook_id")
        .col("id")
        .to_owned();
    manager.create_index(index).await?;
    let index = Index::create()
        .name("notification_project")
        .table("notification")
        .col("project_id")
        .col("id")
        .and_where(Expr::col("project_id").is_not_null())
        .to_owned();
    manager.create_index(index).await?;
    let index = Index::create()
        .name("notification_event")
        .table("notification")
        .col("event_id")
        .col("id")
        .to_owned();
    manager.create_index(index).await?;
    let index = Index::create()
        .name("notification_external_id")
        .table("notification")
        .col("organization_id")
        .col("external_id")
        .col("id")
        .and_where(Expr::col("external_id").is_not_null())
        .to_owned();
    manager.create_index(index).await?;
    let index = Index::create()
        .name("notification_due")
        .table("notification")
        .col("webhook_id")
        .col("due_at")
        .and_where(Expr::col("due_at").is_not_null())
        .to_owned();
    manager.create_index(index).await?;
    let index = Index::create()
        .name("notification_held")
        .table("notification")
        .col("node_id")
        .and_where(Expr::col("node_id").is_not_null())
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}

async fn attempt(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("attempt")
        .col(uuid("notification_id"))
        .col(integer("number"))
        .col(uuid("organization_id"))
        .col(big_integer("started_at"))
        .col(integer("duration_ms"))
        .col(text("url"))
        .col(text("request_headers"))
        .col(integer_null("response_status"))
        .col(text_null("response_headers"))
        .col(blob_null("response_body"))
        .col(boolean("body_truncated"))
        .col(small_integer_null("error"))
        .col(text_null("error_message"))
        .primary_key(Index::create().col("notification_id").col("number"))
        .to_owned();
    manager.create_table(table).await?;
    Ok(())
}
