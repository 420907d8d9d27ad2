//! Event: type, queries, and the preview of a request.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::{Timestamp, WebhookTopic, event};
use labelhook_core::{
    event::{self as events, Filter},
    notification as notifications,
};

use super::{
    connection::{Connection, Position},
    context::ContextExt,
    error::Result,
    input::{WhereUniqueInput, bounded, ids},
    json::Json,
    list::{self, Cursor, PageArguments},
    loader,
    notification::{NotificationConnection, connection},
    organization::Organization,
    project::Project,
};

/// A fact that happened, with a snapshot of its data.
pub struct Event(pub event::Model);

/// A fact that happened, with a snapshot of its data.
#[Object]
impl Event {
    /// The id of the event: the `webhook-id` header, the same for every webhook, attempt and redelivery. Receivers can
    /// use it as an idempotency key.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The topic of the event.
    async fn topic(&self) -> WebhookTopic {
        self.0.topic
    }

    /// The organization that owns the event.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(Organization(
            labelhook_core::organization::get(ctx.app(), ctx.actor()).await?,
        ))
    }

    /// The project in which it happened; null for the PING of an organization-wide webhook.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        loader::project(ctx, self.0.project_id?).await
    }

    /// True if the event is a test created by `pingWebhook` or `triggerEvent`: nothing happened, and its data are
    /// invented.
    async fn is_test(&self) -> bool {
        self.0.test || self.0.topic == WebhookTopic::Ping
    }

    /// The time at which it happened.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// The sequence number of the event, a whole number as text. It grows within the organization, with gaps.
    async fn sequence(&self) -> String {
        self.0.sequence.to_string()
    }

    /// The data of the event at that time: `label`, `project`, `dataRow`, `dataset`, `user` and `batches`; for reviews
    /// also `review` and `reviewer`; for moves of tasks also `task`, `from` and `to`. Operational events have
    /// `webhook`, `notification`, `reason` and `counts`.
    async fn data(&self) -> Result<Json> {
        Json::stored(&self.0.data)
    }

    /// The notifications of the event, newest first.
    #[graphql(complexity = "list::connection_cost(first, last, child_complexity)")]
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number of rows to return, counted from the newest.")] first: Option<i32>,
        #[graphql(desc = "A cursor: only rows older than it are returned.")] after: Option<String>,
        #[graphql(desc = "The number of rows to return, counted from the oldest.")] last: Option<i32>,
        #[graphql(desc = "A cursor: only rows newer than it are returned.")] before: Option<String>,
    ) -> Result<NotificationConnection> {
        let page = PageArguments::new(first, after.as_deref(), last, before.as_deref())?;
        let filter = notifications::Filter {
            event_ids: Some(vec![self.0.id]),
            ..notifications::Filter::default()
        };
        connection(ctx, filter, page).await
    }
}

/// A page of events, newest first.
pub type EventConnection = Connection<Event>;

impl Position for Event {
    fn place(&self) -> Cursor {
        Cursor {
            key: self.0.sequence,
            id: self.0.id.0,
        }
    }
}

/// Selects events. All given conditions must hold. A list matches any of its values; an unknown id matches nothing.
#[derive(InputObject, Default)]
pub struct EventWhereInput {
    /// The ids of events.
    ids: Option<Vec<ID>>,
    /// The ids of projects.
    project_ids: Option<Vec<ID>>,
    /// The ids of data rows.
    data_row_ids: Option<Vec<ID>>,
    /// The topics of the events.
    topics: Option<Vec<WebhookTopic>>,
    /// The external id of the data row.
    external_id: Option<String>,
    /// Created at or after this time.
    #[graphql(name = "createdAt_gte")]
    created_at_gte: Option<Timestamp>,
    /// Created before this time.
    #[graphql(name = "createdAt_lt")]
    created_at_lt: Option<Timestamp>,
}

impl EventWhereInput {
    /// Parses the input into the type that `labelhook_core` takes.
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

/// The request to preview: a webhook, and an event or a sample of a topic.
#[derive(InputObject)]
pub struct PreviewRequestInput {
    /// The webhook.
    webhook: WhereUniqueInput,
    /// The event. When absent, a sample is used.
    event: Option<WhereUniqueInput>,
    /// The topic of the sample; when absent, the webhook's first topic. Cannot be combined with `event`.
    topic: Option<WebhookTopic>,
}

/// A request as it would be sent.
#[derive(SimpleObject)]
pub struct PreparedRequest {
    /// The HTTP method: always POST.
    method: String,
    /// The URL of the request.
    url: String,
    /// The headers of the request: an object of strings. The `Authorization` header and custom values are masked.
    headers: Json,
    /// The body of the request.
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
        #[graphql(desc = "Selects the event by id.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Event>> {
        Some(
            events::log::get(ctx.app(), ctx.actor(), &r#where.id)
                .await
                .map(Event)
                .map_err(Into::into),
        )
    }

    /// The organization's events, newest first. `first` or `last` is at most 100; 20 when neither is given.
    #[graphql(complexity = "list::connection_cost(first, last, child_complexity)")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the events to return.")] r#where: Option<EventWhereInput>,
        #[graphql(desc = "The number of rows to return, counted from the newest.")] first: Option<i32>,
        #[graphql(desc = "A cursor: only rows older than it are returned.")] after: Option<String>,
        #[graphql(desc = "The number of rows to return, counted from the oldest.")] last: Option<i32>,
        #[graphql(desc = "A cursor: only rows newer than it are returned.")] before: Option<String>,
    ) -> Result<EventConnection> {
        let span = PageArguments::new(first, after.as_deref(), last, before.as_deref())?.keyed();
        ctx.spend(0)?;
        let slice = events::log::list(ctx.app(), ctx.actor(), &r#where.unwrap_or_default().read()?, span).await?;
        ctx.spend(slice.rows.iter().map(|row| row.data.len()).sum())?;
        Ok(slice.map(Event).into())
    }

    /// Builds and signs the request that a webhook would receive for an event or a sample, without sending it.
    async fn preview_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The webhook, and the event or the topic of the sample.")] data: PreviewRequestInput,
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
