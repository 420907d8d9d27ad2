//! Connections: cursor pagination over lists of unbounded length. One generic type serves every noun, which implements
//! [`Position`] to say where its cursor is.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{Object, OutputType, SimpleObject, TypeName};
use labelhook_core::page::{Page, Stop};

use super::list::Cursor;

/// A row with a cursor.
pub trait Position {
    /// Returns the cursor of the row: its position in the list.
    fn place(&self) -> Cursor;
}

/// A page of a list, newest first.
pub struct Connection<N>(Page<Arc<N>>);

/// A page of a list, newest first.
#[Object(name_type)]
impl<N: OutputType + Position> Connection<N> {
    /// The rows with their cursors.
    async fn edges(&self) -> Vec<Edge<N>> {
        self.0.rows.iter().map(|node| Edge::new(Arc::clone(node))).collect()
    }

    /// The rows without their cursors.
    async fn nodes(&self) -> Vec<&N> {
        self.0.rows.iter().map(AsRef::as_ref).collect()
    }

    /// The position of the page in the list.
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

impl<N> From<Page<N>> for Connection<N> {
    fn from(slice: Page<N>) -> Self {
        Self(slice.map(Arc::new))
    }
}

impl<N: OutputType + Position> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", <N as OutputType>::type_name()).into()
    }
}

/// A row of a page, with its cursor.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub struct Edge<N: OutputType> {
    /// The cursor of the row, for `after` and `before`.
    pub(super) cursor: String,
    /// The row.
    node: Arc<N>,
}

impl<N: OutputType + Position> Edge<N> {
    /// Creates an edge with the row's own cursor.
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

/// The position of a page in its list. When a filter matches few rows, a page may have fewer rows than requested, or
/// none, while more follow: the search stopped at its limit and continues from the cursor.
#[derive(SimpleObject)]
pub struct PageInfo {
    /// True if older rows follow or may follow.
    has_next_page: bool,
    /// True if newer rows precede or may precede.
    has_previous_page: bool,
    /// The cursor of the first row, or of the row at which the search stopped; null for an empty list.
    start_cursor: Option<String>,
    /// The cursor of the last row, or of the row at which the search stopped; null for an empty list.
    end_cursor: Option<String>,
}
