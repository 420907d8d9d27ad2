//! Which webhooks want which events: an organization's active webhooks that were registered (a stage's own is asked by
//! its stage), read once and kept until one of them changes. Read inside the writer's transaction, so it is never older than the change it serves.

pub mod filter;
pub(crate) mod host;

use crate::{
    Error, Result,
    delivery::limit::Limit,
    payload::{Query, Shape, Shaper},
};
use entity::{Ordering, OrganizationId, ProjectId, StageId, WebhookId, WebhookStatus, WebhookTopic, webhook};
use host::Place;
use moka::sync::Cache;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

/// What publishing needs to know of an active webhook.
#[derive(Clone, Debug)]
pub(crate) struct Subscriber {
    pub webhook_id: WebhookId,
    pub project_id: Option<ProjectId>,
    pub stage_id: Option<StageId>,
    pub shape: Shape,
    pub limit: Limit,
    /// Its filter.
    pub condition: Option<Arc<filter::Condition>>,
    pub ordering: Ordering,
    pub place: Place,
    topics: u32,
}

impl Subscriber {
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

/// Payload queries that are kept compiled.
const QUERIES: u64 = 1_000;

/// The active webhooks of every organization that has published since they changed, and what their texts compiled to.
#[derive(Debug)]
pub struct Index {
    known: Mutex<HashMap<OrganizationId, Arc<[Subscriber]>>>,
    generations: Mutex<HashMap<OrganizationId, i64>>,
    conditions: Mutex<filter::Conditions>,
    shaper: Arc<dyn Shaper>,
    queries: Cache<String, Query>,
}

impl Index {
    /// Of nobody yet; payload queries are understood by `shaper`.
    pub fn new(shaper: Arc<dyn Shaper>) -> Self {
        Self {
            known: Mutex::default(),
            generations: Mutex::default(),
            conditions: Mutex::default(),
            shaper,
            queries: Cache::new(QUERIES),
        }
    }

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
        let mut read = Vec::with_capacity(rows.len());
        for row in &rows {
            read.push(self.subscriber(row).await?);
        }
        let read: Arc<[Subscriber]> = read.into();
        self.known
            .lock()
            .expect("held for an insert only")
            .insert(id, Arc::clone(&read));
        Ok(read)
    }

    /// Makes the filters and payload queries of active webhooks ready, those of `ids` or all, so that no writer compiles
    /// them when it first reads their webhooks.
    pub(crate) async fn prepare(&self, db: &impl ConnectionTrait, ids: Option<Vec<WebhookId>>) -> Result<()> {
        let texts = Condition::any()
            .add(webhook::Column::Filter.is_not_null())
            .add(webhook::Column::PayloadQuery.is_not_null());
        let rows = webhook::Entity::find()
            .filter(webhook::Column::Status.eq(WebhookStatus::Active))
            .filter(texts)
            .filter(Condition::all().add_option(ids.map(|ids| webhook::Column::Id.is_in(ids))));
        for row in rows.all(db).await? {
            self.subscriber(&row).await?;
        }
        Ok(())
    }

    /// A webhook as publishing needs it.
    pub(crate) async fn subscriber(&self, row: &webhook::Model) -> Result<Subscriber> {
        let topics = topics(row).into_iter().fold(0, |set, topic| set | bit(topic));
        Ok(Subscriber {
            webhook_id: row.id,
            project_id: row.project_id,
            stage_id: row.stage_id,
            shape: self.shape(row).await,
            limit: limit(row),
            ordering: row.ordering,
            place: Place::of(row),
            condition: self.condition(row).await?,
            topics,
        })
    }

    /// The body that a webhook wants.
    pub(crate) async fn shape(&self, row: &webhook::Model) -> Shape {
        let Some(text) = &row.payload_query else {
            return Shape::plain(row.payload_format, row.payload_content);
        };
        if let Some(known) = self.queries.get(text) {
            return Shape::queried(known);
        }
        let query = Query::new(text, self.shaper.compile(text).await);
        self.queries.insert(text.clone(), query.clone());
        Shape::queried(query)
    }

    /// Whether a payload query that is being saved can be understood.
    pub(crate) async fn check_query(&self, text: Option<&str>) -> Result<()> {
        let Some(text) = text else { return Ok(()) };
        let compiled = self.shaper.compile(text).await;
        let selection = compiled.map_err(|reason| Error::invalid("payloadQuery", reason))?;
        self.queries.insert(text.to_owned(), Query::new(text, Ok(selection)));
        Ok(())
    }

    pub(crate) fn conditions(&self) -> MutexGuard<'_, filter::Conditions> {
        self.conditions.lock().expect("held for a look or an insert only")
    }

    /// An organization's webhooks have changed, in the transaction that goes on.
    pub(crate) fn forget(&self, id: OrganizationId) {
        self.known.lock().expect("held for a remove only").remove(&id);
    }

    /// The organization's webhooks have changed this often: what is known of an older state, which another node may have
    /// left behind, is forgotten.
    pub(crate) fn keep_from(&self, id: OrganizationId, generation: i64) {
        let mut generations = self.generations.lock().expect("held for an insert only");
        if generations.insert(id, generation) != Some(generation) {
            drop(generations);
            self.forget(id);
        }
    }

    /// A transaction was undone: what it showed may not be so.
    pub(crate) fn forget_all(&self) {
        self.known.lock().expect("held for a clear only").clear();
    }
}

/// A webhook's topics in the order given.
pub fn topics(row: &webhook::Model) -> Vec<WebhookTopic> {
    serde_json::from_str(&row.topics).unwrap_or_default()
}

/// What its lane may do, as it stands in the row.
pub fn limit(row: &webhook::Model) -> Limit {
    Limit::new(row.max_in_flight, row.rate_requests, row.rate_per_ms)
}
