//! Event: type, queries, and the request it would make.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::{Timestamp, WebhookTopic, event};
use labelhook_core::{
    event::{self as events, Filter},
    notification as notifications,
};

use super::{
    connection::{Connection, Place},
    context::ContextExt,
    error::Result,
    input::{WhereUniqueInput, bounded, ids},
    json::Json,
    list::{self, Cursor, Page},
    loader,
    notification::{NotificationConnection, connection},
    organization::Organization,
    project::Project,
};

/// A fact: what happened, with its data as it was then.
pub struct Event(pub event::Model);

/// A fact: what happened, with its data as it was then.
#[Object]
impl Event {
    /// Its id: the `webhook-id` header, the same for every webhook, attempt and redelivery.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What it is about.
    async fn topic(&self) -> WebhookTopic {
        self.0.topic
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(Organization(
            labelhook_core::organization::get(ctx.app(), ctx.actor()).await?,
        ))
    }

    /// In which project it happened; null for the PING of an organization-wide webhook.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        loader::project(ctx, self.0.project_id?).await
    }

    /// Whether it is a test that `pingWebhook` or `triggerEvent` made: nothing has happened, and its data are invented.
    async fn is_test(&self) -> bool {
        self.0.test || self.0.topic == WebhookTopic::Ping
    }

    /// When it happened.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// Grows within the organization, with gaps: a whole number as text.
    async fn sequence(&self) -> String {
        self.0.sequence.to_string()
    }

    /// What happened, as it was then: `label`, `project`, `dataRow`, `dataset`, `user` and `batches`, and for reviews
    /// `review` and `reviewer`, for moves of tasks `task`, `from` and `to`. Operational events have `webhook`,
    /// `notification`, `reason` and `counts`.
    async fn data(&self) -> Result<Json> {
        Json::stored(&self.0.data)
    }

    /// What was sent of it, newest first.
    #[graphql(complexity = "list::connection_cost(first, last, child_complexity)")]
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the newest.")] first: Option<i32>,
        #[graphql(desc = "Only older than this place.")] after: Option<String>,
        #[graphql(desc = "How many from the oldest.")] last: Option<i32>,
        #[graphql(desc = "Only newer than this place.")] before: Option<String>,
    ) -> Result<NotificationConnection> {
        let page = Page::new(first, after.as_deref(), last, before.as_deref())?;
        let filter = notifications::Filter {
            event_ids: Some(vec![self.0.id]),
            ..notifications::Filter::default()
        };
        connection(ctx, filter, page).await
    }
}

/// A page of events, newest first.
pub type EventConnection = Connection<Event>;

impl Place for Event {
    fn place(&self) -> Cursor {
        Cursor {
            key: self.0.sequence,
            id: self.0.id.0,
        }
    }
}

/// Which events: all that is given must hold. A list means "one of"; an id that nothing has matches nothing.
#[derive(InputObject, Default)]
pub struct EventWhereInput {
    /// Ids of events.
    ids: Option<Vec<ID>>,
    /// Ids of projects.
    project_ids: Option<Vec<ID>>,
    /// Ids of data rows.
    data_row_ids: Option<Vec<ID>>,
    /// Topics.
    topics: Option<Vec<WebhookTopic>>,
    /// The data row's external id.
    external_id: Option<String>,
    /// Made at this moment or later.
    #[graphql(name = "createdAt_gte")]
    created_at_gte: Option<Timestamp>,
    /// Made before this moment.
    #[graphql(name = "createdAt_lt")]
    created_at_lt: Option<Timestamp>,
}

impl EventWhereInput {
    /// The same in core's words.
    pub(super) fn read(self) -> Result<Filter> {
        Ok(Filter {
            ids: ids("where.ids", self.ids)?,
            project_ids: ids("where.projectIds", self.project_ids)?,
            data_row_ids: ids("where.dataRowIds", self.data_row_ids)?,
            topics: bounded("where.topics", self.topics)?,
            external_id: self.external_id,
            created_from: self.created_at_gte,
            created_before: self.created_at_lt,
        })
    }
}

/// What to preview: a webhook, and an event or a sample of a topic.
#[derive(InputObject)]
pub struct PreviewRequestInput {
    /// For which webhook.
    webhook: WhereUniqueInput,
    /// Of which event. Without it, a sample is made.
    event: Option<WhereUniqueInput>,
    /// The sample's topic; the webhook's first topic when absent. Not together with `event`.
    topic: Option<WebhookTopic>,
}

/// A request as it would be sent.
#[derive(SimpleObject)]
pub struct PreparedRequest {
    /// Always POST.
    method: String,
    /// Where to.
    url: String,
    /// Its headers: an object of strings; the `Authorization` header and custom values are masked.
    headers: Json,
    /// Its body.
    body: String,
}

/// Queries of events.
#[derive(Default)]
pub struct EventQuery;

/// Queries of events.
#[Object]
impl EventQuery {
    /// An event by its id.
    async fn event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Event>> {
        Some(
            events::get(ctx.app(), ctx.actor(), &r#where.id)
                .await
                .map(Event)
                .map_err(Into::into),
        )
    }

    /// The organization's events, newest first. `first` or `last` at most 100; 20 when neither is given.
    #[graphql(complexity = "list::connection_cost(first, last, child_complexity)")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<EventWhereInput>,
        #[graphql(desc = "How many from the newest.")] first: Option<i32>,
        #[graphql(desc = "Only older than this place.")] after: Option<String>,
        #[graphql(desc = "How many from the oldest.")] last: Option<i32>,
        #[graphql(desc = "Only newer than this place.")] before: Option<String>,
    ) -> Result<EventConnection> {
        let span = Page::new(first, after.as_deref(), last, before.as_deref())?.keyed();
        ctx.spend(0)?;
        let slice = events::list(ctx.app(), ctx.actor(), &r#where.unwrap_or_default().read()?, span).await?;
        ctx.spend(slice.rows.iter().map(|row| row.data.len()).sum())?;
        Ok(slice.map(Event).into())
    }

    /// The request that a webhook would get for an event or a sample: built and signed, not sent.
    async fn preview_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "For whom and of what.")] data: PreviewRequestInput,
    ) -> Result<PreparedRequest> {
        let event = data.event.as_ref().map(|event| event.id.as_str());
        let prepared = notifications::preview(ctx.app(), ctx.actor(), &data.webhook.id, event, data.topic).await?;
        Ok(PreparedRequest {
            method: "POST".into(),
            url: prepared.url,
            headers: Json::stored(&prepared.headers)?,
            body: String::from_utf8_lossy(&prepared.body).into_owned(),
        })
    }
}
