//! An operation, independent of its transport: its document is found and checked, then executed once or as a stream.

use std::future::ready;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_graphql::futures_util::FutureExt;
use async_graphql::futures_util::stream::{BoxStream, StreamExt, once};
use async_graphql::parser::types::{OperationDefinition, OperationType, Selection};
use async_graphql::{Name, Request, Response as Executed, ServerError, Value, Variables};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use labelhook_core::auth::Actor;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::super::context::Budget;
use super::super::error::{ApiError, Code, INTERNAL};
use super::super::feed::class::Classes;
use super::super::feed::key::Key;
use super::super::feed::listener::{Listener, Told, Topmost};
use super::super::feed::source::Run;
use super::super::guard::{Cache, Document};
use super::super::types::Types;
use super::super::{Schemas, translate};
use super::{Params, Refusal};
use crate::server::RequestId;

/// The schemas and the cache of documents.
pub struct Endpoint {
    schemas: Schemas,
    documents: Cache,
    classes: Classes,
    runtime: Handle,
    timeout: Duration,
}

/// An operation to execute.
pub struct Operation {
    text: String,
    document: Arc<Document>,
    name: Option<String>,
    variables: Variables,
    actor: Actor,
}

impl Operation {
    /// Returns a function that builds the operation's request repeatedly.
    pub fn template(&self) -> Box<dyn Fn() -> Request + Send + Sync> {
        let (document, name) = (Arc::clone(&self.document), self.name.clone());
        let (variables, actor) = (self.variables.clone(), self.actor.clone());
        Box::new(move || request(&document, name.clone(), variables.clone(), actor.clone()))
    }

    /// Returns the document of the operation.
    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }

    fn request(&self) -> Request {
        request(
            &self.document,
            self.name.clone(),
            self.variables.clone(),
            self.actor.clone(),
        )
    }

    fn into_request(self) -> Request {
        request(&self.document, self.name, self.variables, self.actor)
    }

    fn key(&mut self) -> Key {
        let text = std::mem::take(&mut self.text);
        let (document, name) = (self.document.parsed(), self.name.as_deref());
        Key::new(text, document, self.definition(), name, &self.variables, &self.actor)
    }

    /// Returns the single root field of a subscription.
    fn topmost(&self) -> Topmost {
        let selection = &self.definition().selection_set.node.items[0];
        let name = match &selection.node {
            Selection::Field(field) => field.node.response_key().node.to_string(),
            _ => String::new(),
        };
        Topmost {
            name,
            at: selection.pos,
        }
    }

    fn definition(&self) -> &OperationDefinition {
        let found = self.document.operation(self.name.as_deref());
        &found.expect("it was found when it was prepared").node
    }

    /// Returns whether the operation is the only one of its document and each of its variables has a value. Nullability
    /// is the one rule about variables that the library validates and [`Types::check_variables`] does not: whether a
    /// null or absent value is allowed in its place.
    fn is_full(&self) -> bool {
        let has_value = |name: &Name| self.variables.get(name).is_some_and(|value| *value != Value::Null);
        let mut declared = self.definition().variable_definitions.iter();
        self.document.is_single() && declared.all(|variable| has_value(&variable.node.name.node))
    }

    /// Returns the type of the operation: query, mutation or subscription.
    pub fn ty(&self) -> OperationType {
        self.definition().ty
    }

    /// Returns whether the operation can be repeated after a failure without doing anything twice.
    pub fn is_safe_to_repeat(&self) -> bool {
        Document::is_safe_to_repeat(self.definition())
    }
}

impl Endpoint {
    /// Creates the endpoint with the timeout of an operation. Must be called within a Tokio runtime.
    pub fn new(schemas: Schemas, timeout: Duration) -> Self {
        let documents = Cache::new(Types::of(&schemas.strict.sdl()));
        Self {
            schemas,
            documents,
            classes: Classes::new(Handle::current()),
            runtime: Handle::current(),
            timeout,
        }
    }

    /// Finds the requested operation and checks it.
    pub fn prepare(&self, mut params: Params, actor: Actor) -> Result<Operation, ApiError> {
        let document = self.documents.get(&params.query)?;
        let definition = &document.operation(params.operation_name.as_deref())?.node;
        if definition.ty == OperationType::Subscription {
            one_field(definition)?;
        }
        self.documents.types().check_variables(definition, &params.variables)?;
        params.fill(definition);
        Ok(Operation {
            text: params.query,
            document,
            name: params.operation_name,
            variables: params.variables,
            actor,
        })
    }

    /// Executes a query or a mutation.
    pub async fn execute(&self, operation: Operation, id: &str) -> Result<Executed, Refusal> {
        let (ty, document) = (operation.ty(), Arc::clone(&operation.document));
        let is_full = operation.is_full();
        let schema = match is_full && document.has_passed() {
            true => &self.schemas.passed,
            false => &self.schemas.strict,
        };
        let request = operation.into_request().data(Budget::default());
        let Ok(mut executed) = timeout(self.timeout, schema.execute(request)).await else {
            return Err(took_too_long(ty));
        };
        match executed.errors.is_empty() {
            true if is_full => document.pass(),
            true => {}
            false => translate::translate(&mut executed.errors, document.parsed(), id),
        }
        Ok(executed)
    }

    /// Starts a subscription and returns its messages. It starts when the stream is first polled.
    pub fn subscribe(self: &Arc<Self>, mut operation: Operation, id: &RequestId) -> BoxStream<'static, Told> {
        let (endpoint, id) = (Arc::clone(self), id.clone());
        let told = async move {
            let runtime = endpoint.runtime.clone();
            let begun = runtime.spawn(async move { endpoint.begin(&mut operation, &id).await });
            match begun.await {
                Ok(Ok(listener)) => listener.stream(),
                Ok(Err(errors)) => once(ready(Told::End(errors))).boxed(),
                Err(_) => once(ready(Told::End(vec![
                    ApiError::new(Code::Internal, INTERNAL).into_server_error(),
                ])))
                .boxed(),
            }
        };
        told.flatten_stream().boxed()
    }

    async fn begin(&self, operation: &mut Operation, id: &RequestId) -> Result<Listener, Vec<ServerError>> {
        let begun = Arc::default();
        let request = operation
            .request()
            .data(Run::Begin(Arc::clone(&begun)))
            .data(Budget::default());
        if let Some(mut executed) = self.schemas.strict.execute_stream(request).next().await {
            translate::translate(&mut executed.errors, operation.document.parsed(), id);
            return Err(executed.errors);
        }
        let begun = begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(begun) = begun else {
            return Err(vec![
                Refusal::from(ApiError::new(Code::Internal, INTERNAL)).into_error(id),
            ]);
        };
        let (key, topmost) = (operation.key(), operation.topmost());
        let class = self.classes.of(&self.schemas.strict, operation, key, id);
        Ok(Listener::new(begun, class, topmost, id.clone()))
    }
}

fn request(document: &Document, name: Option<String>, variables: Variables, actor: Actor) -> Request {
    let mut request = Request::new(String::new()).variables(variables).data(actor);
    request.operation_name = name;
    request.set_parsed_query(document.parsed().clone());
    request
}

/// Checks that a subscription has exactly one root field, as the GraphQL specification requires. The library would
/// subscribe to all named fields, and to none in a fragment.
fn one_field(definition: &OperationDefinition) -> Result<(), ApiError> {
    match &definition.selection_set.node.items[..] {
        [selection] if matches!(selection.node, Selection::Field(_)) => Ok(()),
        _ => {
            let message = "a subscription must select one field, and not in a fragment";
            Err(ApiError::new(Code::ValidationFailed, message).at(definition.selection_set.pos))
        }
    }
}

fn took_too_long(ty: OperationType) -> Refusal {
    let error = ApiError::new(
        Code::Timeout,
        "the operation took too long; a change may have been made all the same",
    );
    if ty == OperationType::Mutation {
        return Refusal::from(error);
    }
    Refusal::new(StatusCode::GATEWAY_TIMEOUT, error).with(RETRY_AFTER, HeaderValue::from_static("1"))
}
