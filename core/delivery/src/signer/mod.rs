//! Signs a request: makes its headers, with the ids of the delivery and the HMAC signatures. Pure: bytes, secrets and
//! the time come in, headers go out.
//!
//! The dispatcher enters it with [`Signer::headers`], and `labelhook verify` with [`verify`](verify()). It must never
//! import the database, the clock or HTTP clients.
//!
//! A [`Signer`] is made once per change of a webhook and kept, so that what its deliveries share (the key schedules,
//! the fixed headers) is computed once. The body is read once, whatever the number of signatures.

mod authorization;
mod hub;
pub mod secret;
mod standard;
mod verify;

use entity::{EventId, NotificationId, PayloadFormat, Timestamp, WebhookTopic};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};
use hub::Hub;
use standard::Standard;
use uuid::fmt::Hyphenated;

pub use authorization::Authorization;
pub use verify::{Claim, verify};

const X_HUB_SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature");
const X_HUB_SIGNATURE_256: HeaderName = HeaderName::from_static("x-hub-signature-256");
const X_LABELBOX_ID: HeaderName = HeaderName::from_static("x-labelbox-id");
const X_LABELBOX_EVENT: HeaderName = HeaderName::from_static("x-labelbox-event");
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The block size for hashing: small enough to stay in the fastest cache while each signature is updated.
const BLOCK: usize = 8 * 1024;

/// The parts of a webhook's settings that shape its headers.
#[derive(Clone)]
pub struct Scheme {
    /// The dialect of `X-Hub-Signature` and of the ids.
    pub format: PayloadFormat,
    /// The value of the `Authorization` header, from [`Authorization`].
    pub authorization: Option<HeaderValue>,
    /// The secrets, newest first; without any, nothing is signed.
    pub secrets: Vec<Secret>,
    /// Custom headers, from [`Custom`](crate::headers::Custom). The server's own headers override
    /// them, except `User-Agent`.
    pub custom: HeaderMap,
}

/// A signing secret and the end of its grace period.
#[derive(Clone)]
pub struct Secret {
    /// The secret as typed.
    pub text: String,
    /// The moment from which it signs no more; `None` for the current secret.
    pub expires_at: Option<Timestamp>,
}

/// One request that is about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The id of the event; the same for every webhook and every attempt.
    pub event_id: EventId,
    /// The id of the notification; the same for every attempt.
    pub notification_id: NotificationId,
    /// The topic of the event.
    pub topic: WebhookTopic,
    /// The time of this attempt.
    pub at: Timestamp,
    /// The exact bytes that are sent.
    pub body: &'a [u8],
}

/// The signer of one webhook: its scheme, prepared for use.
#[derive(Clone)]
pub struct Signer {
    format: PayloadFormat,
    fixed: HeaderMap,
    hub: Option<Hub>,
    standard: Vec<(Standard, Option<Timestamp>)>,
}

impl Signer {
    /// Prepares what all deliveries of a webhook share.
    pub fn new(scheme: Scheme) -> Self {
        Self {
            format: scheme.format,
            hub: scheme.secrets.first().map(|secret| Hub::new(&secret.text)),
            standard: scheme.secrets.iter().map(standard).collect(),
            fixed: fixed(scheme.custom, scheme.authorization),
        }
    }

    /// Returns all headers of one attempt, except `Host` and `Content-Length`, which the HTTP client adds.
    pub fn headers(&self, delivery: &Delivery) -> HeaderMap {
        let mut headers = self.fixed.clone();
        let id = uuid(delivery.event_id.0.hyphenated());
        let timestamp = HeaderValue::from(delivery.at.seconds());
        self.sign(&mut headers, &id, &timestamp, delivery);
        headers.insert(WEBHOOK_ID, id);
        headers.insert(WEBHOOK_TIMESTAMP, timestamp);
        match self.format {
            PayloadFormat::Labelbox => {
                headers.insert(X_LABELBOX_ID, uuid(delivery.notification_id.0.hyphenated()));
                headers.insert(X_LABELBOX_EVENT, HeaderValue::from_static(delivery.topic.as_str()));
            }
            PayloadFormat::Ango | PayloadFormat::V7 => {}
        }
        headers
    }

    /// Adds the signatures, if there is a secret.
    fn sign(&self, headers: &mut HeaderMap, id: &HeaderValue, timestamp: &HeaderValue, delivery: &Delivery) {
        let Some(mut hub) = self.hub.clone() else {
            return;
        };
        let mut standard = self.live(delivery.at);
        for signature in &mut standard {
            signature.start(id.as_bytes(), timestamp.as_bytes());
        }
        for block in delivery.body.chunks(BLOCK) {
            hub.update(block);
            for signature in &mut standard {
                signature.update(block);
            }
        }
        let (sha1, sha256) = hub.finish(self.format);
        headers.insert(X_HUB_SIGNATURE, sha1);
        headers.insert(X_HUB_SIGNATURE_256, sha256);
        headers.insert(WEBHOOK_SIGNATURE, standard::finish(standard));
    }

    /// Returns the secrets that sign at this moment: one may have expired since the signer was made.
    fn live(&self, at: Timestamp) -> Vec<Standard> {
        let live = |end: &Option<Timestamp>| end.is_none_or(|end| at < end);
        let signing = self.standard.iter().filter(|(_, end)| live(end));
        signing.map(|(standard, _)| standard.clone()).collect()
    }
}

fn standard(secret: &Secret) -> (Standard, Option<Timestamp>) {
    (Standard::new(&secret.text), secret.expires_at)
}

/// Returns the headers that are the same for every delivery. Values that come from the webhook's owner are marked as
/// sensitive, which keeps them out of logs and records.
fn fixed(custom: HeaderMap, authorization: Option<HeaderValue>) -> HeaderMap {
    let mut headers = custom;
    for value in headers.values_mut() {
        value.set_sensitive(true);
    }
    if let Some(mut value) = authorization {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(concat!(
        "Labelhook/",
        env!("CARGO_PKG_VERSION")
    )));
    headers
}

fn uuid(id: Hyphenated) -> HeaderValue {
    HeaderValue::from_str(id.encode_lower(&mut [0; Hyphenated::LENGTH])).expect("hexadecimal digits and dashes")
}

#[cfg(test)]
mod tests;
