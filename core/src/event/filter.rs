//! Filters of events, and a [page](crate::page) of them. A page is cut by the sequence number in the feed, which grows
//! with the organization's events only.

use crate::{
    Result,
    auth::Actor,
    page::{self, End},
};
use entity::{DataRowId, EventId, OrganizationId, ProjectId, Timestamp, WebhookTopic, event};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, sea_query::Expr,
};
use std::time::Duration;

/// The requested page of events. The key of a row is its sequence number in the feed.
pub type PageRequest = page::PageRequest<i64>;
/// A page of events.
pub type Page = page::Page<event::Model>;

/// Conditions for events; absent ones match everything. A list matches any of its values.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The ids of the events.
    pub ids: Option<Vec<EventId>>,
    /// The projects of the events.
    pub project_ids: Option<Vec<ProjectId>>,
    /// The data rows of the events.
    pub data_row_ids: Option<Vec<DataRowId>>,
    /// The topics of the events.
    pub topics: Option<Vec<WebhookTopic>>,
    /// The external id of the data row.
    pub external_id: Option<String>,
    /// Created at or after this time.
    pub created_from: Option<Timestamp>,
    /// Created before this time.
    pub created_before: Option<Timestamp>,
}

impl Filter {
    /// Returns whether the filter only limits the time.
    fn tells_times_only(&self) -> bool {
        self.project_ids.is_none() && self.data_row_ids.is_none() && self.topics.is_none() && self.external_id.is_none()
    }

    /// Returns whether an event matches, by the same conditions as the statement of a page.
    pub(crate) fn matches(&self, row: &event::Model) -> bool {
        page::one_of(&self.ids, Some(row.id))
            && page::one_of(&self.project_ids, row.project_id)
            && page::one_of(&self.data_row_ids, row.data_row_id)
            && page::one_of(&self.topics, Some(row.topic))
            && (self.external_id.is_none() || self.external_id == row.external_id)
            && page::made_between(row.created_at, self.created_from, self.created_before)
    }
}

/// The numbers of events that a page scans, one after the other, until it is full or there are no more.
const SCAN_SIZES: [u64; 3] = [1_000, 3_000, 8_000];
/// The maximum difference between the time of an event and the order of the feed.
const MAX_TIME_SKEW: Duration = Duration::from_secs(10);

/// Loads a page of a filter without ids. When few events match, the scan may stop before the page is full; the page
/// then says at which event.
pub(super) async fn page(db: &impl ConnectionTrait, actor: &Actor, filter: &Filter, span: PageRequest) -> Result<Page> {
    let mut left = timed(db, actor, filter, span).await?;
    if actor.projects.is_none() && filter.tells_times_only() {
        return Ok(Page::cut(select(actor, filter, left).all(db).await?, &span));
    }
    let mut rows = Vec::new();
    for look in SCAN_SIZES {
        let last = last_of(db, actor, left, look).await?;
        let mut here = left;
        match (last, span.from) {
            (Some(last), End::First) => (here.before, left.after) = (Some(last - 1), Some(last)),
            (Some(last), End::Last) => (here.after, left.before) = (Some(last + 1), Some(last)),
            (None, _) => {}
        }
        here.count = span.count - rows.len() as u64;
        rows.extend(select(actor, filter, here).all(db).await?);
        if last.is_none() || rows.len() as u64 > span.count {
            return Ok(Page::cut(rows, &span));
        }
    }
    match one(db, actor, left).await? {
        Some(at) => Ok(Page::ended(rows, &span, at)),
        None => Ok(Page::cut(rows, &span)),
    }
}

/// Narrows the range of sequence numbers to the period of the filter.
async fn timed(db: &impl ConnectionTrait, actor: &Actor, filter: &Filter, span: PageRequest) -> Result<PageRequest> {
    let mut span = span;
    let id = actor.organization_id;
    if let Some(time) = filter.created_from {
        let before = last_before(db, id, time.minus(MAX_TIME_SKEW), i64::MAX).await?;
        span.before = Some(span.before.map_or(before, |given| given.max(before)));
    }
    if let Some(time) = filter.created_before {
        let after = last_before(db, id, time.plus(MAX_TIME_SKEW), i64::MAX)
            .await?
            .saturating_add(1);
        span.after = Some(span.after.map_or(after, |given| given.min(after)));
    }
    Ok(span)
}

/// Returns the sequence number of the last of so many events, matching or not; none when there are fewer.
async fn last_of(db: &impl ConnectionTrait, actor: &Actor, span: PageRequest, count: u64) -> Result<Option<i64>> {
    let numbers = between(actor, span).select_only().column(event::Column::Sequence);
    let numbers = numbers.order_by(event::Column::Sequence, span.from.order());
    Ok(numbers.offset(count - 1).limit(1).into_tuple().one(db).await?)
}

/// Returns the event at which the scan stopped.
async fn one(db: &impl ConnectionTrait, actor: &Actor, left: PageRequest) -> Result<Option<event::Model>> {
    let at = match left.from {
        End::First => left.after,
        End::Last => left.before,
    };
    let rows = event::Entity::find()
        .filter(event::Column::OrganizationId.eq(actor.organization_id))
        .filter(event::Column::Sequence.eq(at.unwrap_or(0)));
    Ok(rows.one(db).await?)
}

fn between(actor: &Actor, span: PageRequest) -> Select<event::Entity> {
    use event::Column as Is;
    let condition = Condition::all()
        .add(Is::OrganizationId.eq(actor.organization_id))
        .add_option(span.after.map(|after| Is::Sequence.lt(after)))
        .add_option(span.before.map(|before| Is::Sequence.gt(before)));
    event::Entity::find().filter(condition)
}

/// Selects one row more than the page, to detect whether there are more.
fn select(actor: &Actor, filter: &Filter, span: PageRequest) -> Select<event::Entity> {
    use event::Column as Is;
    let seen = actor.visible_projects(filter.project_ids.as_deref());
    let condition = Condition::all()
        .add_option(one_of(Is::ProjectId, seen))
        .add_option(one_of(Is::DataRowId, filter.data_row_ids.clone()))
        .add_option(one_of(Is::Topic, filter.topics.clone()))
        .add_option(filter.external_id.clone().map(|id| Is::ExternalId.eq(id)))
        .add_option(filter.created_from.map(|time| Is::CreatedAt.gte(time)))
        .add_option(filter.created_before.map(|time| Is::CreatedAt.lt(time)));
    between(actor, span)
        .filter(condition)
        .order_by(Is::Sequence, span.from.order())
        .limit(span.count.saturating_add(1))
}

/// Returns the highest sequence number below `until` such that all events up to it are from before `time`. A binary
/// search, since time and sequence grow together and there is no index on time.
pub(crate) async fn last_before(
    db: &impl ConnectionTrait,
    id: OrganizationId,
    time: Timestamp,
    until: i64,
) -> Result<i64> {
    let (mut low, mut high) = (0, until);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let newest: Option<(i64, Timestamp)> = event::Entity::find()
            .select_only()
            .columns([event::Column::Sequence, event::Column::CreatedAt])
            .filter(event::Column::OrganizationId.eq(id))
            .filter(event::Column::Sequence.gt(low))
            .filter(event::Column::Sequence.lte(middle))
            .order_by_desc(event::Column::Sequence)
            .limit(1)
            .into_tuple()
            .one(db)
            .await?;
        match newest {
            Some((sequence, at)) if at >= time => high = sequence,
            _ => low = middle,
        }
    }
    Ok(low)
}

fn one_of<T: Into<sea_orm::Value>>(column: event::Column, values: Option<Vec<T>>) -> Option<Expr> {
    values.map(|values| column.is_in(values))
}
