//! The changes of a unit of work: the organizations, tasks and replays concerned. They become an announcement when the
//! unit's group is committed.

use super::message::Message;
use entity::{OrganizationId, ReplayId, TaskId};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The organizations whose feed has something new, each with its changed tasks and replays.
#[derive(Debug, Default)]
pub struct Hints {
    pub(crate) organizations: BTreeMap<OrganizationId, Changed>,
}

/// Changes that have no sequence number by which they could be found.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) tasks: Vec<Uuid>,
    pub(crate) replays: Vec<Uuid>,
}

impl Hints {
    /// Adds an organization with an event or a notification that has a new number.
    pub(crate) fn changed(&mut self, id: OrganizationId) {
        self.organizations.entry(id).or_default();
    }

    /// Adds a task that has changed.
    pub(crate) fn task(&mut self, id: OrganizationId, task_id: TaskId) {
        self.organizations.entry(id).or_default().tasks.push(task_id.0);
    }

    /// Adds a replay that has progressed.
    pub(crate) fn replay(&mut self, id: OrganizationId, replay_id: ReplayId) {
        self.organizations.entry(id).or_default().replays.push(replay_id.0);
    }

    /// Returns the changes as a message for other nodes.
    pub(crate) fn message(&self) -> Message {
        let mut message = Message::feed(self.organizations.keys().copied());
        for (id, Changed { tasks, replays }) in &self.organizations {
            if !tasks.is_empty() || !replays.is_empty() {
                message.append(Message::changed(*id, tasks, replays));
            }
        }
        message
    }

    pub(crate) fn append(&mut self, other: Self) {
        for (id, mut changed) in other.organizations {
            let all = self.organizations.entry(id).or_default();
            all.tasks.append(&mut changed.tasks);
            all.replays.append(&mut changed.replays);
        }
    }
}
