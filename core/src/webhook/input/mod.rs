//! Inputs that register or change a webhook. Each is checked once, before its transaction begins, and the checked types
//! are stored. All of them, those of workflow stages included, share one struct of [`Settings`].

mod authorization;
mod captured;
mod settings;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use settings::{Checked, blank};
pub use settings::{Retry, Settings};

use crate::{
    Error, Result, auth::Actor, delivery::signer::secret::SecretText, secret::Keyring, subscribers::SubscriberCache,
};
use entity::{AuthType, ProjectId, Timestamp, WebhookStatus, webhook};

/// The input of registering a webhook.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// The project; none: all events of the organization.
    pub project_id: Option<String>,
    /// The secret that signs; required for [`AuthType::Secret`].
    pub secret: Option<String>,
    /// The settings. The URL and at least one topic are required; absent ones have their default.
    pub settings: Settings,
}

/// The input of changing a webhook.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// The status.
    pub status: Option<WebhookStatus>,
    /// The settings; absent ones keep their value.
    pub settings: Settings,
}

impl From<Settings> for Patch {
    fn from(settings: Settings) -> Self {
        Self { status: None, settings }
    }
}

/// A checked [`New`].
pub(super) struct Draft {
    pub project_id: Option<String>,
    pub secret: Option<SecretText>,
    pub settings: Checked,
}

/// A checked [`Patch`].
pub(super) struct Change {
    pub status: Option<WebhookStatus>,
    pub settings: Checked,
}

impl New {
    pub(super) async fn check(mut self, index: &SubscriberCache) -> Result<Draft> {
        self.settings.topics.get_or_insert_default();
        self.settings.url.get_or_insert_default();
        let auth_type = self.settings.auth_type.unwrap_or(AuthType::Secret);
        let settings = self.settings.check(index).await?;
        let secret = secret(auth_type, self.secret)?;
        require_secret(auth_type, secret.as_ref())?;
        Ok(Draft {
            project_id: self.project_id,
            secret,
            settings,
        })
    }
}

impl Draft {
    pub(super) fn row(
        &self,
        actor: &Actor,
        project_id: Option<ProjectId>,
        keyring: &Keyring,
        now: Timestamp,
    ) -> Result<webhook::Model> {
        let mut row = blank(actor.organization_id, project_id, Some(actor.user_id), now);
        self.settings.apply(&mut row, keyring)?;
        Ok(row)
    }
}

impl Patch {
    pub(super) async fn check(self, index: &SubscriberCache) -> Result<Change> {
        Ok(Change {
            status: self.status,
            settings: self.settings.check(index).await?,
        })
    }
}

impl Change {
    /// Returns the changed row; none when nothing changes.
    pub(super) fn apply(
        &self,
        row: &webhook::Model,
        keyring: &Keyring,
        now: Timestamp,
    ) -> Result<Option<webhook::Model>> {
        let mut changed = row.clone();
        if let Some(status) = self.status {
            changed.status = status;
            changed.status_reason = (status == WebhookStatus::Revoked)
                .then(|| row.status_reason.clone().unwrap_or("revoked by a person".into()));
        }
        self.settings.apply(&mut changed, keyring)?;
        if changed == *row {
            return Ok(None);
        }
        changed.updated_at = now;
        Ok(Some(changed))
    }
}

/// Parses the secret that is given. Without [`AuthType::Secret`], an empty one is the same as none.
pub(crate) fn secret(auth_type: AuthType, given: Option<String>) -> Result<Option<SecretText>> {
    let given = given.filter(|secret| auth_type == AuthType::Secret || !secret.is_empty());
    Ok(given.map(SecretText::parse).transpose()?)
}

/// Refuses a new webhook that signs but has no secret.
pub(crate) fn require_secret(auth_type: AuthType, secret: Option<&SecretText>) -> Result<()> {
    match (auth_type, secret) {
        (AuthType::Secret, None) => Err(Error::invalid("secret", "must not be empty")),
        _ => Ok(()),
    }
}
