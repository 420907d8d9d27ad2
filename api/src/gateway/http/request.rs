//! Reads a request within limits: its method, its content type and its body. A content type other
//! than JSON is refused, so that a form of another site cannot post to us.

use std::time::Duration;

use async_graphql::parser::types::OperationType;
use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::super::refusal::Refusal;
use crate::graphql::error::{ApiError, Code};
use crate::graphql::operation::Operation;
use crate::graphql::params::Params;

/// Bytes of a request's body.
pub const MAX_BODY: usize = 8 << 20;
/// The bytes that are still read of a larger body, so that its sender gets the response.
const MAX_DRAINED: usize = 4 * MAX_BODY;
/// The time in which a body must arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Returns the parameters of a request, from its query string or its body.
pub async fn params(parts: &Parts, body: Body) -> Result<Params, Refusal> {
    match parts.method {
        Method::GET => Params::from_query(parts.uri.query()),
        _ => Params::from_body(&read(body).await?),
    }
    .map_err(Refusal::malformed)
}

/// Refuse a method, or a content type, in which nothing can be asked.
pub fn check_method(parts: &Parts) -> Result<(), Refusal> {
    match parts.method {
        Method::GET => Ok(()),
        Method::POST => check_encoding(&parts.headers).and_then(|()| check_content_type(&parts.headers)),
        _ => {
            let error = ApiError::new(Code::MalformedRequest, "the method must be GET or POST");
            Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error).with(ALLOW, HeaderValue::from_static("GET, POST")))
        }
    }
}

/// The same on every way in.
pub fn check_mutation(parts: &Parts, operation: &Operation) -> Result<(), Refusal> {
    if operation.ty() == OperationType::Mutation && parts.method == Method::GET {
        let error = ApiError::new(Code::NotAllowed, "a mutation must be sent by POST");
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error).with(ALLOW, HeaderValue::from_static("POST")));
    }
    Ok(())
}

/// The whole body, within its limits.
async fn read(body: Body) -> Result<Vec<u8>, Refusal> {
    let message = "the body did not arrive in time";
    let late = |_| {
        Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            ApiError::new(Code::MalformedRequest, message),
        )
    };
    timeout(BODY_TIMEOUT, collect(body)).await.map_err(late)?
}

async fn collect(mut body: Body) -> Result<Vec<u8>, Refusal> {
    let (mut whole, mut seen) = (Vec::new(), 0);
    while seen <= MAX_DRAINED
        && let Some(frame) = body.frame().await
    {
        let broken = |_| ApiError::new(Code::MalformedRequest, "the body broke off");
        let frame = frame
            .map_err(broken)
            .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error))?;
        let data = frame.into_data().unwrap_or_default();
        seen += data.len();
        if seen <= MAX_BODY {
            whole.extend_from_slice(&data);
        }
    }
    if seen > MAX_BODY {
        let message = format!("the body has more than {MAX_BODY} bytes");
        return Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ApiError::new(Code::MalformedRequest, message),
        ));
    }
    Ok(whole)
}

/// Refuses a compressed body: it is never inflated.
fn check_encoding(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(CONTENT_ENCODING) {
        Some(value) if !value.as_bytes().eq_ignore_ascii_case(b"identity") => {
            let value = String::from_utf8_lossy(value.as_bytes());
            let message = format!("the content encoding {value} is not supported; send the body without one");
            let error = ApiError::new(Code::MalformedRequest, message);
            Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
        }
        _ => Ok(()),
    }
}

/// Refuse a body that is not JSON in UTF-8.
fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    if value == Some(b"application/json")
        || value
            .and_then(|value| std::str::from_utf8(value).ok())
            .is_some_and(is_json)
    {
        return Ok(());
    }
    let message = "the content type must be application/json";
    Err(Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ApiError::new(Code::MalformedRequest, message),
    ))
}

fn is_json(value: &str) -> bool {
    let mut parts = value.split(';').map(str::trim);
    let is_json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    is_json && parts.all(|parameter| charset(parameter).is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8")))
}

fn charset(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.split_once('=')?;
    name.trim()
        .eq_ignore_ascii_case("charset")
        .then(|| value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compressed_body_is_refused_by_the_name_of_its_encoding() {
        let check = |value: Option<&'static str>, fits: bool| {
            let mut headers = HeaderMap::new();
            value.map(|value| headers.append(CONTENT_ENCODING, HeaderValue::from_static(value)));
            assert_eq!(check_encoding(&headers).is_ok(), fits, "{value:?}");
        };
        check(None, true);
        check(Some("identity"), true);
        check(Some("gzip"), false);
        check(Some("br, gzip"), false);
    }

    #[test]
    fn only_json_in_utf_8_is_read() {
        let check = |value: Option<&'static str>, fits: bool| {
            let mut headers = HeaderMap::new();
            value.map(|value| headers.append(CONTENT_TYPE, HeaderValue::from_static(value)));
            assert_eq!(check_content_type(&headers).is_ok(), fits, "{value:?}");
        };
        check(Some("application/json"), true);
        check(Some("Application/JSON; charset=UTF-8"), true);
        check(Some("application/json; charset=\"utf-8\""), true);
        check(Some("application/json; charset=utf-16"), false);
        check(Some("application/jsonp"), false);
        check(Some("text/plain"), false);
        check(Some("application/x-www-form-urlencoded"), false);
        check(Some("multipart/form-data; boundary=a"), false);
        check(None, false);
    }
}
