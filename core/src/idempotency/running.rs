//! The requests with an idempotency key that this process executes.

use entity::IdempotencyId;
use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard},
};

/// The requests in execution by this process.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<HashSet<IdempotencyId>>);

impl Running {
    pub(super) fn has(&self, id: IdempotencyId) -> bool {
        self.ids().contains(&id)
    }

    pub(super) fn insert(&self, id: IdempotencyId) {
        self.ids().insert(id);
    }

    pub(super) fn remove(&self, id: IdempotencyId) {
        self.ids().remove(&id);
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<IdempotencyId>> {
        self.0.lock().expect("held for one operation only")
    }
}
