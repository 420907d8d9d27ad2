//! The cache of API keys that were used lately.

use crate::auth::Actor;
use entity::Timestamp;
use moka::sync::Cache;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::sync::{Mutex, watch};

/// The time for which a key is cached.
const CACHE_TTL: Duration = Duration::from_secs(10);
/// The number of locks for look-ups.
pub(super) const LOCKS: usize = 16;

/// A cache of recently used API keys, by their hash: a request with a cached key costs no database query. A revoked key
/// is removed immediately; a key that another process disabled stays valid for at most ten more seconds.
pub(crate) struct KeyCache {
    pub(super) entries: Cache<[u8; 32], Entry>,
    pub(super) changes: AtomicU64,
    /// Notified after the cache was cleared.
    pub(super) told: watch::Sender<()>,
    /// Locks for look-ups, by hash, so that a thousand subscribers with one key look it up once.
    pub(super) turns: [Mutex<()>; LOCKS],
}

#[derive(Clone)]
pub(crate) struct Entry {
    pub(super) actor: Actor,
    pub(super) expires_at: Option<Timestamp>,
}

impl Default for KeyCache {
    fn default() -> Self {
        Self {
            entries: Cache::builder().max_capacity(10_000).time_to_live(CACHE_TTL).build(),
            changes: AtomicU64::new(0),
            told: watch::Sender::new(()),
            turns: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl KeyCache {
    /// Clears the cache, because a user or a key changed.
    pub(crate) fn forget(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.entries.invalidate_all();
        self.told.send_replace(());
    }
}
