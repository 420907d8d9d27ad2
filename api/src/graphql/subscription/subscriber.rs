//! A subscriber: its own rows, rendered once for all who share its subscription.

use std::collections::VecDeque;
use std::sync::Arc;

use async_graphql::futures_util::stream::{BoxStream, StreamExt, unfold};
use async_graphql::{PathSegment, ServerError};
use labelhook_core::live::Ended;

use super::super::error::{ApiError, Code};
use super::super::error_codes;
use super::super::list::Cursor;
use super::super::operation::Topmost;
use super::cache::Rendered;
use super::shared::SharedSubscription;
use super::source::{Begun, Row, Source};
use crate::request_id::RequestId;

/// Rows that are taken at once.
const ROWS_PER_READ: usize = 64;
/// Rows that are rendered at the same time.
const ROWS_PER_RENDER: usize = 32;

/// A message to a subscriber.
pub enum SubscriberMessage {
    /// Changes, in order.
    Rows(Vec<Rendered>),
    /// The errors that end the subscription.
    End(Vec<ServerError>),
}

/// A subscription that has begun.
pub struct Subscriber {
    source: Source,
    shared: Arc<SharedSubscription>,
    waiting: VecDeque<Row>,
    last: Option<Cursor>,
    over: bool,
    field: Topmost,
    id: RequestId,
}

impl Subscriber {
    /// Over the rows of what has begun.
    pub fn new(begun: Begun, shared: Arc<SharedSubscription>, field: Topmost, id: RequestId) -> Self {
        Self {
            source: begun.source,
            shared,
            waiting: VecDeque::new(),
            last: begun.place,
            over: false,
            field,
            id,
        }
    }

    /// All that it is told, up to the end. When nothing can follow it ends without a reason.
    pub fn stream(self) -> BoxStream<'static, SubscriberMessage> {
        let told = unfold(Some(self), async |subscriber| {
            let mut subscriber = subscriber.filter(|subscriber: &Self| !subscriber.over)?;
            match subscriber.some().await {
                Ok(rows) => Some((SubscriberMessage::Rows(rows), Some(subscriber))),
                Err(why) => Some((SubscriberMessage::End(vec![subscriber.ended(why)]), None)),
            }
        });
        told.boxed()
    }

    async fn some(&mut self) -> Result<Vec<Rendered>, Ended> {
        if self.waiting.is_empty() {
            self.waiting.extend(self.source.some(ROWS_PER_READ).await?);
        }
        let most = self.waiting.len().min(ROWS_PER_RENDER);
        let rows: Vec<Row> = self.waiting.drain(..most).collect();
        let rendered = Box::pin(self.shared.render(&rows)).await;
        self.last = rows.last().and_then(Row::place).or(self.last);
        self.over = rows.last().is_some_and(Row::is_last);
        Ok(rendered)
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
        error_codes::finish(&mut error, &self.id);
        error
    }
}
