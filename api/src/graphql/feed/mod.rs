//! The subscriptions: core's feed as streams of edges. [`super::ws`] and [`super::sse`] carry them.
//!
//! A subscription runs through the library twice. It *begins* once: its arguments are read and its [`source`] is handed
//! over. Then each row is *shown*: rows are resolved by the lanes of a [`class`], which all subscribers share who would be
//! shown the same, so that a thousand subscribers to one thing cost one execution and a copy of its bytes each. What a
//! subscriber gets at all is still decided for each by itself, in core. [`listener`] puts the two together.

pub mod class;
pub mod key;
pub mod listener;
pub mod shelf;
pub mod source;

use async_graphql::futures_util::stream::BoxStream;
use async_graphql::{Context, Subscription as Root};
use labelhook_core::{listener as listeners, live};

use self::source::{Row, Source, feed};
use super::{
    connection::Edge,
    context::ContextExt,
    error::Result,
    event::{Event, EventWhereInput},
    input::WhereUniqueInput,
    list::Cursor,
    listener::Delivery,
    notification::{Notification, NotificationWhereInput},
    replay::Replay,
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
        let begin = async {
            let place = place(after.as_deref())?;
            let filter = r#where.unwrap_or_default().read()?;
            let rows = live::notifications(ctx.app(), ctx.actor(), filter, place).await?;
            Ok((Source::Notifications(rows), place))
        };
        feed(ctx, begin, Row::notification).await
    }

    /// The organization's events, as they happen. `after` first replays those since then, and goes over to live without a
    /// gap or a repeat.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<EventWhereInput>,
        #[graphql(desc = "The cursor of an event: those after it. From now on when absent.")] after: Option<String>,
    ) -> Result<BoxStream<'static, Result<Edge<Event>>>> {
        let begin = async {
            let place = place(after.as_deref())?;
            let filter = r#where.unwrap_or_default().read()?;
            let rows = live::events(ctx.app(), ctx.actor(), filter, place).await?;
            Ok((Source::Events(rows), place))
        };
        feed(ctx, begin, Row::event).await
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
        let begin = async {
            let attached = listeners::attach(ctx.app(), ctx.actor(), &r#where.id).await?;
            Ok((Source::Deliveries(attached), None))
        };
        feed(ctx, begin, Row::delivery).await
    }

    /// Tasks that change, as they are after it; one that is gone is told once more, as `deleted`. Nothing is replayed.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones, as they are after the change.")] r#where: Option<TaskWhereInput>,
    ) -> Result<BoxStream<'static, Result<Task>>> {
        let begin = async {
            let rows = live::tasks(ctx.app(), ctx.actor(), r#where.unwrap_or_default().read()?)?;
            Ok((Source::Tasks(rows), None))
        };
        feed(ctx, begin, Row::task).await
    }

    /// How far a replay has come: as it is now, and after each step. Completes when it is over.
    async fn replay(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Result<BoxStream<'static, Result<Replay>>> {
        let begin = async {
            let rows = live::replay(ctx.app(), ctx.actor(), &r#where.id).await?;
            Ok((Source::Replay(rows), None))
        };
        feed(ctx, begin, Row::replay).await
    }
}

fn place(after: Option<&str>) -> Result<Option<live::Place>> {
    let cursor = after.map(|text| Cursor::decode("after", text)).transpose()?;
    Ok(cursor.map(|Cursor { key, id }| live::Place { sequence: key, id }))
}
