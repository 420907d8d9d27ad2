//! Connections: pages of lists that grow without end, with cursors. One generic type serves every noun; a noun says what
//! its [`Place`] is.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{Object, OutputType, SimpleObject, TypeName};
use labelhook_core::page::{Slice, Stop};

use super::list::Cursor;

/// A row that knows its place in its list.
pub trait Place {
    /// Where it stands.
    fn place(&self) -> Cursor;
}

/// A page of a list, newest first.
pub struct Connection<N>(Slice<Arc<N>>);

/// A page of a list, newest first.
#[Object(name_type)]
impl<N: OutputType + Place> Connection<N> {
    /// The rows with their places.
    async fn edges(&self) -> Vec<Edge<N>> {
        self.0.rows.iter().map(|node| Edge::new(Arc::clone(node))).collect()
    }

    /// The rows alone.
    async fn nodes(&self) -> Vec<&N> {
        self.0.rows.iter().map(AsRef::as_ref).collect()
    }

    /// Where the page stands.
    async fn page_info(&self) -> PageInfo {
        let cursor = |node: &Arc<N>| node.place().encode();
        let (newer, older) = match &self.0.stop {
            None => (None, None),
            Some(Stop::Newer(node)) => (Some(node), None),
            Some(Stop::Older(node)) => (None, Some(node)),
        };
        PageInfo {
            has_next_page: self.0.has_next,
            has_previous_page: self.0.has_previous,
            start_cursor: newer.or(self.0.rows.first()).map(cursor),
            end_cursor: older.or(self.0.rows.last()).map(cursor),
        }
    }
}

impl<N> From<Slice<N>> for Connection<N> {
    fn from(slice: Slice<N>) -> Self {
        Self(slice.map(Arc::new))
    }
}

impl<N: OutputType + Place> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", <N as OutputType>::type_name()).into()
    }
}

/// A row in a page, with its place.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub struct Edge<N: OutputType> {
    /// Its place in the list, for `after` and `before`.
    pub(super) cursor: String,
    /// The row.
    node: Arc<N>,
}

impl<N: OutputType + Place> Edge<N> {
    /// A row with the place that it knows.
    pub fn new(node: Arc<N>) -> Self {
        Self {
            cursor: node.place().encode(),
            node,
        }
    }
}

impl<N: OutputType> TypeName for Edge<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", <N as OutputType>::type_name()).into()
    }
}

/// Where a page stands in its list. A page of a filter that matches little may hold fewer rows than it has room for, or
/// none, and say that more follow: the looking ended before it was full, and goes on at the cursor.
#[derive(SimpleObject)]
pub struct PageInfo {
    /// Whether older rows follow, or may.
    has_next_page: bool,
    /// Whether newer rows come before, or may.
    has_previous_page: bool,
    /// Where the page begins: the first row's place, or the one where the looking ended; null for an empty list.
    start_cursor: Option<String>,
    /// Where the page ends: the last row's place, or the one where the looking ended; null for an empty list.
    end_cursor: Option<String>,
}
