//! What a unit of work says of its changes: which organizations, and which tasks. It becomes an announcement when the
//! unit's group is committed.

use entity::{OrganizationId, TaskId};
use std::collections::BTreeMap;

/// The organizations whose feed has something new, each with its changed tasks.
#[derive(Debug, Default)]
pub struct Hints {
    pub(super) organizations: BTreeMap<OrganizationId, Vec<TaskId>>,
}

impl Hints {
    /// An event or a notification of this organization has a new number.
    pub(crate) fn changed(&mut self, id: OrganizationId) {
        self.organizations.entry(id).or_default();
    }

    /// A task of this organization has changed.
    pub(crate) fn task(&mut self, id: OrganizationId, task_id: TaskId) {
        self.organizations.entry(id).or_default().push(task_id);
    }

    /// The organizations.
    pub(crate) fn organizations(&self) -> impl Iterator<Item = OrganizationId> {
        self.organizations.keys().copied()
    }

    pub(crate) fn append(&mut self, other: Self) {
        for (id, mut tasks) in other.organizations {
            self.organizations.entry(id).or_default().append(&mut tasks);
        }
    }
}
