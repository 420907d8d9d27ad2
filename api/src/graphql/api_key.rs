//! ApiKey: types, input and mutations.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::{ProjectId, Timestamp, api_key};
use labelhook_core::{
    Error,
    api_key::{self as api_keys, New},
};

use super::{
    context::ContextExt,
    error::Result,
    input::{ConnectInput, WhereUniqueInput},
    list as lists, loader,
    project::Project,
    user::User,
};

/// How a request says who asks: `Authorization: Bearer KEY`. The key itself is shown once, when it is made.
pub struct ApiKey(pub api_key::Model);

/// How a request says who asks: `Authorization: Bearer KEY`. The key itself is shown once, when it is made.
#[Object]
impl ApiKey {
    /// Its id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What it is for.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The key's first characters, to tell keys apart.
    async fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// On whose behalf it acts, with that user's role.
    async fn user(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.user_id).await
    }

    /// The projects it is limited to; empty: it is not limited.
    #[graphql(complexity = "lists::cost(Some(10), child_complexity)")]
    async fn projects(&self, ctx: &Context<'_>) -> Result<Vec<Project>> {
        let ids: Option<Vec<ProjectId>> = self
            .0
            .projects
            .as_deref()
            .map(serde_json::from_str)
            .transpose()
            .map_err(Error::internal)?;
        let mut projects = Vec::new();
        for id in ids.into_iter().flatten() {
            projects.extend(loader::project(ctx, id).await.transpose()?);
        }
        Ok(projects)
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// From when it is refused.
    async fn expires_at(&self) -> Option<Timestamp> {
        self.0.expires_at
    }

    /// When it was last used, to within a minute.
    async fn last_used_at(&self) -> Option<Timestamp> {
        self.0.last_used_at
    }

    /// When it was revoked.
    async fn revoked_at(&self) -> Option<Timestamp> {
        self.0.revoked_at
    }
}

/// A key that was made just now.
#[derive(SimpleObject)]
pub struct CreatedApiKey {
    /// The key: keep it, for it is never shown again.
    key: String,
    /// What is known of it later.
    api_key: ApiKey,
}

/// A new API key.
#[derive(InputObject)]
pub struct ApiKeyCreateInput {
    /// What it is for: 1 to 256 characters.
    name: String,
    /// On whose behalf it acts; the caller's own when absent.
    user: Option<ConnectInput>,
    /// The projects it is limited to; all when absent, but never more than the caller's own key.
    projects: Option<Vec<ID>>,
    /// From when it is refused; never when absent. Unless its user manages keys, a key that expires makes none that
    /// outlives it.
    expires_at: Option<Timestamp>,
}

/// Mutations of API keys.
#[derive(Default)]
pub struct ApiKeyMutation;

#[Object]
impl ApiKeyMutation {
    /// Makes an API key and shows it, this once.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to make.")] data: ApiKeyCreateInput,
    ) -> Result<CreatedApiKey> {
        let new = New {
            name: data.name,
            user_id: data.user.map(|user| user.connect.id.0),
            projects: data.projects.map(|ids| ids.into_iter().map(|id| id.0).collect()),
            expires_at: data.expires_at,
        };
        let made = api_keys::create(ctx.app(), ctx.actor(), new).await?;
        Ok(CreatedApiKey {
            key: made.key,
            api_key: ApiKey(made.row),
        })
    }

    /// Revokes an API key: from now on it is refused.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Result<ApiKey> {
        Ok(ApiKey(api_keys::revoke(ctx.app(), ctx.actor(), &r#where.id).await?))
    }
}
