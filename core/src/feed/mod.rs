//! The live feed of an organization: one ring of recent changes in memory, read from the database once for all its
//! subscribers. Entered by [`live`](crate::live), which turns it into subscriptions. Must never import a verb.

pub(crate) mod channel;
pub mod log;
mod pacing;
mod reader;
pub mod replay;
pub mod task;

use crate::bus::{Ids, Message, changes::Hints};
use channel::Channels;
use log::Change;
use replay::ReplayChange;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use task::TaskChange;
use tokio::sync::Semaphore;

/// The most subscribers that read the log at the same time. The others wait, which leaves connections for everybody
/// else.
const READING: usize = 2;

/// The state that all subscribers share.
pub struct Live {
    pub(crate) events: Arc<Channels<entity::event::Model>>,
    pub(crate) notifications: Arc<Channels<Change>>,
    pub(crate) tasks: Arc<Channels<TaskChange>>,
    pub(crate) replays: Arc<Channels<ReplayChange>>,
    pub(crate) mark: Arc<AtomicI64>,
    /// Limits the subscribers that read the log at the same time.
    pub(crate) read_permits: Arc<Semaphore>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            events: Arc::default(),
            notifications: Arc::default(),
            tasks: Arc::default(),
            replays: Arc::default(),
            mark: Arc::default(),
            read_permits: Arc::new(Semaphore::new(READING)),
        }
    }
}

impl Live {
    /// Announces a commit: everything up to the watermark `mark` is committed, and `hints` name what has changed.
    pub fn announce(&self, mark: i64, hints: Hints) {
        self.mark.fetch_max(mark, Ordering::SeqCst);
        for (organization_id, changed) in hints.organizations {
            self.events.look(organization_id, Vec::new());
            self.notifications.look(organization_id, Vec::new());
            if !changed.tasks.is_empty() {
                self.tasks.look(organization_id, changed.tasks);
            }
            if !changed.replays.is_empty() {
                self.replays.look(organization_id, changed.replays);
            }
        }
    }

    /// Takes in a hint from another node.
    pub(crate) fn heard(&self, message: &Message) {
        for (id, task) in &message.tasks {
            self.tasks.look(*id, vec![*task]);
        }
        for (id, replay) in &message.replays {
            self.replays.look(*id, vec![*replay]);
        }
        self.tasks.lose(&message.unnamed);
        self.replays.lose(&message.unnamed);
        match &message.feed {
            Ids::These(ids) => {
                for id in ids {
                    self.events.look(*id, Vec::new());
                    self.notifications.look(*id, Vec::new());
                }
            }
            Ids::All => {
                self.events.look_at_all();
                self.notifications.look_at_all();
            }
        }
    }
}
