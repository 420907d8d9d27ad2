//! A [`Flow`]: a project with a workflow that a test writes down in a few words, and the project's tasks.

use crate::support::World;
use entity::{
    ProjectId, StageId, StageOutput, StageType, TaskId, TaskStatus, UserId, WebhookTopic, data_row as data_rows, event,
    stage, stage_visit, task as tasks,
};
use labelhook_core::{
    Result,
    auth::Actor,
    data_row, dataset,
    event::Data,
    graph,
    page::{End, PageRequest},
    project,
    task::{self, Answer, Assign, Filter, Judgement, Verdict},
    webhook::Settings,
    workflow::{self, EdgeInput, Save, StageInput, StageWebhook},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

/// A project, its workflow and a dataset that is connected to it.
pub struct Flow<'w> {
    pub world: &'w World,
    pub project_id: ProjectId,
    pub dataset: String,
}

/// Returns a stage with this name, type and edges.
pub fn stage(name: &str, stage_type: StageType, edges: &[(StageOutput, &str)]) -> StageInput {
    let edge = |(output, to): &(StageOutput, &str)| EdgeInput {
        output: *output,
        to: (*to).to_owned(),
        condition: None,
    };
    StageInput {
        id: None,
        name: name.to_owned(),
        stage_type,
        position: None,
        edges: edges.iter().map(edge).collect(),
        webhook: None,
    }
}

/// A webhook stage without authentication.
pub fn hook(name: &str, url: &str, edges: &[(StageOutput, &str)]) -> StageInput {
    StageInput {
        webhook: Some(StageWebhook {
            secret: None,
            settings: Settings {
                url: Some(url.to_owned()),
                auth_type: Some(entity::AuthType::None),
                ..Settings::default()
            },
        }),
        ..stage(name, StageType::Webhook, edges)
    }
}

/// Returns a LOGIC stage with these conditions and their targets, and the target of ELSE.
pub fn rule(name: &str, conditions: &[(&str, &str)], otherwise: &str) -> StageInput {
    let mut drawn = stage(name, StageType::Logic, &[(StageOutput::Else, otherwise)]);
    for (place, (condition, to)) in conditions.iter().enumerate() {
        let edge = EdgeInput {
            output: StageOutput::Matched,
            to: (*to).to_owned(),
            condition: Some((*condition).to_owned()),
        };
        drawn.edges.insert(place, edge);
    }
    drawn
}

/// START → WEBHOOK → LABEL → COMPLETE.
pub fn sent_first(url: &str) -> Vec<StageInput> {
    vec![
        stage("Start", StageType::Start, &[(StageOutput::Next, "Hook")]),
        hook("Hook", url, &[(StageOutput::Succeeded, "Label")]),
        stage("Label", StageType::Label, &[(StageOutput::Next, "Done")]),
        stage("Done", StageType::Complete, &[]),
    ]
}

/// START → LABEL → WEBHOOK → COMPLETE, with one attempt and this way for a failure.
pub fn failing_to(url: &str, failed: &str) -> Vec<StageInput> {
    let mut drawn = labelled_then_sent(url);
    let edges = [(StageOutput::Succeeded, "Done"), (StageOutput::Failed, failed)];
    drawn[2] = once(hook("Hook", url, &edges));
    drawn
}

/// A webhook stage with one attempt.
pub fn once(mut drawn: StageInput) -> StageInput {
    drawn.webhook.as_mut().unwrap().settings.retry.max_attempts = Some(1);
    drawn
}

/// START → LABEL → WEBHOOK → COMPLETE.
pub fn labelled_then_sent(url: &str) -> Vec<StageInput> {
    vec![
        stage("Start", StageType::Start, &[(StageOutput::Next, "Label")]),
        stage("Label", StageType::Label, &[(StageOutput::Next, "Hook")]),
        hook("Hook", url, &[(StageOutput::Succeeded, "Done")]),
        stage("Done", StageType::Complete, &[]),
    ]
}

impl<'w> Flow<'w> {
    /// Creates a project with this workflow.
    pub async fn new(world: &'w World, stages: Vec<StageInput>) -> Self {
        let flow = Self::plain(world).await;
        flow.save(stages).await.unwrap();
        flow
    }

    /// Creates a project with the default workflow.
    pub async fn plain(world: &'w World) -> Self {
        let (app, owner) = (&world.app, &world.owner);
        let new = project::New {
            name: "Trees".into(),
            ..project::New::default()
        };
        let project = project::create(app, owner, new).await.unwrap();
        let new = dataset::New {
            name: "Photos".into(),
            project: Some(project.id.to_string()),
            ..dataset::New::default()
        };
        let dataset = dataset::create(app, owner, new).await.unwrap();
        Self {
            world,
            project_id: project.id,
            dataset: dataset.id.to_string(),
        }
    }

    pub async fn save(&self, stages: Vec<StageInput>) -> Result<workflow::Workflow> {
        let save = Save {
            stages,
            ..Save::default()
        };
        self.save_whole(save).await
    }

    pub async fn save_whole(&self, save: Save) -> Result<workflow::Workflow> {
        workflow::save(&self.world.app, &self.world.owner, &self.project_id.to_string(), save).await
    }

    /// Returns the workflow as input for another save, with ids.
    pub async fn drawn(&self) -> Vec<StageInput> {
        let known = self.workflow().await;
        let input = |row: &stage::Model| StageInput {
            id: Some(row.id.to_string()),
            name: row.name.clone(),
            stage_type: row.stage_type,
            position: row.position.clone(),
            edges: graph::edges(row)
                .into_iter()
                .map(|edge| EdgeInput {
                    output: edge.output,
                    to: edge.to.to_string(),
                    condition: edge.condition,
                })
                .collect(),
            webhook: None,
        };
        known.stages.iter().map(input).collect()
    }

    pub async fn workflow(&self) -> workflow::Workflow {
        let id = self.project_id.to_string();
        workflow::get(&self.world.app, &self.world.owner, &id).await.unwrap()
    }

    /// Returns the id of a stage by its name.
    pub async fn stage(&self, name: &str) -> StageId {
        let known = self.workflow().await;
        known.stages.iter().find(|stage| stage.name == name).unwrap().id
    }

    /// Creates a data row and returns its task.
    pub async fn task(&self) -> tasks::Model {
        let new = data_row::New {
            row_data: "https://example.com/tree.jpg".into(),
            external_id: Some("tree.jpg".into()),
            ..data_row::New::default()
        };
        let row = data_row::create(&self.world.app, &self.world.owner, &self.dataset, new)
            .await
            .unwrap();
        self.task_of(&row).await
    }

    /// Creates this many tasks and returns them, oldest first.
    pub async fn tasks(&self, count: usize) -> Vec<tasks::Model> {
        let new = data_row::New {
            row_data: "https://example.com/tree.jpg".into(),
            ..data_row::New::default()
        };
        let new = vec![new; count];
        data_row::create_many(&self.world.app, &self.world.owner, &self.dataset, new)
            .await
            .unwrap();
        self.all().await
    }

    async fn task_of(&self, row: &data_rows::Model) -> tasks::Model {
        let query = tasks::Entity::find().filter(tasks::Column::DataRowId.eq(row.id));
        query.one(self.world.app.db.read()).await.unwrap().unwrap()
    }

    /// Returns all tasks of the project, oldest first.
    pub async fn all(&self) -> Vec<tasks::Model> {
        let query = tasks::Entity::find().filter(tasks::Column::ProjectId.eq(self.project_id));
        query
            .order_by_asc(tasks::Column::Id)
            .all(self.world.app.db.read())
            .await
            .unwrap()
    }

    /// Returns the task as it is now.
    pub async fn now(&self, task: &tasks::Model) -> tasks::Model {
        self.look(task.id).await
    }

    pub async fn look(&self, id: TaskId) -> tasks::Model {
        tasks::Entity::find_by_id(id)
            .one(self.world.app.db.read())
            .await
            .unwrap()
            .unwrap()
    }

    /// Returns the name of the stage that the task is in, and the task's status.
    pub async fn place(&self, task: &tasks::Model) -> (String, TaskStatus) {
        let task = self.now(task).await;
        let stage = stage::Entity::find_by_id(task.stage_id)
            .one(self.world.app.db.read())
            .await
            .unwrap();
        (stage.unwrap().name, task.status)
    }

    pub async fn submit(&self, task: &tasks::Model) -> Result<tasks::Model> {
        self.submit_as(&self.world.owner, task, answer()).await
    }

    pub async fn submit_as(&self, actor: &Actor, task: &tasks::Model, answer: Answer) -> Result<tasks::Model> {
        task::submit(&self.world.app, actor, &task.id.to_string(), answer).await
    }

    pub async fn save_work(&self, task: &tasks::Model, answer: Answer) -> Result<tasks::Model> {
        task::save(&self.world.app, &self.world.owner, &task.id.to_string(), answer).await
    }

    pub async fn review(&self, task: &tasks::Model, verdict: Verdict) -> Result<tasks::Model> {
        let outcome = Judgement {
            verdict,
            score: None,
            stage: None,
        };
        task::review(&self.world.app, &self.world.owner, &task.id.to_string(), outcome).await
    }

    pub async fn requeue(&self, task: &tasks::Model, stage: &str) -> Result<Vec<TaskId>> {
        let stage = self.stage(stage).await.to_string();
        task::requeue(&self.world.app, &self.world.owner, &Self::only(&[task]), &stage).await
    }

    pub async fn requeue_to(&self, task: &tasks::Model, stage: &str) -> Result<Vec<TaskId>> {
        task::requeue(&self.world.app, &self.world.owner, &Self::only(&[task]), stage).await
    }

    pub async fn forward(&self, task: &tasks::Model) -> Result<Vec<TaskId>> {
        task::forward(&self.world.app, &self.world.owner, &Self::only(&[task])).await
    }

    /// Assigns the tasks to somebody as the actor, in this stage if one is named.
    pub async fn assign(&self, actor: &Actor, tasks: &Filter, to: &Actor, stage: Option<&str>) -> Result<Vec<TaskId>> {
        let stage = match stage {
            Some(name) => Some(self.stage(name).await.to_string()),
            None => None,
        };
        let assignee = to.user_id.to_string();
        task::assign(&self.world.app, actor, tasks, Assign { assignee, stage }).await
    }

    /// Returns the moves that events report, oldest first: the source, the target, and the user who caused it.
    pub async fn moves(&self) -> Vec<(String, String, Option<UserId>)> {
        let query = event::Entity::find()
            .filter(event::Column::Topic.eq(WebhookTopic::WorkflowAction))
            .filter(event::Column::ProjectId.eq(self.project_id))
            .order_by_asc(event::Column::Sequence);
        let rows = query.all(self.world.app.db.read()).await.unwrap();
        let told = |row: &event::Model| match Data::parse(row.topic, &row.data).unwrap() {
            Data::Move(told) => (told.from.name, told.to.name, told.user.map(|user| user.id)),
            other => panic!("{other:?}"),
        };
        rows.iter().map(told).collect()
    }

    /// Returns the names of the stages in the task's history, oldest first.
    pub async fn history(&self, task: &tasks::Model) -> Vec<String> {
        let visits = self.visits(task).await;
        let ids: Vec<StageId> = visits.iter().map(|visit| visit.stage_id).collect();
        let rows = workflow::stages(&self.world.app, self.world.organization_id, &ids)
            .await
            .unwrap();
        let name = |id: &StageId| rows.iter().find(|row| row.id == *id).unwrap().name.clone();
        ids.iter().map(name).collect()
    }

    pub async fn visits(&self, task: &tasks::Model) -> Vec<stage_visit::Model> {
        let visits = task::visits(&self.world.app, self.world.organization_id, &[task.id])
            .await
            .unwrap();
        visits.get(&task.id).cloned().unwrap_or_default()
    }

    /// Returns the topics of all events, oldest first.
    pub async fn topics(&self) -> Vec<&'static str> {
        let query = event::Entity::find().order_by_asc(event::Column::Sequence);
        let rows = query.all(self.world.app.db.read()).await.unwrap();
        rows.iter().map(|row| row.topic.as_str()).collect()
    }

    /// Returns the ids of the tasks that a filter finds, at most 100.
    pub async fn found(&self, filter: Filter) -> Vec<TaskId> {
        let span = PageRequest {
            count: 100,
            from: End::First,
            after: None,
            before: None,
        };
        let slice = task::list(&self.world.app, &self.world.owner, &filter, span)
            .await
            .unwrap();
        slice.rows.iter().map(|row| row.id).collect()
    }

    /// Returns a filter for exactly these tasks.
    pub fn only(tasks: &[&tasks::Model]) -> Filter {
        Filter {
            ids: Some(tasks.iter().map(|task| task.id).collect()),
            ..Filter::default()
        }
    }
}

/// Returns an answer with an annotation.
pub fn answer() -> Answer {
    Answer {
        label: Some(r#"{"tools":[{"title":"Tree"}],"classifications":[],"relations":[]}"#.into()),
        duration_ms: Some(3549),
        ..Answer::default()
    }
}
