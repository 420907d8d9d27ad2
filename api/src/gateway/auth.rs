//! A request's credentials → [`Actor`], unless its user asks too often. Comes in: `Authorization: Bearer KEY`.

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use labelhook_core::api_key::{self, Pass};
use labelhook_core::auth::Actor;

use super::rate_limit::Limiter;
use super::refusal::Refusal;
use super::state::Server;
use crate::graphql::error::{ApiError, Code};

/// Authenticates the sender of these headers, and applies the rate limit.
pub async fn identify(server: &Server, headers: &HeaderMap) -> Result<Actor, Refusal> {
    let pass = admit(server, bearer(headers)).await?;
    spend(server, &pass.actor)?;
    Ok(pass.actor)
}

/// Authenticates a key; the pass is checked again while the connection lasts.
pub async fn admit(server: &Server, key: Option<&str>) -> Result<Pass, Refusal> {
    let key = key.ok_or_else(|| {
        let message = "no API key: send it as \"Authorization: Bearer KEY\"";
        refuse(ApiError::new(Code::Authentication, message))
    })?;
    api_key::admit(&server.app, key)
        .await
        .map_err(|error| refuse(error.into()))
}

/// Counts a request of this user, unless it asks too often.
pub fn spend(server: &Server, actor: &Actor) -> Result<(), Refusal> {
    server
        .limiter
        .take(actor.user_id)
        .map_err(|wait| too_often(&server.limiter, wait))
}

/// The key of an `Authorization` header.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    token(headers.get(AUTHORIZATION)?.to_str().ok()?)
}

/// The key in the value of such a header.
pub fn token(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}

fn refuse(error: ApiError) -> Refusal {
    match error.code() {
        Code::Authentication => {
            let challenge = HeaderValue::from_static("Bearer");
            Refusal::new(StatusCode::UNAUTHORIZED, error).with(WWW_AUTHENTICATE, challenge)
        }
        Code::Unavailable => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error),
        Code::Internal => Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error),
        _ => Refusal::new(StatusCode::FORBIDDEN, error),
    }
}

fn too_often(limiter: &Limiter, wait: Duration) -> Refusal {
    let message = format!(
        "You have exceeded the limit of {} requests a minute",
        limiter.per_minute()
    );
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let error = ApiError::new(Code::RateLimited, message);
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, error).with(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_token_is_a_key() {
        let check = |value: &'static str, key: Option<&str>| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))]);
            assert_eq!(bearer(&headers), key, "{value}");
        };
        check("Bearer abc", Some("abc"));
        check("bearer  abc ", Some("abc"));
        check("Basic abc", None);
        check("Bearer", None);
        check("Bearer ", None);
        check("abc", None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
