//! The export form of tasks: as a webhook's body, with the documented differences.

use super::{Filter, Span, by_task, history, passage::Scene};
use crate::{App, Result, auth::Actor, event, page::Slice, payload};
use entity::{ProjectId, TaskId, task};
use std::collections::{BTreeMap, HashMap};

/// A task in the export form.
#[derive(Clone, Debug)]
pub struct Export {
    /// The task.
    pub task: task::Model,
    /// JSON text: its export form.
    pub json: String,
}

/// A page of tasks in the export form, newest first.
pub async fn export(app: &App, actor: &Actor, filter: &Filter, span: Span) -> Result<Slice<Export>> {
    let slice = super::list(app, actor, filter, span).await?;
    let mut projects: BTreeMap<ProjectId, Vec<task::Model>> = BTreeMap::new();
    for task in &slice.rows {
        projects.entry(task.project_id).or_default().push(task.clone());
    }
    let mut texts = HashMap::new();
    for (project_id, tasks) in projects {
        let db = app.db.read();
        let graph = app.db.graphs().of(db, project_id).await?;
        let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
        let scene = Scene::read(db, graph, project_id, tasks, []).await?;
        let answers = by_task(history(&ids, true).all(db).await?);
        for place in 0..scene.len() {
            let id = scene.seat(place).task.id;
            let answers = answers.get(&id).into_iter().flatten().map(|visit| visit.answer.clone());
            texts.insert(id, text(&scene, place, &answers.collect::<Vec<_>>())?);
        }
    }
    Ok(slice.map(|task| Export {
        json: texts.remove(&task.id).unwrap_or_default(),
        task,
    }))
}

fn text(scene: &Scene, place: usize, answers: &[Option<String>]) -> Result<String> {
    let seat = scene.seat(place);
    let label: Option<event::Label> = seat.label.as_ref().map(Into::into);
    payload::export(
        &scene.snapshot(place),
        label.as_ref(),
        &(&scene.project).into(),
        &(&seat.data_row).into(),
        &seat.batches,
        answers,
    )
}
