//! An operation on its way through the schema, whichever way it came in: its document found and checked, then executed
//! once or as a stream.

use std::future::ready;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_graphql::futures_util::FutureExt;
use async_graphql::futures_util::stream::{BoxStream, StreamExt, once};
use async_graphql::parser::types::{OperationDefinition, OperationType, Selection};
use async_graphql::{Response as Executed, ServerError};
use labelhook_core::auth::Actor;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::context::Budget;
use super::document::Cache;
use super::document::types::Types;
use super::error::{ApiError, Code, INTERNAL};
use super::operation::Operation;
use super::params::Params;
use super::subscription::shared::SharedSubscriptions;
use super::subscription::source::Run;
use super::subscription::subscriber::{Subscriber, SubscriberMessage};
use super::{Schemas, error_codes};
use crate::request_id::RequestId;

/// The schemas and the documents they have seen.
pub struct Endpoint {
    schemas: Schemas,
    documents: Cache,
    shared: SharedSubscriptions,
    runtime: Handle,
    timeout: Duration,
}

impl Endpoint {
    /// Around the schemas, with the time that an operation may take. Needs a runtime.
    pub fn new(schemas: Schemas, timeout: Duration) -> Self {
        let documents = Cache::new(Types::of(&schemas.strict.sdl()));
        Self {
            schemas,
            documents,
            shared: SharedSubscriptions::new(Handle::current()),
            runtime: Handle::current(),
            timeout,
        }
    }

    /// Finds the operation that is asked for and checks it.
    pub fn prepare(&self, mut params: Params, actor: Actor) -> Result<Operation, ApiError> {
        let document = self.documents.get(&params.query)?;
        let definition = &document.operation(params.operation_name.as_deref())?.node;
        if definition.ty == OperationType::Subscription {
            one_field(definition)?;
        }
        self.documents
            .types()
            .check_variables(definition, &mut params.variables)?;
        params.fill(definition);
        Ok(Operation::new(document, params, actor))
    }

    /// Executes a query or a mutation. The only error is that it took too long.
    pub async fn execute(&self, operation: Operation, id: &str) -> Result<Executed, ApiError> {
        let document = Arc::clone(operation.document());
        let is_full = operation.is_full();
        let schema = match is_full && document.has_passed() {
            true => &self.schemas.passed,
            false => &self.schemas.strict,
        };
        let request = operation.into_request().data(Budget::default());
        let Ok(mut executed) = timeout(self.timeout, schema.execute(request)).await else {
            return Err(took_too_long());
        };
        match executed.errors.is_empty() {
            true if is_full => document.pass(),
            true => {}
            false => error_codes::translate(&mut executed.errors, document.parsed(), id),
        }
        Ok(executed)
    }

    /// Begins a subscription, and tells what happens. It begins when it is first asked.
    pub fn subscribe(
        self: &Arc<Self>,
        mut operation: Operation,
        id: &RequestId,
    ) -> BoxStream<'static, SubscriberMessage> {
        let (endpoint, id) = (Arc::clone(self), id.clone());
        let told = async move {
            let runtime = endpoint.runtime.clone();
            let begun = runtime.spawn(async move { endpoint.begin(&mut operation, &id).await });
            match begun.await {
                Ok(Ok(subscriber)) => subscriber.stream(),
                Ok(Err(errors)) => once(ready(SubscriberMessage::End(errors))).boxed(),
                Err(_) => once(ready(SubscriberMessage::End(vec![
                    ApiError::new(Code::Internal, INTERNAL).into_server_error(),
                ])))
                .boxed(),
            }
        };
        told.flatten_stream().boxed()
    }

    async fn begin(&self, operation: &mut Operation, id: &RequestId) -> Result<Subscriber, Vec<ServerError>> {
        let begun = Arc::default();
        let request = operation
            .request()
            .data(Run::Begin(Arc::clone(&begun)))
            .data(Budget::default());
        if let Some(mut executed) = self.schemas.strict.execute_stream(request).next().await {
            error_codes::translate(&mut executed.errors, operation.document().parsed(), id);
            return Err(executed.errors);
        }
        let begun = begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(begun) = begun else {
            let error = ApiError::new(Code::Internal, INTERNAL);
            return Err(vec![error_codes::finished(error, id)]);
        };
        let (key, topmost) = (operation.key(), operation.topmost());
        let shared = self.shared.of(&self.schemas.strict, operation, key, id);
        Ok(Subscriber::new(begun, shared, topmost, id.clone()))
    }
}

/// One subscription listens to one thing. The library would listen to all that are named, and to none in a fragment.
fn one_field(definition: &OperationDefinition) -> Result<(), ApiError> {
    match &definition.selection_set.node.items[..] {
        [selection] if matches!(selection.node, Selection::Field(_)) => Ok(()),
        _ => {
            let message = "a subscription must select one field, and not in a fragment";
            Err(ApiError::new(Code::ValidationFailed, message).at(definition.selection_set.pos))
        }
    }
}

fn took_too_long() -> ApiError {
    let message = "the operation took too long; a change may have been made all the same";
    ApiError::new(Code::Timeout, message)
}
