//! The operations of one socket. Each is a stream of messages, and all are polled by the socket's own task, so that a
//! client that does not read suspends them and nothing is buffered for it (backpressure).

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;

use async_graphql::futures_util::FutureExt;
use async_graphql::futures_util::stream::{AbortHandle, Abortable, BoxStream, SelectAll, StreamExt, once};
use async_graphql::parser::types::OperationType;
use labelhook_core::auth::Actor;

use super::super::auth;
use super::super::connections::Slot;
use super::super::refusal::Refusal;
use super::super::state::Server;
use super::message::{self, Close};
use crate::graphql::error::{ApiError, Code};
use crate::graphql::operation::Operation;
use crate::graphql::params::Params;
use crate::graphql::subscription::cache::Rendered;
use crate::graphql::subscription::subscriber::SubscriberMessage;
use crate::graphql::{error_codes, response};
use crate::request_id::RequestId;

/// The maximum number of concurrent operations of one socket.
const MAX: usize = 100;

/// The output of an operation.
pub enum Output {
    /// Rows of a subscription: messages `next` with this head and these payloads.
    Next(Arc<str>, Vec<Rendered>),
    /// A message.
    Message(String),
    /// The message that ends the operation.
    Last(String),
}

/// The running operations of a socket.
#[derive(Default)]
pub struct Operations {
    streams: SelectAll<BoxStream<'static, (Arc<str>, Output)>>,
    running: HashMap<Arc<str>, (AbortHandle, Slot)>,
}

impl Operations {
    /// Returns whether no operation runs.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Returns the next output of any operation.
    pub async fn next(&mut self) -> Option<Output> {
        loop {
            let (id, said) = self.streams.next().await?;
            if self.running.contains_key(&id) {
                if matches!(said, Output::Last(_)) {
                    self.stop(&id);
                }
                return Some(said);
            }
        }
    }

    /// Returns an output that is ready now, without waiting.
    pub fn ready(&mut self) -> Option<Output> {
        self.next().now_or_never().flatten()
    }

    /// Stops an operation that the client has completed.
    pub fn stop(&mut self, id: &str) {
        if let Some((handle, _)) = self.running.remove(id) {
            handle.abort();
        }
    }

    /// Starts an operation. A refusal is returned as a message; malformed parameters close the socket.
    pub fn start(
        &mut self,
        server: &Arc<Server>,
        actor: &Actor,
        request: &RequestId,
        id: &str,
        payload: &str,
    ) -> Result<Option<String>, Close> {
        if self.running.contains_key(id) {
            return Err(Close::new(4409, format!("Subscriber for {id} already exists")));
        }
        let params = Params::from_body(payload.as_bytes()).map_err(|error| Close::invalid(error.message()))?;
        match self.admit(server, actor, params) {
            Ok((operation, slot)) => {
                let id: Arc<str> = id.into();
                let stream = said(Arc::clone(server), operation, Arc::clone(&id), request.clone());
                let (handle, registration) = AbortHandle::new_pair();
                self.streams.push(Abortable::new(stream, registration).boxed());
                self.running.insert(id, (handle, slot));
                Ok(None)
            }
            Err(refusal) => Ok(Some(message::error(id, &[refusal.into_error(request)]))),
        }
    }

    fn admit(&self, server: &Server, actor: &Actor, params: Params) -> Result<(Operation, Slot), Refusal> {
        auth::spend(server, actor)?;
        if self.running.len() >= MAX {
            let message = format!("a connection runs at most {MAX} operations at the same time");
            return Err(ApiError::new(Code::NotAllowed, message).into());
        }
        let slot = server.sockets.operation(actor.key_id).ok_or_else(|| {
            let message = "this key runs too many operations at the same time";
            ApiError::new(Code::NotAllowed, message)
        })?;
        Ok((server.graphql.prepare(params, actor.clone())?, slot))
    }
}

/// Returns the outputs of an operation, up to the one that ends it.
fn said(
    server: Arc<Server>,
    operation: Operation,
    id: Arc<str>,
    request: RequestId,
) -> BoxStream<'static, (Arc<str>, Output)> {
    let end = (Arc::clone(&id), Output::Last(message::complete(&id)));
    if operation.ty() == OperationType::Subscription {
        let told = server.graphql.subscribe(operation, &request);
        let head: Arc<str> = message::head(&id).into();
        let said = told.map(move |told| {
            let said = match told {
                SubscriberMessage::Rows(rows) => Output::Next(Arc::clone(&head), rows),
                SubscriberMessage::End(errors) => Output::Last(message::error(&id, &errors)),
            };
            (Arc::clone(&id), said)
        });
        return said.chain(once(ready(end))).boxed();
    }
    let answer = async move {
        let errors = match server.graphql.execute(operation, &request).await {
            Ok(executed) if !response::is_refused(&executed) => {
                let next = message::next(&message::head(&id), &response::text(&executed)).concat();
                return (id, Output::Message(next));
            }
            Ok(executed) => executed.errors,
            Err(error) => vec![error_codes::finished(error, &request)],
        };
        let last = Output::Last(message::error(&id, &errors));
        (id, last)
    };
    once(answer).chain(once(ready(end))).boxed()
}
