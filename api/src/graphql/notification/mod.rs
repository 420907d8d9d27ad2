//! Notification: type, queries, and the mutations that control deliveries.
//!
//! Resolvers only: each parses its input, calls one verb of [`labelhook_core::notification`] and wraps the result.
//! [`super`] merges the queries and mutations into the schema. Nothing here may read the database or decide anything.

mod attempt;
mod input;
mod page;
mod stats;

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::{NotificationStatus, StatsBucket, Timestamp, WaitReason, WebhookId, attempt as attempts, notification};
use labelhook_core::{
    notification as notifications,
    notification::{Filter, waiting},
    page::End,
};

pub use self::attempt::Attempt;
pub use self::input::{NotificationOrderByInput, NotificationWhereInput, TriggerEventInput};
pub use self::page::{NotificationConnection, connection};
pub use self::stats::{NotificationStats, stats};
use super::{
    context::ContextExt,
    error::Result,
    event::Event,
    input::WhereUniqueInput,
    list::{OffsetPage, PageArguments},
    log_loader,
    task::Task,
    webhook::Webhook,
    work_loader,
    workflow::Stage,
};

/// One event for one webhook: its delivery status, and all requests for it.
pub struct Notification(pub notification::Model);

/// One event for one webhook: its delivery status, and all requests for it.
#[Object]
impl Notification {
    /// The id of the notification: the delivery id header (`X-Labelbox-Id`). A redelivery is a new notification with a
    /// new id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The event that the notification reports.
    async fn event(&self, ctx: &Context<'_>) -> Result<Event> {
        log_loader::event(ctx, self.0.event_id).await
    }

    /// The webhook that it is sent to.
    async fn webhook(&self, ctx: &Context<'_>) -> Result<Webhook> {
        log_loader::webhook(ctx, self.0.webhook_id).await
    }

    /// The task that it was sent for; null for a registered webhook.
    async fn task(&self, ctx: &Context<'_>) -> Option<Result<Task>> {
        work_loader::task(ctx, self.0.task_id?).await
    }

    /// The webhook stage that it was sent for; null for a registered webhook.
    async fn stage(&self, ctx: &Context<'_>) -> Option<Result<Stage>> {
        Some(work_loader::stage(ctx, self.0.stage_id?).await)
    }

    /// The status of the notification.
    async fn status(&self) -> NotificationStatus {
        self.0.status
    }

    /// The number of requests so far.
    async fn attempt_count(&self) -> i32 {
        self.0.attempt_count
    }

    /// The time at which the next request is due, not before an open circuit breaker lets one through; null while a
    /// request is in flight, while an earlier notification must finish first (`ordering`), and when it is finished.
    async fn next_attempt_at(&self, ctx: &Context<'_>) -> Option<Timestamp> {
        waiting::wait_until(ctx.app(), &self.0)
    }

    /// The reason why the next request waits; null while a request is in flight and when it is finished.
    async fn wait_reason(&self, ctx: &Context<'_>) -> Result<Option<WaitReason>> {
        if !waiting::waits(&self.0) {
            return Ok(None);
        }
        let webhook = log_loader::webhook(ctx, self.0.webhook_id).await?;
        Ok(waiting::wait_reason(ctx.app(), &self.0, &webhook.0))
    }

    /// The notification whose bytes it sends again; null for an original.
    async fn redelivery_of(&self, ctx: &Context<'_>) -> Option<Result<Self>> {
        let id = self.0.redelivery_of?.to_string();
        Some(
            notifications::get(ctx.app(), ctx.actor(), &id)
                .await
                .map(Self)
                .map_err(Into::into),
        )
    }

    /// The time at which the notification was created: with its event, or by a redelivery.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// The time at which the notification was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// The attempts: every request and its response, oldest first.
    #[graphql(complexity = "super::list::cost(Some(10), child_complexity)")]
    async fn attempts(&self, ctx: &Context<'_>) -> Result<Vec<Attempt>> {
        let rows = log_loader::attempts(ctx, self.0.id).await?;
        let bodies = rows.iter().filter_map(|row| row.response_body.as_ref());
        ctx.spend(bodies.map(Vec::len).sum())?;
        let payload_id = self.0.payload_id;
        Ok(rows.into_iter().map(|row| Attempt { row, payload_id }).collect())
    }

    /// A log line `[Date][Status] external_id`. The date has ISO 8601 form; the status is the HTTP status, or the kind
    /// of error, or the notification's own status before there is either.
    async fn log_line(&self) -> String {
        notifications::log_line(&self.0)
    }

    /// The payload that is sent, in an object of its own as in Labelbox's API.
    async fn webhook_notification_payload(&self, ctx: &Context<'_>) -> Result<WebhookNotificationPayload> {
        Ok(WebhookNotificationPayload {
            request_body: log_loader::body(ctx, self.0.payload_id).await?,
        })
    }

    /// The headers of the newest request: a JSON object as text, with secrets and tokens masked.
    async fn request_headers(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        self.newest(ctx, |row| Some(row.request_headers)).await
    }

    /// The headers of the newest response: a JSON object as text.
    async fn response_headers(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        self.newest(ctx, |row| row.response_headers).await
    }

    /// The first 64 KiB of the body of the newest response; bytes that are not UTF-8 are replaced.
    async fn response_body(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        self.newest(ctx, |row| row.response_body.map(|body| attempt::text(&body)))
            .await
    }

    /// The HTTP status of the newest response.
    async fn response_code(&self) -> Option<i32> {
        self.0.response_code
    }
}

impl Notification {
    /// Returns a value of the newest attempt, if there is one.
    async fn newest<T>(&self, ctx: &Context<'_>, of: impl FnOnce(attempts::Model) -> Option<T>) -> Option<Result<T>> {
        match log_loader::attempts(ctx, self.0.id).await {
            Ok(mut rows) => rows.pop().and_then(of).map(Ok),
            Err(error) => Some(Err(error)),
        }
    }
}

/// The payload of a notification.
#[derive(SimpleObject)]
pub struct WebhookNotificationPayload {
    /// The body of the request: the exact bytes that are sent and signed.
    request_body: String,
}

/// Loads a webhook's notifications as a plain list.
pub async fn of_webhook(
    ctx: &Context<'_>,
    id: WebhookId,
    r#where: Option<NotificationWhereInput>,
    order_by: Option<NotificationOrderByInput>,
    slice: OffsetPage,
) -> Result<Vec<Notification>> {
    let filter = Filter {
        webhook_ids: Some(vec![id]),
        ..r#where.unwrap_or_default().read()?
    };
    let from = if order_by == Some(NotificationOrderByInput::CreatedAtAsc) {
        End::Last
    } else {
        End::First
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
        #[graphql(desc = "Selects the notification by id.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Notification>> {
        Some(
            notifications::get(ctx.app(), ctx.actor(), &r#where.id)
                .await
                .map(Notification)
                .map_err(Into::into),
        )
    }

    /// The organization's notifications, newest first: the delivery log. `first` or `last` is at most 100; 20 when
    /// neither is given.
    #[graphql(complexity = "super::list::connection_cost(first, last, child_complexity)")]
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the notifications to return.")] r#where: Option<NotificationWhereInput>,
        #[graphql(desc = "The number of rows to return, counted from the newest.")] first: Option<i32>,
        #[graphql(desc = "A cursor: only rows older than it are returned.")] after: Option<String>,
        #[graphql(desc = "The number of rows to return, counted from the oldest.")] last: Option<i32>,
        #[graphql(desc = "A cursor: only rows newer than it are returned.")] before: Option<String>,
    ) -> Result<NotificationConnection> {
        let page = PageArguments::new(first, after.as_deref(), last, before.as_deref())?;
        connection(ctx, r#where.unwrap_or_default().read()?, page).await
    }

    /// Statistics of deliveries, in whole hours or days. They can be filtered by `webhookIds`, `projectIds`, `topics`
    /// and a period from `createdAt_gte` (when absent, 24 hours ago, or 30 days ago with the bucket DAY) to
    /// `createdAt_lt` (now when absent). The cost grows with the period, not with the size of the log.
    #[graphql(complexity = "super::list::cost(Some(10), child_complexity)")]
    async fn notification_stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the notifications to return.")] r#where: Option<NotificationWhereInput>,
        #[graphql(
            desc = "The bucket of the series, which has at most 1,000; when absent, HOUR up to 48 hours, else DAY."
        )]
        bucket: Option<StatsBucket>,
    ) -> Result<NotificationStats> {
        stats(ctx, &r#where.unwrap_or_default().read()?, bucket).await
    }
}

/// Mutations of notifications.
#[derive(Default)]
pub struct NotificationMutation;

/// Mutations of notifications.
#[Object]
impl NotificationMutation {
    /// Sends the bytes of a notification again, as a new notification of the same event. The webhook must be ACTIVE.
    async fn redeliver_notification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the notification by id.")] r#where: WhereUniqueInput,
    ) -> Result<Notification> {
        Ok(Notification(
            notifications::redeliver(ctx.app(), ctx.actor(), &r#where.id).await?,
        ))
    }

    /// Cancels a notification that is not delivered yet; RESOURCE_CONFLICT when it is finished. A request that is in
    /// flight is still recorded.
    async fn cancel_notification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the notification by id.")] r#where: WhereUniqueInput,
    ) -> Result<Notification> {
        Ok(Notification(
            notifications::cancel(ctx.app(), ctx.actor(), &r#where.id).await?,
        ))
    }

    /// Sends a PING event to a webhook now and waits for the outcome of its first attempt, at most the webhook's
    /// `timeoutMs` plus two seconds.
    async fn ping_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the webhook by id; it must be ACTIVE.")] r#where: WhereUniqueInput,
    ) -> Result<Notification> {
        Ok(Notification(
            notifications::ping(ctx.app(), ctx.actor(), &r#where.id).await?,
        ))
    }

    /// Sends a sample event of a topic with invented data, as a test: to every listener that the API key has access to,
    /// or to one webhook. Subscribed topics and filters are ignored. Returns the notifications immediately, before
    /// their first attempt.
    async fn trigger_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The topic of the sample, and its recipients.")] data: TriggerEventInput,
    ) -> Result<Vec<Notification>> {
        let sent = notifications::trigger(ctx.app(), ctx.actor(), data.into()).await?;
        Ok(sent.into_iter().map(Notification).collect())
    }
}
