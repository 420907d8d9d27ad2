//! The subscriber cache: an organization's active registered webhooks in the form that matching and publishing need (a
//! stage's own webhook is held by its workflow), read once and cached until one of them changes. It is read inside the
//! writer's transaction, so it is never older than the change that it serves.

pub(crate) mod budget;
pub mod filter;
pub(crate) mod host;

use crate::{
    Error, Result,
    delivery::limit::Limit,
    filter::Limits,
    payload::{Query, Shape, Shaper},
};
use budget::Budgets;
use entity::{
    Ordering, OrganizationId, ProjectId, StageId, WebhookId, WebhookStatus, WebhookTopic, postponed_match, webhook,
};
use host::Host;
use moka::sync::Cache;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

/// An active webhook in the form that publishing needs.
#[derive(Clone, Debug)]
pub(crate) struct Subscriber {
    pub webhook_id: WebhookId,
    pub project_id: Option<ProjectId>,
    pub stage_id: Option<StageId>,
    pub shape: Shape,
    pub limit: Limit,
    /// The compiled filter of the webhook.
    pub condition: Option<Arc<filter::Condition>>,
    pub ordering: Ordering,
    pub host: Host,
    topics: u32,
}

impl Subscriber {
    pub(crate) fn wants(&self, topic: WebhookTopic, project_id: Option<ProjectId>) -> bool {
        self.watches(topic) && (self.project_id.is_none() || self.project_id == project_id)
    }

    /// Returns whether its matches may be postponed although it was promised an order.
    pub(crate) fn may_be_held_up(&self) -> bool {
        self.ordering != Ordering::None && (self.condition.is_some() || self.shape.query.is_some())
    }

    /// Returns whether it subscribes to this topic, of any project.
    pub(crate) fn watches(&self, topic: WebhookTopic) -> bool {
        self.topics & bit(topic) != 0
    }
}

fn bit(topic: WebhookTopic) -> u32 {
    1 << topic as u32
}

/// The maximum number of compiled payload queries that are cached.
const QUERIES: u64 = 1_000;

/// The subscriber cache of every organization that has published since a webhook of it changed, with compiled filters
/// and payload queries.
#[derive(Debug)]
pub struct SubscriberCache {
    known: Mutex<HashMap<OrganizationId, Arc<[Subscriber]>>>,
    generations: Mutex<HashMap<OrganizationId, i64>>,
    conditions: Mutex<filter::Conditions>,
    shaper: Arc<dyn Shaper>,
    limits: Limits,
    budgets: Budgets,
    /// Webhooks with a match that was postponed just now: it may not be in the database yet.
    postponing: Cache<WebhookId, ()>,
    queries: Cache<String, Query>,
}

/// The time after which a postponed match is in the database, or was rolled back.
const POSTPONING: Duration = Duration::from_secs(60);
/// The maximum number of webhooks that are known to be postponing.
const MAX_POSTPONING: u64 = 100_000;

impl SubscriberCache {
    /// Creates an empty cache; `shaper` compiles payload queries, and filters have these time limits.
    pub fn new(shaper: Arc<dyn Shaper>, limits: Limits) -> Self {
        Self {
            known: Mutex::default(),
            generations: Mutex::default(),
            conditions: Mutex::default(),
            shaper,
            limits,
            budgets: Budgets::new(limits.in_transaction),
            postponing: Cache::builder()
                .max_capacity(MAX_POSTPONING)
                .time_to_live(POSTPONING)
                .build(),
            queries: Cache::new(QUERIES),
        }
    }

    /// The time limits of filters.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// The time of the writer that organizations may take.
    pub(crate) fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    /// Notes that a match of this webhook is postponed.
    pub(crate) fn postpones(&self, id: WebhookId) {
        self.postponing.insert(id, ());
    }

    /// Returns which of these webhooks have a postponed match, so that a later event must not be sent before it.
    pub(crate) async fn held_up(&self, db: &impl ConnectionTrait, ids: &[WebhookId]) -> Result<HashSet<WebhookId>> {
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let rows: Vec<WebhookId> = postponed_match::Entity::find()
            .select_only()
            .column(postponed_match::Column::WebhookId)
            .distinct()
            .filter(postponed_match::Column::WebhookId.is_in(ids.iter().copied()))
            .into_tuple()
            .all(db)
            .await?;
        let now = ids.iter().copied().filter(|id| self.postponing.contains_key(id));
        Ok(rows.into_iter().chain(now).collect())
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

    /// Compiles the filters and payload queries of active webhooks, of `ids` or of all, so that no writer compiles them
    /// when it first reads their webhooks.
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

    /// Converts a webhook's row into the form that publishing needs.
    pub(crate) async fn subscriber(&self, row: &webhook::Model) -> Result<Subscriber> {
        let topics = topics(row).into_iter().fold(0, |set, topic| set | bit(topic));
        Ok(Subscriber {
            webhook_id: row.id,
            project_id: row.project_id,
            stage_id: row.stage_id,
            shape: self.shape(row).await,
            limit: limit(row),
            ordering: row.ordering,
            host: Host::of(row),
            condition: self.condition(row).await?,
            topics,
        })
    }

    /// Returns the payload shape of a webhook.
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

    /// Compiles a payload query that is being saved, and caches it for its first event.
    pub(crate) async fn compile_query(&self, text: Option<&str>) -> Result<Option<Query>> {
        let Some(text) = text else { return Ok(None) };
        let compiled = self.shaper.compile(text).await;
        let selection = compiled.map_err(|reason| Error::invalid("payloadQuery", reason))?;
        let query = Query::new(text, Ok(selection));
        self.queries.insert(text.to_owned(), query.clone());
        Ok(Some(query))
    }

    pub(crate) fn conditions(&self) -> MutexGuard<'_, filter::Conditions> {
        self.conditions.lock().expect("held for a look or an insert only")
    }

    /// Invalidates an organization's entry, because its webhooks changed in the current transaction.
    pub(crate) fn forget(&self, id: OrganizationId) {
        self.known.lock().expect("held for a remove only").remove(&id);
    }

    /// Sets the generation of an organization's webhooks. An entry of an older generation, which another node's change
    /// made stale, is invalidated.
    pub(crate) fn keep_from(&self, id: OrganizationId, generation: i64) {
        let mut generations = self.generations.lock().expect("held for an insert only");
        if generations.insert(id, generation) != Some(generation) {
            drop(generations);
            self.forget(id);
        }
    }

    /// Invalidates all entries after a rollback, since they may contain changes that were undone.
    pub(crate) fn forget_all(&self) {
        self.known.lock().expect("held for a clear only").clear();
    }
}

/// Parses a webhook's topics, in the order given.
pub fn topics(row: &webhook::Model) -> Vec<WebhookTopic> {
    serde_json::from_str(&row.topics).unwrap_or_default()
}

/// Reads the concurrency and rate limits of a webhook's row.
pub fn limit(row: &webhook::Model) -> Limit {
    Limit::new(row.max_in_flight, row.rate_requests, row.rate_per_ms)
}
