//! The response to an operation that was executed.

use async_graphql::Response as Executed;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::refusal::json;
use super::media::Media;
use crate::graphql::error::Code;
use crate::graphql::error_codes;
use crate::graphql::response::{Answer, is_refused};

/// The answer of an operation. Its errors have been translated.
pub fn executed(executed: &Executed, media: Media, safe_to_repeat: bool) -> Response {
    let is_unavailable = |error| error_codes::has_code(error, Code::Unavailable);
    let status = match () {
        () if safe_to_repeat && executed.errors.iter().any(is_unavailable) => StatusCode::SERVICE_UNAVAILABLE,
        () if is_refused(executed) => media.request_error(),
        () => StatusCode::OK,
    };
    json(status, media, &Answer::of(executed))
}

#[cfg(test)]
mod tests {
    use async_graphql::{PathSegment, Value, value};

    use super::*;
    use crate::graphql::error::ApiError;

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
