//! Rows made directly: an organization, people, and a label with everything around it.

use entity::{
    ApiKeyId, DataRowId, DatasetId, LabelId, OrganizationId, ProjectId, ReviewId, Role, UserId, data_row, dataset,
    label, organization, project, review, user,
};
use labelhook_core::{
    App,
    auth::Actor,
    db::{Scope, Txn},
    event::{Data, LabelChange, ReviewChange},
};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

/// An organization with its owner.
pub async fn organization(app: &App) -> (OrganizationId, Actor) {
    let id = app
        .db
        .write(Scope::installation(), |txn| {
            Box::pin(async move {
                let row = organization::Model {
                    id: OrganizationId::new(),
                    name: "Acme".into(),
                    retention_days: None,
                    created_at: txn.now(),
                    updated_at: txn.now(),
                };
                insert(txn, row.clone()).await;
                Ok(row.id)
            })
        })
        .await
        .unwrap();
    (id, actor(app, id, Role::Owner).await)
}

/// Somebody of this role, new.
pub async fn actor(app: &App, organization_id: OrganizationId, role: Role) -> Actor {
    let id = UserId::new();
    app.db
        .write(organization_id, move |txn| {
            Box::pin(async move {
                let row = user::Model {
                    id,
                    organization_id,
                    email: format!("{id}@example.com"),
                    name: "Somebody".into(),
                    role,
                    disabled: false,
                    created_at: txn.now(),
                    updated_at: txn.now(),
                };
                insert(txn, row).await;
                Ok(())
            })
        })
        .await
        .unwrap();
    Actor {
        organization_id,
        user_id: id,
        role,
        key_id: ApiKeyId::new(),
        projects: None,
    }
}

/// A label and what it belongs to.
#[derive(Clone)]
pub struct Annotated {
    pub project: project::Model,
    pub dataset: dataset::Model,
    pub data_row: data_row::Model,
    pub label: label::Model,
    pub user: user::Model,
}

impl Annotated {
    pub fn change(&self) -> LabelChange {
        LabelChange {
            label: (&self.label).into(),
            project: (&self.project).into(),
            data_row: (&self.data_row).into(),
            dataset: (&self.dataset).into(),
            user: Some((&self.user).into()),
            batches: vec![],
            task: None,
            team: None,
        }
    }

    pub fn data(&self) -> Data {
        Data::Label(Box::new(self.change()))
    }

    pub fn reviewed(&self, score: f64) -> Data {
        let review = review::Model {
            id: ReviewId::new(),
            organization_id: self.label.organization_id,
            project_id: self.project.id,
            label_id: self.label.id,
            created_by: Some(self.user.id),
            score,
            deleted: false,
            created_at: self.label.created_at,
            updated_at: self.label.updated_at,
        };
        Data::Review(Box::new(ReviewChange {
            review: (&review).into(),
            reviewer: Some((&self.user).into()),
            subject: self.change(),
        }))
    }
}

pub async fn annotated(app: &App, organization_id: OrganizationId, actor: &Actor) -> Annotated {
    let user_id = actor.user_id;
    app.db
        .write(organization_id, move |txn| {
            Box::pin(async move {
                let user = user::Entity::find_by_id(user_id).one(txn.conn()).await?.unwrap();
                Ok(insert_all(txn, organization_id, user).await)
            })
        })
        .await
        .unwrap()
}

async fn insert_all(txn: &Txn, organization_id: OrganizationId, user: user::Model) -> Annotated {
    let (created_by, now) = (Some(user.id), txn.now());
    let project = project::Model {
        id: ProjectId::new(),
        organization_id,
        name: "Trees".into(),
        description: Some("Trees in towns".into()),
        created_by,
        allowed_media_type: None,
        editor_task_type: None,
        auto_audit_percentage: 1.0,
        auto_audit_number_of_labels: 1,
        is_benchmark_enabled: false,
        is_consensus_enabled: false,
        ontology: Some(r#"{"tools":[{"title":"Tree"}],"classifications":[],"relations":[]}"#.into()),
        last_activity_at: None,
        deleted: false,
        created_at: now,
        updated_at: now,
    };
    let dataset = dataset::Model {
        id: DatasetId::new(),
        organization_id,
        name: "Photos".into(),
        description: String::new(),
        created_by,
        deleted: false,
        created_at: now,
        updated_at: now,
    };
    let data_row = data_row::Model {
        id: DataRowId::new(),
        organization_id,
        dataset_id: dataset.id,
        external_id: Some("Croissànt.jpg".into()),
        global_key: None,
        row_data: "https://example.com/tree.jpg".into(),
        metadata: Some(r#"{"width":640,"height":480}"#.into()),
        media_attributes: None,
        metadata_fields: None,
        attachments: None,
        created_by,
        deleted_at: None,
        created_at: now,
        updated_at: now,
    };
    let label = label::Model {
        id: LabelId::new(),
        organization_id,
        project_id: project.id,
        data_row_id: data_row.id,
        created_by,
        label_type: "Any".into(),
        label: r#"{"objects":[],"classifications":[]}"#.into(),
        seconds_to_label: 9.581,
        agreement: None,
        benchmark_agreement: None,
        is_benchmark_reference: false,
        deleted: false,
        created_at: now,
        updated_at: now,
    };
    insert(txn, project.clone()).await;
    insert(txn, dataset.clone()).await;
    insert(txn, data_row.clone()).await;
    insert(txn, label.clone()).await;
    Annotated {
        project,
        dataset,
        data_row,
        label,
        user,
    }
}

async fn insert<M, A, E>(txn: &Txn, row: M)
where
    E: EntityTrait,
    M: IntoActiveModel<A>,
    A: ActiveModelTrait<Entity = E> + Send,
{
    E::insert(row.into_active_model())
        .exec_without_returning(txn.conn())
        .await
        .unwrap();
}
