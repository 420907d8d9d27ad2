//! Work on one task: save, submit, review.

use super::transition::{By, Transition};
use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::Txn,
    event::{self, Change, Data},
    input, label, lookup, publish,
};
use entity::{LabelId, ReviewId, Role, StageOutput, StageType, TaskStatus, label as labels, review as reviews, task};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

/// The maximum working time that one call can report: a year.
const LONGEST_MS: i64 = 365 * 24 * 60 * 60 * 1000;

/// Work on a task.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The annotation, stored and sent unchanged; absent: unchanged.
    pub label: Option<String>,
    /// The total labeling time in seconds; absent: from the durations.
    pub seconds_to_label: Option<f64>,
    /// The working time since the last save, in milliseconds; absent: from `seconds_to_label`, else 0.
    pub duration_ms: Option<i64>,
    /// The part of the working time that was idle, in milliseconds.
    pub idle_ms: Option<i64>,
    /// The part of the working time in which the editor was out of focus, in milliseconds.
    pub blur_ms: Option<i64>,
    /// The stage that the caller expects the task to be in; another one is a conflict.
    pub stage: Option<String>,
}

impl Answer {
    /// Returns whether it changes an existing label.
    fn changes(&self) -> bool {
        self.label.is_some() || self.seconds_to_label.is_some()
    }
}

/// The decision of a reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The task moves on over APPROVED.
    Approved,
    /// The task moves on over REJECTED.
    Rejected,
}

/// The review of a task.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The decision of the reviewer.
    pub verdict: Verdict,
    /// The score of the review; absent: 1 or -1.
    pub score: Option<f64>,
    /// The stage that the caller expects the task to be in; another one is a conflict.
    pub stage: Option<String>,
}

/// Saves work on a task, which stays in its stage. When a label was submitted before, an event reports the change;
/// otherwise the work is kept as a draft.
pub async fn save(app: &App, actor: &Actor, id: &str, answer: Answer) -> Result<task::Model> {
    check(actor, &answer)?;
    let seen: task::Model = lookup::find(app.db.read(), actor, id).await?;
    let actor = actor.clone();
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let mut transition = enter(txn, &actor, &seen, answer.stage.as_deref()).await?;
                takes(
                    &transition,
                    "save",
                    &[StageType::Label, StageType::Review, StageType::Hold],
                )?;
                add_work(&mut transition, &actor, &answer, txn);
                match (&answer.label, &transition.entry(0).label) {
                    (_, Some(_)) if answer.changes() => write_label(txn, &mut transition, &actor, &answer).await?,
                    (Some(text), None) => transition.entry_mut(0).task.draft = Some(text.clone()),
                    _ => {}
                }
                let task = &mut transition.entry_mut(0).task;
                if task.status == TaskStatus::Ready {
                    task.status = TaskStatus::InProgress;
                }
                only(transition.store().await?)
            })
        })
        .await
}

/// Submits a task, which leaves its LABEL stage. The first submit creates its label; a later one with an annotation
/// changes it.
pub async fn submit(app: &App, actor: &Actor, id: &str, answer: Answer) -> Result<task::Model> {
    check(actor, &answer)?;
    let seen: task::Model = lookup::find(app.db.read(), actor, id).await?;
    let actor = actor.clone();
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let mut transition = enter(txn, &actor, &seen, answer.stage.as_deref()).await?;
                takes(&transition, "submit", &[StageType::Label])?;
                add_work(&mut transition, &actor, &answer, txn);
                let answer = Answer {
                    label: answer.label.clone().or_else(|| transition.entry(0).task.draft.clone()),
                    ..answer
                };
                if answer.label.is_none() && transition.entry(0).label.is_none() {
                    return Err(Error::invalid("label", "is required on the first submit"));
                }
                if answer.changes() {
                    write_label(txn, &mut transition, &actor, &answer).await?;
                }
                let hand = hand(&transition, &actor);
                transition.leave(0, StageOutput::Next, hand).await?;
                only(transition.store().await?)
            })
        })
        .await
}

/// Reviews a task, which leaves its REVIEW stage over APPROVED or REJECTED.
pub async fn review(app: &App, actor: &Actor, id: &str, judgement: Judgement) -> Result<task::Model> {
    actor.require(Action::Annotate)?;
    input::finite("score", judgement.score.unwrap_or_default())?;
    let seen: task::Model = lookup::find(app.db.read(), actor, id).await?;
    let actor = actor.clone();
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let mut transition = enter(txn, &actor, &seen, judgement.stage.as_deref()).await?;
                takes(&transition, "review", &[StageType::Review])?;
                write_review(txn, &transition, &actor, &judgement).await?;
                let output = match judgement.verdict {
                    Verdict::Approved => StageOutput::Approved,
                    Verdict::Rejected => StageOutput::Rejected,
                };
                let hand = hand(&transition, &actor);
                transition.leave(0, output, hand).await?;
                only(transition.store().await?)
            })
        })
        .await
}

fn check(actor: &Actor, answer: &Answer) -> Result<()> {
    actor.require(Action::Annotate)?;
    input::annotation(
        "label",
        answer.label.as_deref().unwrap_or_default(),
        label::MAX_LABEL_BYTES,
    )?;
    label::seconds("secondsToLabel", answer.seconds_to_label.unwrap_or_default())?;
    for (field, time) in [
        ("durationMs", answer.duration_ms),
        ("idleMs", answer.idle_ms),
        ("blurMs", answer.blur_ms),
    ] {
        if !(0..=LONGEST_MS).contains(&time.unwrap_or_default()) {
            return Err(Error::invalid(
                field,
                format!("must be from 0 to {LONGEST_MS} (a year)"),
            ));
        }
    }
    Ok(())
}

/// Loads the task that somebody works on. Concurrent changes win: a task that has left the stage in which the caller
/// read it is a conflict.
async fn enter<'t>(txn: &'t Txn, actor: &Actor, seen: &task::Model, stage: Option<&str>) -> Result<Transition<'t>> {
    let task: task::Model = lookup::find(txn.conn(), actor, &seen.id.to_string()).await?;
    if task.stage_id != seen.stage_id || task.event_id != seen.event_id {
        return Err(Error::Conflict(format!("task {} has moved on meanwhile", task.id)));
    }
    if stage.is_some_and(|id| id.parse() != Ok(task.stage_id)) {
        return Err(Error::Conflict(format!(
            "task {} is in stage {}",
            task.id, task.stage_id
        )));
    }
    if actor.role == Role::Worker && task.assignee_id.is_some_and(|id| id != actor.user_id) {
        return Err(Error::Forbidden(format!(
            "task {} is assigned to somebody else",
            task.id
        )));
    }
    let transition = Transition::load(txn, task.project_id, vec![task], [actor.user_id]).await?;
    if transition.project.deleted {
        return Err(Error::NotAllowed("the task's project is deleted".into()));
    }
    match transition.entry(0).is_gone() {
        true => Err(Error::not_found("task", seen.id)),
        false => Ok(transition),
    }
}

fn takes(transition: &Transition, verb: &str, types: &[StageType]) -> Result<()> {
    let stage = transition.stage(transition.entry(0).task.stage_id);
    match types.contains(&stage.r#type) {
        true => Ok(()),
        false => Err(Error::NotAllowed(format!(
            "the task is in stage {:?}, a {} stage, which takes no {verb}",
            stage.name,
            stage.r#type.as_str()
        ))),
    }
}

fn add_work(transition: &mut Transition, actor: &Actor, answer: &Answer, txn: &Txn) {
    let task = &mut transition.entry_mut(0).task;
    let from_seconds = |seconds: f64| {
        ((seconds * 1000.0).round() as i64)
            .saturating_sub(task.duration_ms)
            .max(0)
    };
    let duration = answer
        .duration_ms
        .or(answer.seconds_to_label.map(from_seconds))
        .unwrap_or(0);
    task.duration_ms = task.duration_ms.saturating_add(duration).min(LONGEST_MS);
    task.idle_ms = task.idle_ms.saturating_add(answer.idle_ms.unwrap_or(0)).min(LONGEST_MS);
    task.blur_ms = task.blur_ms.saturating_add(answer.blur_ms.unwrap_or(0)).min(LONGEST_MS);
    task.updated_by = Some(actor.user_id);
    task.updated_at = txn.now();
}

/// Creates or changes the task's label, and publishes the event.
async fn write_label(txn: &Txn, transition: &mut Transition<'_>, actor: &Actor, answer: &Answer) -> Result<()> {
    let known = transition.entry(0).label.as_ref().map(|label| label.label.clone());
    let text = answer.label.clone().or(known).unwrap_or_default();
    let snapshot = transition.snapshot(0);
    let worked = snapshot.total.duration_ms as f64 / 1000.0;
    let seconds = answer.seconds_to_label.unwrap_or(worked);
    let (row, change) = match &transition.entry(0).label {
        Some(label) => {
            let changed = labels::Model {
                label: text,
                seconds_to_label: seconds,
                updated_at: txn.now(),
                ..label.clone()
            };
            let row = changed.into_active_model().reset_all().update(txn.conn()).await?;
            (row, Change::Updated)
        }
        None => (new_label(txn, transition, actor, text, seconds).await?, Change::Created),
    };
    let data = Data::Label(Box::new(transition.labelled(0, &row)));
    publish::publish(txn, row.organization_id, &data, change).await?;
    label::touch(txn, Some(&transition.project));
    let entry = transition.entry_mut(0);
    entry.task.label_id = Some(row.id);
    entry.task.draft = None;
    entry.label = Some(row);
    Ok(())
}

async fn new_label(
    txn: &Txn,
    transition: &Transition<'_>,
    actor: &Actor,
    text: String,
    seconds: f64,
) -> Result<labels::Model> {
    let task = &transition.entry(0).task;
    let row = labels::Model {
        id: LabelId::new(),
        organization_id: task.organization_id,
        project_id: task.project_id,
        data_row_id: task.data_row_id,
        created_by: Some(actor.user_id),
        label_type: label::ANY.into(),
        label: text,
        seconds_to_label: seconds,
        agreement: None,
        benchmark_agreement: None,
        is_benchmark_reference: false,
        deleted: false,
        created_at: txn.now(),
        updated_at: txn.now(),
    };
    labels::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(txn.conn())
        .await?;
    Ok(row)
}

async fn write_review(txn: &Txn, transition: &Transition<'_>, actor: &Actor, judgement: &Judgement) -> Result<()> {
    let label = transition.entry(0).label.as_ref();
    let label = label.ok_or_else(|| Error::NotAllowed("the task has no label to review".into()))?;
    let row = reviews::Model {
        id: ReviewId::new(),
        organization_id: label.organization_id,
        project_id: label.project_id,
        label_id: label.id,
        created_by: Some(actor.user_id),
        score: judgement.score.unwrap_or(match judgement.verdict {
            Verdict::Approved => 1.0,
            Verdict::Rejected => -1.0,
        }),
        deleted: false,
        created_at: txn.now(),
        updated_at: txn.now(),
    };
    reviews::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(txn.conn())
        .await?;
    let data = Data::Review(Box::new(event::ReviewChange {
        review: (&row).into(),
        reviewer: transition.user(Some(actor.user_id)),
        subject: transition.labelled(0, label),
    }));
    publish::publish(txn, row.organization_id, &data, Change::Created).await?;
    label::touch(txn, Some(&transition.project));
    Ok(())
}

/// Returns the actor and the current annotation with which the task moves on.
fn hand(transition: &Transition, actor: &Actor) -> By {
    By {
        user_id: Some(actor.user_id),
        answer: transition.entry(0).label.as_ref().map(|label| label.label.clone()),
    }
}

fn only(mut tasks: Vec<task::Model>) -> Result<task::Model> {
    tasks.pop().ok_or_else(|| Error::internal("no task was returned"))
}
