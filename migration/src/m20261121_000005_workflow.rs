//! Workflows, their stages, tasks and history; and what notifications, payloads and webhooks know of them.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, boolean, integer, small_integer, text, text_null, uuid, uuid_null},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        workflow(manager).await?;
        stage(manager).await?;
        task(manager).await?;
        stage_visit(manager).await?;
        stage_run(manager).await?;
        intake(manager).await?;
        for (table, column) in added() {
            let alter = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(alter).await?;
        }
        index(
            manager,
            "notification_stage",
            "notification",
            &["stage_id", "id"],
            present("stage_id"),
        )
        .await?;
        index(
            manager,
            "notification_task",
            "notification",
            &["task_id", "id"],
            present("task_id"),
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for index in ["notification_stage", "notification_task"] {
            manager
                .drop_index(Index::drop().name(index).table("notification").to_owned())
                .await?;
        }
        for (table, column) in added() {
            let name = column.get_column_name();
            let alter = Table::alter().table(table).drop_column(name).to_owned();
            manager.alter_table(alter).await?;
        }
        for table in ["intake", "stage_run", "stage_visit", "task", "stage", "workflow"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// Columns for tables that there were before, one at a time: SQLite adds no two at once.
fn added() -> [(&'static str, ColumnDef); 5] {
    [
        ("notification", uuid_null("stage_id")),
        ("notification", uuid_null("task_id")),
        ("payload", small_integer("content").default(0).to_owned()),
        ("webhook", uuid_null("stage_id")),
        ("webhook", small_integer("payload_content").default(0).to_owned()),
    ]
}

async fn index(
    manager: &SchemaManager<'_>,
    name: &'static str,
    table: &'static str,
    columns: &[&'static str],
    only: Option<Expr>,
) -> Result<(), DbErr> {
    let mut index = Index::create().name(name).table(table).to_owned();
    for column in columns {
        index.col(*column);
    }
    if let Some(only) = only {
        index.and_where(only);
    }
    manager.create_index(index).await
}

fn present(column: &'static str) -> Option<Expr> {
    Some(Expr::col(column).is_not_null())
}

async fn workflow(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("workflow")
        .col(uuid("project_id"))
        .col(uuid("organization_id"))
        .col(integer("version"))
        .col(integer("max_passes"))
        .col(uuid_null("updated_by"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("project_id"))
        .to_owned();
    manager.create_table(table).await
}

async fn stage(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("stage")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("project_id"))
        .col(integer("place"))
        .col(text("name"))
        .col(small_integer("stage_type"))
        .col(text_null("position"))
        .col(text("edges"))
        .col(uuid_null("webhook_id"))
        .col(big_integer_null("removed_at"))
        .col(big_integer("created_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    index(
        manager,
        "stage_project",
        "stage",
        &["project_id", "place"],
        Some(Expr::col("removed_at").is_null()),
    )
    .await
}

/// Lists run on (…, id) indexes. `task_standing` counts the tasks of a stage without reading them, and finds the held.
async fn task(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("task")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("project_id"))
        .col(uuid("data_row_id"))
        .col(text_null("external_id"))
        .col(uuid("stage_id"))
        .col(small_integer("status"))
        .col(text_null("status_reason"))
        .col(uuid_null("label_id"))
        .col(text_null("draft"))
        .col(uuid_null("assignee_id"))
        .col(uuid_null("event_id"))
        .col(uuid_null("notification_id"))
        .col(big_integer("entered_at"))
        .col(big_integer("duration_ms"))
        .col(big_integer("idle_ms"))
        .col(big_integer("blur_ms"))
        .col(big_integer("total_duration_ms"))
        .col(big_integer("total_idle_ms"))
        .col(big_integer("total_blur_ms"))
        .col(uuid_null("updated_by"))
        .col(boolean("deleted"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let once = Index::create()
        .name("task_data_row")
        .table("task")
        .col("data_row_id")
        .col("project_id")
        .unique()
        .to_owned();
    manager.create_index(once).await?;
    index(manager, "task_organization", "task", &["organization_id", "id"], None).await?;
    index(manager, "task_project", "task", &["project_id", "id"], None).await?;
    index(manager, "task_stage", "task", &["stage_id", "id"], None).await?;
    let standing = ["stage_id", "deleted", "status", "id"];
    index(manager, "task_standing", "task", &standing, None).await?;
    index(
        manager,
        "task_assignee",
        "task",
        &["assignee_id", "id"],
        present("assignee_id"),
    )
    .await?;
    index(
        manager,
        "task_notification",
        "task",
        &["notification_id"],
        present("notification_id"),
    )
    .await?;
    let columns = ["organization_id", "external_id", "id"];
    index(manager, "task_external_id", "task", &columns, present("external_id")).await
}

async fn stage_visit(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("stage_visit")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("task_id"))
        .col(uuid("stage_id"))
        .col(uuid_null("event_id"))
        .col(big_integer("entered_at"))
        .col(big_integer("completed_at"))
        .col(big_integer("duration_ms"))
        .col(big_integer("idle_ms"))
        .col(big_integer("blur_ms"))
        .col(uuid_null("completed_by"))
        .col(uuid_null("submitted_by"))
        .col(boolean("skipped"))
        .col(text_null("answer"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "stage_visit_task", "stage_visit", &["task_id", "id"], None).await
}

/// The partial index holds only what still runs.
async fn stage_run(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("stage_run")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("stage_id"))
        .col(uuid_null("actor_id"))
        .col(integer("total"))
        .col(integer("done"))
        .col(small_integer("status"))
        .col(uuid_null("place"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    index(
        manager,
        "stage_run_running",
        "stage_run",
        &["id"],
        Some(Expr::col("status").eq(0)),
    )
    .await
}

/// The partial index holds only what still runs.
async fn intake(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("intake")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("project_id"))
        .col(small_integer("kind"))
        .col(uuid("target_id"))
        .col(uuid_null("actor_id"))
        .col(uuid_null("place"))
        .col(big_integer("created_at"))
        .col(big_integer_null("done_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    index(
        manager,
        "intake_running",
        "intake",
        &["id"],
        Some(Expr::col("done_at").is_null()),
    )
    .await
}
