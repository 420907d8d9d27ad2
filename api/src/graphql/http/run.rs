//! An operation that has passed all checks, on its way through the library and back as a response.

use std::sync::Arc;

use async_graphql::parser::types::{OperationDefinition, OperationType};
use async_graphql::{Request, Response as Executed};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use tokio::time::timeout;

use super::super::error::{ApiError, Code};
use super::super::guard::Document;
use super::super::translate;
use super::answer::{self, Refusal};
use super::media::Media;
use crate::server::{RequestId, Server};

/// Everything to carry it out with; it borrows nothing, so that it may outlive its connection.
pub struct Run {
    pub server: Arc<Server>,
    pub document: Arc<Document>,
    pub request: Request,
    pub media: Media,
    pub id: RequestId,
    /// What the library is not asked for again.
    pub facts: Facts,
}

/// What matters of an operation after it was carried out.
#[derive(Clone, Copy)]
pub struct Facts {
    is_mutation: bool,
    safe_to_repeat: bool,
}

impl From<&OperationDefinition> for Facts {
    fn from(operation: &OperationDefinition) -> Self {
        Self {
            is_mutation: operation.ty == OperationType::Mutation,
            safe_to_repeat: Document::is_safe_to_repeat(operation),
        }
    }
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
        let endpoint = &self.server.graphql;
        let executed = timeout(endpoint.timeout, endpoint.schema.execute(self.request)).await;
        let Ok(mut executed) = executed else {
            return Ended {
                response: took_too_long(self.facts).into_response(self.media, &self.id),
                remember: false,
            };
        };
        if !executed.errors.is_empty() {
            translate::translate(&mut executed.errors, self.document.parsed(), &self.id);
        }
        Ended {
            remember: was_carried_out(&executed),
            response: answer::executed(&executed, self.media, self.facts.safe_to_repeat),
        }
    }
}

fn was_carried_out(executed: &Executed) -> bool {
    let errors = &executed.errors;
    let faults = [Code::Unavailable, Code::Internal, Code::Timeout];
    let is_fault = |error| faults.iter().any(|code| translate::has_code(error, *code));
    !translate::is_request_error(errors, &executed.data) && !errors.iter().any(is_fault)
}

fn took_too_long(facts: Facts) -> Refusal {
    let error = ApiError::new(
        Code::Timeout,
        "the operation took too long; a change may have been made all the same",
    );
    if facts.is_mutation {
        return Refusal::from(error);
    }
    Refusal::new(StatusCode::GATEWAY_TIMEOUT, error).with(RETRY_AFTER, HeaderValue::from_static("1"))
}
