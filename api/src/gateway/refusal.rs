//! A request that is not executed, as a response: the error with its status and its headers.

use async_graphql::ServerError;
use async_graphql::parser::types::OperationType;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use super::http::media::Media;
use crate::graphql::error::{ApiError, Code};
use crate::graphql::error_codes;
use crate::graphql::response::Answer;

/// A request that was not executed: the error, and the status where it does not follow from the media type.
#[derive(Debug)]
pub struct Refusal {
    error: Box<ApiError>,
    status: Option<StatusCode>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// With a status of its own.
    pub fn new(status: StatusCode, error: ApiError) -> Self {
        Self {
            error: Box::new(error),
            status: Some(status),
            headers: Vec::new(),
        }
    }

    /// A request whose parameters cannot be read.
    pub fn malformed(error: ApiError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// An operation that took too long. What changes nothing may be sent again.
    pub fn late(error: ApiError, ty: OperationType) -> Self {
        match ty {
            OperationType::Mutation => error.into(),
            _ => Self::new(StatusCode::GATEWAY_TIMEOUT, error).with(RETRY_AFTER, HeaderValue::from_static("1")),
        }
    }

    /// With a header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.error.code()
    }

    /// The error alone, for a message that has no status.
    pub fn into_error(self, request_id: &str) -> ServerError {
        error_codes::finished(*self.error, request_id)
    }

    /// The response.
    pub fn into_response(self, media: Media, request_id: &str) -> Response {
        let status = self.status.unwrap_or_else(|| media.request_error());
        let is_limit = self.error.code() == Code::RateLimited;
        let error = error_codes::finished(*self.error, request_id);
        let message = error.message.clone();
        let message = is_limit.then_some(message.as_str());
        let mut response = json(status, media, &Answer::refused(&[error], message));
        response.headers_mut().extend(self.headers);
        response
    }
}

/// An error in the document or its variables: the status follows from the media type.
impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self {
            error: Box::new(error),
            status: None,
            headers: Vec::new(),
        }
    }
}

/// An error of core before anything was executed.
pub fn refused(error: labelhook_core::Error) -> Refusal {
    let error = ApiError::from(error);
    match error.code() {
        Code::Unavailable => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error),
        Code::Internal => Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error),
        _ => error.into(),
    }
}

/// The response with this body.
pub fn json(status: StatusCode, media: Media, answer: &Answer<'_>) -> Response {
    let body = serde_json::to_vec(answer).expect("names are strings and numbers are finite");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, media.content_type());
    response
}
