//! Which webhooks want which events: an organization's active webhooks that were registered (a stage's own is asked by
//! its stage), read once and kept until one of them changes. Read inside the writer's transaction, so it is never older than the change it serves.

use super::limit;
use crate::{Result, dispatcher::Limit, payload::Shape};
use entity::{Ordering, OrganizationId, ProjectId, StageId, WebhookId, WebhookStatus, WebhookTopic, webhook};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// What publishing needs to know of an active webhook.
#[derive(Clone, Debug)]
pub(crate) struct Subscriber {
    pub webhook_id: WebhookId,
    pub project_id: Option<ProjectId>,
    pub stage_id: Option<StageId>,
    pub shape: Shape,
    pub limit: Limit,
    pub ordering: Ordering,
    topics: u32,
}

impl Subscriber {
    pub(crate) fn of(row: &webhook::Model) -> Self {
        let topics = super::topics(row).into_iter().fold(0, |set, topic| set | bit(topic));
        Self {
            webhook_id: row.id,
            project_id: row.project_id,
            stage_id: row.stage_id,
            shape: Shape::of(row),
            limit: limit(row),
            ordering: row.ordering,
            topics,
        }
    }

    pub(crate) fn wants(&self, topic: WebhookTopic, project_id: Option<ProjectId>) -> bool {
        self.watches(topic) && (self.project_id.is_none() || self.project_id == project_id)
    }

    /// Whether it wants this topic, of whatever project.
    pub(crate) fn watches(&self, topic: WebhookTopic) -> bool {
        self.topics & bit(topic) != 0
    }
}

fn bit(topic: WebhookTopic) -> u32 {
    1 << topic as u32
}

/// The active webhooks of every organization that has published since they changed.
#[derive(Debug, Default)]
pub struct Index {
    known: Mutex<HashMap<OrganizationId, Arc<[Subscriber]>>>,
}

impl Index {
    pub(crate) async fn of(&self, db: &impl ConnectionTrait, id: OrganizationId) -> Result<Arc<[Subscriber]>> {
        if let Some(known) = self.known.lock().expect("held for a look only").get(&id) {
            return Ok(Arc::clone(known));
        }
        let rows = webhook::Entity::find()
            .filter(webhook::Column::OrganizationId.eq(id))
            .filter(webhook::Column::Status.eq(WebhookStatus::Active))
            .filter(webhook::Column::StageId.is_null())
            .order_by_asc(webhook::Column::Id)
            .all(db)
            .await?;
        let read: Arc<[Subscriber]> = rows.iter().map(Subscriber::of).collect();
        self.known
            .lock()
            .expect("held for an insert only")
            .insert(id, Arc::clone(&read));
        Ok(read)
    }

    /// An organization's webhooks have changed, in the transaction that goes on.
    pub(crate) fn forget(&self, id: OrganizationId) {
        self.known.lock().expect("held for a remove only").remove(&id);
    }

    /// A transaction was undone: what it showed may not be so.
    pub(crate) fn forget_all(&self) {
        self.known.lock().expect("held for a clear only").clear();
    }
}
