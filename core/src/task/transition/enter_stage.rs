//! The arrival of a task in a stage.

use super::{By, Transition};
use crate::{
    Error, Result,
    event::{self, Data},
    filter::Values,
    graph::{cel_scope, conditions::Decision},
    publish::{self, Sent},
};
use entity::{EventId, StageId, StageOutput, StageType, TaskStatus, UserId};
use std::sync::Arc;

/// The maximum number of completed visits of a task, since every event contains them all.
const VISITS: usize = 10_000;

impl Transition<'_> {
    /// Moves a task into a stage, and on through rules until a stage keeps it. Rules form no cycle, so this ends.
    pub(crate) async fn arrive(&mut self, place: usize, to: StageId, user_id: Option<UserId>) -> Result<()> {
        let (mut next, mut user_id) = (to, user_id);
        loop {
            let passes = self.enter(place, next, user_id).await?;
            match self.onward(place, passes).await? {
                None => return Ok(()),
                Some(Decision::Stopped(reason)) => {
                    self.hold(place, reason);
                    return Ok(());
                }
                Some(Decision::To(stage_id)) => {
                    self.complete(place, By::default());
                    (next, user_id) = (stage_id, None);
                }
            }
        }
    }

    /// Enters one stage: sets the stage and the status, which depends on the stage's type, and publishes the move.
    /// Returns whether the task passes a webhook stage whose filter does not match.
    async fn enter(&mut self, place: usize, to: StageId, user_id: Option<UserId>) -> Result<bool> {
        let now = self.txn.now();
        let from = self.stage(self.entries[place].task.stage_id);
        let stage = self.stage(to);
        let id = EventId::new();
        let entry = &mut self.entries[place];
        entry.sign(id);
        let task = &mut entry.task;
        task.stage_id = to;
        task.status = rests(stage.r#type);
        task.status_reason = None;
        task.assignee_id = None;
        task.event_id = Some(id);
        task.notification_id = None;
        task.entered_at = now;
        task.updated_at = now;
        (task.duration_ms, task.idle_ms, task.blur_ms) = (0, 0, 0);
        let kept = match stage.r#type {
            StageType::Webhook => self.kept(place, &from),
            _ => None,
        };
        let data = self.moved(place, from, user_id);
        let sent = self.publish(place, id, &data, kept.is_none()).await?;
        let passes = sent == Sent::Unwanted;
        self.settle(place, sent, kept);
        Ok(passes)
    }

    /// Publishes the move, and sends the task when its stage sends.
    async fn publish(&self, place: usize, id: EventId, data: &Data, send: bool) -> Result<Sent> {
        let task = &self.entries[place].task;
        let node = self.graph.node(task.stage_id).filter(|_| send);
        let own = node.and_then(|node| node.subscriber.as_ref()).map(|own| (own, task.id));
        publish::publish_move(self.txn, self.project.organization_id, id, data, own).await
    }

    /// Sets the status of the task in its stage.
    fn settle(&mut self, place: usize, sent: Sent, kept: Option<Kept>) {
        let task = &mut self.entries[place].task;
        match (sent, kept) {
            (Sent::As(id), _) => task.notification_id = Some(id),
            (Sent::Unknown(reason), _) => {
                task.status = TaskStatus::Held;
                task.status_reason = Some(format!("the stage's filter could not be evaluated: {reason}"));
            }
            (_, Some(Kept::Unassigned)) => task.status = TaskStatus::Ready,
            (_, Some(Kept::Looping(reason))) => {
                task.status = TaskStatus::Held;
                task.status_reason = Some(reason);
            }
            (Sent::Not | Sent::Unwanted, None) if task.status == TaskStatus::Waiting => {
                task.status = TaskStatus::Held;
                task.status_reason = Some("its stage has no webhook".into());
            }
            (Sent::Not | Sent::Unwanted, None) => {}
        }
    }

    /// Returns the reason for which a webhook stage does not send an arriving task.
    fn kept(&self, place: usize, from: &event::Stage) -> Option<Kept> {
        let entry = &self.entries[place];
        let stage_id = entry.task.stage_id;
        if from.r#type == StageType::Start && self.graph.is_first(stage_id) {
            return Some(Kept::Unassigned);
        }
        if entry.visits.len() >= VISITS {
            return Some(Kept::Looping(format!("has completed {VISITS} stages")));
        }
        let passes = entry.passes(stage_id);
        (passes >= self.graph.max_passes).then(|| {
            Kept::Looping(format!(
                "entered the stage more than {} times (maxPasses)",
                self.graph.max_passes
            ))
        })
    }

    /// Returns the next stage of a task that moves on immediately; none in a stage that keeps it. A task that does not
    /// match a stage's filter takes the output of delivered ones.
    async fn onward(&mut self, place: usize, passes: bool) -> Result<Option<Decision>> {
        if !passes {
            return self.ruled(place).await;
        }
        let stage_id = self.entries[place].task.stage_id;
        let way = self
            .graph
            .node(stage_id)
            .and_then(|node| node.target(StageOutput::Succeeded));
        let nowhere =
            || Decision::Stopped("the stage's filter does not want it, and SUCCEEDED is not connected".into());
        Ok(Some(way.map_or_else(nowhere, Decision::To)))
    }

    /// Returns the next stage by a rule; none in a stage that keeps its tasks.
    async fn ruled(&mut self, place: usize) -> Result<Option<Decision>> {
        let graph = Arc::clone(&self.graph);
        let Some(node) = graph.node(self.entries[place].task.stage_id) else {
            return Err(Error::internal(
                "a task came into a stage that its workflow does not have",
            ));
        };
        if node.stage.r#type != StageType::Logic {
            return Ok(None);
        }
        let values = self.values(place);
        Ok(self.budget.decide(node, &values).await)
    }

    fn values(&self, place: usize) -> Values {
        let entry = &self.entries[place];
        cel_scope::values(
            &self.snapshot(place),
            entry.label.as_ref().map(|label| label.label.as_str()),
            &(&self.project).into(),
            &(&entry.data_row).into(),
            &entry.dataset.name,
            &entry.batches,
        )
    }
}

/// The reason for which a webhook stage keeps a task without sending it.
enum Kept {
    /// It came from START and is not assigned.
    Unassigned,
    /// It has entered the stage too often.
    Looping(String),
}

/// Returns the status of a task that has just arrived in a stage of this type.
fn rests(stage_type: StageType) -> TaskStatus {
    match stage_type {
        StageType::Start | StageType::Logic | StageType::Label | StageType::Review => TaskStatus::Ready,
        StageType::Hold => TaskStatus::Held,
        StageType::Webhook => TaskStatus::Waiting,
        StageType::Complete | StageType::Archive => TaskStatus::Done,
    }
}
