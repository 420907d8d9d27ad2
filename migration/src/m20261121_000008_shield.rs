//! Protection of receivers: order, switching off by itself, and how a webhook has fared of late. SQLite adds one column
//! at a time.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, boolean, integer, small_integer, text_null, uuid, uuid_null},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ordering = small_integer("ordering").default(0).to_owned();
        let auto_disable = boolean("auto_disable").default(true).to_owned();
        for column in [ordering, auto_disable] {
            let table = Table::alter().table("webhook").add_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        let table = Table::alter()
            .table("notification")
            .add_column(uuid_null("order_key"))
            .to_owned();
        manager.alter_table(table).await?;
        manager.create_index(order()).await?;
        health(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("webhook_health").to_owned())
            .await?;
        manager
            .drop_index(Index::drop().name("notification_order").to_owned())
            .await?;
        for (table, column) in [
            ("notification", "order_key"),
            ("webhook", "auto_disable"),
            ("webhook", "ordering"),
        ] {
            let table = Table::alter().table(table).drop_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }
}

/// Only what is not over and has an order: what is over loses its key.
fn order() -> IndexCreateStatement {
    Index::create()
        .name("notification_order")
        .table("notification")
        .col("webhook_id")
        .col("order_key")
        .col("id")
        .and_where(Expr::col("order_key").is_not_null())
        .to_owned()
}

/// Apart from `webhook`, which is wide: a row for each webhook that has ever failed.
async fn health(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("webhook_health")
        .col(uuid("webhook_id"))
        .col(uuid("organization_id"))
        .col(big_integer("since"))
        .col(big_integer_null("probe_at"))
        .col(integer("trips"))
        .col(big_integer_null("failing_since"))
        .col(integer("failures"))
        .col(big_integer_null("warned_at"))
        .col(big_integer_null("last_success_at"))
        .col(big_integer_null("last_failure_at"))
        .col(text_null("last_failure"))
        .primary_key(Index::create().col("webhook_id"))
        .to_owned();
    manager.create_table(table).await
}
