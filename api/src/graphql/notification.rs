//! Notification and Attempt: types, filters, queries, and the mutations that steer deliveries.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use entity::{
    AttemptErrorKind, NotificationId, NotificationStatus, PayloadId, Timestamp, WebhookId, WebhookTopic, attempt,
    notification,
};
use labelhook_core::notification::{self as notifications, Edge, Filter, Span};
use uuid::Uuid;

use super::{
    context::ContextExt,
    error::Result,
    event::Event,
    input::WhereUniqueInput,
    json::Json,
    list::{Cursor, End, Page, Slice},
    log_loader,
    webhook::Webhook,
};

/// One event for one webhook: where it is on its way, and every request that was made for it.
#[derive(Clone)]
pub struct Notification(pub notification::Model);

/// One event for one webhook: where it is on its way, and every request that was made for it.
#[Object]
impl Notification {
    /// Its id: the delivery id header (`X-Labelbox-Id`). A redelivery is a new notification with a new id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What it tells of.
    async fn event(&self, ctx: &Context<'_>) -> Result<Event> {
        log_loader::event(ctx, self.0.event_id).await
    }

    /// To whom it goes.
    async fn webhook(&self, ctx: &Context<'_>) -> Result<Webhook> {
        log_loader::webhook(ctx, self.0.webhook_id).await
    }

    /// Where it is.
    async fn status(&self) -> NotificationStatus {
        self.0.status
    }

    /// Requests made so far.
    async fn attempt_count(&self) -> i32 {
        self.0.attempt_count
    }

    /// When the next request is due; null while one is being made and when it is over.
    async fn next_attempt_at(&self) -> Option<Timestamp> {
        self.0.due_at
    }

    /// The notification whose bytes it sends again.
    async fn redelivery_of(&self, ctx: &Context<'_>) -> Option<Result<Self>> {
        let id = self.0.redelivery_of?.to_string();
        Some(
            notifications::get(ctx.app(), ctx.actor(), &id)
                .await
                .map(Self)
                .map_err(Into::into),
        )
    }

    /// When it was made: with its event, or when it was redelivered.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// Every request and what came back, oldest first.
    #[graphql(complexity = "super::list::cost(Some(10), child_complexity)")]
    async fn attempts(&self, ctx: &Context<'_>) -> Result<Vec<Attempt>> {
        let rows = log_loader::attempts(ctx, self.0.id).await?;
        let bodies = rows.iter().filter_map(|row| row.response_body.as_ref());
        ctx.spend(bodies.map(Vec::len).sum())?;
        let payload_id = self.0.payload_id;
        Ok(rows.into_iter().map(|row| Attempt { row, payload_id }).collect())
    }

    /// `[Date][Status] external_id`: date in ISO form; HTTP status, kind of error, or its own status before there is
    /// either.
    async fn log_line(&self) -> String {
        notifications::log_line(&self.0)
    }

    /// What is sent, in an object of its own as Labelbox has it.
    async fn webhook_notification_payload(&self, ctx: &Context<'_>) -> Result<WebhookNotificationPayload> {
        Ok(WebhookNotificationPayload {
            request_body: log_loader::body(ctx, self.0.payload_id).await?,
        })
    }

    /// Headers of the newest request: a JSON object as text, secrets and tokens masked.
    async fn request_headers(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        self.newest(ctx, |row| Some(row.request_headers)).await
    }

    /// Headers of the newest answer: a JSON object as text.
    async fn response_headers(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        self.newest(ctx, |row| row.response_headers).await
    }

    /// Body of the newest answer, its first 64 KiB; bytes that are not UTF-8 are replaced.
    async fn response_body(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        self.newest(ctx, |row| row.response_body.map(|body| text(&body))).await
    }

    /// HTTP status of the newest answer.
    async fn response_code(&self) -> Option<i32> {
        self.0.response_code
    }
}

impl Notification {
    /// A value of the newest attempt, if there is one.
    async fn newest<T>(&self, ctx: &Context<'_>, of: impl FnOnce(attempt::Model) -> Option<T>) -> Option<Result<T>> {
        match log_loader::attempts(ctx, self.0.id).await {
            Ok(mut rows) => rows.pop().and_then(of).map(Ok),
            Err(error) => Some(Err(error)),
        }
    }
}

/// What a notification sends.
#[derive(SimpleObject)]
pub struct WebhookNotificationPayload {
    /// The request's body: the exact bytes that are sent and signed.
    request_body: String,
}

/// One request and what came back.
pub struct Attempt {
    row: attempt::Model,
    payload_id: PayloadId,
}

/// One request and what came back.
#[Object]
impl Attempt {
    /// 1 for the first request.
    async fn number(&self) -> i32 {
        self.row.number
    }

    /// When it started.
    async fn started_at(&self) -> Timestamp {
        self.row.started_at
    }

    /// Milliseconds until its outcome.
    async fn duration_ms(&self) -> i32 {
        self.row.duration_ms
    }

    /// What was sent.
    async fn request(&self) -> RecordedRequest<'_> {
        RecordedRequest(self)
    }

    /// What the receiver answered; null when no answer came.
    async fn response(&self) -> Option<RecordedResponse<'_>> {
        self.row
            .response_status
            .map(|status| RecordedResponse { status, row: &self.row })
    }

    /// Why there was no usable answer; null when there was one.
    async fn error(&self) -> Option<AttemptError> {
        let message = self.row.error_message.clone().unwrap_or_default();
        self.row.error.map(|kind| AttemptError { kind, message })
    }
}

/// A request as it was sent, secrets and tokens masked.
pub struct RecordedRequest<'a>(&'a Attempt);

/// A request as it was sent, secrets and tokens masked.
#[Object]
impl RecordedRequest<'_> {
    /// Always POST.
    async fn method(&self) -> &'static str {
        "POST"
    }

    /// Where it went.
    async fn url(&self) -> &str {
        &self.0.row.url
    }

    /// Its headers: an object of strings. The `Authorization` header and custom values are masked.
    async fn headers(&self) -> Result<Json> {
        Json::stored(&self.0.row.request_headers)
    }

    /// Its body: the exact bytes that were sent and signed.
    async fn body(&self, ctx: &Context<'_>) -> Result<String> {
        log_loader::body(ctx, self.0.payload_id).await
    }
}

/// An answer as it came.
pub struct RecordedResponse<'a> {
    status: i32,
    row: &'a attempt::Model,
}

/// An answer as it came.
#[Object]
impl RecordedResponse<'_> {
    /// HTTP status.
    async fn status(&self) -> i32 {
        self.status
    }

    /// Its headers: an object of strings, 16 KiB at most.
    async fn headers(&self) -> Result<Json> {
        Json::stored(self.row.response_headers.as_deref().unwrap_or("{}"))
    }

    /// The first 64 KiB of its body, never decompressed; bytes that are not UTF-8 are replaced.
    async fn body(&self) -> String {
        text(self.row.response_body.as_deref().unwrap_or_default())
    }

    /// Whether there was more of the body than is kept.
    async fn body_truncated(&self) -> bool {
        self.row.body_truncated
    }
}

/// Why an attempt got no usable answer.
#[derive(SimpleObject)]
pub struct AttemptError {
    /// The kind, to branch on.
    kind: AttemptErrorKind,
    /// The same in words, for people.
    message: String,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Which notifications: all that is given must hold. A list means "one of"; an id that nothing has matches nothing.
#[derive(InputObject, Default)]
pub struct NotificationWhereInput {
    /// Ids of notifications.
    ids: Option<Vec<ID>>,
    /// Ids of webhooks.
    webhook_ids: Option<Vec<ID>>,
    /// Ids of the events' projects.
    project_ids: Option<Vec<ID>>,
    /// Ids of events.
    event_ids: Option<Vec<ID>>,
    /// Topics.
    topics: Option<Vec<WebhookTopic>>,
    /// Statuses.
    statuses: Option<Vec<NotificationStatus>>,
    /// HTTP statuses of the newest answer.
    response_codes: Option<Vec<i32>>,
    /// The data row's external id.
    external_id: Option<String>,
    /// Made at this moment or later.
    #[graphql(name = "createdAt_gte")]
    created_at_gte: Option<Timestamp>,
    /// Made before this moment.
    #[graphql(name = "createdAt_lt")]
    created_at_lt: Option<Timestamp>,
}

impl NotificationWhereInput {
    fn unwrap(self) -> Result<Filter> {
        Ok(Filter {
            ids: ids("where.ids", self.ids)?,
            webhook_ids: ids("where.webhookIds", self.webhook_ids)?,
            project_ids: ids("where.projectIds", self.project_ids)?,
            event_ids: ids("where.eventIds", self.event_ids)?,
            topics: bounded("where.topics", self.topics)?,
            statuses: bounded("where.statuses", self.statuses)?,
            response_codes: bounded("where.responseCodes", self.response_codes)?,
            external_id: self.external_id,
            created_from: self.created_at_gte,
            created_before: self.created_at_lt,
        })
    }
}

/// Values in one list of a filter at most.
const VALUES: usize = 100;

fn bounded<T>(field: &str, values: Option<Vec<T>>) -> Result<Option<Vec<T>>> {
    match values {
        Some(values) if values.len() > VALUES => Err(super::error::ApiError::invalid(
            field,
            format!("must have at most {VALUES} values"),
        )),
        values => Ok(values),
    }
}

/// Ids that nothing can have are left out: they match nothing, as unknown ones do.
fn ids<T: From<Uuid>>(field: &str, values: Option<Vec<ID>>) -> Result<Option<Vec<T>>> {
    let values = bounded(field, values)?;
    Ok(values.map(|values| values.iter().filter_map(|id| id.parse().ok().map(Uuid::into)).collect()))
}

/// The order of a plain list of notifications.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
pub enum NotificationOrderByInput {
    /// Oldest first.
    #[graphql(name = "createdAt_ASC")]
    CreatedAtAsc,
    /// Newest first.
    #[graphql(name = "createdAt_DESC")]
    CreatedAtDesc,
}

/// A notification in a page, with its place.
#[derive(SimpleObject)]
pub struct NotificationEdge {
    /// Its place in the list, for `after` and `before`.
    cursor: String,
    /// The notification.
    node: Notification,
}

/// Where a page stands in its list.
#[derive(SimpleObject)]
pub struct PageInfo {
    /// Whether older rows follow.
    has_next_page: bool,
    /// Whether newer rows come before.
    has_previous_page: bool,
    /// The first row's place; null for an empty page.
    start_cursor: Option<String>,
    /// The last row's place; null for an empty page.
    end_cursor: Option<String>,
}

/// A page of the log, newest first.
#[derive(SimpleObject)]
pub struct NotificationConnection {
    /// The rows with their places.
    edges: Vec<NotificationEdge>,
    /// The rows alone.
    nodes: Vec<Notification>,
    /// Where the page stands.
    page_info: PageInfo,
}

impl From<notifications::Slice> for NotificationConnection {
    fn from(slice: notifications::Slice) -> Self {
        let cursor = |row: &notification::Model| {
            Cursor {
                key: row.created_at.0,
                id: row.id.0,
            }
            .encode()
        };
        let page_info = PageInfo {
            has_next_page: slice.has_next,
            has_previous_page: slice.has_previous,
            start_cursor: slice.rows.first().map(cursor),
            end_cursor: slice.rows.last().map(cursor),
        };
        let edge = |row: &notification::Model| NotificationEdge {
            cursor: cursor(row),
            node: Notification(row.clone()),
        };
        let edges = slice.rows.iter().map(edge).collect();
        Self {
            edges,
            nodes: slice.rows.into_iter().map(Notification).collect(),
            page_info,
        }
    }
}

/// A page of what `filter` matches, for the connections of several types.
pub async fn connection(ctx: &Context<'_>, filter: Filter, page: Page) -> Result<NotificationConnection> {
    let span = Span {
        count: page.limit,
        from: if page.end == End::First {
            Edge::First
        } else {
            Edge::Last
        },
        after: page.after.map(|cursor| NotificationId(cursor.id)),
        before: page.before.map(|cursor| NotificationId(cursor.id)),
    };
    Ok(notifications::list(ctx.app(), ctx.actor(), &filter, span).await?.into())
}

/// A webhook's notifications as a plain list.
pub async fn of_webhook(
    ctx: &Context<'_>,
    id: WebhookId,
    r#where: Option<NotificationWhereInput>,
    order_by: Option<NotificationOrderByInput>,
    slice: Slice,
) -> Result<Vec<Notification>> {
    let filter = Filter {
        webhook_ids: Some(vec![id]),
        ..r#where.unwrap_or_default().unwrap()?
    };
    let from = if order_by == Some(NotificationOrderByInput::CreatedAtAsc) {
        Edge::Last
    } else {
        Edge::First
    };
    let rows = notifications::numbered(ctx.app(), ctx.actor(), &filter, from, slice.skip, slice.first).await?;
    Ok(rows.into_iter().map(Notification).collect())
}

/// Queries of notifications.
#[derive(Default)]
pub struct NotificationQuery;

/// Queries of notifications.
#[Object]
impl NotificationQuery {
    /// A notification by its id.
    async fn notification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Notification>> {
        Some(
            notifications::get(ctx.app(), ctx.actor(), &r#where.id)
                .await
                .map(Notification)
                .map_err(Into::into),
        )
    }

    /// The organization's log of deliveries, newest first. `first` or `last` at most 100; 20 when neither is given.
    #[graphql(complexity = "super::list::connection_cost(first, last, child_complexity)")]
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<NotificationWhereInput>,
        #[graphql(desc = "How many from the newest.")] first: Option<i32>,
        #[graphql(desc = "Only older than this place.")] after: Option<String>,
        #[graphql(desc = "How many from the oldest.")] last: Option<i32>,
        #[graphql(desc = "Only newer than this place.")] before: Option<String>,
    ) -> Result<NotificationConnection> {
        let page = Page::new(first, after.as_deref(), last, before.as_deref())?;
        connection(ctx, r#where.unwrap_or_default().unwrap()?, page).await
    }
}

/// Mutations of notifications.
#[derive(Default)]
pub struct NotificationMutation;

/// Mutations of notifications.
#[Object]
impl NotificationMutation {
    /// Sends a notification's bytes again, as a new notification of the same event. The webhook must be ACTIVE.
    async fn redeliver_notification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Result<Notification> {
        Ok(Notification(
            notifications::redeliver(ctx.app(), ctx.actor(), &r#where.id).await?,
        ))
    }

    /// Stops a notification that is not delivered yet; RESOURCE_CONFLICT when it is over. A request that is in flight is
    /// still recorded.
    async fn cancel_notification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Result<Notification> {
        Ok(Notification(
            notifications::cancel(ctx.app(), ctx.actor(), &r#where.id).await?,
        ))
    }

    /// Sends a PING event to a webhook now and waits for the outcome of its first attempt, at most the webhook's own
    /// `timeoutMs` and two seconds.
    async fn ping_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which webhook; it must be ACTIVE.")] r#where: WhereUniqueInput,
    ) -> Result<Notification> {
        Ok(Notification(
            notifications::ping(ctx.app(), ctx.actor(), &r#where.id).await?,
        ))
    }
}
