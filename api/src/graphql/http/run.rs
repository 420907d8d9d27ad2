//! The execution of an operation that has passed all checks, up to its HTTP response.

use std::sync::Arc;

use async_graphql::Response as Executed;
use async_graphql::parser::types::OperationType;
use axum::response::Response;

use super::super::error::Code;
use super::super::translate;
use super::answer::{self, Refusal};
use super::idempotency::refused;
use super::media::Media;
use super::operation::Operation;
use crate::server::{RequestId, Server};

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
    let looks = operation.ty() == OperationType::Query;
    // Boxed, because it is large and is moved twice.
    let executing = Box::pin(server.graphql.execute(operation, id));
    match looks {
        true => {
            let executed = server.app.db.outlast(async { Ok(executing.await) }).await;
            executed.unwrap_or_else(|error| Err(refused(error)))
        }
        false => executing.await,
    }
}

fn was_carried_out(executed: &Executed) -> bool {
    let errors = &executed.errors;
    let faults = [Code::Unavailable, Code::Internal, Code::Timeout];
    let is_fault = |error| faults.iter().any(|code| translate::has_code(error, *code));
    !translate::is_request_error(errors, &executed.data) && !errors.iter().any(is_fault)
}
