//! HTTP responses: the JSON of an executed operation, or a refusal.

use async_graphql::{Response as Executed, ServerError, Value};
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

use super::super::error::{ApiError, Code};
use super::super::translate;
use super::media::Media;

/// The body of a response. `data` is absent, not null, when nothing was executed.
#[derive(Serialize)]
struct Answer<'a> {
    /// The message that clients of rate limits read.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
}

/// A request that was not executed: the error, and the HTTP status where it does not follow from the media type.
#[derive(Debug)]
pub struct Refusal {
    error: Box<ApiError>,
    status: Option<StatusCode>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// Creates a refusal with its own HTTP status.
    pub fn new(status: StatusCode, error: ApiError) -> Self {
        Self {
            error: Box::new(error),
            status: Some(status),
            headers: Vec::new(),
        }
    }

    /// Adds a response header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Returns the error code.
    pub fn code(&self) -> Code {
        self.error.code()
    }

    /// Converts the refusal into an error, for a message that has no HTTP status.
    pub fn into_error(self, request_id: &str) -> ServerError {
        let mut error = self.error.into_server_error();
        translate::finish(&mut error, request_id);
        error
    }

    /// Returns the message of the error.
    pub fn message(&self) -> String {
        (*self.error).clone().into_server_error().message
    }

    /// Builds the HTTP response.
    pub fn into_response(self, media: Media, request_id: &str) -> Response {
        let status = self.status.unwrap_or_else(|| media.request_error());
        let is_limit = self.error.code() == Code::RateLimited;
        let mut error = self.error.into_server_error();
        translate::finish(&mut error, request_id);
        let message = error.message.clone();
        let message = is_limit.then_some(message.as_str());
        let mut response = json(
            status,
            media,
            &Answer {
                message,
                errors: &[error],
                data: None,
            },
        );
        response.headers_mut().extend(self.headers);
        response
    }
}

/// An error in the document or its variables, whose status follows from the media type.
impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self {
            error: Box::new(error),
            status: None,
            headers: Vec::new(),
        }
    }
}

/// Serializes the result of an operation as the text of a message. Its errors must have been translated.
pub fn text(executed: &Executed) -> String {
    let errors = &executed.errors;
    let is_request_error = translate::is_request_error(errors, &executed.data);
    let answer = Answer {
        message: None,
        errors,
        data: (!is_request_error).then_some(&executed.data),
    };
    serde_json::to_string(&answer).expect("names are strings and numbers are finite")
}

/// Returns whether nothing was executed.
pub fn is_refused(executed: &Executed) -> bool {
    translate::is_request_error(&executed.errors, &executed.data)
}

/// Builds the HTTP response of an operation. Its errors must have been translated.
pub fn executed(executed: &Executed, media: Media, safe_to_repeat: bool) -> Response {
    let errors = &executed.errors;
    let is_request_error = translate::is_request_error(errors, &executed.data);
    let status = match () {
        () if safe_to_repeat && errors.iter().any(|error| translate::has_code(error, Code::Unavailable)) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        () if is_request_error => media.request_error(),
        () => StatusCode::OK,
    };
    json(
        status,
        media,
        &Answer {
            message: None,
            errors,
            data: (!is_request_error).then_some(&executed.data),
        },
    )
}

fn json(status: StatusCode, media: Media, answer: &Answer<'_>) -> Response {
    let body = serde_json::to_vec(answer).expect("names are strings and numbers are finite");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, media.content_type());
    response
}

#[cfg(test)]
mod tests {
    use async_graphql::{PathSegment, value};

    use super::*;

    fn failed(code: Code, data: Value, safe_to_repeat: bool) -> StatusCode {
        let error = ApiError::new(code, "no").into_server_error();
        let mut answer = Executed::new(data);
        answer.errors = vec![error.with_path(vec![PathSegment::Field("a".into())])];
        executed(&answer, Media::GraphqlResponse, safe_to_repeat).status()
    }

    #[test]
    fn what_was_executed_is_a_200_unless_it_may_be_sent_again() {
        assert_eq!(failed(Code::NotFound, value!({"a": null}), true), StatusCode::OK);
        assert_eq!(failed(Code::Internal, Value::Null, true), StatusCode::OK);
        assert_eq!(
            failed(Code::Unavailable, Value::Null, true),
            StatusCode::SERVICE_UNAVAILABLE
        );
        assert_eq!(failed(Code::Unavailable, Value::Null, false), StatusCode::OK);
    }
}
