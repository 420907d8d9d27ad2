//! A page of the log as a connection.

use async_graphql::{Context, SimpleObject};
use entity::{NotificationId, notification};
use labelhook_core::{
    notification::{self as notifications, Filter, Span},
    page::Edge,
};

use super::{
    super::{
        context::ContextExt,
        error::Result,
        list::{Cursor, End, Page},
    },
    Notification,
};

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
