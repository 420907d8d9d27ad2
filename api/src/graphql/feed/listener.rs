//! A subscriber: its own selection of rows, rendered by its shared subscription.

use std::collections::VecDeque;
use std::sync::Arc;

use async_graphql::futures_util::stream::{BoxStream, StreamExt, unfold};
use async_graphql::{PathSegment, Pos, ServerError};
use labelhook_core::live::Ended;

use super::super::error::{ApiError, Code};
use super::super::list::Cursor;
use super::super::translate;
use super::class::Class;
use super::shelf::Shown;
use super::source::{Begun, Row, Source};
use crate::server::RequestId;

/// The maximum number of rows taken at once.
const ROWS: usize = 64;
/// The maximum number of rows rendered concurrently.
const AT_ONCE: usize = 32;

/// A message to a subscriber.
pub enum Told {
    /// Rendered rows, in order.
    Rows(Vec<Shown>),
    /// The errors that end the subscription.
    End(Vec<ServerError>),
}

/// A running subscription.
pub struct Listener {
    source: Source,
    class: Arc<Class>,
    waiting: VecDeque<Row>,
    last: Option<Cursor>,
    over: bool,
    field: Topmost,
    id: RequestId,
}

/// The root field of the subscription, for its errors.
pub struct Topmost {
    /// The name of the field in the response.
    pub name: String,
    /// The position of the field in the document.
    pub at: Pos,
}

impl Listener {
    /// Creates a subscriber over the rows of a started subscription.
    pub fn new(begun: Begun, class: Arc<Class>, field: Topmost, id: RequestId) -> Self {
        Self {
            source: begun.source,
            class,
            waiting: VecDeque::new(),
            last: begun.place,
            over: false,
            field,
            id,
        }
    }

    /// Returns all messages up to the end. When no further row can follow, the stream ends without an error.
    pub fn stream(self) -> BoxStream<'static, Told> {
        let told = unfold(Some(self), async |listener| {
            let mut listener = listener.filter(|listener: &Self| !listener.over)?;
            match listener.some().await {
                Ok(rows) => Some((Told::Rows(rows), Some(listener))),
                Err(why) => Some((Told::End(vec![listener.ended(why)]), None)),
            }
        });
        told.boxed()
    }

    async fn some(&mut self) -> Result<Vec<Shown>, Ended> {
        if self.waiting.is_empty() {
            self.waiting.extend(self.source.some(ROWS).await?);
        }
        let most = self.waiting.len().min(AT_ONCE);
        let rows: Vec<Row> = self.waiting.drain(..most).collect();
        let shown = Box::pin(self.class.show(&rows)).await;
        self.last = rows.last().and_then(Row::place).or(self.last);
        self.over = rows.last().is_some_and(Row::is_last);
        Ok(shown)
    }

    fn ended(&self, why: Ended) -> ServerError {
        let last = self.last.map(Cursor::encode);
        let error = match why {
            Ended::TooSlow => {
                let message =
                    "more has happened than is kept for a subscriber that does not read; go on from the cursor";
                ApiError::new(Code::TooSlow, message).from_cursor(last)
            }
            Ended::Failed(error) => ApiError::from(error).from_cursor(last),
        };
        let mut error = error.at(self.field.at).into_server_error();
        error.path = vec![PathSegment::Field(self.field.name.clone())];
        translate::finish(&mut error, &self.id);
        error
    }
}
