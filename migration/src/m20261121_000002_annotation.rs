//! Projects, datasets, data rows, batches, labels and reviews.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, boolean, double, double_null, integer, small_integer, text, text_null, uuid,
        uuid_null,
    },
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        project(manager).await?;
        dataset(manager).await?;
        project_dataset(manager).await?;
        data_row(manager).await?;
        batch(manager).await?;
        batch_data_row(manager).await?;
        label(manager).await?;
        review(manager).await?;
        deletion(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "deletion",
            "review",
            "label",
            "batch_data_row",
            "batch",
            "data_row",
            "project_dataset",
            "dataset",
            "project",
        ] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

async fn project(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("project")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(text("name"))
        .col(text_null("description"))
        .col(uuid_null("created_by"))
        .col(text_null("allowed_media_type"))
        .col(text_null("editor_task_type"))
        .col(double("auto_audit_percentage"))
        .col(integer("auto_audit_number_of_labels"))
        .col(boolean("is_benchmark_enabled"))
        .col(boolean("is_consensus_enabled"))
        .col(text_null("ontology"))
        .col(big_integer_null("last_activity_at"))
        .col(boolean("deleted"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("project_organization")
        .table("project")
        .col("organization_id")
        .col("id")
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}

async fn dataset(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("dataset")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(text("name"))
        .col(text("description"))
        .col(uuid_null("created_by"))
        .col(boolean("deleted"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("dataset_organization")
        .table("dataset")
        .col("organization_id")
        .col("id")
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}

async fn project_dataset(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("project_dataset")
        .col(uuid("project_id"))
        .col(uuid("dataset_id"))
        .col(uuid("organization_id"))
        .primary_key(Index::create().col("project_id").col("dataset_id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("project_dataset_dataset")
        .table("project_dataset")
        .col("dataset_id")
        .col("project_id")
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}

async fn data_row(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("data_row")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("dataset_id"))
        .col(text_null("external_id"))
        .col(text_null("global_key"))
        .col(text("row_data"))
        .col(text_null("metadata"))
        .col(text_null("media_attributes"))
        .col(text_null("metadata_fields"))
        .col(text_null("attachments"))
        .col(uuid_null("created_by"))
        .col(big_integer_null("deleted_at"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("data_row_dataset")
        .table("data_row")
        .col("dataset_id")
        .col("id")
        .to_owned();
    manager.create_index(index).await?;
    let index = Index::create()
        .name("data_row_external_id")
        .table("data_row")
        .col("dataset_id")
        .col("external_id")
        .and_where(Expr::col("external_id").is_not_null())
        .to_owned();
    manager.create_index(index).await?;
    let index = Index::create()
        .name("data_row_global_key")
        .table("data_row")
        .col("organization_id")
        .col("global_key")
        .unique()
        .and_where(Expr::col("global_key").is_not_null())
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}

async fn batch(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("batch")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("project_id"))
        .col(text("name"))
        .col(big_integer("created_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("batch_project")
        .table("batch")
        .col("project_id")
        .col("id")
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}

async fn batch_data_row(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("batch_data_row")
        .col(uuid("batch_id"))
        .col(uuid("data_row_id"))
        .col(uuid("organization_id"))
        .primary_key(Index::create().col("batch_id").col("data_row_id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("batch_data_row_data_row")
        .table("batch_data_row")
        .col("data_row_id")
        .col("batch_id")
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}

async fn label(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("label")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("project_id"))
        .col(uuid("data_row_id"))
        .col(uuid_null("created_by"))
        .col(text("label_type"))
        .col(text("label"))
        .col(double("seconds_to_label"))
        .col(double_null("agreement"))
        .col(double_null("benchmark_agreement"))
        .col(boolean("is_benchmark_reference"))
        .col(boolean("deleted"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("label_project")
        .table("label")
        .col("project_id")
        .col("id")
        .to_owned();
    manager.create_index(index).await?;
    let index = Index::create()
        .name("label_data_row")
        .table("label")
        .col("data_row_id")
        .col("id")
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}

async fn review(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("review")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("project_id"))
        .col(uuid("label_id"))
        .col(uuid_null("created_by"))
        .col(double("score"))
        .col(boolean("deleted"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("review_project")
        .table("review")
        .col("project_id")
        .col("id")
        .to_owned();
    manager.create_index(index).await?;
    let index = Index::create()
        .name("review_label")
        .table("review")
        .col("label_id")
        .col("id")
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}

/// Deletions that run in steps; the partial index holds only those that still run.
async fn deletion(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("deletion")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(small_integer("kind"))
        .col(uuid("target_id"))
        .col(uuid_null("actor_id"))
        .col(big_integer("created_at"))
        .col(big_integer_null("done_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let index = Index::create()
        .name("deletion_running")
        .table("deletion")
        .col("id")
        .and_where(Expr::col("done_at").is_null())
        .to_owned();
    manager.create_index(index).await?;
    Ok(())
}
