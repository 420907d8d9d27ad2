//! The row of a request with an idempotency key: claimed, marked, completed or removed.

use super::{Begun, Claim, RESPONSE_TTL, Request, StoredResponse, running::Running};
use crate::{Error, Result, auth::Actor, db::Txn, node::Nodes, secret::Keyring};
use entity::{IdempotencyId, Timestamp, idempotency_key};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Set,
};
use sha2::{Digest, Sha256};

/// Returns a sealed value of the newest request, with which a master key can be checked.
pub(crate) async fn newest_sealed(db: &impl ConnectionTrait) -> Result<Option<(String, Vec<u8>)>> {
    let newest = idempotency_key::Entity::find().order_by_desc(idempotency_key::Column::Id);
    let row = newest.one(db).await?;
    Ok(row.map(|row| (seal::request(row.id), row.request)))
}

/// Claims the key for a request, or returns its state.
pub(super) async fn claim(
    txn: &Txn,
    claim: Claim,
    nodes: &Nodes,
    actor: &Actor,
    keyring: &Keyring,
    request: Request,
) -> Result<Begun> {
    let known = idempotency_key::Entity::find()
        .filter(idempotency_key::Column::ApiKeyId.eq(actor.key_id))
        .filter(idempotency_key::Column::Key.eq(&request.key));
    let digest = Sha256::digest(&request.content);
    if let Some(row) = known.one(txn.conn()).await? {
        if let Some(begun) = judge(
            &row,
            is_running(&row, &claim.running, nodes),
            keyring,
            &digest,
            txn.now(),
        )? {
            return Ok(begun);
        }
        idempotency_key::Entity::delete_by_id(row.id).exec(txn.conn()).await?;
    }
    let row = idempotency_key::Model {
        id: claim.id,
        organization_id: actor.organization_id,
        api_key_id: actor.key_id,
        key: request.key,
        request: keyring.seal(&seal::request(claim.id), &digest),
        committed: false,
        node_id: Some(nodes.id()),
        response_status: None,
        content_type: None,
        answer: None,
        created_at: txn.now(),
    };
    idempotency_key::Entity::insert(row.into_active_model())
        .exec_without_returning(txn.conn())
        .await?;
    Ok(Begun::New(claim))
}

fn is_running(row: &idempotency_key::Model, running: &Running, nodes: &Nodes) -> bool {
    let of_another = row.node_id.is_some_and(|id| id != nodes.id() && nodes.knows(id));
    running.has(row.id) || of_another
}

/// Determines the state of a known key for a request; none when the request may be executed as new.
fn judge(
    row: &idempotency_key::Model,
    running: bool,
    keyring: &Keyring,
    digest: &[u8],
    now: Timestamp,
) -> Result<Option<Begun>> {
    if row.created_at.plus(RESPONSE_TTL) <= now {
        return Ok(None);
    }
    if keyring.open(&seal::request(row.id), &row.request)?[..] != *digest {
        return Ok(Some(Begun::Other));
    }
    if let Some(answer) = answer(row, keyring)? {
        return Ok(Some(Begun::Known(answer)));
    }
    Ok(match (running, row.committed) {
        (true, _) => Some(Begun::Running),
        (false, true) => Some(Begun::Lost),
        (false, false) => None,
    })
}

fn answer(row: &idempotency_key::Model, keyring: &Keyring) -> Result<Option<StoredResponse>> {
    let (Some(status), Some(content_type), Some(sealed)) = (row.response_status, &row.content_type, &row.answer) else {
        return Ok(None);
    };
    Ok(Some(StoredResponse {
        status: u16::try_from(status).map_err(Error::internal)?,
        content_type: content_type.clone(),
        body: keyring.open(&seal::answer(row.id), sealed)?.to_vec(),
    }))
}

/// Removes the row of a request that has committed nothing. Returns whether it did.
pub(super) async fn forget(txn: &Txn, id: IdempotencyId) -> Result<bool> {
    let removed = idempotency_key::Entity::delete_many()
        .filter(idempotency_key::Column::Id.eq(id))
        .filter(idempotency_key::Column::Committed.eq(false))
        .exec(txn.conn())
        .await?;
    Ok(removed.rows_affected > 0)
}

/// Stores the response in the row of its request.
pub(super) async fn keep(txn: &Txn, id: IdempotencyId, keyring: &Keyring, answer: StoredResponse) -> Result<()> {
    let row = idempotency_key::ActiveModel {
        id: Set(id),
        response_status: Set(Some(i16::try_from(answer.status).map_err(Error::internal)?)),
        content_type: Set(Some(answer.content_type)),
        answer: Set(Some(keyring.seal(&seal::answer(id), &answer.body))),
        ..Default::default()
    };
    row.update(txn.conn()).await?;
    Ok(())
}

/// The context that each sealed column is bound to.
mod seal {
    use entity::IdempotencyId;

    pub fn request(id: IdempotencyId) -> String {
        format!("idempotency_key/{id}/request")
    }

    pub fn answer(id: IdempotencyId) -> String {
        format!("idempotency_key/{id}/answer")
    }
}
