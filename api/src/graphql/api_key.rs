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

/// The credential of a request, sent as `Authorization: Bearer KEY`. The key itself is returned once, by
/// `createApiKey`.
pub struct ApiKey(pub api_key::Model);

/// The credential of a request, sent as `Authorization: Bearer KEY`. The key itself is returned once, by
/// `createApiKey`.
#[Object]
impl ApiKey {
    /// The id of the API key.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The purpose of the key, as its creator named it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The key's first characters, to tell keys apart.
    async fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// The user on whose behalf the key acts, with that user's role.
    async fn user(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.user_id).await
    }

    /// The projects that the key is limited to; empty when it is not limited.
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

    /// The time at which the API key was created.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// The time from which the key is refused; null: it does not expire.
    async fn expires_at(&self) -> Option<Timestamp> {
        self.0.expires_at
    }

    /// The time of the last request with the key, to within a minute; null: never used.
    async fn last_used_at(&self) -> Option<Timestamp> {
        self.0.last_used_at
    }

    /// The time at which the key was revoked; null: it is not revoked.
    async fn revoked_at(&self) -> Option<Timestamp> {
        self.0.revoked_at
    }
}

/// A key that was just created.
#[derive(SimpleObject)]
pub struct CreatedApiKey {
    /// The key. It is returned only here; store it safely.
    key: String,
    /// The description of the key, without the key itself.
    api_key: ApiKey,
}

/// A new API key.
#[derive(InputObject)]
pub struct ApiKeyCreateInput {
    /// The purpose of the key: 1 to 256 characters.
    name: String,
    /// The user on whose behalf the key acts; the caller when absent.
    user: Option<ConnectInput>,
    /// The ids of the projects that the key is limited to. When absent, it has the limits of the caller's own key,
    /// which it can never exceed.
    projects: Option<Vec<ID>>,
    /// The time from which the key is refused; never when absent. A key that expires cannot create a key that outlives
    /// it.
    expires_at: Option<Timestamp>,
}

/// Mutations of API keys.
#[derive(Default)]
pub struct ApiKeyMutation;

#[Object]
impl ApiKeyMutation {
    /// Creates an API key and returns it, this one time.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The API key to create.")] data: ApiKeyCreateInput,
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

    /// Revokes an API key: requests with it are refused from now on. A key revokes none that reaches further than itself:
    /// one that is limited to projects none of other projects, and only an owner's keys those of owners.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the API key by id.")] r#where: WhereUniqueInput,
    ) -> Result<ApiKey> {
        Ok(ApiKey(api_keys::revoke(ctx.app(), ctx.actor(), &r#where.id).await?))
    }
}
