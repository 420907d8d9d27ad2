//! Adds the function with which a transaction takes its turn on PostgreSQL. Each of its statements sees what is
//! committed when it begins, so the values that follow the locks are read with the locks held, and locking and reading
//! take one round trip.

use super::by_hand;
use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Locks the keys in the given order: those after an `x` exclusively, those after an `s` shared. Then reads the id of
/// this transaction, that of the oldest open one, and the generations of the organizations.
const TAKE: &str = "CREATE FUNCTION take_turn( \
         keys text, ids text, OUT number bigint, OUT oldest bigint, OUT generations text \
     ) LANGUAGE plpgsql VOLATILE AS $$ \
     BEGIN \
         PERFORM CASE left(k, 1) \
             WHEN 'x' THEN pg_advisory_xact_lock(substr(k, 2)::bigint)::text \
             ELSE pg_advisory_xact_lock_shared(substr(k, 2)::bigint)::text END \
         FROM unnest(string_to_array(keys, ',')) AS k; \
         number := pg_current_xact_id()::text::bigint; \
         SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, string_agg(o.id::text || ':' || o.generation::text, ',') \
             INTO oldest, generations \
             FROM organization o WHERE o.id = ANY(string_to_array(ids, ',')::uuid[]); \
     END $$";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DatabaseBackend::Postgres => by_hand(manager, TAKE).await,
            _ => Ok(()),
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DatabaseBackend::Postgres => by_hand(manager, "DROP FUNCTION take_turn(text, text)").await,
            _ => Ok(()),
        }
    }
}
