//! Complete sets of headers, and signatures checked by the published Standard Webhooks library.

use super::secret::whsec_form;
use super::*;
use crate::headers;
use standardwebhooks::Webhook;

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn scheme(format: PayloadFormat, secrets: &[&str]) -> Scheme {
    Scheme {
        format,
        authorization: None,
        secrets: secrets.iter().map(|text| secret(text, None)).collect(),
        custom: HeaderMap::new(),
    }
}

fn secret(text: &str, expires_at: Option<Timestamp>) -> Secret {
    Secret {
        text: text.to_owned(),
        expires_at,
    }
}

fn delivery(body: &[u8]) -> Delivery<'_> {
    Delivery {
        event_id: EventId("018f0000-0000-7000-8000-000000000001".parse().unwrap()),
        notification_id: NotificationId("018f0000-0000-7000-8000-000000000002".parse().unwrap()),
        topic: WebhookTopic::LabelCreated,
        at: Timestamp(1_600_923_368_999_999),
        body,
    }
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort();
    names
}

#[test]
fn labelbox_receivers_get_their_headers() {
    let headers =
        Signer::new(scheme(PayloadFormat::Labelbox, &["example_secret"])).headers(&delivery(br#"{"id":"x"}"#));
    for (name, value) in [
        ("content-type", "application/json"),
        ("user-agent", concat!("Labelhook/", env!("CARGO_PKG_VERSION"))),
        ("x-hub-signature", "sha1=90efda17a4754fc32c5dc3c0db7a5f20ed38186b"),
        ("x-labelbox-id", "018f0000-0000-7000-8000-000000000002"),
        ("x-labelbox-event", "LABEL_CREATED"),
        ("webhook-id", "018f0000-0000-7000-8000-000000000001"),
        ("webhook-timestamp", "1600923368"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    assert_eq!(headers.len(), 9);
}

#[test]
fn ango_receivers_get_a_bare_digest() {
    let check = |body: &str, digest: &str| {
        let headers =
            Signer::new(scheme(PayloadFormat::Ango, &["your_secret_key"])).headers(&delivery(body.as_bytes()));
        assert_eq!(headers["x-hub-signature"], digest);
        assert_eq!(headers.len(), 7, "{:?}", names(&headers));
    };
    check("{}", "b5c965129b8a43f1b4e22112bac2b510763b15d5");
    check(
        r#"{"batches":["Le Croissànt"]}"#,
        "2a137e8c93c170e597384959e8c316701fb0ba5d",
    );
}

#[test]
fn v7_receivers_get_a_prefixed_digest_and_no_ids_of_another_platform() {
    let check = |secret: &str, body: &str, digest: &str| {
        let headers = Signer::new(scheme(PayloadFormat::V7, &[secret])).headers(&delivery(body.as_bytes()));
        assert_eq!(headers["x-hub-signature"], digest);
        assert_eq!(headers.len(), 7, "{:?}", names(&headers));
    };
    check(
        "example_secret",
        r#"{"id":"x"}"#,
        "sha1=90efda17a4754fc32c5dc3c0db7a5f20ed38186b",
    );
    check(
        "your_secret_key",
        r#"{"batches":["Le Croissànt"]}"#,
        "sha1=2a137e8c93c170e597384959e8c316701fb0ba5d",
    );
}

#[test]
fn the_sha256_signature_is_the_one_github_documents() {
    let headers = Signer::new(scheme(PayloadFormat::Labelbox, &["It's a Secret to Everybody"]))
        .headers(&delivery(b"Hello, World!"));
    assert_eq!(
        headers["x-hub-signature-256"],
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    );
}

#[test]
fn without_a_secret_nothing_is_signed_and_ids_are_sent() {
    let headers = Signer::new(scheme(PayloadFormat::Ango, &[])).headers(&delivery(b"{}"));
    assert_eq!(
        names(&headers),
        ["content-type", "user-agent", "webhook-id", "webhook-timestamp"]
    );
}

#[test]
fn the_published_library_accepts_our_signatures() {
    let at = now();
    let large = "ü".repeat(20_000);
    for secrets in [&[WHSEC][..], &["example_secret"], &["s", WHSEC, "an older one"]] {
        for body in ["{}", "", &large] {
            let headers = Signer::new(scheme(PayloadFormat::Labelbox, secrets)).headers(&Delivery {
                at,
                ..delivery(body.as_bytes())
            });
            for secret in secrets {
                let webhook = Webhook::new(&whsec_form(secret)).unwrap();
                webhook.verify(body.as_bytes(), &headers).expect("signature accepted");
                assert!(webhook.verify(b"other", &headers).is_err());
            }
            assert!(
                Webhook::new(&whsec_form("wrong"))
                    .unwrap()
                    .verify(body.as_bytes(), &headers)
                    .is_err()
            );
        }
    }
}

#[test]
fn while_a_secret_is_replaced_the_new_one_stands_first_and_signs_alone_elsewhere() {
    let both = Signer::new(scheme(PayloadFormat::Labelbox, &["new", "old"])).headers(&delivery(b"{}"));
    let new = Signer::new(scheme(PayloadFormat::Labelbox, &["new"])).headers(&delivery(b"{}"));
    let old = Signer::new(scheme(PayloadFormat::Labelbox, &["old"])).headers(&delivery(b"{}"));
    let token = |headers: &HeaderMap| headers["webhook-signature"].to_str().unwrap().to_owned();
    assert_eq!(token(&both), format!("{} {}", token(&new), token(&old)));
    assert_eq!(both["x-hub-signature"], new["x-hub-signature"]);
    assert_eq!(both["x-hub-signature-256"], new["x-hub-signature-256"]);
}

#[test]
fn an_old_secret_signs_until_its_moment_and_not_at_it() {
    let end = Timestamp(1_600_923_368_000_000);
    let signer = Signer::new(Scheme {
        secrets: vec![secret("new", None), secret("old", Some(end))],
        ..scheme(PayloadFormat::Labelbox, &[])
    });
    let check = |at: Timestamp, tokens: usize| {
        let headers = signer.headers(&Delivery { at, ..delivery(b"{}") });
        let signatures = headers["webhook-signature"].to_str().unwrap();
        assert_eq!(signatures.split(' ').count(), tokens, "{signatures}");
    };
    check(Timestamp(end.0 - 1), 2);
    check(end, 1);
    check(Timestamp(end.0 + 1), 1);
}

#[test]
fn a_prefixed_secret_is_text_for_the_hub_and_base64_for_the_standard() {
    let typed = Signer::new(scheme(PayloadFormat::Ango, &[WHSEC])).headers(&delivery(b"{}"));
    let mut hub = Hub::new(WHSEC);
    hub.update(b"{}");
    assert_eq!(typed["x-hub-signature"], hub.finish(PayloadFormat::Ango).0);
}

#[test]
fn ours_win_over_custom_headers_and_a_record_masks_what_the_owner_typed() {
    let mut scheme = scheme(PayloadFormat::Labelbox, &["s"]);
    scheme.authorization = Some(Authorization::bearer("token".into()).unwrap().into_value());
    scheme.custom = headers::Custom::parse(serde_json::json!({"X-Team": "blue", "User-Agent": "mine"}))
        .unwrap()
        .into_map();
    // The check of custom headers refuses this name; the signer must not depend on it.
    scheme.custom.insert("webhook-id", HeaderValue::from_static("forged"));
    scheme
        .custom
        .insert("content-type", HeaderValue::from_static("text/plain"));
    let sent = Signer::new(scheme).headers(&delivery(b"{}"));
    assert_eq!(sent["authorization"], "Bearer token");
    assert_eq!(sent["x-team"], "blue");
    assert_eq!(sent["user-agent"], "mine");
    assert_eq!(sent["webhook-id"], "018f0000-0000-7000-8000-000000000001");
    assert_eq!(sent["content-type"], "application/json");
    let record: serde_json::Value = serde_json::from_str(&headers::sent(&sent)).unwrap();
    for (name, value) in [("authorization", "***"), ("x-team", "***"), ("user-agent", "***")] {
        assert_eq!(record[name], value);
    }
    assert_eq!(record["x-hub-signature"], sent["x-hub-signature"].to_str().unwrap());
    assert_eq!(record["webhook-id"], "018f0000-0000-7000-8000-000000000001");
}

/// Returns the real time: the published library refuses a signature that is older than five minutes.
#[expect(clippy::disallowed_methods, reason = "the published library reads the same clock")]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    Timestamp(i64::try_from(since.as_micros()).unwrap())
}
