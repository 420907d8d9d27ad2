//! The one place where a failure becomes an error on the wire, and the one list of its codes. Every error that leaves
//! the server has `extensions.code`; an input at fault also has `extensions.field` and `extensions.reason`. What the
//! library says by itself is put into these words by [`super::error_codes`].
//!
//! [`ApiError`] deliberately has no `Display`: async-graphql converts any type that has it into an error of its own,
//! which drops the code and exposes internals.

use std::error::Error as StdError;
use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, Pos, ServerError};
use labelhook_core::Error;

/// The result of a resolver. A fallible field that is nullable in the schema is `Option<Result<T>>`, never
/// `Result<Option<T>>`: only then does the library set the field itself to `null` and keep its siblings.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;

/// The error codes. Clients branch on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The document is not valid GraphQL syntax.
    ParseFailed,
    /// The document does not fit the schema, or exceeds the limits.
    ValidationFailed,
    /// A variable or an argument has an invalid value.
    BadUserInput,
    /// The HTTP request is malformed: method, media type, JSON or parameters.
    MalformedRequest,
    /// The operation to execute cannot be determined.
    OperationResolution,
    /// The request has a persisted query's hash instead of a document.
    PersistedQueryNotSupported,
    /// The API key is missing or invalid.
    Authentication,
    /// The API key has no permission for the operation.
    Authorization,
    /// The object is unknown, deleted, or of another organization.
    NotFound,
    /// The state of the object does not allow the operation, or a concurrent change came first.
    Conflict,
    /// The operation is not allowed for this object or over this transport.
    NotAllowed,
    /// The rate limit is exceeded.
    RateLimited,
    /// The service is temporarily unavailable. Nothing was changed, and the same request may succeed later.
    Unavailable,
    /// The operation ran into the timeout. A change may have been made nevertheless.
    Timeout,
    /// A subscriber did not read its messages in time (backpressure).
    TooSlow,
    /// An internal error.
    Internal,
}

impl Code {
    /// Returns the code as it appears in responses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::MalformedRequest => "MALFORMED_REQUEST",
            Self::OperationResolution => "OPERATION_RESOLUTION_FAILURE",
            Self::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            Self::Authentication => "AUTHENTICATION_ERROR",
            Self::Authorization => "AUTHORIZATION_ERROR",
            Self::NotFound => "RESOURCE_NOT_FOUND",
            Self::Conflict => "RESOURCE_CONFLICT",
            Self::NotAllowed => "OPERATION_NOT_ALLOWED",
            Self::RateLimited => "RATE_LIMITED",
            Self::Unavailable => "SERVICE_UNAVAILABLE",
            Self::Timeout => "TIMEOUT",
            Self::TooSlow => "SUBSCRIBER_TOO_SLOW",
            Self::Internal => "INTERNAL_SERVER_ERROR",
        }
    }
}

/// The message of every internal error; the cause is in the log, under the request's id.
pub const INTERNAL: &str = "internal error";

/// A failure that is returned to the client.
#[derive(Debug, Clone)]
pub struct ApiError {
    code: Code,
    message: String,
    at_fault: Option<Box<(String, String)>>,
    cursor: Option<String>,
    locations: Vec<Pos>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl ApiError {
    /// Creates an error with a code and a message for people.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            at_fault: None,
            cursor: None,
            locations: Vec::new(),
            source: None,
        }
    }

    /// Creates an error about an invalid input: its path and the reason.
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        let (field, reason) = (field.into(), reason.into());
        Self::new(Code::BadUserInput, format!("{field}: {reason}")).at_field(field, reason)
    }

    /// Adds the path of the invalid input and the reason.
    #[must_use]
    pub fn at_field(mut self, field: impl Into<String>, reason: impl Into<String>) -> Self {
        self.at_fault = Some(Box::new((field.into(), reason.into())));
        self
    }

    /// Adds the cursor from which a subscriber can resume.
    #[must_use]
    pub fn from_cursor(mut self, cursor: Option<String>) -> Self {
        self.cursor = cursor;
        self
    }

    /// Adds a position in the document.
    #[must_use]
    pub fn at(mut self, position: Pos) -> Self {
        self.locations.push(position);
        self
    }

    /// Returns the code of the error.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Its message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The error as the library carries it, for a request that never reached a resolver.
    pub fn into_server_error(mut self) -> ServerError {
        let locations = std::mem::take(&mut self.locations);
        let error = async_graphql::Error::from(self);
        let mut server_error = ServerError::new(error.message, None);
        server_error.source = error.source;
        server_error.extensions = error.extensions;
        server_error.locations = locations;
        server_error
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::NotFound { noun, .. } => Self::new(Code::NotFound, message).at_field(noun, "not found"),
            Error::Invalid { field, reason } => Self::new(Code::BadUserInput, message).at_field(field, reason),
            Error::Conflict(_) => Self::new(Code::Conflict, message),
            Error::Forbidden(_) => Self::new(Code::Authorization, message),
            Error::Unauthenticated(_) => Self::new(Code::Authentication, message),
            Error::NotAllowed(_) => Self::new(Code::NotAllowed, message),
            Error::Unavailable(_) => Self::new(Code::Unavailable, message),
            Error::Internal(source) => Self {
                source: Some(source),
                ..Self::new(Code::Internal, INTERNAL)
            },
        }
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", error.code.as_str());
        if let Some((field, reason)) = error.at_fault.map(|both| *both) {
            extensions.set("field", field);
            extensions.set("reason", reason);
        }
        if let Some(cursor) = error.cursor {
            extensions.set("cursor", cursor);
        }
        let mut wire = Self::new(error.message);
        wire.extensions = Some(extensions);
        wire.source = error.source.map(|source| Arc::new(Cause(source)) as _);
        wire
    }
}

/// The cause of an internal error, for the log only.
#[derive(Debug)]
pub struct Cause(pub Arc<dyn StdError + Send + Sync>);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: Error, code: &str, message: &str) {
        let wire = ApiError::from(error).into_server_error();
        let found = wire
            .extensions
            .as_ref()
            .and_then(|extensions| extensions.get("code"))
            .expect("a code");
        assert_eq!(
            (found.to_string(), wire.message.as_str()),
            (format!("\"{code}\""), message)
        );
    }

    #[test]
    fn each_kind_of_core_has_its_code() {
        check(
            Error::not_found("webhook", "w1"),
            "RESOURCE_NOT_FOUND",
            "webhook w1 not found",
        );
        check(
            Error::invalid("url", "has no host"),
            "BAD_USER_INPUT",
            "url: has no host",
        );
        check(
            Error::Conflict("name is taken".into()),
            "RESOURCE_CONFLICT",
            "name is taken",
        );
        check(
            Error::Forbidden("needs ADMIN".into()),
            "AUTHORIZATION_ERROR",
            "needs ADMIN",
        );
        check(
            Error::Unauthenticated("Invalid API key".into()),
            "AUTHENTICATION_ERROR",
            "Invalid API key",
        );
        check(
            Error::NotAllowed("webhook is revoked".into()),
            "OPERATION_NOT_ALLOWED",
            "webhook is revoked",
        );
        check(
            Error::Unavailable("disk is full".into()),
            "SERVICE_UNAVAILABLE",
            "disk is full",
        );
    }

    #[test]
    fn the_cause_of_an_internal_error_stays_inside() {
        let wire = ApiError::from(Error::internal("password is hunter2")).into_server_error();
        assert_eq!(wire.message, INTERNAL);
        assert!(!serde_json::to_string(&wire).expect("json").contains("hunter2"));
        assert!(wire.source::<Cause>().is_some());
    }

    #[test]
    fn an_input_at_fault_is_named() {
        let wire = ApiError::invalid("first", "must be at most 100").into_server_error();
        let extensions = serde_json::to_value(wire.extensions).expect("json");
        assert_eq!(extensions["field"], "first");
        assert_eq!(extensions["reason"], "must be at most 100");
    }

    struct Root;

    #[async_graphql::Object]
    impl Root {
        async fn fine(&self) -> i32 {
            1
        }

        async fn nullable(&self) -> Option<Result<i32>> {
            Some(Err(Error::not_found("label", "l1").into()))
        }

        async fn required(&self) -> Result<i32> {
            Err(Error::not_found("label", "l1").into())
        }
    }

    #[tokio::test]
    async fn a_nullable_field_that_fails_leaves_its_siblings_alone() {
        use async_graphql::{EmptyMutation, EmptySubscription, Schema};
        let schema = Schema::new(Root, EmptyMutation, EmptySubscription);
        assert!(schema.sdl().contains("nullable: Int\n") && schema.sdl().contains("required: Int!\n"));
        let answer = schema.execute("{ fine nullable }").await;
        assert_eq!(
            serde_json::to_value(&answer.data).expect("json"),
            serde_json::json!({"fine": 1, "nullable": null})
        );
        assert_eq!(answer.errors[0].message, "label l1 not found");
        let answer = schema.execute("{ fine required }").await;
        assert_eq!(answer.data, async_graphql::Value::Null);
    }
}
