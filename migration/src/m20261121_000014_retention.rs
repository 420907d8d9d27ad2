//! Adds the retention of an organization, in days, and the responses that a webhook keeps. On PostgreSQL the tables
//! that grow with traffic are partitioned by the week in their ids, so that old rows are removed by dropping a
//! partition. SQLite adds one column at a time.

use sea_orm_migration::{
    prelude::*,
    schema::{integer_null, small_integer},
    sea_orm::{DatabaseBackend, QueryResult, Statement},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// The partitioned tables: the name, the partition column, and the columns of the primary key.
const TABLES: [(&str, &str, &str); 4] = [
    ("event", "id", "id"),
    ("payload", "id", "id"),
    ("notification", "id", "id"),
    ("attempt", "notification_id", "notification_id, number"),
];
/// The number of past weeks with rows that get a partition of their own. Older rows go to the default partition.
const BACK: i64 = 12;
/// The number of weeks that are created ahead.
const AHEAD: i64 = 3;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in columns() {
            let change = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(change).await?;
        }
        manager.create_index(task_event()).await?;
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            for (table, column, key) in TABLES {
                partition(manager, table, column, key).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            for (table, _, key) in TABLES {
                rebuild(manager, table, key, "", &[]).await?;
            }
        }
        let index = Index::drop().name("task_event").table("task").to_owned();
        manager.drop_index(index).await?;
        for (table, column) in [
            ("webhook", "capture_percent"),
            ("webhook", "capture"),
            ("organization", "retention_days"),
        ] {
            let change = Table::alter().table(table).drop_column(column).to_owned();
            manager.alter_table(change).await?;
        }
        Ok(())
    }
}

fn columns() -> [(&'static str, ColumnDef); 3] {
    [
        ("organization", integer_null("retention_days")),
        ("webhook", small_integer("capture").default(0).to_owned()),
        ("webhook", integer_null("capture_percent")),
    ]
}

/// Returns the index on the event of a task, by which retention keeps the events that a task may be sent for again.
fn task_event() -> IndexCreateStatement {
    Index::create()
        .name("task_event")
        .table("task")
        .col("event_id")
        .and_where(Expr::col("event_id").is_not_null())
        .to_owned()
}

/// Partitions a table: a partition for each week with rows, some ahead, and a default one. Ids begin with their
/// milliseconds; the name of a partition contains the Monday on which its week begins.
async fn partition(manager: &SchemaManager<'_>, table: &str, column: &str, key: &str) -> Result<(), DbErr> {
    let weeks = weeks(manager, table, column).await?;
    let mut parts = vec![format!("CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")];
    for week in weeks {
        parts.push(format!(
            "CREATE TABLE {table}_{} PARTITION OF {table} FOR VALUES FROM ('{}') TO ('{}')",
            week.name, week.from, week.until
        ));
    }
    rebuild(manager, table, key, &format!("PARTITION BY RANGE ({column})"), &parts).await
}

struct Week {
    name: String,
    from: String,
    until: String,
}

/// Returns the weeks to create, by the server's clock. Weeks begin on Monday; the first day of 1970 was a Thursday.
async fn weeks(manager: &SchemaManager<'_>, table: &str, column: &str) -> Result<Vec<Week>, DbErr> {
    let uuid = |days: &str| format!("(lpad(to_hex(({days}) * 86400000), 12, '0') || repeat('0', 20))::uuid::text");
    let sql = format!(
        "WITH present AS (SELECT floor(extract(epoch FROM now()) / 86400)::bigint + 3 AS day), \
         oldest AS (SELECT ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 86400000 + 3 AS day \
             FROM (SELECT {column} AS id FROM {table} ORDER BY {column} LIMIT 1) AS first), \
         week AS (SELECT generate_series( \
             greatest(present.day / 7 - {BACK}, least(present.day / 7, coalesce((SELECT day FROM oldest) / 7, present.day / 7))), \
             present.day / 7 + {AHEAD}) * 7 - 3 AS day FROM present) \
         SELECT to_char(to_timestamp(day * 86400) AT TIME ZONE 'UTC', 'YYYYMMDD') AS name, {} AS first, {} AS until FROM week",
        uuid("day"),
        uuid("day + 7")
    );
    let rows = all(manager, &sql).await?;
    let week = |row: QueryResult| {
        Ok(Week {
            name: row.try_get("", "name")?,
            from: row.try_get("", "first")?,
            until: row.try_get("", "until")?,
        })
    };
    rows.into_iter().map(week).collect()
}

/// Rebuilds a table, with its rows and with its indexes under the same names.
async fn rebuild(
    manager: &SchemaManager<'_>,
    table: &str,
    key: &str,
    kind: &str,
    parts: &[String],
) -> Result<(), DbErr> {
    let indexes = format!(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = '{table}' \
         AND indexname <> '{table}_pkey' ORDER BY indexname"
    );
    let mut indexdefs = Vec::new();
    for row in all(manager, &indexes).await? {
        // For a partitioned table the definition contains ONLY, which would leave out its partitions.
        let text: String = row.try_get("", "indexdef")?;
        indexdefs.push(text.replacen(" ON ONLY ", " ON ", 1));
    }
    let mut statements = vec![
        format!("ALTER TABLE {table} RENAME TO {table}_before"),
        format!("ALTER TABLE {table}_before RENAME CONSTRAINT {table}_pkey TO {table}_before_pkey"),
        format!("CREATE TABLE {table} (LIKE {table}_before INCLUDING DEFAULTS INCLUDING STORAGE) {kind}"),
    ];
    statements.extend_from_slice(parts);
    statements.push(format!("INSERT INTO {table} SELECT * FROM {table}_before"));
    statements.push(format!("DROP TABLE {table}_before"));
    statements.push(format!(
        "ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY ({key})"
    ));
    statements.append(&mut indexdefs);
    for statement in statements {
        crate::by_hand(manager, &statement).await?;
    }
    Ok(())
}

async fn all(manager: &SchemaManager<'_>, sql: &str) -> Result<Vec<QueryResult>, DbErr> {
    let statement = Statement::from_string(DatabaseBackend::Postgres, sql);
    manager.get_connection().query_all_raw(statement).await
}
