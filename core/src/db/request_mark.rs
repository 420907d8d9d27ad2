//! The mark of a request that carries an idempotency key: what the request commits and the mark in its row are one
//! transaction.

use super::txn::Txn;
use crate::{Error, Result};
use entity::{IdempotencyId, idempotency_key};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

tokio::task_local! {
    static CLAIMED: IdempotencyId;
}

/// Runs `work` for the request with this id: its first commit marks the request's row.
pub(crate) async fn within<T>(id: IdempotencyId, work: impl Future<Output = T>) -> T {
    CLAIMED.scope(id, work).await
}

/// Returns the id of the current task's request, when it carries an idempotency key.
pub(crate) fn current() -> Option<IdempotencyId> {
    CLAIMED.try_with(|id| *id).ok()
}

/// Marks the row: something of the request is committed in this transaction. A row that is gone was taken over by a
/// repeat, after this node stood still for so long that others took it for dead: then nothing may be committed, or the
/// request would be carried out twice.
pub(crate) async fn mark(txn: &Txn, id: IdempotencyId) -> Result<()> {
    let marked = idempotency_key::Entity::update_many()
        .col_expr(idempotency_key::Column::Committed, Expr::value(true))
        .filter(idempotency_key::Column::Id.eq(id))
        .exec(txn.conn())
        .await?;
    match marked.rows_affected {
        0 => Err(Error::Conflict(
            "a repeat of this request was taken up meanwhile; this one has changed nothing".into(),
        )),
        _ => Ok(()),
    }
}
