//! Which events, and which [page](crate::page) of them. A page is cut by the number in the feed, which grows with the
//! organization's events alone.

use crate::{
    Result,
    auth::Actor,
    page::{self},
};
use entity::{DataRowId, EventId, ProjectId, Timestamp, WebhookTopic, event};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, sea_query::Expr,
};

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

pub(super) async fn page(db: &impl ConnectionTrait, actor: &Actor, filter: &Filter, span: Span) -> Result<Slice> {
    Ok(Slice::cut(select(actor, filter, span).all(db).await?, &span))
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
        .add(Is::OrganizationId.eq(actor.organization_id))
        .add_option(one_of(Is::Id, filter.ids.clone()))
        .add_option(one_of(Is::ProjectId, seen))
        .add_option(one_of(Is::DataRowId, filter.data_row_ids.clone()))
        .add_option(one_of(Is::Topic, filter.topics.clone()))
        .add_option(filter.external_id.clone().map(|id| Is::ExternalId.eq(id)))
        .add_option(filter.created_from.map(|time| Is::CreatedAt.gte(time)))
        .add_option(filter.created_before.map(|time| Is::CreatedAt.lt(time)))
        .add_option(span.after.map(|after| Is::Sequence.lt(after)))
        .add_option(span.before.map(|before| Is::Sequence.gt(before)));
    event::Entity::find()
        .filter(condition)
        .order_by(Is::Sequence, span.from.order())
        .limit(span.count.saturating_add(1))
}

fn one_of<T: Into<sea_orm::Value>>(column: event::Column, values: Option<Vec<T>>) -> Option<Expr> {
    values.map(|values| column.is_in(values))
}
