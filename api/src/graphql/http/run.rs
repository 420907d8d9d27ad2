//! An operation that has passed all checks, on its way through the library and back as a response.

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

/// Everything to carry it out with; it borrows nothing, so that it may outlive its connection.
pub struct Run {
    pub server: Arc<Server>,
    pub operation: Operation,
    pub media: Media,
    pub id: RequestId,
}

/// How it ended.
pub struct Ended {
    /// What goes back.
    pub response: Response,
    /// Whether it was carried out, and not stopped by a fault of ours.
    pub remember: bool,
}

impl Run {
    /// Carries it out, within the time that an operation may take.
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

/// What only looks does not wait for a database that has fallen silent; of what changes something, the writers say how it
/// ended.
async fn execute(server: &Server, operation: Operation, id: &RequestId) -> Result<Executed, Refusal> {
    let looks = operation.ty() == OperationType::Query;
    // Boxed: it is large, and it is held twice on the way.
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
