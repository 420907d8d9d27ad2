//! Which events, and which [page](crate::page) of them. A page is cut by the number in the feed, which grows with the
//! organization's events alone.

use crate::{
    Result,
    auth::Actor,
    page::{self, Edge},
};
use entity::{DataRowId, EventId, OrganizationId, ProjectId, Timestamp, WebhookTopic, event};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, sea_query::Expr,
};
use std::time::Duration;

/// Which page of events: a row's key is its number in the feed.
pub type Span = page::Span<i64>;
/// A page of events.
pub type Slice = page::Slice<event::Model>;

/// What an event must be like; absent: anything. Lists are "one of".
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Its id.
    pub ids: Option<Vec<EventId>>,
    /// Its project.
    pub project_ids: Option<Vec<ProjectId>>,
    /// Its data row.
    pub data_row_ids: Option<Vec<DataRowId>>,
    /// Its topic.
    pub topics: Option<Vec<WebhookTopic>>,
    /// Its data row's external id.
    pub external_id: Option<String>,
    /// Made at this moment or later.
    pub created_from: Option<Timestamp>,
    /// Made before this moment.
    pub created_before: Option<Timestamp>,
}

impl Filter {
    /// Whether it says nothing but when.
    fn tells_times_only(&self) -> bool {
        self.project_ids.is_none() && self.data_row_ids.is_none() && self.topics.is_none() && self.external_id.is_none()
    }

    /// Whether an event is like this: the same as the statement of a page says.
    pub(crate) fn matches(&self, row: &event::Model) -> bool {
        page::one_of(&self.ids, Some(row.id))
            && page::one_of(&self.project_ids, row.project_id)
            && page::one_of(&self.data_row_ids, row.data_row_id)
            && page::one_of(&self.topics, Some(row.topic))
            && (self.external_id.is_none() || self.external_id == row.external_id)
            && page::made_between(row.created_at, self.created_from, self.created_before)
    }
}

/// How many events a page looks at, time after time, until it is full or there are no more.
const LOOKS: [u64; 3] = [1_000, 3_000, 8_000];
/// By how much the time of an event may differ from the order of the feed.
const SLACK: Duration = Duration::from_secs(10);

/// A filter that matches little may end a page before it is full, and the page says where.
pub(super) async fn page(db: &impl ConnectionTrait, actor: &Actor, filter: &Filter, span: Span) -> Result<Slice> {
    if let Some(ids) = &filter.ids {
        return Ok(Slice::cut(of_ids(db, actor, filter, span, ids).await?, &span));
    }
    let mut left = timed(db, actor, filter, span).await?;
    if actor.projects.is_none() && filter.tells_times_only() {
        return Ok(Slice::cut(select(actor, filter, left).all(db).await?, &span));
    }
    let mut rows = Vec::new();
    for look in LOOKS {
        let last = last_of(db, actor, left, look).await?;
        let mut here = left;
        match (last, span.from) {
            (Some(last), Edge::First) => (here.before, left.after) = (Some(last - 1), Some(last)),
            (Some(last), Edge::Last) => (here.after, left.before) = (Some(last + 1), Some(last)),
            (None, _) => {}
        }
        here.count = span.count - rows.len() as u64;
        rows.extend(select(actor, filter, here).all(db).await?);
        if last.is_none() || rows.len() as u64 > span.count {
            return Ok(Slice::cut(rows, &span));
        }
    }
    match one(db, actor, left).await? {
        Some(at) => Ok(Slice::ended(rows, &span, at)),
        None => Ok(Slice::cut(rows, &span)),
    }
}

/// The few with these ids.
async fn of_ids(
    db: &impl ConnectionTrait,
    actor: &Actor,
    filter: &Filter,
    span: Span,
    ids: &[EventId],
) -> Result<Vec<event::Model>> {
    let mut rows = super::by_ids(actor.organization_id, ids).all(db).await?;
    rows.retain(|row| {
        page::one_of(&actor.projects, row.project_id)
            && filter.matches(row)
            && span.after.is_none_or(|after| row.sequence < after)
            && span.before.is_none_or(|before| row.sequence > before)
    });
    rows.sort_unstable_by_key(|row| row.sequence);
    if span.from == Edge::First {
        rows.reverse();
    }
    rows.truncate(usize::try_from(span.count.saturating_add(1)).unwrap_or(usize::MAX));
    Ok(rows)
}

/// The span without what lies outside the times of the filter.
async fn timed(db: &impl ConnectionTrait, actor: &Actor, filter: &Filter, span: Span) -> Result<Span> {
    let mut span = span;
    let id = actor.organization_id;
    if let Some(time) = filter.created_from {
        let before = last_before(db, id, time.minus(SLACK), i64::MAX).await?;
        span.before = Some(span.before.map_or(before, |given| given.max(before)));
    }
    if let Some(time) = filter.created_before {
        let after = last_before(db, id, time.plus(SLACK), i64::MAX).await?.saturating_add(1);
        span.after = Some(span.after.map_or(after, |given| given.min(after)));
    }
    Ok(span)
}

/// The number of the last of so many events, whether they are to be seen or not; none when there are fewer.
async fn last_of(db: &impl ConnectionTrait, actor: &Actor, span: Span, count: u64) -> Result<Option<i64>> {
    let numbers = between(actor, span).select_only().column(event::Column::Sequence);
    let numbers = numbers.order_by(event::Column::Sequence, span.from.order());
    Ok(numbers.offset(count - 1).limit(1).into_tuple().one(db).await?)
}

/// The event at which the looking ended.
async fn one(db: &impl ConnectionTrait, actor: &Actor, left: Span) -> Result<Option<event::Model>> {
    let at = match left.from {
        Edge::First => left.after,
        Edge::Last => left.before,
    };
    let rows = event::Entity::find()
        .filter(event::Column::OrganizationId.eq(actor.organization_id))
        .filter(event::Column::Sequence.eq(at.unwrap_or(0)));
    Ok(rows.one(db).await?)
}

fn between(actor: &Actor, span: Span) -> Select<event::Entity> {
    use event::Column as Is;
    let condition = Condition::all()
        .add(Is::OrganizationId.eq(actor.organization_id))
        .add_option(span.after.map(|after| Is::Sequence.lt(after)))
        .add_option(span.before.map(|before| Is::Sequence.gt(before)));
    event::Entity::find().filter(condition)
}

/// One row more than the page, to see whether there are more.
fn select(actor: &Actor, filter: &Filter, span: Span) -> Select<event::Entity> {
    use event::Column as Is;
    let seen = match (&actor.projects, &filter.project_ids) {
        (None, wanted) => wanted.clone(),
        (Some(own), None) => Some(own.clone()),
        (Some(own), Some(wanted)) => Some(wanted.iter().filter(|id| own.contains(id)).copied().collect()),
    };
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

/// The highest number below `until` of which all events with it or a lower one are from before `time`: halves what is
/// left, since both grow together, and there is no index by time.
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
