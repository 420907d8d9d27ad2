//! The health of webhooks: a registry in memory ([`HealthRegistry`]) of their circuit breakers and consecutive
//! failures, and the consequences of these (`consequences.rs`). The dispatcher reports an outcome when its request
//! ends, so a circuit breaker opens immediately; the recorder writes changes of the health together with the outcomes.
//! A success after a success writes nothing.
//!
//! The outcomes of an operational event's own deliveries count for the circuit breaker only: they cause no warning,
//! disable no webhook and end no streak of failures, so that webhooks that watch each other cause no cascade.

mod consequences;
mod failure;
pub(crate) mod registry;
pub(crate) mod streak;

pub(crate) use consequences::{Ended, disable, follow};
pub(crate) use failure::failure;
pub use registry::HealthRegistry;
pub(crate) use registry::breaker;

use crate::{Result, db::Txn, queue::lanes::Lanes};
use entity::{WebhookId, WebhookStatus, webhook, webhook_health};
use sea_orm::EntityTrait;

/// Returns whether a change of a webhook resets its health: it was reactivated, or its URL changed.
pub(crate) fn is_fresh(before: &webhook::Model, after: &webhook::Model) -> bool {
    let switched_on = before.status != after.status && after.status == WebhookStatus::Active;
    switched_on || before.url != after.url
}

/// Resets the stored health and the registry's entry of a webhook in one transaction. The recorder reads the registry
/// in transactions of its own, so no old health is written again.
pub(crate) async fn clear(txn: &Txn, registry: &HealthRegistry, lanes: &Lanes, id: WebhookId) -> Result<()> {
    webhook_health::Entity::delete_by_id(id).exec(txn.conn()).await?;
    registry.forget(lanes, id);
    Ok(())
}
