//! An operation on its way through the schema, whichever way it came in: its document found and checked, then executed
//! once or as a stream.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::futures_util::stream::{BoxStream, StreamExt};
use async_graphql::parser::types::{OperationDefinition, OperationType, Selection};
use async_graphql::{Request, Response as Executed, Value};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use labelhook_core::auth::Actor;
use tokio::time::timeout;

use super::super::context::Budget;
use super::super::error::{ApiError, Code};
use super::super::guard::{Cache, Document};
use super::super::types::Types;
use super::super::{Schema, translate};
use super::{Params, Refusal};

/// The schema and the documents it has seen.
pub struct Endpoint {
    schema: Schema,
    documents: Cache,
    timeout: Duration,
}

/// What is to be executed.
pub struct Operation {
    request: Request,
    document: Arc<Document>,
    name: Option<String>,
    budget: Budget,
}

impl Operation {
    fn definition(&self) -> &OperationDefinition {
        let found = self.document.operation(self.name.as_deref());
        &found.expect("it was found when it was prepared").node
    }

    /// Query, mutation or subscription.
    pub fn ty(&self) -> OperationType {
        self.definition().ty
    }

    /// Whether sending it again after a failure can do nothing twice.
    pub fn is_safe_to_repeat(&self) -> bool {
        Document::is_safe_to_repeat(self.definition())
    }
}

impl Endpoint {
    /// Around a schema, with the time that an operation may take.
    pub fn new(schema: Schema, timeout: Duration) -> Self {
        let documents = Cache::new(Types::of(&schema.sdl()));
        Self {
            schema,
            documents,
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
        self.documents.types().check_variables(definition, &params.variables)?;
        params.fill(definition);
        let budget = Budget::default();
        let mut request = Request::new(String::new())
            .variables(params.variables)
            .data(actor)
            .data(budget.clone());
        request.operation_name.clone_from(&params.operation_name);
        request.set_parsed_query(document.parsed().clone());
        Ok(Operation {
            request,
            document,
            name: params.operation_name,
            budget,
        })
    }

    /// Executes a query or a mutation.
    pub async fn execute(&self, operation: Operation, id: &str) -> Result<Executed, Refusal> {
        let ty = operation.ty();
        let Ok(mut executed) = timeout(self.timeout, self.schema.execute(operation.request)).await else {
            return Err(took_too_long(ty));
        };
        if !executed.errors.is_empty() {
            translate::translate(&mut executed.errors, operation.document.parsed(), id);
        }
        Ok(executed)
    }

    /// Executes a subscription: an answer for each thing that is told.
    pub fn subscribe(&self, operation: Operation, id: &str) -> BoxStream<'static, Executed> {
        let Operation {
            request,
            document,
            budget,
            ..
        } = operation;
        let id = id.to_owned();
        let answers = self.schema.execute_stream(request).map(move |mut executed| {
            budget.renew();
            if !executed.errors.is_empty() {
                translate::translate(&mut executed.errors, document.parsed(), &id);
            }
            executed
        });
        answers.boxed()
    }
}

/// Whether this is the end of a subscription: it was refused, or its stream failed. A field further down that fails is
/// not.
pub fn is_last(executed: &Executed) -> bool {
    let at_the_top = executed.errors.iter().all(|error| error.path.len() <= 1);
    executed.data == Value::Null && !executed.errors.is_empty() && at_the_top
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
