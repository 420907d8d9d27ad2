//! The verbs that take an id, by the noun that the id is of.

use super::rows::Rows;
use crate::support::World;
use entity::WebhookTopic;
use labelhook_core::{
    Result, api_key,
    auth::Actor,
    batch, data_row, dataset, event, label, listener, live, notification, project, replay, review,
    task::{self, Answer, Assign, Judgement, Verdict, stage_run},
    user,
    webhook::{self, New, Rotation, Settings},
    workflow::{self, Save},
};

/// The result of each verb, by the text of its call.
pub type Answers = Vec<(&'static str, Result<()>)>;

/// An actor, the actor's rows, and an id that the actor must not find.
pub struct Attempt<'a> {
    pub world: &'a World,
    pub actor: &'a Actor,
    pub own: &'a Rows,
    pub id: &'a str,
}

/// Calls the verbs one after the other and collects their results.
macro_rules! answers {
    ($($call:expr),+ $(,)?) => { vec![$((stringify!($call), $call.await.map(drop))),+] };
}

impl Attempt<'_> {
    /// Calls every verb that takes an id of this noun with the id. A new noun needs its verbs here.
    pub async fn every(&self, noun: &str) -> Answers {
        match noun {
            "project" => self.project().await,
            "dataset" => self.dataset().await,
            "dataRow" => self.data_row().await,
            "label" => self.label().await,
            "task" => self.task().await,
            "stage" => self.stage().await,
            "webhook" => self.webhook().await,
            "event" | "notification" | "replay" => self.sent(noun).await,
            _ => self.other(noun).await,
        }
    }

    async fn project(&self) -> Answers {
        let (app, actor, id) = (&self.world.app, self.actor, self.id);
        let label = label::New {
            project: id.into(),
            ..self.new_label()
        };
        answers![
            project::get(app, actor, id),
            project::update(app, actor, id, project::Patch::default()),
            dataset::create(app, actor, in_project(id)),
            batch::create(app, actor, self.batch(id, &self.own.id("dataRow"))),
            label::create(app, actor, label.clone()),
            label::create_many(app, actor, vec![label]),
            workflow::get(app, actor, id),
            workflow::save(app, actor, id, Save::default()),
            webhook::create(app, actor, hook(id)),
            listener::create(app, actor, hook(id)),
            notification::trigger(app, actor, trigger(None, Some(id))),
            api_key::create(app, actor, key(None, Some(id))),
        ]
    }

    async fn dataset(&self) -> Answers {
        let (app, actor, id) = (&self.world.app, self.actor, self.id);
        let project = self.own.id("project");
        let connect = project::Patch {
            connect: Some(id.into()),
            ..project::Patch::default()
        };
        let disconnect = project::Patch {
            disconnect: Some(id.into()),
            ..project::Patch::default()
        };
        answers![
            dataset::get(app, actor, id),
            dataset::update(app, actor, id, dataset::Patch::default()),
            data_row::create(app, actor, id, text()),
            data_row::create_many(app, actor, id, vec![text()]),
            project::update(app, actor, &project, connect),
            project::update(app, actor, &project, disconnect),
        ]
    }

    async fn data_row(&self) -> Answers {
        let (app, actor, id) = (&self.world.app, self.actor, self.id);
        let label = label::New {
            data_row: id.into(),
            ..self.new_label()
        };
        answers![
            data_row::get(app, actor, id),
            data_row::delete(app, actor, &[id.to_owned()]),
            data_row::delete(app, actor, &[self.own.id("dataRow"), id.to_owned()]),
            batch::create(app, actor, self.batch(&self.own.id("project"), id)),
            label::create(app, actor, label.clone()),
            label::create_many(app, actor, vec![self.new_label(), label]),
        ]
    }

    async fn label(&self) -> Answers {
        let (app, actor, id) = (&self.world.app, self.actor, self.id);
        let new = review::New {
            label: id.into(),
            project: None,
            score: 1.0,
        };
        answers![
            label::get(app, actor, id),
            label::update(app, actor, id, label::Patch::default()),
            label::delete(app, actor, &[id.to_owned()]),
            label::delete(app, actor, &[self.own.id("label"), id.to_owned()]),
            review::create(app, actor, new),
        ]
    }

    async fn task(&self) -> Answers {
        let (app, actor, id) = (&self.world.app, self.actor, self.id);
        let judgement = Judgement {
            verdict: Verdict::Approved,
            score: None,
            stage: None,
        };
        answers![
            task::get(app, actor, id),
            task::save(app, actor, id, Answer::default()),
            task::submit(app, actor, id, Answer::default()),
            task::review(app, actor, id, judgement),
        ]
    }

    async fn stage(&self) -> Answers {
        let (app, actor, id) = (&self.world.app, self.actor, self.id);
        let all = task::Filter::default();
        let assign = Assign {
            assignee: actor.user_id.to_string(),
            stage: Some(id.into()),
        };
        answers![
            workflow::stage(app, actor, id),
            stage_run::rerun(app, actor, id),
            stage_run::runs(app, actor, id, 10),
            task::assign(app, actor, &all, assign),
            task::requeue(app, actor, &all, id),
        ]
    }

    async fn webhook(&self) -> Answers {
        let (app, actor, id) = (&self.world.app, self.actor, self.id);
        let missed = replay::Start {
            missed_by: Some(id.into()),
            ..replay::Start::default()
        };
        answers![
            webhook::get(app, actor, id),
            webhook::update(app, actor, id, webhook::Patch::default()),
            webhook::rotate(app, actor, id, Rotation::default()),
            notification::ping(app, actor, id),
            notification::preview(app, actor, id, None, None),
            notification::trigger(app, actor, trigger(Some(id), None)),
            replay::start(app, actor, missed),
            listener::attach(app, actor, id),
            listener::remove(app, actor, id),
        ]
    }

    async fn sent(&self, noun: &str) -> Answers {
        let (app, actor, id) = (&self.world.app, self.actor, self.id);
        match noun {
            "event" => answers![
                event::log::get(app, actor, id),
                notification::preview(app, actor, &self.own.id("webhook"), Some(id), None),
            ],
            "notification" => answers![
                notification::get(app, actor, id),
                notification::redeliver(app, actor, id),
                notification::cancel(app, actor, id),
            ],
            _ => answers![
                replay::get(app, actor, id),
                replay::cancel(app, actor, id),
                live::replay(app, actor, id),
            ],
        }
    }

    async fn other(&self, noun: &str) -> Answers {
        let (app, actor, id) = (&self.world.app, self.actor, self.id);
        match noun {
            "apiKey" => answers![api_key::revoke(app, actor, id)],
            "batch" => answers![batch::get(app, actor, id)],
            "review" => answers![
                review::get(app, actor, id),
                review::update(app, actor, id, review::Patch::default()),
            ],
            "stageRun" => answers![stage_run::run(app, actor, id)],
            "user" => answers![
                user::get(app, actor, id),
                user::update(app, actor, id, user::Patch::default()),
                api_key::create(app, actor, key(Some(id), None)),
                task::assign(app, actor, &task::Filter::default(), assign_to(id)),
            ],
            _ => panic!("no verb of the noun {noun} is tried"),
        }
    }

    fn new_label(&self) -> label::New {
        label::New {
            project: self.own.id("project"),
            data_row: self.own.id("dataRow"),
            label: "{}".into(),
            seconds_to_label: 1.0,
            label_type: None,
        }
    }

    fn batch(&self, project: &str, row: &str) -> batch::New {
        batch::New {
            name: "Batch".into(),
            project: project.into(),
            data_rows: vec![row.into()],
        }
    }
}

fn in_project(id: &str) -> dataset::New {
    dataset::New {
        name: "Dataset".into(),
        project: Some(id.into()),
        ..dataset::New::default()
    }
}

fn hook(project: &str) -> New {
    New {
        project_id: Some(project.into()),
        settings: Settings {
            topics: Some(vec![WebhookTopic::LabelCreated]),
            url: Some("https://example.com/hook".into()),
            ..Settings::default()
        },
        secret: Some("a secret that is long enough".into()),
    }
}

fn trigger(webhook: Option<&str>, project: Option<&str>) -> notification::Trigger {
    notification::Trigger {
        topic: WebhookTopic::LabelCreated,
        webhook: webhook.map(Into::into),
        project: project.map(Into::into),
    }
}

fn key(user: Option<&str>, project: Option<&str>) -> api_key::New {
    api_key::New {
        name: "Key".into(),
        user_id: user.map(Into::into),
        projects: project.map(|id| vec![id.to_owned()]),
        expires_at: None,
    }
}

fn text() -> data_row::New {
    data_row::New {
        row_data: "text".into(),
        ..data_row::New::default()
    }
}

fn assign_to(user: &str) -> Assign {
    Assign {
        assignee: user.into(),
        stage: None,
    }
}
