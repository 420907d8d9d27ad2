//! User: type, inputs, query and mutations.

mod list;

use async_graphql::{Context, ID, InputObject, Object};
use entity::{Role, Timestamp, user};
use labelhook_core::user::{self as users, New, Patch};

pub use self::list::{UserOrderByInput, UserWhereInput};
use super::{context::ContextExt, error::Result, input::WhereUniqueInput, organization::Organization};

/// A person of an organization.
pub struct User(pub user::Model);

/// A person of an organization.
#[Object]
impl User {
    /// Its id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Their e-mail address, unique in the organization.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// Their full name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What they may do.
    async fn role(&self) -> Role {
        self.0.role
    }

    /// Whether they are shut out: their API keys no longer work.
    async fn disabled(&self) -> bool {
        self.0.disabled
    }

    /// When they were made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When they last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// Whether they belong to another organization: never.
    async fn is_external_user(&self) -> bool {
        false
    }

    /// Whether they may only look: never.
    async fn is_viewer(&self) -> bool {
        false
    }

    /// When they last logged in: not kept, for there are only API keys here.
    async fn last_login_at(&self) -> Option<Timestamp> {
        None
    }

    /// What they like to be called: not kept here.
    async fn nickname(&self) -> Option<&str> {
        None
    }

    /// The URL of their picture: not kept here.
    async fn picture(&self) -> Option<&str> {
        None
    }

    /// A mark of Labelbox's help desk: not kept here.
    async fn intercom_hash(&self) -> Option<&str> {
        None
    }

    /// Whose they are.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        Some(Organization::of(ctx).await)
    }
}

/// One user, by their id.
#[derive(InputObject)]
pub struct UserWhereUniqueInput {
    /// Their id.
    id: ID,
}

/// A new user.
#[derive(InputObject)]
pub struct UserCreateInput {
    /// Their e-mail address, unique in the organization.
    email: String,
    /// Their full name: 1 to 256 characters.
    name: String,
    /// What they may do. Only owners make owners.
    role: Role,
}

/// What to change of a user: any subset; nothing given changes nothing.
#[derive(InputObject)]
pub struct UserUpdateInput {
    /// Their full name: 1 to 256 characters.
    name: Option<String>,
    /// What they may do. Only owners make owners, and nobody changes their own role.
    role: Option<Role>,
    /// True shuts them out: their API keys no longer work. False lets them in again.
    disabled: Option<bool>,
}

/// Queries of users.
#[derive(Default)]
pub struct UserQuery;

#[Object]
impl UserQuery {
    /// A user by their id; the caller when no id is given.
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: Option<UserWhereUniqueInput>,
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
    /// Makes a user. They get in with a key: see `createApiKey`.
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to make.")] data: UserCreateInput,
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
        #[graphql(desc = "Whom.")] r#where: WhereUniqueInput,
        #[graphql(desc = "What to change.")] data: UserUpdateInput,
    ) -> Result<User> {
        let patch = Patch {
            name: data.name,
            role: data.role,
            disabled: data.disabled,
        };
        Ok(User(users::update(ctx.app(), ctx.actor(), &r#where.id, patch).await?))
    }
}
