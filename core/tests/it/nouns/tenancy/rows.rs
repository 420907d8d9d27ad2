//! A row of every noun, for one organization.

use crate::{nouns::world::new_label, support::World};
use entity::{AuthType, ProjectId, StageOutput, StageType, WebhookTopic, notification as notifications, stage, task};
use labelhook_core::{
    auth::Actor,
    batch, graph, label, replay, review,
    task::stage_run,
    webhook::{self, New, Settings},
    workflow::{self, EdgeInput, Save, StageInput, StageWebhook},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::collections::HashMap;

/// The ids of an organization's rows, by their nouns. All of them are of one project, but for people and keys.
pub struct Rows {
    pub project_id: ProjectId,
    ids: HashMap<&'static str, String>,
}

impl Rows {
    pub async fn of(world: &World, actor: &Actor) -> Self {
        let (project, dataset, row) = world.scene(actor).await;
        let project_id = project.id;
        let webhook = webhook(world, actor, project_id).await;
        let label = world.label(actor, &project, &row).await;
        let sent = sent(world, project_id).await;
        let (stage, run) = stage(world, actor, project_id).await;
        let ids = HashMap::from([
            ("apiKey", actor.key_id.to_string()),
            ("batch", batch(world, actor, &new_label(&project, &row)).await),
            ("dataRow", row.id.to_string()),
            ("dataset", dataset.id.to_string()),
            ("event", sent.event_id.to_string()),
            ("label", label.id.to_string()),
            ("notification", sent.id.to_string()),
            ("project", project_id.to_string()),
            ("replay", replay(world, actor, project_id).await),
            ("review", review(world, actor, label.id.to_string()).await),
            ("stage", stage),
            ("stageRun", run),
            ("task", task(world, project_id).await),
            ("user", actor.user_id.to_string()),
            ("webhook", webhook),
        ]);
        Self { project_id, ids }
    }

    /// The id of the row of this noun. A noun that is new needs a row here, and its verbs in [`super::verbs`].
    pub fn id(&self, noun: &str) -> String {
        let id = self.ids.get(noun);
        id.unwrap_or_else(|| panic!("there is no row of the noun {noun}"))
            .clone()
    }
}

async fn webhook(world: &World, actor: &Actor, project_id: ProjectId) -> String {
    let new = New {
        project_id: Some(project_id.to_string()),
        settings: Settings {
            topics: Some(vec![WebhookTopic::LabelCreated]),
            url: Some("https://example.com/hook".into()),
            auth_type: Some(AuthType::None),
            ..Settings::default()
        },
        ..New::default()
    };
    let made = webhook::create(&world.app, actor, new).await;
    made.expect("a webhook").id.to_string()
}

/// The notification of the project's one event so far.
async fn sent(world: &World, project_id: ProjectId) -> notifications::Model {
    let rows = notifications::Entity::find()
        .filter(notifications::Column::ProjectId.eq(project_id))
        .all(world.app.db.read())
        .await;
    rows.expect("notifications").pop().expect("a notification")
}

async fn batch(world: &World, actor: &Actor, of: &label::New) -> String {
    let new = batch::New {
        name: "Batch".into(),
        project: of.project.clone(),
        data_rows: vec![of.data_row.clone()],
    };
    let made = batch::create(&world.app, actor, new).await;
    made.expect("a batch").id.to_string()
}

async fn replay(world: &World, actor: &Actor, project_id: ProjectId) -> String {
    let mut start = replay::Start::default();
    start.filter.project_ids = Some(vec![project_id]);
    let made = replay::start(&world.app, actor, start).await;
    made.expect("a replay").id.to_string()
}

async fn review(world: &World, actor: &Actor, label: String) -> String {
    let new = review::New {
        label,
        project: None,
        score: 1.0,
    };
    let made = review::create(&world.app, actor, new).await;
    made.expect("a review").id.to_string()
}

async fn task(world: &World, project_id: ProjectId) -> String {
    let rows = task::Entity::find()
        .filter(task::Column::ProjectId.eq(project_id))
        .all(world.app.db.read())
        .await;
    rows.expect("tasks").pop().expect("a task").id.to_string()
}

/// A webhook stage of the project's workflow, and a run of it.
async fn stage(world: &World, actor: &Actor, project_id: ProjectId) -> (String, String) {
    let project = project_id.to_string();
    let known = workflow::get(&world.app, actor, &project).await.expect("a workflow");
    let done = known
        .stages
        .iter()
        .find(|stage| stage.stage_type == StageType::Complete);
    let mut save = Save {
        stages: known.stages.iter().map(drawn).collect(),
        ..Save::default()
    };
    save.stages.push(hook(done.expect("the last stage")));
    let saved = workflow::save(&world.app, actor, &project, save).await.expect("saved");
    let id = saved.stages.last().expect("the new stage").id.to_string();
    let run = stage_run::rerun(&world.app, actor, &id).await.expect("a run");
    (id, run.id.to_string())
}

/// A stage as it is, but for LABEL, which leads into the new one.
fn drawn(row: &stage::Model) -> StageInput {
    let edge = |edge: graph::Edge| EdgeInput {
        output: edge.output,
        to: match row.stage_type {
            StageType::Label => "Hook".into(),
            _ => edge.to.to_string(),
        },
        condition: edge.condition,
    };
    StageInput {
        id: Some(row.id.to_string()),
        name: row.name.clone(),
        stage_type: row.stage_type,
        position: None,
        edges: graph::edges(row).into_iter().map(edge).collect(),
        webhook: None,
    }
}

fn hook(done: &stage::Model) -> StageInput {
    StageInput {
        id: None,
        name: "Hook".into(),
        stage_type: StageType::Webhook,
        position: None,
        edges: vec![EdgeInput {
            output: StageOutput::Succeeded,
            to: done.id.to_string(),
            condition: None,
        }],
        webhook: Some(StageWebhook {
            settings: Settings {
                url: Some("https://example.com/stage".into()),
                auth_type: Some(AuthType::None),
                ..Settings::default()
            },
            ..StageWebhook::default()
        }),
    }
}
