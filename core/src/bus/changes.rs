//! What a unit of work says of its changes: which organizations, and which tasks and replays. It becomes an announcement
//! when the unit's group is committed.

use super::message::Message;
use entity::{OrganizationId, ReplayId, TaskId};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The organizations whose feed has something new, each with its changed tasks and replays.
#[derive(Debug, Default)]
pub struct Hints {
    pub(crate) organizations: BTreeMap<OrganizationId, Changed>,
}

/// What has changed and has no number by which it could be found.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) tasks: Vec<Uuid>,
    pub(crate) replays: Vec<Uuid>,
}

impl Hints {
    /// An event or a notification of this organization has a new number.
    pub(crate) fn changed(&mut self, id: OrganizationId) {
        self.organizations.entry(id).or_default();
    }

    /// A task of this organization has changed.
    pub(crate) fn task(&mut self, id: OrganizationId, task_id: TaskId) {
        self.organizations.entry(id).or_default().tasks.push(task_id.0);
    }

    /// A replay of this organization has come further.
    pub(crate) fn replay(&mut self, id: OrganizationId, replay_id: ReplayId) {
        self.organizations.entry(id).or_default().replays.push(replay_id.0);
    }

    /// The same for other nodes.
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
