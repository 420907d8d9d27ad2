//! An operation that has passed all checks, on its way through the library and back as a response.

use std::sync::Arc;

use async_graphql::Response as Executed;
use axum::response::Response;

use super::super::error::Code;
use super::super::translate;
use super::answer;
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
        match self.server.graphql.execute(self.operation, &self.id).await {
            Ok(executed) => Ended {
                remember: was_carried_out(&executed),
                response: answer::executed(&executed, self.media, safe_to_repeat),
            },
            Err(refusal) => Ended {
                response: refusal.into_response(self.media, &self.id),
                remember: false,
            },
        }
    }
}

fn was_carried_out(executed: &Executed) -> bool {
    let errors = &executed.errors;
    let faults = [Code::Unavailable, Code::Internal, Code::Timeout];
    let is_fault = |error| faults.iter().any(|code| translate::has_code(error, *code));
    !translate::is_request_error(errors, &executed.data) && !errors.iter().any(is_fault)
}
