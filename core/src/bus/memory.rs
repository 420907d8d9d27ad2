//! A bus inside one process: for the one process that has a SQLite file it has no other end, and in tests it joins several
//! nodes.

use super::{Boxed, Bus, Carrier, error::Error};
use std::sync::Arc;
use tokio::sync::{
    Mutex,
    broadcast::{self, error::RecvError},
};

/// Texts that may wait for an end that is slow.
const TEXTS: usize = 64;

/// Where the ends of a process meet: those that join the same hub hear each other.
#[derive(Clone, Debug)]
pub struct Hub(broadcast::Sender<Arc<str>>);

impl Default for Hub {
    fn default() -> Self {
        Self(broadcast::Sender::new(TEXTS))
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

impl Carrier for Memory {
    /// As short as on the others, so that there is one way to be long.
    fn limit(&self) -> usize {
        super::postgres::LIMIT
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
                    Ok(text) => bus.hear(text.as_bytes()),
                    Err(RecvError::Lagged(_)) => bus.missed(),
                    Err(RecvError::Closed) => return,
                }
            }
        })
    }
}
