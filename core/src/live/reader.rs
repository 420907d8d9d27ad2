//! The one reader of an organization's channel: looks when it is told to, and on a timer in case it was not. It ends when
//! nobody listens any more.
//!
//! A look costs some queries, and telling many listeners of each change by itself would cost each of them a wake-up and a
//! write a change. So after a look that brought something the reader gathers for some milliseconds, the longer the more
//! listen: what changes meanwhile is told together. What happens after a silence is told at once.

use super::channel::{Channel, Channels, Item};
use entity::OrganizationId;
use sea_orm::{DatabaseConnection, DbBackend};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until, timeout};

/// How often to look when nothing is announced.
const LOOK: Duration = Duration::from_secs(5);
/// When to look once more after an announcement, where a row may still lie behind a transaction that is open.
const AGAIN: Duration = Duration::from_millis(20);
/// How long to gather: some times what a look costs, and for each listener about what it costs to tell one.
const GATHER: Duration = Duration::from_millis(4);
const EACH: Duration = Duration::from_micros(16);
/// How long to gather at most.
const MOST: Duration = Duration::from_millis(20);

pub(super) async fn run<T: Item>(
    db: DatabaseConnection,
    organization_id: OrganizationId,
    channels: Arc<Channels<T>>,
    channel: Arc<Channel<T>>,
) {
    let overtakes = db.get_database_backend() == DbBackend::Postgres;
    let mut woken = false;
    while !channels.retire(organization_id, &channel) {
        let began = Instant::now();
        let mut told = false;
        let more = match T::read(&db, organization_id, &channel).await {
            Ok(read) => {
                let more = read.more;
                told = !read.rows.is_empty();
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
            let wait = if woken && overtakes { AGAIN } else { LOOK };
            woken = timeout(wait, channel.wake.notified()).await.is_ok();
            if told {
                gather(began, channel.listeners()).await;
            }
        }
    }
}

/// Waits until so many listeners may be told again.
async fn gather(began: Instant, listeners: usize) {
    let listeners = u32::try_from(listeners).unwrap_or(u32::MAX);
    let gap = GATHER.saturating_add(EACH.saturating_mul(listeners)).min(MOST);
    sleep_until(began + gap).await;
}
