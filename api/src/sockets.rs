//! What stays open: sockets and event streams. A shutdown ends them and waits for them; a key has a limit of operations
//! that run on them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entity::ApiKeyId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Operations of one key that run on sockets and streams.
pub const MAX_OF_KEY: usize = 4_000;

/// Every open socket and stream.
#[derive(Clone, Debug, Default)]
pub struct Sockets {
    /// Cancelled when they are to end.
    pub closing: CancellationToken,
    /// Those that a shutdown waits for.
    pub open: TaskTracker,
    running: Running,
}

type Running = Arc<Mutex<HashMap<ApiKeyId, usize>>>;

impl Sockets {
    /// Ends them all.
    pub fn close(&self) {
        self.closing.cancel();
        self.open.close();
    }

    /// A place for one more operation of a key, if there is one.
    pub fn place(&self, key_id: ApiKeyId) -> Option<Slot> {
        let mut running = lock(&self.running);
        let count = running.entry(key_id).or_default();
        if *count == MAX_OF_KEY {
            return None;
        }
        *count += 1;
        Some(Slot {
            key_id,
            running: Arc::clone(&self.running),
        })
    }
}

fn lock(running: &Running) -> MutexGuard<'_, HashMap<ApiKeyId, usize>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The place of an operation that runs; free again when it is dropped.
#[derive(Debug)]
pub struct Slot {
    key_id: ApiKeyId,
    running: Running,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut running = lock(&self.running);
        if let Some(count) = running.get_mut(&self.key_id) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.key_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_so_many_places_and_gets_them_back() {
        let (sockets, one, other) = (Sockets::default(), ApiKeyId::new(), ApiKeyId::new());
        let mut taken: Vec<Slot> = (0..MAX_OF_KEY).map_while(|_| sockets.place(one)).collect();
        assert_eq!(taken.len(), MAX_OF_KEY);
        assert!(sockets.place(one).is_none());
        assert!(sockets.place(other).is_some());
        taken.pop();
        assert!(sockets.place(one).is_some());
        drop(taken);
        assert!(
            lock(&sockets.running).is_empty(),
            "nothing is kept of a key that has none"
        );
    }
}
