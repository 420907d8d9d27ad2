//! The single reader of an organization's channel. It looks when it is told to, and on a timer in case it was not. It
//! ends when nobody subscribes any more.
//!
//! A look costs some queries, and notifying a subscriber costs a wake-up and a write. So after a look that found rows,
//! the reader waits some milliseconds for more, and notifies many subscribers group by group
//! ([`pacing`](crate::feed::pacing)). After a pause, they are notified at once.

use super::{
    channel::{Channel, Channels, Item},
    pacing::{Pacing, SHIFT_INTERVAL},
};
use entity::OrganizationId;
use futures_util::FutureExt;
use sea_orm::{DatabaseConnection, DbBackend};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until, timeout};

/// The interval between looks when nothing is announced.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// The delay before another look after an announcement: a row may still be hidden by an open transaction.
const RECHECK_DELAY: Duration = Duration::from_millis(20);

pub(crate) async fn run<T: Item>(
    db: DatabaseConnection,
    organization_id: OrganizationId,
    channels: Arc<Channels<T>>,
    channel: Arc<Channel<T>>,
) {
    let overtakes = db.get_database_backend() == DbBackend::Postgres;
    let (mut woken, mut turns, mut look) = (false, Pacing::default(), true);
    while !channels.retire(organization_id, &channel) {
        let began = Instant::now();
        let more = look && read(&db, organization_id, &channel, &mut turns).await;
        if more {
            // A backlog is delivered as it is read, because the ring cannot hold it.
            channel.tell(turns.all(began));
            continue;
        }
        channel.tell(turns.take(began, channel.listeners()));
        if turns.are_over() {
            let wait = if woken && overtakes {
                RECHECK_DELAY
            } else {
                POLL_INTERVAL
            };
            woken = timeout(wait, channel.wake.notified()).await.is_ok();
            look = true;
            if turns.just_now(Instant::now()) {
                sleep_until(began + SHIFT_INTERVAL).await;
            }
        } else {
            sleep_until(began + SHIFT_INTERVAL).await;
            look = channel.wake.notified().now_or_never().is_some();
            woken |= look;
        }
    }
}

/// Looks once. Returns whether there is more.
async fn read<T: Item>(
    db: &DatabaseConnection,
    organization_id: OrganizationId,
    channel: &Channel<T>,
    turns: &mut Pacing,
) -> bool {
    match T::read(db, organization_id, channel).await {
        Ok(read) => {
            let more = read.more;
            if !read.rows.is_empty() {
                turns.news();
            }
            channel.publish(read);
            more
        }
        Err(error) => {
            tracing::warn!(
                organization.id = %organization_id,
                error = &error as &dyn std::error::Error,
                "the feed could not be read; trying again"
            );
            false
        }
    }
}
