//! Users: the people of an organization, each with a role.

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::Txn,
    input::{self, set},
    list::{self, Query},
    lookup,
    sql::error::is_duplicate,
};
use entity::{OrganizationId, Role, UserId, user};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Set, sea_query::Expr,
};

/// The fields of a new user.
#[derive(Clone, Debug)]
pub struct New {
    /// The e-mail address, unique in the organization.
    pub email: String,
    /// The full name.
    pub name: String,
    /// The role, which determines the permissions.
    pub role: Role,
}

/// The fields of a user to change; absent ones keep their value.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// The full name.
    pub name: Option<String>,
    /// The role, which determines the permissions.
    pub role: Option<Role>,
    /// True disables the user: their API keys are refused.
    pub disabled: Option<bool>,
}

/// Fields by which users are filtered and sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the column of its name")]
pub enum Field {
    Id,
    Email,
    Name,
    CreatedAt,
    UpdatedAt,
}

impl list::Field for Field {
    fn expr(self) -> Expr {
        match self {
            Self::Id => user::Column::Id,
            Self::Email => user::Column::Email,
            Self::Name => user::Column::Name,
            Self::CreatedAt => user::Column::CreatedAt,
            Self::UpdatedAt => user::Column::UpdatedAt,
        }
        .into_expr()
    }
}

/// Returns a user of the actor's organization.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<user::Model> {
    actor.require(Action::Read)?;
    lookup::find(app.db.read(), actor, id).await
}

/// Lists the organization's users.
pub async fn list(app: &App, actor: &Actor, query: Query<Field>) -> Result<Vec<user::Model>> {
    actor.require(Action::Read)?;
    let rows = user::Entity::find().filter(user::Column::OrganizationId.eq(actor.organization_id));
    Ok(query.select(rows, Field::Id, None)?.all(app.db.read()).await?)
}

/// Loads users of an organization by id, for the objects that refer to them.
pub async fn many(app: &App, organization_id: OrganizationId, ids: &[UserId]) -> Result<Vec<user::Model>> {
    lookup::many(app.db.read(), organization_id, ids).await
}

/// Creates a user.
pub async fn create(app: &App, actor: &Actor, new: New) -> Result<user::Model> {
    actor.require(Action::ManageUsers)?;
    actor.require_organization()?;
    may_give(actor, new.role)?;
    let email = email(&new.email)?;
    let name = input::name("name", &new.name)?;
    let organization_id = actor.organization_id;
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move { insert(txn, organization_id, email, name, new.role).await })
        })
        .await
}

/// Changes a user. Only owners can change owners, and no user can disable themself.
pub async fn update(app: &App, actor: &Actor, id: &str, patch: Patch) -> Result<user::Model> {
    actor.require(Action::ManageUsers)?;
    actor.require_organization()?;
    let name = patch.name.as_deref().map(|name| input::name("name", name));
    let name = name.transpose()?;
    let (actor, id) = (actor.clone(), id.to_owned());
    let row = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let known: user::Model = lookup::find(txn.conn(), &actor, &id).await?;
                may_change(&actor, &known, &patch)?;
                let mut row = known.into_active_model();
                set(&mut row.name, name);
                set(&mut row.role, patch.role);
                set(&mut row.disabled, patch.disabled);
                row.updated_at = Set(txn.now());
                Ok(row.update(txn.conn()).await?)
            })
        })
        .await?;
    app.keys_changed();
    Ok(row)
}

/// Returns the first user of this role, created if there is none.
pub(crate) async fn of_role(txn: &Txn, organization_id: OrganizationId, role: Role) -> Result<user::Model> {
    let known = user::Entity::find()
        .filter(user::Column::OrganizationId.eq(organization_id))
        .filter(user::Column::Role.eq(role))
        .filter(user::Column::Disabled.eq(false))
        .order_by_asc(user::Column::Id)
        .one(txn.conn())
        .await?;
    if let Some(known) = known {
        return Ok(known);
    }
    let word = role.as_str().to_lowercase();
    insert(txn, organization_id, format!("{word}@localhost"), word, role).await
}

async fn insert(
    txn: &Txn,
    organization_id: OrganizationId,
    email: String,
    name: String,
    role: Role,
) -> Result<user::Model> {
    let (created_at, updated_at) = (txn.now(), txn.now());
    let row = user::Model {
        id: UserId::new(),
        organization_id,
        email,
        name,
        role,
        disabled: false,
        created_at,
        updated_at,
    };
    match user::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(txn.conn())
        .await
    {
        Ok(_) => Ok(row),
        Err(fault) if is_duplicate(&fault) => Err(Error::Conflict(format!("a user {} exists already", row.email))),
        Err(fault) => Err(fault.into()),
    }
}

fn may_give(actor: &Actor, role: Role) -> Result<()> {
    match role {
        Role::Owner => actor.require(Action::ManageOwners),
        Role::Admin => actor.require(Action::ManageKeys),
        _ => Ok(()),
    }
}

fn may_change(actor: &Actor, known: &user::Model, patch: &Patch) -> Result<()> {
    may_give(actor, known.role)?;
    patch.role.map_or(Ok(()), |role| may_give(actor, role))?;
    let own = known.id == actor.user_id;
    if own && (patch.disabled == Some(true) || patch.role.is_some_and(|role| role != known.role)) {
        return Err(Error::NotAllowed(
            "nobody may disable themself or change their own role".into(),
        ));
    }
    Ok(())
}

fn email(text: &str) -> Result<String> {
    let (local, host) = text.split_once('@').unwrap_or_default();
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    if local.is_empty() || host.is_empty() || !plain || text.len() > 254 {
        return Err(Error::invalid("email", "must be an e-mail address"));
    }
    Ok(text.to_lowercase())
}
