//! The context of a transition: some tasks of one project and all related objects, as events and exports need them. It
//! is read-only.

use crate::{
    event::{self, Work},
    graph::Graph,
};
use entity::{EventId, StageId, StageType, UserId, data_row, dataset, label, project, stage_visit, task, user};
use std::{collections::HashMap, sync::Arc};

/// Some tasks of one project with all related objects.
pub(crate) struct Context {
    pub(crate) graph: Arc<Graph>,
    pub(crate) project: project::Model,
    pub(crate) team: event::Team,
    pub(crate) users: HashMap<UserId, user::Model>,
    /// Stages that the history refers to and the workflow no longer has.
    pub(crate) former: HashMap<StageId, event::Stage>,
    pub(crate) entries: Vec<TaskEntry>,
}

/// A task with the objects of its own.
pub(crate) struct TaskEntry {
    pub(crate) task: task::Model,
    pub(crate) label: Option<label::Model>,
    pub(crate) data_row: data_row::Model,
    pub(crate) dataset: dataset::Model,
    pub(crate) batches: Vec<event::Batch>,
    pub(crate) visits: Vec<stage_visit::Model>,
    /// The number of visits that are already in the database.
    pub(crate) written: usize,
}

impl Context {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entry(&self, place: usize) -> &TaskEntry {
        &self.entries[place]
    }

    pub(crate) fn entry_mut(&mut self, place: usize) -> &mut TaskEntry {
        &mut self.entries[place]
    }

    /// Builds the event data of a label of the task.
    pub(crate) fn labelled(&self, place: usize, label: &label::Model) -> event::LabelChange {
        let entry = &self.entries[place];
        event::LabelChange {
            label: label.into(),
            project: (&self.project).into(),
            data_row: (&entry.data_row).into(),
            dataset: (&entry.dataset).into(),
            user: self.user(label.created_by),
            batches: entry.batches.clone(),
            task: Some(self.snapshot(place)),
            team: Some(self.team.clone()),
        }
    }

    /// Builds a snapshot of the task in its current state.
    pub(crate) fn snapshot(&self, place: usize) -> event::Task {
        let entry = &self.entries[place];
        let task = &entry.task;
        let here = Work {
            duration_ms: task.duration_ms,
            idle_ms: task.idle_ms,
            blur_ms: task.blur_ms,
        };
        let before = Work {
            duration_ms: task.total_duration_ms,
            idle_ms: task.total_idle_ms,
            blur_ms: task.total_blur_ms,
        };
        event::Task {
            id: task.id,
            stage: self.stage(task.stage_id),
            created_at: task.created_at,
            updated_at: task.updated_at,
            updated_by: self.email(task.updated_by),
            here,
            total: before.plus(here),
            history: entry.visits.iter().map(|visit| self.visit(visit)).collect(),
        }
    }

    fn visit(&self, row: &stage_visit::Model) -> event::Visit {
        event::Visit {
            id: row.id,
            event_id: row.event_id,
            stage: self.stage(row.stage_id),
            entered_at: row.entered_at,
            completed_at: row.completed_at,
            duration_ms: row.duration_ms,
            idle_ms: row.idle_ms,
            blur_ms: row.blur_ms,
            completed_by: self.email(row.completed_by),
            submitted_by: self.email(row.submitted_by),
            skipped: row.skipped,
        }
    }

    pub(crate) fn stage(&self, id: StageId) -> event::Stage {
        let node = self.graph.node(id).map(|node| &node.stage);
        let known = node.or_else(|| self.former.get(&id));
        known.cloned().unwrap_or_else(|| event::Stage {
            id,
            name: String::new(),
            r#type: StageType::Archive,
        })
    }

    pub(crate) fn user(&self, id: Option<UserId>) -> Option<event::User> {
        id.and_then(|id| self.users.get(&id)).map(Into::into)
    }

    fn email(&self, id: Option<UserId>) -> Option<String> {
        id.and_then(|id| self.users.get(&id)).map(|user| user.email.clone())
    }
}

impl TaskEntry {
    /// Returns whether the data row or its dataset is deleted, so that the task will be deleted too.
    pub(crate) fn is_gone(&self) -> bool {
        self.dataset.deleted || self.data_row.deleted_at.is_some()
    }

    /// Counts how often the task completed a stage.
    pub(crate) fn passes(&self, stage_id: StageId) -> usize {
        self.visits.iter().filter(|visit| visit.stage_id == stage_id).count()
    }

    /// Stores the id of the event that reports a move in the visit that just ended.
    pub(crate) fn sign(&mut self, id: EventId) {
        if let Some(visit) = self.visits[self.written..]
            .iter_mut()
            .rfind(|visit| visit.event_id.is_none())
        {
            visit.event_id = Some(id);
        }
    }
}
