//! The media type of an answer, by what the request accepts.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, HeaderValue, StatusCode};

/// The media type of an answer.
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
}
