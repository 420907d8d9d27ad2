//! The bus inside one process. With SQLite there is one process, and the bus has no other end; in tests it connects
//! several nodes.

use super::{Boxed, Bus, Transport, error::Error};
use std::sync::Arc;
use tokio::sync::{
    Mutex,
    broadcast::{self, error::RecvError},
};

/// The most texts that wait for a slow end.
const MAX_QUEUED: usize = 64;

/// The meeting point of the ends in a process: ends that join the same hub hear each other.
#[derive(Clone, Debug)]
pub struct Hub(broadcast::Sender<Arc<str>>);

impl Default for Hub {
    fn default() -> Self {
        Self(broadcast::Sender::new(MAX_QUEUED))
    }
}

pub(super) struct Memory {
    hub: Hub,
    texts: Mutex<broadcast::Receiver<Arc<str>>>,
}

impl Memory {
    pub(super) fn join(hub: &Hub) -> Self {
        Self {
            hub: hub.clone(),
            texts: Mutex::new(hub.0.subscribe()),
        }
    }
}

impl Transport for Memory {
    /// Returns the limit of the other transports, so that long messages take the same path on all.
    fn limit(&self) -> usize {
        super::postgres::MAX_BYTES
    }

    fn send<'c>(&'c self, texts: &'c [String]) -> Boxed<'c, Result<(), Error>> {
        if self.hub.0.receiver_count() > 1 {
            for text in texts {
                self.hub.0.send(text.as_str().into()).ok();
            }
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn receive<'c>(&'c self, bus: &'c Bus) -> Boxed<'c, ()> {
        Box::pin(async {
            let mut texts = self.texts.lock().await;
            loop {
                match texts.recv().await {
                    Ok(text) => bus.receive(text.as_bytes()),
                    Err(RecvError::Lagged(_)) => bus.missed(),
                    Err(RecvError::Closed) => return,
                }
            }
        })
    }
}
