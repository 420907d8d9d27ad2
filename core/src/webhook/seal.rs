//! The context that each sealed column is bound to, so that a value cannot be copied to another row.

use crate::{Error, Result, secret::Keyring};
use entity::{SecretId, WebhookId};

pub(crate) fn secret(id: SecretId) -> String {
    format!("webhook_secret/{id}/sealed")
}

pub(crate) fn authorization(id: WebhookId) -> String {
    format!("webhook/{id}/authorization")
}

pub(crate) fn headers(id: WebhookId) -> String {
    format!("webhook/{id}/headers")
}

pub(super) fn text(keyring: &Keyring, context: &str, sealed: &[u8]) -> Result<String> {
    let opened = keyring.open(context, sealed)?;
    String::from_utf8(opened.to_vec()).map_err(Error::internal)
}
