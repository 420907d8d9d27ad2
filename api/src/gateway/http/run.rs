//! The execution of an operation that has passed all checks, up to its HTTP response.

use std::sync::Arc;

use async_graphql::Response as Executed;
use async_graphql::parser::types::OperationType;
use axum::response::Response;

use super::super::refusal::{Refusal, refused};
use super::super::state::Server;
use super::answer;
use super::media::Media;
use crate::graphql::error::Code;
use crate::graphql::error_codes;
use crate::graphql::operation::Operation;
use crate::request_id::RequestId;

/// The inputs of the execution. It borrows nothing, so that it can outlive its connection.
pub struct Run {
    pub server: Arc<Server>,
    pub operation: Operation,
    pub media: Media,
    pub id: RequestId,
}

/// The end of an execution.
pub struct Ended {
    /// The HTTP response.
    pub response: Response,
    /// True if it was executed and not stopped by an internal error, so that its response is stored.
    pub remember: bool,
}

impl Run {
    /// Executes the operation within its timeout.
    pub async fn run(self) -> Ended {
        let safe_to_repeat = self.operation.is_safe_to_repeat();
        let Self {
            server,
            operation,
            media,
            id,
        } = self;
        match execute(&server, operation, &id).await {
            Ok(executed) => Ended {
                remember: was_carried_out(&executed),
                response: answer::executed(&executed, media, safe_to_repeat),
            },
            Err(refusal) => Ended {
                response: refusal.into_response(media, &id),
                remember: false,
            },
        }
    }
}

/// Executes an operation. A query fails early when the database is unresponsive; for a mutation, the database's writers
/// report the outcome.
async fn execute(server: &Server, operation: Operation, id: &RequestId) -> Result<Executed, Refusal> {
    let ty = operation.ty();
    // Boxed: it is large, and it is held twice on the way.
    let executing = Box::pin(async {
        let executed = server.graphql.execute(operation, id).await;
        executed.map_err(|error| Refusal::late(error, ty))
    });
    match ty == OperationType::Query {
        true => {
            let executed = server.app.db.until_unresponsive(async { Ok(executing.await) }).await;
            executed.unwrap_or_else(|error| Err(refused(error)))
        }
        false => executing.await,
    }
}

fn was_carried_out(executed: &Executed) -> bool {
    let errors = &executed.errors;
    let faults = [Code::Unavailable, Code::Internal, Code::Timeout];
    let is_fault = |error| faults.iter().any(|code| error_codes::has_code(error, *code));
    !error_codes::is_request_error(errors, &executed.data) && !errors.iter().any(is_fault)
}
