//! Ways into the log for what is rare in it: notifications that did not succeed, answers other than 200, and topics
//! that make up little of a log. Each index holds only those, so that a usual delivery costs them nothing.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Neither SENDING, whose holder says where it is, nor SUCCEEDED.
const STATUS: &str = "status NOT IN (1, 3)";
const RESPONSE_CODE: &str = "response_code <> 200";
/// Neither LABEL_CREATED nor LABEL_UPDATED nor WORKFLOW_ACTION.
const TOPIC: &str = "topic NOT IN (0, 1, 6)";

/// Name, columns before the id, and which rows.
const INDEXES: [(&str, [&str; 2], &str); 4] = [
    ("notification_status", ["organization_id", "status"], STATUS),
    ("notification_webhook_status", ["webhook_id", "status"], STATUS),
    (
        "notification_response_code",
        ["organization_id", "response_code"],
        RESPONSE_CODE,
    ),
    ("notification_topic", ["organization_id", "topic"], TOPIC),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, [first, second], only) in INDEXES {
            let index = Index::create()
                .name(name)
                .table("notification")
                .col(first)
                .col(second)
                .col("id")
                .and_where(Expr::cust(only))
                .to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, ..) in INDEXES {
            let index = Index::drop().name(name).table("notification").to_owned();
            manager.drop_index(index).await?;
        }
        Ok(())
    }
}
