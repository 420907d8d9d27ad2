//! The `Authorization` header of a webhook: the input that its auth type uses, and the stored value after a change of
//! the auth type.

use super::settings::Checked;
use crate::{Error, Result, delivery::signer::Authorization, secret::Keyring, webhook::seal};
use entity::{AuthType, webhook};

impl Checked {
    /// Applies the auth type. The stored value is kept while the auth type stays; a change to one that needs a value
    /// requires it.
    pub(super) fn authorize(
        &self,
        row: &mut webhook::Model,
        auth_type: Option<AuthType>,
        keyring: &Keyring,
    ) -> Result<()> {
        let before = row.auth_type;
        row.auth_type = auth_type.unwrap_or(before);
        match self.authorization(row.auth_type)? {
            Some(given) => {
                let sealed = keyring.seal(&seal::authorization(row.id), given.as_str().as_bytes());
                row.authorization = Some(sealed);
            }
            None if row.auth_type == before => {}
            None => {
                require_none(row.auth_type)?;
                row.authorization = None;
            }
        }
        Ok(())
    }

    /// Returns the input that this auth type uses, and refuses one that it would not use.
    fn authorization(&self, auth_type: AuthType) -> Result<Option<&Authorization>> {
        let unused = |field: &str, needed: AuthType| {
            let reason = format!("is used only when authType is {}", needed.as_str());
            Err(Error::invalid(field, reason))
        };
        match (auth_type, &self.bearer_token, &self.authorization_header) {
            (AuthType::Bearer, Some(given), None) | (AuthType::Header, None, Some(given)) => Ok(Some(given)),
            (_, None, None) => Ok(None),
            (AuthType::Bearer, _, Some(_)) | (_, None, Some(_)) => unused("authorizationHeader", AuthType::Header),
            (_, Some(_), _) => unused("bearerToken", AuthType::Bearer),
        }
    }
}

/// Refuses an auth type that needs a value, for there is none.
fn require_none(auth_type: AuthType) -> Result<()> {
    let field = match auth_type {
        AuthType::None | AuthType::Secret => return Ok(()),
        AuthType::Bearer => "bearerToken",
        AuthType::Header => "authorizationHeader",
    };
    Err(Error::invalid(
        field,
        format!("is required when authType is {}", auth_type.as_str()),
    ))
}
