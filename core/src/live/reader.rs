//! The one reader of an organization's channel: looks when it is told to, and on a timer in case it was not. It ends when
//! nobody listens any more.

use super::channel::{Channel, Channels, Item};
use entity::OrganizationId;
use sea_orm::{DatabaseConnection, DbBackend};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// How often to look when nothing is announced.
const LOOK: Duration = Duration::from_secs(5);
/// When to look once more after an announcement, where a row may still lie behind a transaction that is open.
const AGAIN: Duration = Duration::from_millis(20);

pub(super) async fn run<T: Item>(
    db: DatabaseConnection,
    organization_id: OrganizationId,
    channels: Arc<Channels<T>>,
    channel: Arc<Channel<T>>,
) {
    let overtakes = db.get_database_backend() == DbBackend::Postgres;
    let mut told = false;
    while !channels.retire(organization_id, &channel) {
        let more = match T::read(&db, organization_id, &channel).await {
            Ok(read) => {
                let more = read.more;
                channel.publish(read);
                more
            }
            Err(error) => {
                tracing::warn!(
                    organization.id = %organization_id,
                    error = &error as &dyn std::error::Error,
                    "the feed could not be read and is looked at again"
                );
                false
            }
        };
        if !more {
            let wait = if told && overtakes { AGAIN } else { LOOK };
            told = timeout(wait, channel.wake.notified()).await.is_ok();
        }
    }
}
