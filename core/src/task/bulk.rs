//! Bulk control of many tasks: assign, requeue, forward. A call is checked as a whole, then executed in steps of
//! bounded size ([`step`](crate::task::bulk_step)), one transaction each, so that thousands of tasks block nobody.
//! Completed steps stay when a later one fails, and the error says so.

use super::{
    bulk_step::{Seen, Step, in_steps, seen},
    filter::Filter,
    resend::{Withdrawn, forget_sends, send_again, withdraw},
    transition::{By, Transition},
};
use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::{Txn, Work},
    graph::{self, Graph},
    lookup,
    publish::resend::Again,
};
use entity::{Role, StageId, StageOutput, StageType, TaskId, TaskStatus, UserId, stage, task, user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use std::{collections::BTreeMap, sync::Arc};

/// The assignment of tasks to a user.
#[derive(Clone, Debug)]
pub struct Assign {
    /// The id of the user.
    pub assignee: String,
    /// The stage that all tasks must be in. With a webhook stage right after START, the assignment sends them.
    pub stage: Option<String>,
}

/// Assigns tasks to a user; a worker can only assign them to themself. Returns the tasks, oldest first.
pub async fn assign(app: &App, actor: &Actor, filter: &Filter, assign: Assign) -> Result<Vec<TaskId>> {
    actor.require(Action::Annotate)?;
    let assignee: user::Model = lookup::find(app.db.read(), actor, &assign.assignee).await?;
    if assignee.disabled {
        return Err(Error::invalid("assignee", "is disabled"));
    }
    if actor.role == Role::Worker && assignee.id != actor.user_id {
        return Err(Error::Forbidden("a WORKER assigns tasks to themself only".into()));
    }
    let stage: Option<stage::Model> = match &assign.stage {
        Some(id) => Some(lookup::find(app.db.read(), actor, id).await?),
        None => None,
    };
    let seen = seen(app, actor, filter).await?;
    assignable(app, actor, &seen, stage.as_ref()).await?;
    let send = stage.is_some_and(|stage| stage.stage_type == StageType::Webhook);
    let user_id = assignee.id;
    let take = |step| {
        let given = app.db.write(actor.organization_id, move |txn| {
            Box::pin(async move { give(txn, &step, user_id, send).await })
        });
        Box::pin(given) as Work<'_, _>
    };
    in_steps(app, seen, take).await
}

/// Puts tasks into a stage of their project, without an entry in their history. A webhook stage sends them.
pub async fn requeue(app: &App, actor: &Actor, filter: &Filter, stage: &str) -> Result<Vec<TaskId>> {
    actor.require(Action::ManageData)?;
    let stage: stage::Model = lookup::find(app.db.read(), actor, stage).await?;
    if stage.removed_at.is_some() {
        return Err(Error::invalid("stage", "was removed from its workflow"));
    }
    if stage.stage_type == StageType::Start {
        return Err(Error::invalid("stage", "is a START stage, which nothing leads into"));
    }
    let seen = seen(app, actor, filter).await?;
    if let Some(other) = seen.iter().find(|task| task.project_id != stage.project_id) {
        let reason = format!("matches task {}, which is of another project than the stage", other.id);
        return Err(Error::invalid("where", reason));
    }
    let take = |step| {
        let (actor, to) = (actor.clone(), stage.id);
        let put = app.db.write(actor.organization_id, move |txn| {
            Box::pin(async move { requeue_step(txn, &actor, &step, to).await })
        });
        Box::pin(async move {
            let put = put.await?;
            forget_sends(app, put.withdrawn);
            Ok(put.ids)
        }) as Work<'_, _>
    };
    in_steps(app, seen, take).await
}

/// Moves tasks on from HOLD stages over NEXT, with an entry in their history.
pub async fn forward(app: &App, actor: &Actor, filter: &Filter) -> Result<Vec<TaskId>> {
    actor.require(Action::ManageData)?;
    let seen = seen(app, actor, filter).await?;
    let stages = stages_of(app, &seen).await?;
    for task in &seen {
        let stage = stages.iter().find(|stage| stage.id == task.stage_id);
        let next = stage
            .filter(|stage| stage.stage_type == StageType::Hold)
            .map(graph::edges);
        if next.is_none_or(|edges| edges.is_empty()) {
            let reason = format!("task {} is not in a HOLD stage with an output NEXT", task.id);
            return Err(Error::NotAllowed(reason));
        }
    }
    let user_id = actor.user_id;
    let take = |step| {
        let passed = app.db.write(actor.organization_id, move |txn| {
            Box::pin(async move { pass_on(txn, &step, user_id).await })
        });
        Box::pin(passed) as Work<'_, _>
    };
    in_steps(app, seen, take).await
}

/// The result of a step of a requeue.
struct Put {
    ids: Vec<TaskId>,
    withdrawn: Vec<Withdrawn>,
}

/// Puts all tasks of one stage into another, through a workflow that is being saved.
pub(crate) async fn relocate(
    txn: &Txn,
    actor: &Actor,
    graph: &Arc<Graph>,
    from: StageId,
    to: StageId,
) -> Result<Vec<Withdrawn>> {
    let tasks = task::Entity::find()
        .filter(task::Column::StageId.eq(from))
        .filter(task::Column::Deleted.eq(false))
        .order_by_asc(task::Column::Id)
        .all(txn.conn())
        .await?;
    let Some(project_id) = tasks.first().map(|task| task.project_id) else {
        return Ok(Vec::new());
    };
    let withdrawn = withdraw(txn, &tasks).await?;
    let transition = Transition::through(txn, Arc::clone(graph), project_id, tasks, [actor.user_id]).await?;
    put(transition, actor, to).await?;
    Ok(withdrawn)
}

async fn stages_of(app: &App, seen: &[Seen]) -> Result<Vec<stage::Model>> {
    let mut ids: Vec<StageId> = seen.iter().map(|task| task.stage_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = stage::Entity::find().filter(stage::Column::Id.is_in(ids));
    Ok(rows.all(app.db.read()).await?)
}

/// Refuses an assignment that the tasks' state or the actor's role does not allow, by the rules of V7's documentation
/// of webhook stages and assignments.
async fn assignable(app: &App, actor: &Actor, seen: &[Seen], stage: Option<&stage::Model>) -> Result<()> {
    let stages = stages_of(app, seen).await?;
    let is_webhook = |id| {
        stages
            .iter()
            .any(|stage| stage.id == id && stage.stage_type == StageType::Webhook)
    };
    for task in seen {
        if stage.is_some_and(|stage| stage.id != task.stage_id) {
            return Err(Error::Conflict(format!(
                "task {} is in stage {}",
                task.id, task.stage_id
            )));
        }
        if task.status == TaskStatus::Done {
            return Err(Error::NotAllowed(format!("task {} is done", task.id)));
        }
        if actor.role != Role::Worker {
            continue;
        }
        if is_webhook(task.stage_id) {
            let reason = format!(
                "a WORKER takes a task only when it has passed its webhook stage: {}",
                task.id
            );
            return Err(Error::Forbidden(reason));
        }
        if task.assignee_id.is_some_and(|id| id != actor.user_id) {
            return Err(Error::Forbidden(format!(
                "task {} is assigned to somebody else",
                task.id
            )));
        }
    }
    Ok(())
}

/// Assigns the tasks, and sends those that waited for the assignment in a webhook stage. A task that was assigned or
/// moved since the call read it is a conflict.
async fn give(txn: &Txn, step: &Step, user_id: UserId, send: bool) -> Result<Vec<TaskId>> {
    let tasks = step.read(txn).await?;
    if let Some(other) = tasks.iter().find(|task| !step.has_same_hands(task)) {
        return Err(Error::Conflict(format!(
            "task {} has moved or changed hands meanwhile",
            other.id
        )));
    }
    let mut transition = step.live(txn, tasks, []).await?;
    let mut wanted: BTreeMap<StageId, Vec<(usize, Again)>> = BTreeMap::new();
    for place in 0..transition.len() {
        let task = &mut transition.entry_mut(place).task;
        task.assignee_id = Some(user_id);
        task.updated_at = txn.now();
        if let Some(event_id) = task.event_id.filter(|_| send && task.status == TaskStatus::Ready) {
            let again = Again {
                event_id,
                task_id: task.id,
                repeats: None,
            };
            wanted.entry(task.stage_id).or_default().push((place, again));
        }
    }
    for (stage_id, wanted) in wanted {
        send_again(txn, &mut transition, stage_id, &wanted).await?;
    }
    ids(transition).await
}

/// Puts those tasks of a step into a stage that have not moved since the call read them.
async fn requeue_step(txn: &Txn, actor: &Actor, step: &Step, to: StageId) -> Result<Put> {
    let mut tasks = step.read(txn).await?;
    tasks.retain(|task| step.stands_as_seen(task));
    let withdrawn = withdraw(txn, &tasks).await?;
    let transition = step.live(txn, tasks, [actor.user_id]).await?;
    if transition.graph.node(to).is_none() {
        return Err(Error::Conflict(
            "the stage was removed from its workflow meanwhile".into(),
        ));
    }
    Ok(Put {
        ids: put(transition, actor, to).await?,
        withdrawn,
    })
}

async fn put(mut transition: Transition<'_>, actor: &Actor, to: StageId) -> Result<Vec<TaskId>> {
    for place in 0..transition.len() {
        transition.put(place, to, Some(actor.user_id)).await?;
    }
    ids(transition).await
}

async fn pass_on(txn: &Txn, step: &Step, user_id: UserId) -> Result<Vec<TaskId>> {
    let tasks = step.read(txn).await?;
    let mut transition = step.live(txn, tasks, [user_id]).await?;
    for place in 0..transition.len() {
        let stage = transition.stage(transition.entry(place).task.stage_id);
        if stage.r#type != StageType::Hold {
            let reason = format!("task {} has moved on meanwhile", transition.entry(place).task.id);
            return Err(Error::Conflict(reason));
        }
        let hand = By {
            user_id: Some(user_id),
            answer: transition.entry(place).label.as_ref().map(|label| label.label.clone()),
        };
        transition.leave(place, StageOutput::Next, hand).await?;
    }
    ids(transition).await
}

async fn ids(transition: Transition<'_>) -> Result<Vec<TaskId>> {
    Ok(transition.store().await?.into_iter().map(|task| task.id).collect())
}
