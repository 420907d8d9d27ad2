//! Tests of valid and invalid input, field by field.

use super::*;
use entity::{ApiKeyId, OrganizationId, Role, UserId};
use serde_json::json;

const NOW: Timestamp = Timestamp(1_600_923_368_000_000);

fn new() -> New {
    New {
        url: "https://example.com/hook".into(),
        secret: Some("secret".into()),
        topics: vec![WebhookTopic::LabelCreated],
        ..New::default()
    }
}

fn row(new: New) -> webhook::Model {
    let actor = Actor {
        organization_id: OrganizationId::new(),
        user_id: UserId::new(),
        role: Role::Owner,
        key_id: ApiKeyId::new(),
        projects: None,
    };
    new.check().unwrap().into_row(&actor, None, &Keyring::generate(), NOW)
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

#[test]
fn what_is_left_out_is_the_default() {
    let row = row(new());
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

#[test]
fn a_topic_that_is_named_twice_is_kept_once() {
    use WebhookTopic::*;
    let topics = vec![ReviewCreated, LabelCreated, ReviewCreated];
    assert_eq!(
        row(New { topics, ..new() }).topics,
        r#"["REVIEW_CREATED","LABEL_CREATED"]"#
    );
}

type Change = fn(&mut New);

fn rate(requests: i32, per_ms: i32) -> Option<Rate> {
    Some(Rate { requests, per_ms })
}

#[test]
fn a_new_webhook_is_refused_by_field_and_reason() {
    use AuthType::{Bearer, Header};
    let table: &[(&str, &str, Change)] = &[
        ("topics", "at least one", |new| new.topics.clear()),
        ("url", "not be empty", |new| new.url.clear()),
        ("url", "credentials", |new| new.url = "https://u:p@example.com".into()),
        ("url", "fragment", |new| new.url = "https://example.com/#x".into()),
        ("url", "http or https", |new| new.url = "file:///etc/passwd".into()),
        ("secret", "not be empty", |new| new.secret = None),
        ("secret", "not be empty", |new| new.secret = Some(String::new())),
        ("secret", "control", |new| new.secret = Some("a\nb".into())),
        ("secret", "1024", |new| new.secret = Some("x".repeat(1_025))),
        ("secret", "base64", |new| new.secret = Some("whsec_short".into())),
        ("description", "NUL", |new| new.description = Some("a\0".into())),
        ("description", "2000 characters", |new| {
            new.description = Some("ü".repeat(2_001))
        }),
        ("bearerToken", "required", |new| new.auth_type = Some(Bearer)),
        ("bearerToken", "not be empty", |new| {
            new.auth_type = Some(Bearer);
            new.bearer_token = Some(String::new());
        }),
        ("bearerToken", "visible ASCII", |new| {
            new.auth_type = Some(Bearer);
            new.bearer_token = Some("a\r\nX-Evil: 1".into());
        }),
        ("bearerToken", "only when authType is BEARER", |new| {
            new.bearer_token = Some("x".into())
        }),
        ("authorizationHeader", "required", |new| new.auth_type = Some(Header)),
        ("authorizationHeader", "visible ASCII", |new| {
            new.auth_type = Some(Header);
            new.authorization_header = Some("Basic ä".into());
        }),
        ("authorizationHeader", "only when authType is HEADER", |new| {
            new.auth_type = Some(Bearer);
            new.bearer_token = Some("x".into());
            new.authorization_header = Some("x".into());
        }),
        ("headers", "object of strings", |new| new.headers = Some(json!("x"))),
        ("headers", "object of strings", |new| new.headers = Some(Value::Null)),
        ("headers", "set by the server", |new| {
            new.headers = Some(json!({"webhook-id": "x"}))
        }),
        ("headers", "visible ASCII", |new| {
            new.headers = Some(json!({"x-a": "a\r\nb"}))
        }),
        ("headers", "must be a string", |new| {
            new.headers = Some(json!({"x-a": {"b": 1}}))
        }),
        ("timeoutMs", "from 1000 to 30000", |new| new.timeout_ms = Some(999)),
        ("timeoutMs", "from 1000 to 30000", |new| new.timeout_ms = Some(30_001)),
        ("timeoutMs", "from 1000 to 30000", |new| new.timeout_ms = Some(i32::MIN)),
        ("maxInFlight", "from 1 to 256", |new| new.max_in_flight = Some(0)),
        ("maxInFlight", "from 1 to 256", |new| new.max_in_flight = Some(257)),
        ("rateLimit.requests", "from 1 to 100000", |new| new.rate = rate(0, 1)),
        ("rateLimit.requests", "from 1 to 100000", |new| {
            new.rate = rate(100_001, 1)
        }),
        ("rateLimit.perMs", "from 1 to 3600000", |new| new.rate = rate(1, -1)),
        ("rateLimit.perMs", "from 1 to 3600000", |new| {
            new.rate = rate(1, 3_600_001)
        }),
        ("retryPolicy.maxAttempts", "1 to 50", |new| {
            new.retry.max_attempts = Some(51)
        }),
        ("retryPolicy.delaysMs", "1 to 50 entries", |new| {
            new.retry.delays_ms = Some(vec![])
        }),
        ("retryPolicy.delaysMs", "7 days", |new| {
            new.retry.delays_ms = Some(vec![-1])
        }),
        ("retryPolicy.jitter", "0 to 1", |new| new.retry.jitter = Some(f64::NAN)),
    ];
    for (field, reason, change) in table {
        let mut given = new();
        change(&mut given);
        refused(given.check(), field, reason);
    }
}

#[test]
fn without_a_signature_no_secret_is_needed_and_one_may_be_kept() {
    for secret in [None, Some(String::new()), Some("secret".to_owned())] {
        let draft = New {
            auth_type: Some(AuthType::None),
            secret: secret.clone(),
            ..new()
        }
        .check()
        .unwrap();
        assert_eq!(draft.secret, secret.filter(|secret| !secret.is_empty()));
    }
}

fn patched(row: &webhook::Model, patch: Patch) -> Result<Option<webhook::Model>> {
    patch.apply(row, &Keyring::generate(), Timestamp(NOW.0 + 1))
}

#[test]
fn a_change_that_changes_nothing_is_none() {
    let row = row(new());
    assert_eq!(patched(&row, Patch::default()).unwrap(), None);
    let same = Patch {
        url: Some(row.url.clone()),
        status: Some(WebhookStatus::Active),
        timeout_ms: Some(15_000),
        ..Patch::default()
    };
    assert_eq!(patched(&row, same).unwrap(), None);
}

#[test]
fn what_a_change_leaves_out_stays() {
    let row = row(New {
        retry: Retry {
            max_attempts: Some(3),
            delays_ms: Some(vec![1, 2]),
            jitter: Some(0.5),
        },
        ..new()
    });
    let patch = Patch {
        retry: Retry {
            max_attempts: Some(7),
            ..Retry::default()
        },
        ..Patch::default()
    };
    let changed = patched(&row, patch).unwrap().unwrap();
    assert_eq!((changed.max_attempts, changed.jitter), (7, 0.5));
    assert_eq!((changed.delays_ms.as_str(), changed.url), ("[1,2]", row.url));
    assert!(changed.updated_at > row.updated_at);
}

#[test]
fn a_rate_is_set_kept_changed_and_cleared() {
    let before = row(New {
        rate: rate(100_000, 3_600_000),
        ..new()
    });
    let columns = |row: &webhook::Model| (row.rate_requests, row.rate_per_ms);
    assert_eq!(columns(&before), (Some(100_000), Some(3_600_000)));
    assert_eq!(columns(&row(new())), (None, None));
    let to = |rate| Patch {
        rate,
        ..Patch::default()
    };
    assert_eq!(patched(&before, to(None)).unwrap(), None, "absent stays");
    let changed = patched(&before, to(Some(rate(1, 1)))).unwrap().unwrap();
    assert_eq!(columns(&changed), (Some(1), Some(1)));
    let cleared = patched(&before, to(Some(None))).unwrap().unwrap();
    assert_eq!(columns(&cleared), (None, None));
    refused(patched(&before, to(Some(rate(0, 1)))), "rateLimit.requests", "from 1");
    refused(patched(&before, to(Some(rate(1, 0)))), "rateLimit.perMs", "from 1");
}

#[test]
fn a_token_is_kept_while_its_type_stays_and_forgotten_with_it() {
    let row = row(New {
        auth_type: Some(AuthType::Bearer),
        bearer_token: Some("token".into()),
        ..new()
    });
    assert!(row.authorization.is_some());
    let same = Patch {
        auth_type: Some(AuthType::Bearer),
        timeout_ms: Some(1_000),
        ..Patch::default()
    };
    assert_eq!(patched(&row, same).unwrap().unwrap().authorization, row.authorization);
    let to = |auth_type| Patch {
        auth_type: Some(auth_type),
        ..Patch::default()
    };
    assert_eq!(patched(&row, to(AuthType::None)).unwrap().unwrap().authorization, None);
    refused(patched(&row, to(AuthType::Header)), "authorizationHeader", "required");
}

#[test]
fn a_reason_stands_only_while_a_webhook_is_revoked() {
    let mut row = row(new());
    let to = |status| Patch {
        status: Some(status),
        ..Patch::default()
    };
    let revoked = patched(&row, to(WebhookStatus::Revoked)).unwrap().unwrap();
    assert_eq!(revoked.status_reason.as_deref(), Some("revoked by a person"));
    row.status = WebhookStatus::Revoked;
    row.status_reason = Some("the receiver answered 410 Gone".into());
    let again = patched(&row, to(WebhookStatus::Revoked)).unwrap();
    assert_eq!(again, None);
    for status in [WebhookStatus::Active, WebhookStatus::Inactive] {
        assert_eq!(patched(&row, to(status)).unwrap().unwrap().status_reason, None);
    }
}
