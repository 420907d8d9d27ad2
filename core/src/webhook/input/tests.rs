//! Tests of valid and invalid input, field by field.

use super::*;
use crate::{
    delivery::limit::Rate,
    payload::{Compiling, Shaper},
};
use entity::{ApiKeyId, Capture, OrganizationId, PayloadFormat, Role, UserId, WebhookTopic};
use serde_json::{Value, json};
use std::sync::Arc;

const NOW: Timestamp = Timestamp(1_600_923_368_000_000);

/// Understands no payload query.
#[derive(Debug)]
struct NoQueries;

impl Shaper for NoQueries {
    fn compile<'a>(&'a self, _: &'a str) -> Compiling<'a> {
        Box::pin(async { Err("is not understood".to_owned()) })
    }
}

fn index() -> SubscriberCache {
    SubscriberCache::new(Arc::new(NoQueries), crate::filter::Limits::default())
}

fn new() -> New {
    with(Settings::default())
}

/// A signed webhook with these settings.
fn with(settings: Settings) -> New {
    New {
        project_id: None,
        secret: Some("secret".into()),
        settings: Settings {
            url: Some("https://example.com/hook".into()),
            topics: settings.topics.or(Some(vec![WebhookTopic::LabelCreated])),
            ..settings
        },
    }
}

async fn made(new: New) -> Result<webhook::Model> {
    let actor = Actor {
        organization_id: OrganizationId::new(),
        user_id: UserId::new(),
        role: Role::Owner,
        key_id: ApiKeyId::new(),
        projects: None,
    };
    new.check(&index()).await?.row(&actor, None, &Keyring::generate(), NOW)
}

async fn row(new: New) -> webhook::Model {
    made(new).await.unwrap()
}

fn refused<T>(result: Result<T>, field: &str, reason: &str) {
    match result.map(|_| ()) {
        Err(Error::Invalid {
            field: given,
            reason: why,
        }) => {
            assert_eq!(given, field, "{why}");
            assert!(why.contains(reason), "{field}: {why}");
        }
        other => panic!("{field}: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_left_out_is_the_default() {
    let row = row(new()).await;
    assert_eq!(row.payload_format, PayloadFormat::Labelbox);
    assert_eq!((row.auth_type, row.status), (AuthType::Secret, WebhookStatus::Active));
    assert_eq!((row.timeout_ms, row.max_in_flight, row.max_attempts), (15_000, 32, 10));
    assert_eq!(row.topics, r#"["LABEL_CREATED"]"#);
    assert_eq!(
        row.delays_ms,
        "[5000,300000,1800000,7200000,18000000,36000000,50400000,72000000,86400000]"
    );
    assert_eq!((row.headers, row.header_names, row.authorization), (None, None, None));
}

#[tokio::test]
async fn a_topic_that_is_named_twice_is_kept_once() {
    use WebhookTopic::*;
    let topics = vec![ReviewCreated, LabelCreated, ReviewCreated];
    let settings = Settings {
        topics: Some(topics),
        ..Settings::default()
    };
    assert_eq!(
        row(with(settings)).await.topics,
        r#"["REVIEW_CREATED","LABEL_CREATED"]"#
    );
}

type Spoil = fn(&mut Settings);

fn rate(requests: i32, per_ms: i32) -> Option<Rate> {
    Some(Rate { requests, per_ms })
}

#[tokio::test]
async fn a_new_webhook_is_refused_by_field_and_reason() {
    use AuthType::{Bearer, Header};
    let table: &[(&str, &str, Spoil)] = &[
        ("topics", "at least one", |given| given.topics = Some(vec![])),
        ("url", "not be empty", |given| given.url = None),
        ("url", "credentials", |given| {
            given.url = Some("https://u:p@example.com".into())
        }),
        ("url", "fragment", |given| {
            given.url = Some("https://example.com/#x".into())
        }),
        ("url", "http or https", |given| {
            given.url = Some("file:///etc/passwd".into())
        }),
        ("description", "NUL", |given| given.description = Some("a\0".into())),
        ("description", "2000 characters", |given| {
            given.description = Some("ü".repeat(2_001))
        }),
        ("bearerToken", "required", |given| given.auth_type = Some(Bearer)),
        ("bearerToken", "not be empty", |given| {
            given.auth_type = Some(Bearer);
            given.bearer_token = Some(String::new());
        }),
        ("bearerToken", "visible ASCII", |given| {
            given.auth_type = Some(Bearer);
            given.bearer_token = Some("a\r\nX-Evil: 1".into());
        }),
        ("bearerToken", "only when authType is BEARER", |given| {
            given.bearer_token = Some("x".into())
        }),
        ("authorizationHeader", "required", |given| {
            given.auth_type = Some(Header)
        }),
        ("authorizationHeader", "visible ASCII", |given| {
            given.auth_type = Some(Header);
            given.authorization_header = Some("Basic ä".into());
        }),
        ("authorizationHeader", "only when authType is HEADER", |given| {
            given.auth_type = Some(Bearer);
            given.bearer_token = Some("x".into());
            given.authorization_header = Some("x".into());
        }),
        ("headers", "object of strings", |given| given.headers = Some(json!("x"))),
        ("headers", "object of strings", |given| {
            given.headers = Some(Value::Null)
        }),
        ("headers", "set by the server", |given| {
            given.headers = Some(json!({"webhook-id": "x"}))
        }),
        ("headers", "visible ASCII", |given| {
            given.headers = Some(json!({"x-a": "a\r\nb"}))
        }),
        ("headers", "must be a string", |given| {
            given.headers = Some(json!({"x-a": {"b": 1}}))
        }),
        ("filter", "the result is not a boolean", |given| {
            given.filter = Some(Some("event.topic + 'x'".into()))
        }),
        ("payloadQuery", "not understood", |given| {
            given.payload_query = Some(Some("id".into()))
        }),
        ("capturePercent", "from 1 to 100", |given| {
            given.capture_percent = Some(101)
        }),
        ("capturePercent", "required", |given| {
            given.capture = Some(Capture::Sample)
        }),
        ("timeoutMs", "from 1000 to 30000", |given| given.timeout_ms = Some(999)),
        ("timeoutMs", "from 1000 to 30000", |given| {
            given.timeout_ms = Some(30_001)
        }),
        ("timeoutMs", "from 1000 to 30000", |given| {
            given.timeout_ms = Some(i32::MIN)
        }),
        ("maxInFlight", "from 1 to 256", |given| given.max_in_flight = Some(0)),
        ("maxInFlight", "from 1 to 256", |given| given.max_in_flight = Some(257)),
        ("rateLimit.requests", "from 1 to 100000", |given| {
            given.rate = Some(rate(0, 1))
        }),
        ("rateLimit.requests", "from 1 to 100000", |given| {
            given.rate = Some(rate(100_001, 1))
        }),
        ("rateLimit.perMs", "from 1 to 3600000", |given| {
            given.rate = Some(rate(1, -1))
        }),
        ("rateLimit.perMs", "from 1 to 3600000", |given| {
            given.rate = Some(rate(1, 3_600_001))
        }),
        ("retryPolicy.maxAttempts", "1 to 50", |given| {
            given.retry.max_attempts = Some(51)
        }),
        ("retryPolicy.delaysMs", "1 to 50 entries", |given| {
            given.retry.delays_ms = Some(vec![])
        }),
        ("retryPolicy.delaysMs", "7 days", |given| {
            given.retry.delays_ms = Some(vec![-1])
        }),
        ("retryPolicy.jitter", "0 to 1", |given| {
            given.retry.jitter = Some(f64::NAN)
        }),
    ];
    for (field, reason, change) in table {
        let mut given = new();
        change(&mut given.settings);
        refused(made(given).await, field, reason);
    }
}

#[tokio::test]
async fn a_secret_is_refused_by_its_reason() {
    let long = "x".repeat(1_025);
    for (secret, reason) in [
        (None, "not be empty"),
        (Some(""), "not be empty"),
        (Some("a\nb"), "control"),
        (Some(&*long), "1024"),
        (Some("whsec_short"), "base64"),
    ] {
        let given = New {
            secret: secret.map(str::to_owned),
            ..new()
        };
        refused(made(given).await, "secret", reason);
    }
}

#[tokio::test]
async fn without_a_signature_no_secret_is_needed_and_one_may_be_kept() {
    for secret in [None, Some(String::new()), Some("secret".to_owned())] {
        let mut unsigned = new();
        (unsigned.settings.auth_type, unsigned.secret) = (Some(AuthType::None), secret.clone());
        let draft = unsigned.check(&index()).await.unwrap();
        let kept = draft.secret.map(|secret| secret.as_str().to_owned());
        assert_eq!(kept, secret.filter(|secret| !secret.is_empty()));
    }
}

async fn patched(row: &webhook::Model, patch: impl Into<Patch>) -> Result<Option<webhook::Model>> {
    let change = patch.into().check(&index()).await?;
    change.apply(row, &Keyring::generate(), Timestamp(NOW.0 + 1))
}

#[tokio::test]
async fn a_change_that_changes_nothing_is_none() {
    let row = row(new()).await;
    assert_eq!(patched(&row, Patch::default()).await.unwrap(), None);
    let same = Patch {
        status: Some(WebhookStatus::Active),
        settings: Settings {
            url: Some(row.url.clone()),
            timeout_ms: Some(15_000),
            ..Settings::default()
        },
    };
    assert_eq!(patched(&row, same).await.unwrap(), None);
}

#[tokio::test]
async fn what_a_change_leaves_out_stays() {
    let retry = Retry {
        max_attempts: Some(3),
        delays_ms: Some(vec![1, 2]),
        jitter: Some(0.5),
    };
    let row = row(with(Settings {
        retry,
        ..Settings::default()
    }))
    .await;
    let patch = Settings {
        retry: Retry {
            max_attempts: Some(7),
            ..Retry::default()
        },
        ..Settings::default()
    };
    let changed = patched(&row, patch).await.unwrap().unwrap();
    assert_eq!((changed.max_attempts, changed.jitter), (7, 0.5));
    assert_eq!((changed.delays_ms.as_str(), changed.url), ("[1,2]", row.url));
    assert!(changed.updated_at > row.updated_at);
}

#[tokio::test]
async fn a_rate_is_set_kept_changed_and_cleared() {
    let to = |rate| Settings {
        rate,
        ..Settings::default()
    };
    let before = row(with(to(Some(rate(100_000, 3_600_000))))).await;
    let columns = |row: &webhook::Model| (row.rate_requests, row.rate_per_ms);
    assert_eq!(columns(&before), (Some(100_000), Some(3_600_000)));
    assert_eq!(columns(&row(new()).await), (None, None));
    assert_eq!(patched(&before, to(None)).await.unwrap(), None, "absent stays");
    let changed = patched(&before, to(Some(rate(1, 1)))).await.unwrap().unwrap();
    assert_eq!(columns(&changed), (Some(1), Some(1)));
    let cleared = patched(&before, to(Some(None))).await.unwrap().unwrap();
    assert_eq!(columns(&cleared), (None, None));
    refused(
        patched(&before, to(Some(rate(0, 1)))).await,
        "rateLimit.requests",
        "from 1",
    );
    refused(
        patched(&before, to(Some(rate(1, 0)))).await,
        "rateLimit.perMs",
        "from 1",
    );
}

#[tokio::test]
async fn a_token_is_kept_while_its_type_stays_and_forgotten_with_it() {
    let row = row(with(Settings {
        auth_type: Some(AuthType::Bearer),
        bearer_token: Some("token".into()),
        ..Settings::default()
    }))
    .await;
    assert!(row.authorization.is_some());
    let same = Settings {
        auth_type: Some(AuthType::Bearer),
        timeout_ms: Some(1_000),
        ..Settings::default()
    };
    assert_eq!(
        patched(&row, same).await.unwrap().unwrap().authorization,
        row.authorization
    );
    let to = |auth_type| Settings {
        auth_type: Some(auth_type),
        ..Settings::default()
    };
    assert_eq!(
        patched(&row, to(AuthType::None)).await.unwrap().unwrap().authorization,
        None
    );
    refused(
        patched(&row, to(AuthType::Header)).await,
        "authorizationHeader",
        "required",
    );
}

#[tokio::test]
async fn a_reason_stands_only_while_a_webhook_is_revoked() {
    let mut row = row(new()).await;
    let to = |status| Patch {
        status: Some(status),
        ..Patch::default()
    };
    let revoked = patched(&row, to(WebhookStatus::Revoked)).await.unwrap().unwrap();
    assert_eq!(revoked.status_reason.as_deref(), Some("revoked by a person"));
    row.status = WebhookStatus::Revoked;
    row.status_reason = Some("the receiver answered 410 Gone".into());
    let again = patched(&row, to(WebhookStatus::Revoked)).await.unwrap();
    assert_eq!(again, None);
    for status in [WebhookStatus::Active, WebhookStatus::Inactive] {
        assert_eq!(patched(&row, to(status)).await.unwrap().unwrap().status_reason, None);
    }
}
