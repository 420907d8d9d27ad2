//! Arriving: what a stage does with a task that comes in.

use super::{Hand, Passage};
use crate::{
    Error, Result,
    event::{self, Data, Sent},
    filter::Values,
    workflow,
};
use entity::{EventId, StageId, StageOutput, StageType, TaskStatus, UserId};

/// Stages that one move passes at most; a sound workflow has fewer rules in a row.
const HOPS: usize = 200;

impl Passage<'_> {
    /// Brings a task into a stage, and on through rules, until a stage keeps it.
    pub(super) async fn arrive(&mut self, place: usize, to: StageId, user_id: Option<UserId>) -> Result<()> {
        let (mut next, mut user_id) = (to, user_id);
        for _ in 0..HOPS {
            let passes = self.enter(place, next, user_id).await?;
            let Some(stage_id) = self.onward(place, passes).await? else {
                return Ok(());
            };
            self.complete(place, Hand::default());
            (next, user_id) = (stage_id, None);
        }
        self.hold(place, format!("passed {HOPS} stages without coming to rest"));
        Ok(())
    }

    /// One step: the task is in the stage, the event tells, and how it stands follows from the stage's type. Says
    /// whether it passes a webhook stage whose filter does not want it.
    async fn enter(&mut self, place: usize, to: StageId, user_id: Option<UserId>) -> Result<bool> {
        let now = self.txn.now();
        let from = self.stage(self.seats[place].task.stage_id);
        let stage = self.stage(to);
        let id = EventId::new();
        let seat = &mut self.seats[place];
        seat.sign(id);
        let task = &mut seat.task;
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

    /// Tells of the move, and sends the task where its stage sends.
    async fn publish(&self, place: usize, id: EventId, data: &Data, send: bool) -> Result<Sent> {
        let task = &self.seats[place].task;
        let node = self.graph.node(task.stage_id).filter(|_| send);
        let own = node.and_then(|node| node.subscriber.as_ref()).map(|own| (own, task.id));
        event::publish_move(self.txn, self.project.organization_id, id, data, own).await
    }

    /// How the task stands in its webhook stage, or elsewhere as it does by its type.
    fn settle(&mut self, place: usize, sent: Sent, kept: Option<Kept>) {
        let task = &mut self.seats[place].task;
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
            (Sent::Not | Sent::Unwanted, None) => {}
        }
    }

    /// Why a webhook stage does not send a task that comes in.
    fn kept(&self, place: usize, from: &event::Stage) -> Option<Kept> {
        let seat = &self.seats[place];
        let stage_id = seat.task.stage_id;
        if from.r#type == StageType::Start && self.graph.is_first(stage_id) {
            return Some(Kept::Unassigned);
        }
        let passes = seat.passes(stage_id);
        (passes >= self.graph.max_passes).then(|| {
            Kept::Looping(format!(
                "entered the stage more than {} times (maxPasses)",
                self.graph.max_passes
            ))
        })
    }

    /// Where the task goes on to at once; none in a stage that keeps it. A task that a stage's filter does not want takes
    /// the way of those that were sent.
    async fn onward(&mut self, place: usize, passes: bool) -> Result<Option<StageId>> {
        if !passes {
            return self.ruled(place).await;
        }
        let stage_id = self.seats[place].task.stage_id;
        let way = self
            .graph
            .node(stage_id)
            .and_then(|node| node.way(StageOutput::Succeeded));
        if way.is_none() {
            self.hold(
                place,
                "the stage's filter does not want it, and SUCCEEDED is not connected".into(),
            );
        }
        Ok(way)
    }

    /// Where a rule leads; none in a stage that keeps its tasks.
    async fn ruled(&self, place: usize) -> Result<Option<StageId>> {
        let seat = &self.seats[place];
        let Some(node) = self.graph.node(seat.task.stage_id) else {
            return Err(Error::internal(
                "a task came into a stage that its workflow does not have",
            ));
        };
        match node.stage.r#type {
            StageType::Start => Ok(node.way(StageOutput::Next)),
            StageType::Logic => Ok(node.decide(&self.values(place)).await),
            _ => Ok(None),
        }
    }

    fn values(&self, place: usize) -> Values {
        let seat = &self.seats[place];
        workflow::values(
            &self.snapshot(place),
            seat.label.as_ref().map(|label| label.label.as_str()),
            &(&self.project).into(),
            &(&seat.data_row).into(),
            &seat.dataset.name,
            &seat.batches,
        )
    }
}

/// Why a webhook stage keeps a task without sending it.
enum Kept {
    /// It came from START, and nobody has assigned it.
    Unassigned,
    /// It comes round and round.
    Looping(String),
}

/// How a task stands in a stage that it has just come into.
fn rests(stage_type: StageType) -> TaskStatus {
    match stage_type {
        StageType::Start | StageType::Logic | StageType::Label | StageType::Review => TaskStatus::Ready,
        StageType::Hold => TaskStatus::Held,
        StageType::Webhook => TaskStatus::Waiting,
        StageType::Complete | StageType::Archive => TaskStatus::Done,
    }
}
