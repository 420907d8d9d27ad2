//! Long-lived connections: sockets and event streams. A shutdown ends them and waits for them; a key has a limit of
//! them, and of operations that run on them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entity::ApiKeyId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::socket_threads::Pool;

/// Operations of one key that run on sockets and streams.
pub const MAX_OF_KEY: usize = 4_000;

/// Every open socket and stream.
#[derive(Clone, Debug)]
pub struct Sockets {
    /// Cancelled when they are to end.
    pub closing: CancellationToken,
    /// Those that a shutdown waits for.
    pub open: TaskTracker,
    /// Operations that run.
    operations: Places,
    /// Sockets and streams that are open.
    connections: Places,
    /// The threads on which sockets run.
    pub pool: Arc<Pool>,
}

impl Sockets {
    /// So many of one key at the same time.
    pub fn new(of_key: usize) -> Self {
        Self {
            closing: CancellationToken::new(),
            open: TaskTracker::new(),
            operations: Places::new(MAX_OF_KEY),
            connections: Places::new(of_key),
            pool: Arc::default(),
        }
    }

    /// Ends them all.
    pub fn close(&self) {
        self.closing.cancel();
        self.open.close();
    }

    /// A place for one more operation of a key, if there is one.
    pub fn operation(&self, key_id: ApiKeyId) -> Option<Slot> {
        self.operations.place(key_id)
    }

    /// A place for one more socket or stream of a key, if there is one.
    pub fn connection(&self, key_id: ApiKeyId) -> Option<Slot> {
        self.connections.place(key_id)
    }
}

/// Places that each key has so many of.
#[derive(Clone, Debug)]
struct Places {
    taken: Taken,
    most: usize,
}

type Taken = Arc<Mutex<HashMap<ApiKeyId, usize>>>;

impl Places {
    fn new(most: usize) -> Self {
        Self {
            taken: Taken::default(),
            most,
        }
    }

    fn place(&self, key_id: ApiKeyId) -> Option<Slot> {
        let mut taken = lock(&self.taken);
        let count = taken.get(&key_id).copied().unwrap_or_default();
        if count >= self.most {
            return None;
        }
        taken.insert(key_id, count + 1);
        Some(Slot {
            key_id,
            taken: Arc::clone(&self.taken),
        })
    }
}

fn lock(taken: &Taken) -> MutexGuard<'_, HashMap<ApiKeyId, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place that is taken; free again when it is dropped.
#[derive(Debug)]
pub struct Slot {
    key_id: ApiKeyId,
    taken: Taken,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(count) = taken.get_mut(&self.key_id) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.key_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_so_many_places_and_gets_them_back() {
        let (places, one, other) = (Places::new(3), ApiKeyId::new(), ApiKeyId::new());
        let mut taken: Vec<Slot> = (0..3).map_while(|_| places.place(one)).collect();
        assert_eq!(taken.len(), 3);
        assert!(places.place(one).is_none());
        assert!(places.place(other).is_some());
        taken.pop();
        assert!(places.place(one).is_some());
        drop(taken);
        assert!(lock(&places.taken).is_empty(), "nothing is kept of a key that has none");
        assert!(Places::new(0).place(one).is_none());
        let sockets = Sockets::new(1);
        let (socket, operation) = (sockets.connection(one), sockets.operation(one));
        assert!(socket.is_some() && operation.is_some() && sockets.connection(one).is_none());
    }
}
