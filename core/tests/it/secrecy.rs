//! Secrets, tokens and header values are nowhere in plain: not in the database, not in the records.

use crate::support::{Receiver, World};
use entity::{AuthType, NotificationStatus::*};
use labelhook_core::{api_key, webhook};

const PLAIN: [&str; 4] = [
    "the-secret-that-signs",
    "the-bearer-token",
    "Basic dGhlLWZyZWUtdmFsdWU=",
    "the-value-of-a-header",
];

#[tokio::test]
async fn no_secret_stands_in_plain_in_the_database_or_the_records() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let headers = serde_json::json!({"X-Custom": PLAIN[3]});
    let bearer = world
        .webhook_with(&receiver.url(), |new| {
            new.secret = Some(PLAIN[0].into());
            new.settings.auth_type = Some(AuthType::Bearer);
            new.settings.bearer_token = Some(PLAIN[1].into());
            new.settings.headers = Some(headers.clone());
        })
        .await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let patch = webhook::Settings {
        auth_type: Some(AuthType::Header),
        authorization_header: Some(PLAIN[2].into()),
        headers: Some(headers),
        ..webhook::Settings::default()
    }
    .into();
    webhook::update(&world.app, &world.owner, &bearer.id.to_string(), patch)
        .await
        .unwrap();
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let key = api_key::create(
        &world.app,
        &world.owner,
        api_key::New {
            name: "for a test".into(),
            user_id: None,
            projects: None,
            expires_at: None,
        },
    )
    .await
    .unwrap();
    let sent = receiver.requests();
    assert_eq!(sent[0].headers["authorization"], format!("Bearer {}", PLAIN[1]));
    assert_eq!(
        (
            sent[1].headers["authorization"].as_str(),
            sent[1].headers["x-custom"].as_str()
        ),
        (PLAIN[2], PLAIN[3])
    );
    assert_eq!(world.status_count(Succeeded).await, 2);
    for row in world.notifications().await {
        for attempt in world.attempts(&row).await {
            let shown: serde_json::Value = serde_json::from_str(&attempt.request_headers).unwrap();
            assert_eq!(
                (&shown["authorization"], &shown["x-custom"]),
                (&"***".into(), &"***".into())
            );
            assert!(shown["webhook-signature"].as_str().unwrap().starts_with("v1,"));
        }
    }
    let stored = world.stored().await;
    assert!(
        contains(&stored, receiver.url().as_bytes()),
        "the database is the right one"
    );
    for plain in PLAIN.into_iter().chain([key.key.as_str()]) {
        assert!(!contains(&stored, plain.as_bytes()), "{plain}");
    }
    let debugged = format!("{bearer:?}");
    assert!(!PLAIN.iter().any(|plain| debugged.contains(plain)));
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
