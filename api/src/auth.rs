//! A request's credentials → [`Actor`], and how often each key may ask. Comes in: `Authorization: Bearer KEY`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use entity::{ApiKeyId, Timestamp};
use labelhook_core::api_key::{self, Pass};
use labelhook_core::auth::Actor;

use crate::graphql::error::{ApiError, Code};
use crate::graphql::http::Refusal;
use crate::server::Server;

/// Who sends these headers, unless they ask too often.
pub async fn identify(server: &Server, headers: &HeaderMap) -> Result<Actor, Refusal> {
    let pass = admit(server, bearer(headers)).await?;
    spend(server, &pass.actor)?;
    Ok(pass.actor)
}

/// Who has this key, to be asked again while they stay.
pub async fn admit(server: &Server, key: Option<&str>) -> Result<Pass, Refusal> {
    let key = key.ok_or_else(|| {
        let message = "no API key: send it as \"Authorization: Bearer KEY\"";
        refuse(ApiError::new(Code::Authentication, message))
    })?;
    api_key::admit(&server.app, key)
        .await
        .map_err(|error| refuse(error.into()))
}

/// Counts a request of this key, unless it asks too often.
pub fn spend(server: &Server, actor: &Actor) -> Result<(), Refusal> {
    server
        .limiter
        .take(actor.key_id, server.app.clock.now())
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
        limiter.per_minute
    );
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let error = ApiError::new(Code::RateLimited, message);
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, error).with(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
}

/// A bucket of tokens for each key: as many as it may send in a minute, refilled evenly. A bucket is kept as the
/// moment at which it will be full again, and forgotten a minute after its last use, when it is full.
pub struct Limiter {
    per_minute: u32,
    full_at: moka::sync::Cache<ApiKeyId, Arc<Mutex<Timestamp>>>,
}

/// Keys remembered at once.
const MAX_BUCKETS: u64 = 10_000;
/// What a full bucket lasts for.
const WINDOW: Duration = Duration::from_secs(60);

impl Limiter {
    /// So many requests a minute; 0 is no limit.
    pub fn new(per_minute: u32) -> Self {
        let full_at = moka::sync::Cache::builder()
            .max_capacity(MAX_BUCKETS)
            .time_to_idle(WINDOW)
            .build();
        Self { per_minute, full_at }
    }

    /// Take a token of this key, or say how long to wait for one.
    pub fn take(&self, key: ApiKeyId, now: Timestamp) -> Result<(), Duration> {
        if self.per_minute == 0 {
            return Ok(());
        }
        let token = WINDOW / self.per_minute;
        let bucket = self.full_at.get_with(key, || Arc::new(Mutex::new(now)));
        let mut full_at = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let next = (*full_at).max(now).plus(token);
        let over = next.since(now).saturating_sub(WINDOW);
        if over.is_zero() {
            *full_at = next;
            return Ok(());
        }
        Err(over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_send_its_tokens_and_then_one_as_each_comes_back() {
        let limiter = Limiter::new(60);
        let (one, other) = (ApiKeyId::new(), ApiKeyId::new());
        let start = Timestamp(1_000_000);
        for request in 0..60 {
            assert_eq!(limiter.take(one, start), Ok(()), "request {request}");
        }
        assert_eq!(limiter.take(one, start), Err(Duration::from_secs(1)));
        assert_eq!(limiter.take(other, start), Ok(()));
        assert_eq!(limiter.take(one, start.plus(Duration::from_secs(1))), Ok(()));
        assert!(limiter.take(one, start.plus(Duration::from_secs(1))).is_err());
        assert_eq!(limiter.take(one, start.plus(Duration::from_secs(3600))), Ok(()));
    }

    #[test]
    fn zero_is_no_limit() {
        let limiter = Limiter::new(0);
        let one = ApiKeyId::new();
        assert!((0..10_000).all(|_| limiter.take(one, Timestamp(0)).is_ok()));
    }

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
