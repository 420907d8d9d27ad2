//! The state that the dispatcher shares with the verbs.

use crate::{delivery::sender::Sender, queue::lanes::Lanes, wake::Wake};
use std::sync::Arc;

/// The state of the dispatcher: the lanes, the HTTP sender, and a signal for tests and watchers.
pub struct Dispatcher {
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) sender: Sender,
    /// Told after every batch of outcomes that is recorded.
    pub(crate) recorded: Wake,
}

impl Dispatcher {
    pub(crate) fn new(lanes: Arc<Lanes>, sender: Sender) -> Self {
        Self {
            lanes,
            sender,
            recorded: Wake::default(),
        }
    }

    /// Returns whether this process holds no notification: none is queued, in flight or about to be recorded.
    pub fn is_idle(&self) -> bool {
        self.lanes.is_idle()
    }
}
