//! User: type, inputs, query and mutations.
//!
//! Resolvers only: each parses its input, calls one verb of [`labelhook_core::user`] and wraps the result. [`super`]
//! merges the queries and mutations into the schema. Nothing here may read the database or decide anything.

mod list;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use entity::{Role, Timestamp, user};
use labelhook_core::user::{self as users, New, Patch};

pub use self::list::{UserOrderByInput, UserWhereInput};
use super::{
    context::ContextExt,
    error::Result,
    input::{WhereUniqueInput, given},
    organization::Organization,
};

/// A user of an organization.
pub struct User(pub user::Model);

/// A user of an organization.
#[Object]
impl User {
    /// The id of the user.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The user's e-mail address, unique in the organization.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// The user's full name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The user's role, which determines the permissions.
    async fn role(&self) -> Role {
        self.0.role
    }

    /// True if the user is disabled: their API keys are refused.
    async fn disabled(&self) -> bool {
        self.0.disabled
    }

    /// The time at which the user was created.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// The time at which the user was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// Labelbox's flag of users of another organization: always false.
    async fn is_external_user(&self) -> bool {
        false
    }

    /// Labelbox's flag of read-only users: always false.
    async fn is_viewer(&self) -> bool {
        false
    }

    /// The time of the last login: always null, since access is by API keys only.
    async fn last_login_at(&self) -> Option<Timestamp> {
        None
    }

    /// The nickname: always null, since it is not stored.
    async fn nickname(&self) -> Option<&str> {
        None
    }

    /// The URL of the picture: always null, since it is not stored.
    async fn picture(&self) -> Option<&str> {
        None
    }

    /// Labelbox's help desk hash: always null, since it is not stored.
    async fn intercom_hash(&self) -> Option<&str> {
        None
    }

    /// The organization that the user belongs to.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        Some(Organization::of(ctx).await)
    }
}

/// Selects a user by id.
#[derive(InputObject)]
pub struct UserWhereUniqueInput {
    /// The id of the user.
    id: ID,
}

/// A new user.
#[derive(InputObject)]
pub struct UserCreateInput {
    /// The user's e-mail address, unique in the organization.
    email: String,
    /// The user's full name: 1 to 256 characters.
    name: String,
    /// The user's role. Only owners can create owners.
    role: Role,
}

/// The fields of a user to change. Absent fields keep their value.
#[derive(InputObject)]
pub struct UserUpdateInput {
    /// The user's full name: 1 to 256 characters.
    name: MaybeUndefined<String>,
    /// The user's role. Only owners can make a user an owner, and no user can change their own role.
    role: MaybeUndefined<Role>,
    /// True disables the user: their API keys are refused. False enables the user again.
    disabled: MaybeUndefined<bool>,
}

/// Queries of users.
#[derive(Default)]
pub struct UserQuery;

#[Object]
impl UserQuery {
    /// A user by id; the caller when no id is given.
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the user by id.")] r#where: Option<UserWhereUniqueInput>,
    ) -> Option<Result<User>> {
        let id = r#where.map_or_else(|| ctx.actor().user_id.to_string(), |by| by.id.0);
        let row = users::get(ctx.app(), ctx.actor(), &id).await;
        Some(row.map(User).map_err(Into::into))
    }
}

/// Mutations of users.
#[derive(Default)]
pub struct UserMutation;

#[Object]
impl UserMutation {
    /// Creates a user, who gets access with an API key: see `createApiKey`.
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user to create.")] data: UserCreateInput,
    ) -> Result<User> {
        let new = New {
            email: data.email,
            name: data.name,
            role: data.role,
        };
        Ok(User(users::create(ctx.app(), ctx.actor(), new).await?))
    }

    /// Changes a user.
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the user by id.")] r#where: WhereUniqueInput,
        #[graphql(desc = "The fields to change.")] data: UserUpdateInput,
    ) -> Result<User> {
        let patch = Patch {
            name: given("name", data.name)?,
            role: given("role", data.role)?,
            disabled: given("disabled", data.disabled)?,
        };
        Ok(User(users::update(ctx.app(), ctx.actor(), &r#where.id, patch).await?))
    }
}
