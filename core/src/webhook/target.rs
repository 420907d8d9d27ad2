//! The delivery settings cache: webhooks in the form that the dispatcher needs, with parsed URL, opened secrets and
//! signer. An entry is built once and cached until the webhook changes, so that a delivery opens no secret and parses
//! no URL. The [`Signer`] knows the expiry of each secret.

use super::{capture::Captured, seal, secret_rows};
use crate::{
    Error, Result,
    delivery::{
        headers,
        retry::Policy,
        signer::{Authorization, Scheme, Signer},
        target_url::TargetUrl,
    },
    secret::Keyring,
};
use crate::{delivery::signer::Delivery as Signed, queue::job::Job};
use entity::{AuthType, Timestamp, WebhookId, WebhookStatus, webhook};
use http::{HeaderMap, HeaderValue};
use moka::sync::Cache;
use sea_orm::{ConnectionTrait, EntityTrait};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The settings with which deliveries are sent.
pub struct DeliverySettings {
    /// The URL.
    pub url: TargetUrl,
    /// The signer.
    pub signer: Signer,
    /// The retry policy.
    pub policy: Policy,
    /// The timeout of one attempt.
    pub timeout: Duration,
    /// True when the webhook is ACTIVE.
    pub active: bool,
    /// True when deliveries are handed to a listener instead of being sent to the URL.
    pub listener: bool,
    /// The responses to store.
    pub captured: Captured,
}

/// The delivery settings cache.
pub struct DeliverySettingsCache {
    known: Cache<WebhookId, Arc<DeliverySettings>>,
    changes: AtomicU64,
}

impl Default for DeliverySettingsCache {
    fn default() -> Self {
        let known = Cache::builder()
            .max_capacity(20_000)
            .time_to_live(Duration::from_secs(60))
            .build();
        Self {
            known,
            changes: AtomicU64::new(0),
        }
    }
}

impl DeliverySettingsCache {
    /// Returns the delivery settings of a webhook; none when it does not exist.
    pub async fn of(
        &self,
        db: &impl ConnectionTrait,
        keyring: &Keyring,
        now: Timestamp,
        id: WebhookId,
    ) -> Result<Option<Arc<DeliverySettings>>> {
        if let Some(known) = self.known.get(&id) {
            return Ok(Some(known));
        }
        let seen = self.changes.load(Ordering::SeqCst);
        let Some(row) = webhook::Entity::find_by_id(id).one(db).await? else {
            return Ok(None);
        };
        let target = Arc::new(build(db, keyring, &row, now).await?);
        self.known.insert(id, Arc::clone(&target));
        if self.changes.load(Ordering::SeqCst) != seen {
            self.known.invalidate(&id);
        }
        Ok(Some(target))
    }

    /// Invalidates a webhook's entry after a change. Entries that are being read concurrently are not cached.
    pub fn forget(&self, id: WebhookId) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.known.invalidate(&id);
    }

    /// Invalidates all entries, because the changed webhooks are not known.
    pub(crate) fn forget_all(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.known.invalidate_all();
    }
}

pub(crate) async fn build(
    db: &impl ConnectionTrait,
    keyring: &Keyring,
    row: &webhook::Model,
    now: Timestamp,
) -> Result<DeliverySettings> {
    let secrets = match row.auth_type {
        AuthType::None => Vec::new(),
        _ => secret_rows::opened(db, keyring, row.id, now).await?,
    };
    let scheme = Scheme {
        format: row.payload_format,
        authorization: authorization(keyring, row)?,
        secrets,
        custom: custom(keyring, row)?,
    };
    Ok(DeliverySettings {
        url: TargetUrl::parse(&row.url)?,
        signer: Signer::new(scheme),
        policy: policy(row)?,
        timeout: Duration::from_millis(u64::try_from(row.timeout_ms).unwrap_or(0)),
        active: row.status == WebhookStatus::Active,
        listener: row.listener,
        captured: Captured::of(row),
    })
}

/// Parses the retry policy of a webhook's row.
pub fn policy(row: &webhook::Model) -> Result<Policy> {
    let delays: Vec<u64> = serde_json::from_str(&row.delays_ms).map_err(Error::internal)?;
    Ok(Policy {
        max_attempts: u32::try_from(row.max_attempts).unwrap_or(1),
        delays: delays.into_iter().map(Duration::from_millis).collect(),
        jitter: row.jitter,
    })
}

pub(crate) fn authorization(keyring: &Keyring, row: &webhook::Model) -> Result<Option<HeaderValue>> {
    let Some(sealed) = &row.authorization else {
        return Ok(None);
    };
    let opened = seal::text(keyring, &seal::authorization(row.id), sealed)?;
    let given = match row.auth_type {
        AuthType::Bearer => Authorization::bearer(opened)?,
        AuthType::Header => Authorization::header(opened)?,
        AuthType::None | AuthType::Secret => return Ok(None),
    };
    Ok(Some(given.into_value()))
}

fn custom(keyring: &Keyring, row: &webhook::Model) -> Result<HeaderMap> {
    let Some(sealed) = &row.headers else {
        return Ok(HeaderMap::new());
    };
    let opened = seal::text(keyring, &seal::headers(row.id), sealed)?;
    let stored = serde_json::from_str(&opened).map_err(Error::internal)?;
    Ok(headers::Custom::parse(stored)?.into_map())
}

/// Returns the headers of a request, signed for this body at this moment.
pub(crate) fn prepare(target: &DeliverySettings, job: &Job, at: Timestamp, body: &[u8]) -> HeaderMap {
    target.signer.headers(&Signed {
        event_id: job.event_id,
        notification_id: job.notification_id,
        topic: job.topic,
        at,
        body,
    })
}
