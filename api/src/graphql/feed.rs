//! The subscriptions: core's feed as streams of edges. [`super::ws`] and [`super::sse`] carry them.

use std::sync::Arc;

use async_graphql::Context;
use async_graphql::futures_util::stream::{BoxStream, StreamExt, unfold};
use async_graphql::{OutputType, Subscription as Root};
use labelhook_core::live::{self, Ended};

use super::{
    connection::{Edge, Place},
    context::ContextExt,
    error::{ApiError, Code, Result},
    event::{Event, EventWhereInput},
    input::WhereUniqueInput,
    list::Cursor,
    listener::Delivery,
    notification::{Notification, NotificationWhereInput},
    task::{Task, TaskWhereInput},
};

/// What can be listened to.
#[derive(Clone, Copy, Default)]
pub struct Subscription;

/// What can be listened to: over WebSocket on `/graphql` (graphql-transport-ws), or as server-sent events on
/// `/graphql/stream` (graphql-sse, distinct connections).
#[Root]
impl Subscription {
    /// Every change of the organization's notifications, as it happens. `after` first replays what has changed since then,
    /// each notification once and as it is now, and goes over to live without a gap or a repeat.
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones, as they are after the change.")] r#where: Option<NotificationWhereInput>,
        #[graphql(desc = "The cursor of a notification: what has changed since. From now on when absent.")]
        after: Option<String>,
    ) -> Result<BoxStream<'static, Result<Edge<Notification>>>> {
        let (filter, place) = (r#where.unwrap_or_default().read()?, place(after.as_deref())?);
        let feed = live::notifications(ctx.app(), ctx.actor(), filter, place).await?;
        Ok(edges(feed, after, |change| Notification(change.row.clone())))
    }

    /// The organization's events, as they happen. `after` first replays those since then, and goes over to live without a
    /// gap or a repeat.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<EventWhereInput>,
        #[graphql(desc = "The cursor of an event: those after it. From now on when absent.")] after: Option<String>,
    ) -> Result<BoxStream<'static, Result<Edge<Event>>>> {
        let (filter, place) = (r#where.unwrap_or_default().read()?, place(after.as_deref())?);
        let feed = live::events(ctx.app(), ctx.actor(), filter, place).await?;
        Ok(edges(feed, after, |row| Event(row.clone())))
    }

    /// Listens to a webhook that `createListener` made: the requests that its notifications make, each to be answered by
    /// `answerDelivery`. A webhook has one listener at a time: one that comes later takes its place, and this one ends with
    /// RESOURCE_CONFLICT; when the webhook is removed or revoked it ends with OPERATION_NOT_ALLOWED. What was told and not
    /// answered when it ends is an attempt that failed; everything else waits for the next listener, five minutes long.
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which webhook: of a listener that the same user made.")] r#where: WhereUniqueInput,
    ) -> Result<BoxStream<'static, Result<Delivery>>> {
        super::listener::deliveries(ctx, &r#where.id).await
    }

    /// Tasks that change, as they are after it. Nothing is replayed.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones, as they are after the change.")] r#where: Option<TaskWhereInput>,
    ) -> Result<BoxStream<'static, Result<Task>>> {
        let feed = live::tasks(ctx.app(), ctx.actor(), r#where.unwrap_or_default().read()?)?;
        let tasks = unfold(Some(feed), async |feed| {
            let mut feed = feed?;
            match feed.next().await {
                Ok(change) => Some((Ok(Task(change.row.clone())), Some(feed))),
                Err(why) => Some((Err(ended(why, None)), None)),
            }
        });
        Ok(tasks.boxed())
    }
}

fn place(after: Option<&str>) -> Result<Option<live::Place>> {
    let cursor = after.map(|text| Cursor::decode("after", text)).transpose()?;
    Ok(cursor.map(|Cursor { key, id }| live::Place { sequence: key, id }))
}

/// Rows of the feed as edges. The last one that was told is where to go on when the stream ends.
fn edges<T, N>(
    feed: live::Subscription<T>,
    last: Option<String>,
    node: fn(&T) -> N,
) -> BoxStream<'static, Result<Edge<N>>>
where
    T: Send + Sync + 'static,
    N: OutputType + Place + Send + 'static,
{
    let edges = unfold(Some((feed, last)), move |state| async move {
        let (mut feed, last) = state?;
        match feed.next().await {
            Ok(row) => {
                let node = Arc::new(node(&row));
                let last = Some(node.place().encode());
                Some((Ok(Edge::new(node)), Some((feed, last))))
            }
            Err(why) => Some((Err(ended(why, last)), None)),
        }
    });
    edges.boxed()
}

fn ended(why: Ended, last: Option<String>) -> ApiError {
    match why {
        Ended::TooSlow => {
            let message = "more has happened than is kept for a subscriber that does not read; go on from the cursor";
            ApiError::new(Code::TooSlow, message).from_cursor(last)
        }
        Ended::Failed(error) => ApiError::from(error).from_cursor(last),
    }
}
