//! Deletions are noted here, in the transaction that hides what is deleted. A background task carries them out.

use crate::{Result, auth::Actor, db::Txn};
use entity::{DeletionId, DeletionKind, deletion};
use sea_orm::{EntityTrait, IntoActiveModel};
use uuid::Uuid;

/// Notes what is to be deleted, in the transaction that hides it.
pub(crate) async fn schedule(
    txn: &Txn,
    actor: &Actor,
    kind: DeletionKind,
    targets: impl IntoIterator<Item = Uuid>,
) -> Result<()> {
    let rows: Vec<_> = targets
        .into_iter()
        .map(|target_id| deletion::Model {
            id: DeletionId::new(),
            organization_id: actor.organization_id,
            kind,
            target_id,
            actor_id: Some(actor.user_id),
            created_at: txn.now(),
            done_at: None,
        })
        .map(IntoActiveModel::into_active_model)
        .collect();
    if !rows.is_empty() {
        deletion::Entity::insert_many(rows)
            .exec_without_returning(txn.conn())
            .await?;
    }
    Ok(())
}
