//! The operations that run on one socket: each a stream of messages, all polled by the socket's own task, so that a
//! client that does not read stops them and nothing is stored for it.

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;

use async_graphql::futures_util::FutureExt;
use async_graphql::futures_util::stream::{AbortHandle, Abortable, BoxStream, SelectAll, StreamExt, once};
use async_graphql::parser::types::OperationType;
use labelhook_core::auth::Actor;

use super::super::error::{ApiError, Code};
use super::super::feed::listener::Told;
use super::super::feed::shelf::Shown;
use super::super::http::{Operation, Params, Refusal, answer};
use super::message::{self, Goodbye};
use crate::auth;
use crate::server::{RequestId, Server};
use crate::sockets::Slot;

/// Operations that run on one socket at the same time.
const MAX: usize = 100;

/// What an operation says.
pub enum Said {
    /// What a subscription tells: messages `next` with this head and these payloads.
    Next(Arc<str>, Vec<Shown>),
    /// A message.
    Message(String),
    /// The message that ends it.
    Last(String),
}

/// What runs on a socket.
#[derive(Default)]
pub struct Operations {
    streams: SelectAll<BoxStream<'static, (Arc<str>, Said)>>,
    running: HashMap<Arc<str>, (AbortHandle, Slot)>,
}

impl Operations {
    /// Whether nothing runs.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// What any of them says next.
    pub async fn next(&mut self) -> Option<Said> {
        loop {
            let (id, said) = self.streams.next().await?;
            if self.running.contains_key(&id) {
                if matches!(said, Said::Last(_)) {
                    self.stop(&id);
                }
                return Some(said);
            }
        }
    }

    /// What is there already.
    pub fn ready(&mut self) -> Option<Said> {
        self.next().now_or_never().flatten()
    }

    /// The client wants no more of one.
    pub fn stop(&mut self, id: &str) {
        if let Some((handle, _)) = self.running.remove(id) {
            handle.abort();
        }
    }

    /// Starts one. What is refused is answered by a message; what is malformed closes the socket.
    pub fn start(
        &mut self,
        server: &Arc<Server>,
        actor: &Actor,
        request: &RequestId,
        id: &str,
        payload: &str,
    ) -> Result<Option<String>, Goodbye> {
        if self.running.contains_key(id) {
            return Err(Goodbye::new(4409, format!("Subscriber for {id} already exists")));
        }
        let params = Params::from_body(payload.as_bytes()).map_err(|refusal| Goodbye::invalid(refusal.message()))?;
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

/// What an operation says, up to what ends it.
fn said(
    server: Arc<Server>,
    operation: Operation,
    id: Arc<str>,
    request: RequestId,
) -> BoxStream<'static, (Arc<str>, Said)> {
    let end = (Arc::clone(&id), Said::Last(message::complete(&id)));
    if operation.ty() == OperationType::Subscription {
        let told = server.graphql.subscribe(operation, &request);
        let head: Arc<str> = message::head(&id).into();
        let said = told.map(move |told| {
            let said = match told {
                Told::Rows(rows) => Said::Next(Arc::clone(&head), rows),
                Told::End(errors) => Said::Last(message::error(&id, &errors)),
            };
            (Arc::clone(&id), said)
        });
        return said.chain(once(ready(end))).boxed();
    }
    let answer = async move {
        let errors = match server.graphql.execute(operation, &request).await {
            Ok(executed) if !answer::is_refused(&executed) => {
                let next = message::next(&message::head(&id), &answer::text(&executed)).concat();
                return (id, Said::Message(next));
            }
            Ok(executed) => executed.errors,
            Err(refusal) => vec![refusal.into_error(&request)],
        };
        let last = Said::Last(message::error(&id, &errors));
        (id, last)
    };
    once(answer).chain(once(ready(end))).boxed()
}
