//! Media types of requests and responses. A content type other than JSON is refused, so that an HTML form of another
//! site cannot post to the API (CSRF).

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use super::super::error::{ApiError, Code};
use super::answer::Refusal;

/// The media type of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/json`: a well-formed request gets status 200, even if it failed.
    Json,
    /// `application/graphql-response+json`: a request error gets status 400.
    GraphqlResponse,
    /// `text/html`, for a browser. Errors are JSON.
    Html,
}

impl Media {
    /// Negotiates the media type from the `Accept` headers; JSON when none matches.
    pub fn accepted(headers: &HeaderMap) -> Self {
        let mut best = (0.0, Self::Json);
        let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        for range in values.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let Some(media) = parts.next().and_then(Self::of_range) else {
                continue;
            };
            let quality = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if quality > best.0 {
                best = (quality, media);
            }
        }
        best.1
    }

    fn of_range(range: &str) -> Option<Self> {
        let is = |name: &str| range.eq_ignore_ascii_case(name);
        match () {
            () if is("application/json") || is("*/*") || is("application/*") => Some(Self::Json),
            () if is("application/graphql-response+json") => Some(Self::GraphqlResponse),
            () if is("text/html") => Some(Self::Html),
            () => None,
        }
    }

    /// Returns the value of the `Content-Type` header.
    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json | Self::Html => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        })
    }

    /// Returns the HTTP status of a request error.
    pub fn request_error(self) -> StatusCode {
        match self {
            Self::Json | Self::Html => StatusCode::OK,
            Self::GraphqlResponse => StatusCode::BAD_REQUEST,
        }
    }
}

/// Refuses a body that is not JSON in UTF-8.
pub fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
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
    fn the_best_of_what_is_accepted_is_sent() {
        let check = |accept: &[&'static str], media: Media| {
            let mut headers = HeaderMap::new();
            for value in accept {
                headers.append(ACCEPT, HeaderValue::from_static(value));
            }
            assert_eq!(Media::accepted(&headers), media, "{accept:?}");
        };
        check(&[], Media::Json);
        check(&["*/*"], Media::Json);
        check(&["application/json"], Media::Json);
        check(&["application/graphql-response+json"], Media::GraphqlResponse);
        check(
            &["application/graphql-response+json, application/json;q=0.9"],
            Media::GraphqlResponse,
        );
        check(
            &["application/graphql-response+json;q=0.5, application/json"],
            Media::Json,
        );
        check(
            &["application/json;q=0.1", "application/graphql-response+json"],
            Media::GraphqlResponse,
        );
        check(&["text/html,application/xhtml+xml,*/*;q=0.8"], Media::Html);
        check(&["image/png"], Media::Json);
        check(&["application/graphql-response+json;q=0"], Media::Json);
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
