//! Replays, which send again in steps, and the tallies that statistics are read from.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, boolean, integer, small_integer, text, text_null, uuid, uuid_null},
    sea_orm::DbBackend,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replay(manager).await?;
        replay_part(manager).await?;
        tally(manager).await?;
        count(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["tally", "replay_part", "replay"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// The partial index holds only what still runs.
async fn replay(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("replay")
        .col(uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid_null("actor_id"))
        .col(text_null("projects"))
        .col(text("criteria"))
        .col(uuid_null("missed_by"))
        .col(boolean("rerender"))
        .col(uuid("until_id"))
        .col(big_integer("until_sequence"))
        .col(small_integer("status"))
        .col(integer("total"))
        .col(integer("done"))
        .col(integer("skipped"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("id"))
        .to_owned();
    manager.create_table(table).await?;
    let running = Index::create()
        .name("replay_running")
        .table("replay")
        .col("organization_id")
        .and_where(Expr::col("status").eq(0))
        .to_owned();
    manager.create_index(running).await
}

async fn replay_part(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("replay_part")
        .col(uuid("replay_id"))
        .col(uuid("webhook_id"))
        .col(uuid("organization_id"))
        .col(uuid_null("after_id"))
        .col(big_integer_null("after_sequence"))
        .col(integer("total"))
        .col(integer("done"))
        .col(boolean("running"))
        .primary_key(Index::create().col("replay_id").col("webhook_id"))
        .to_owned();
    manager.create_table(table).await?;
    let running = Index::create()
        .name("replay_part_running")
        .table("replay_part")
        .col("replay_id")
        .col("webhook_id")
        .and_where(Expr::col("running"))
        .to_owned();
    manager.create_index(running).await
}

/// A row is its key and a number, and lies in the order of the key: an hour of a webhook is read in one piece.
async fn tally(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create()
        .table("tally")
        .col(uuid("organization_id"))
        .col(uuid("webhook_id"))
        .col(big_integer("hour"))
        .col(uuid("project_id"))
        .col(small_integer("topic"))
        .col(small_integer("kind"))
        .col(small_integer("bin"))
        .col(big_integer("count"))
        .primary_key(
            KEY.iter()
                .fold(&mut Index::create(), |index, column| index.col(*column)),
        )
        .to_owned();
    if manager.get_database_backend() == DbBackend::Sqlite {
        table.extra("WITHOUT ROWID");
    }
    manager.create_table(table).await
}

const KEY: [&str; 7] = [
    "organization_id",
    "webhook_id",
    "hour",
    "project_id",
    "topic",
    "kind",
    "bin",
];

/// Counts what there is already. How long its requests took is not among it.
async fn count(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let none = match manager.get_database_backend() {
        DbBackend::Sqlite => "x'00000000000000000000000000000000'",
        _ => "'00000000-0000-0000-0000-000000000000'::uuid",
    };
    let counted = |kind: &str, which: &str| {
        format!(
            "INSERT INTO tally (organization_id, webhook_id, hour, project_id, topic, kind, bin, count) \
             SELECT organization_id, webhook_id, created_at / 3600000000, coalesce(project_id, {none}), topic, {kind}, \
             -1, count(*) FROM notification {which} GROUP BY 1, 2, 3, 4, 5, 6"
        )
    };
    let over = "CASE status WHEN 5 THEN 1 ELSE status END";
    for sql in [counted("0", ""), counted(over, "WHERE status IN (3, 4, 5)")] {
        crate::by_hand(manager, &sql).await?;
    }
    Ok(())
}
