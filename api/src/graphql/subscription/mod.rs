//! The subscriptions: core's feed as streams of edges, whatever carries them.
//!
//! A subscription runs through the library twice. It *begins* once: its arguments are read and its [`source`] is handed
//! over. Then each row is *rendered*, by the executions of a [shared subscription](shared): all subscribers who would
//! be told the same bytes have one, so that a thousand subscribers to one thing cost one execution and a copy of its
//! bytes each. The rows that a subscriber gets are still decided for each by itself, in core. [`subscriber`] puts the
//! two together.

pub mod cache;
pub mod key;
pub mod shared;
pub mod source;
pub mod subscriber;

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

/// The subscriptions of the API.
#[derive(Clone, Copy, Default)]
pub struct Subscription;

/// The subscriptions of the API, over WebSocket on `/graphql` (graphql-transport-ws), or as server-sent events on
/// `/graphql/stream` (graphql-sse, distinct connections mode).
#[Root]
impl Subscription {
    /// Every change of the organization's notifications, as it happens. With `after`, the stream first replays the
    /// changes since that cursor, each notification once and in its current state, and continues live without a gap or
    /// a repeat.
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects rows by their state after the change.")] r#where: Option<NotificationWhereInput>,
        #[graphql(
            desc = "The cursor of a notification: the changes since then come first. Only new ones when absent."
        )]
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

    /// The organization's events, as they happen. With `after`, the stream first replays the events since that cursor,
    /// and continues live without a gap or a repeat.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the events to return.")] r#where: Option<EventWhereInput>,
        #[graphql(desc = "The cursor of an event: the events after it come first. Only new ones when absent.")]
        after: Option<String>,
    ) -> Result<BoxStream<'static, Result<Edge<Event>>>> {
        let begin = async {
            let place = place(after.as_deref())?;
            let filter = r#where.unwrap_or_default().read()?;
            let rows = live::events(ctx.app(), ctx.actor(), filter, place).await?;
            Ok((Source::Events(rows), place))
        };
        feed(ctx, begin, Row::event).await
    }

    /// Connects a listener to a webhook that `createListener` created: receives the requests of its notifications, each
    /// to be answered by `answerDelivery`. A webhook has one listener at a time: a later one replaces it, and the
    /// earlier stream ends with RESOURCE_CONFLICT. When the webhook is removed or revoked, the stream ends with
    /// OPERATION_NOT_ALLOWED. Deliveries that are unanswered at the end are failed attempts; all others wait up to five
    /// minutes for the next listener.
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the webhook of a listener that the same user created.")] r#where: WhereUniqueInput,
    ) -> Result<BoxStream<'static, Result<Delivery>>> {
        let begin = async {
            let attached = listeners::attach(ctx.app(), ctx.actor(), &r#where.id).await?;
            Ok((Source::Deliveries(attached), None))
        };
        feed(ctx, begin, Row::delivery).await
    }

    /// Changes of tasks, each in the state after the change; a deletion is one more change, with `deleted` true.
    /// Nothing is replayed.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects rows by their state after the change.")] r#where: Option<TaskWhereInput>,
    ) -> Result<BoxStream<'static, Result<Task>>> {
        let begin = async {
            let rows = live::tasks(ctx.app(), ctx.actor(), r#where.unwrap_or_default().read()?)?;
            Ok((Source::Tasks(rows), None))
        };
        feed(ctx, begin, Row::task).await
    }

    /// The progress of a replay: its current state, and one after each step. Completes when the replay has finished.
    async fn replay(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the replay by id.")] r#where: WhereUniqueInput,
    ) -> Result<BoxStream<'static, Result<Replay>>> {
        let begin = async {
            let rows = live::replay(ctx.app(), ctx.actor(), &r#where.id).await?;
            Ok((Source::Replay(rows), None))
        };
        feed(ctx, begin, Row::replay).await
    }
}

fn place(after: Option<&str>) -> Result<Option<live::Position>> {
    let cursor = after.map(|text| Cursor::decode("after", text)).transpose()?;
    Ok(cursor.map(|Cursor { key, id }| live::Position { sequence: key, id }))
}
