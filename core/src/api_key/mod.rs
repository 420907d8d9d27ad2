//! API keys: created, returned once, and stored as hashes. Here the API key of a request becomes an [`Actor`].

pub(crate) mod key_cache;

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::{Scope, Txn},
    input,
    list::Page,
    lookup, organization, user as users,
};
use entity::{
    ApiKeyId, OrganizationId, ProjectId, Role, Timestamp, UserId, api_key, organization as organizations, project, user,
};
use key_cache::{Entry, LOCKS};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Set,
};
use sha2::{Digest, Sha256};
use std::{sync::atomic::Ordering, time::Duration};
use tokio::sync::watch;

/// The most keys of one user that are neither revoked nor expired.
pub const MAX_KEYS: u64 = 100;
/// The most projects that a key may be limited to.
pub const MAX_PROJECTS: usize = 100;
/// The minimum length of a bootstrap key.
pub const BOOTSTRAP_LENGTH: usize = 32;
const PREFIX_CHARS: usize = 10;
const LAST_USED_INTERVAL: Duration = Duration::from_secs(60);

/// The fields of a new API key.
#[derive(Clone, Debug)]
pub struct New {
    /// The purpose of the key.
    pub name: String,
    /// The user on whose behalf the key acts; none: the caller.
    pub user_id: Option<String>,
    /// The projects that the key is limited to; none: not limited.
    pub projects: Option<Vec<String>>,
    /// The time from which the key is refused.
    pub expires_at: Option<Timestamp>,
}

/// A new API key, as it is returned once.
#[derive(Clone, Debug)]
pub struct Created {
    /// The key itself.
    pub key: String,
    /// The row of the key.
    pub row: api_key::Model,
}

/// The authentication of a long-lived connection, checked again before each message to it.
#[derive(Clone, Debug)]
pub struct Pass {
    /// The actor of the connection.
    pub actor: Actor,
    hash: [u8; 32],
}

impl Pass {
    /// Refuses a connection whose API key is no longer valid or no longer has the same permissions.
    pub async fn check(&self, app: &App) -> Result<()> {
        let now = by_hash(app, self.hash).await?;
        if now.role == self.actor.role && now.projects == self.actor.projects {
            return Ok(());
        }
        Err(Error::Forbidden("the key's rights have changed".into()))
    }
}

/// Authenticates the API key of a long-lived connection.
pub async fn admit(app: &App, key: &str) -> Result<Pass> {
    let hash = digest(key);
    let actor = by_hash(app, hash).await?;
    Ok(Pass { actor, hash })
}

/// Notifies long-lived connections to check their pass, because a key or a user changed.
pub fn changes(app: &App) -> watch::Receiver<()> {
    app.keys.told.subscribe()
}

/// Authenticates the API key of a request.
pub async fn authenticate(app: &App, key: &str) -> Result<Actor> {
    by_hash(app, digest(key)).await
}

async fn by_hash(app: &App, hash: [u8; 32]) -> Result<Actor> {
    let entry = match app.keys.entries.get(&hash) {
        Some(entry) => entry,
        // The wait for the lock is a wait for the database, too.
        None => app.db.until_unresponsive(known(app, hash)).await?,
    };
    match entry.expires_at {
        Some(at) if at <= app.clock.now() => Err(refused()),
        _ => Ok(entry.actor),
    }
}

/// Looks an API key up, unless a concurrent request already has.
async fn known(app: &App, hash: [u8; 32]) -> Result<Entry> {
    let _turn = app.keys.turns[usize::from(hash[0]) % LOCKS].lock().await;
    if let Some(entry) = app.keys.entries.get(&hash) {
        return Ok(entry);
    }
    let seen = app.keys.changes.load(Ordering::SeqCst);
    let entry = look_up(app, &hash).await?;
    app.keys.entries.insert(hash, entry.clone());
    // A change during the look-up may be missing in the result, so it is not cached.
    if app.keys.changes.load(Ordering::SeqCst) != seen {
        app.keys.entries.invalidate(&hash);
    }
    Ok(entry)
}

/// Creates an API key for the caller, or for another user when the caller may manage keys. The new key reaches no further
/// than the caller's own: not to other projects, and not to a later time.
pub async fn create(app: &App, actor: &Actor, new: New) -> Result<Created> {
    let owner: user::Model = match &new.user_id {
        None => lookup::find(app.db.read(), actor, &actor.user_id.to_string()).await?,
        Some(id) => lookup::find(app.db.read(), actor, id).await?,
    };
    if owner.id != actor.user_id {
        actor.require(Action::ManageKeys)?;
    }
    if owner.role == Role::Owner {
        actor.require(Action::ManageOwners)?;
    }
    if owner.disabled {
        return Err(Error::NotAllowed("the user is disabled".into()));
    }
    let projects = limited(app, actor, new.projects.as_deref()).await?;
    let name = input::name("name", &new.name)?;
    if new.expires_at.is_some_and(|at| at <= app.clock.now()) {
        return Err(Error::invalid("expiresAt", "must be in the future"));
    }
    no_later(app, actor, new.expires_at).await?;
    let (organization_id, expires_at) = (actor.organization_id, new.expires_at);
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                not_too_many(txn, owner.id).await?;
                insert(txn, organization_id, owner.id, name, projects, expires_at, None).await
            })
        })
        .await
}

/// Checks that a user has not too many keys.
async fn not_too_many(txn: &Txn, user_id: UserId) -> Result<()> {
    use api_key::Column as Is;
    let live = api_key::Entity::find()
        .filter(Is::UserId.eq(user_id))
        .filter(Is::RevokedAt.is_null())
        .filter(
            Condition::any()
                .add(Is::ExpiresAt.is_null())
                .add(Is::ExpiresAt.gt(txn.now())),
        );
    match live.count(txn.conn()).await? {
        ..MAX_KEYS => Ok(()),
        _ => Err(Error::NotAllowed(format!(
            "the user has {MAX_KEYS} API keys; revoke one first"
        ))),
    }
}

/// Checks that a key that expires creates no key that outlives it, since it could renew itself forever.
async fn no_later(app: &App, actor: &Actor, wanted: Option<Timestamp>) -> Result<()> {
    let own = api_key::Entity::find_by_id(actor.key_id).one(app.db.read()).await?;
    match own.and_then(|row| row.expires_at) {
        Some(end) if wanted.is_none_or(|at| at > end) => Err(Error::invalid(
            "expiresAt",
            format!(
                "must be given, and not be after {}, when this key expires",
                end.millis()
            ),
        )),
        _ => Ok(()),
    }
}

/// Revokes an API key: the caller's own, or any key when the caller may manage keys. A key ends none that reaches
/// further than itself: to other projects, or with the role of an owner.
pub async fn revoke(app: &App, actor: &Actor, id: &str) -> Result<api_key::Model> {
    let row = find(app, actor, id).await?;
    within(app, actor, &row).await?;
    end(app, row).await
}

/// Checks that a key reaches no further than the caller's own.
async fn within(app: &App, actor: &Actor, row: &api_key::Model) -> Result<()> {
    let Some(own) = &actor.projects else {
        let owner = user::Entity::find_by_id(row.user_id).one(app.db.read()).await?;
        return match owner.is_some_and(|owner| owner.role == Role::Owner) {
            true => actor.require(Action::ManageOwners),
            false => Ok(()),
        };
    };
    match projects(row)?.is_some_and(|of| of.iter().all(|id| own.contains(id))) {
        true => Ok(()),
        false => Err(Error::Forbidden(
            "this key is limited to projects, and the other one reaches further".into(),
        )),
    }
}

/// Returns the projects that a key is limited to.
fn projects(row: &api_key::Model) -> Result<Option<Vec<ProjectId>>> {
    let projects = row.projects.as_deref().map(serde_json::from_str);
    projects.transpose().map_err(Error::internal)
}

/// Revokes an API key; an already revoked one stays unchanged.
async fn end(app: &App, row: api_key::Model) -> Result<api_key::Model> {
    let key = row.id;
    let row = app
        .db
        .write(row.organization_id, move |txn| {
            Box::pin(async move {
                let row: api_key::Model = lookup::reload(txn.conn(), key).await?;
                if row.revoked_at.is_some() {
                    return Ok(row);
                }
                let mut row = row.into_active_model();
                row.revoked_at = Set(Some(txn.now()));
                Ok(row.update(txn.conn()).await?)
            })
        })
        .await?;
    app.keys_changed();
    Ok(row)
}

/// Lists the organization's API keys, oldest first, or only the caller's own.
pub async fn list(app: &App, actor: &Actor, page: Page) -> Result<Vec<api_key::Model>> {
    let mut query = api_key::Entity::find().filter(api_key::Column::OrganizationId.eq(actor.organization_id));
    if manages(actor).is_err() {
        query = query.filter(api_key::Column::UserId.eq(actor.user_id));
    }
    query = query.offset(page.skip).limit(page.first);
    Ok(query.order_by_asc(api_key::Column::Id).all(app.db.read()).await?)
}

async fn find(app: &App, actor: &Actor, id: &str) -> Result<api_key::Model> {
    let row: api_key::Model = lookup::find(app.db.read(), actor, id).await?;
    if row.user_id != actor.user_id {
        manages(actor)?;
    }
    Ok(row)
}

fn manages(actor: &Actor) -> Result<()> {
    actor.require(Action::ManageKeys)?;
    actor.require_organization()
}

/// Creates the first organization, owner and API key in an empty database. Returns the key when this process created
/// it.
pub async fn bootstrap(app: &App, given: Option<String>) -> Result<Option<String>> {
    if let Some(key) = &given
        && key.len() < BOOTSTRAP_LENGTH
    {
        return Err(Error::invalid(
            "bootstrapKey",
            format!("must have at least {BOOTSTRAP_LENGTH} characters"),
        ));
    }
    if organizations::Entity::find().one(app.db.read()).await?.is_some() {
        return Ok(None);
    }
    let shown = given.is_none();
    let made = app.db.write(Scope::installation(), move |txn| {
        Box::pin(async move {
            // Of nodes that start together, only the first creates it.
            match organizations::Entity::find().one(txn.conn()).await? {
                Some(_) => Ok(None),
                None => make(txn, "Default organization".into(), Role::Owner, given)
                    .await
                    .map(Some),
            }
        })
    });
    Ok(made.await?.filter(|_| shown).map(|created| created.key))
}

/// Creates an API key for a user of this role, and the organization and the user if they are missing. For the command
/// line.
pub async fn issue(app: &App, organization: String, role: Role, key: Option<String>) -> Result<Created> {
    let name = input::name("organization", &organization)?;
    app.db
        .write(Scope::installation(), move |txn| {
            Box::pin(async move { make(txn, name, role, key).await })
        })
        .await
}

async fn make(txn: &Txn, organization: String, role: Role, key: Option<String>) -> Result<Created> {
    let organization = organization::named(txn, organization).await?;
    let user = users::of_role(txn, organization.id, role).await?;
    insert(txn, organization.id, user.id, "command line".into(), None, None, key).await
}

/// Lists every API key of every organization. For the command line.
pub async fn all(app: &App) -> Result<Vec<api_key::Model>> {
    Ok(api_key::Entity::find()
        .order_by_asc(api_key::Column::Id)
        .all(app.db.read())
        .await?)
}

/// Revokes an API key of any organization by its id. For the command line.
pub async fn revoke_any(app: &App, id: &str) -> Result<api_key::Model> {
    let key = lookup::parse::<api_key::Model>(id)?;
    end(app, lookup::reload(app.db.read(), key).await?).await
}

async fn insert(
    txn: &Txn,
    organization_id: OrganizationId,
    user_id: UserId,
    name: String,
    projects: Option<String>,
    expires_at: Option<Timestamp>,
    key: Option<String>,
) -> Result<Created> {
    let key = key.unwrap_or_else(generate);
    let row = api_key::Model {
        id: ApiKeyId::new(),
        organization_id,
        user_id,
        name,
        prefix: key.chars().take(PREFIX_CHARS).collect(),
        hash: digest(&key).to_vec(),
        projects,
        created_at: txn.now(),
        expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    api_key::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(txn.conn())
        .await?;
    Ok(Created { key, row })
}

/// Checks the projects that a key is to be limited to. A limited key can create only keys within its own limits.
async fn limited(app: &App, actor: &Actor, ids: Option<&[String]>) -> Result<Option<String>> {
    let Some(ids) = ids else {
        let own = actor.projects.as_ref();
        return own
            .map(|own| serde_json::to_string(own).map_err(Error::internal))
            .transpose();
    };
    if ids.is_empty() {
        return Err(Error::invalid("projects", "must name a project; leave it out for all"));
    }
    if ids.len() > MAX_PROJECTS {
        let reason = format!("must have at most {MAX_PROJECTS} entries");
        return Err(Error::invalid("projects", reason));
    }
    let mut projects: Vec<ProjectId> = Vec::new();
    for id in ids {
        let project: project::Model = lookup::find_for(app.db.read(), actor, "projects", id).await?;
        projects.push(project.id);
    }
    serde_json::to_string(&projects).map(Some).map_err(Error::internal)
}

async fn look_up(app: &App, hash: &[u8; 32]) -> Result<Entry> {
    let found = api_key::Entity::find()
        .filter(api_key::Column::Hash.eq(hash.to_vec()))
        .one(app.db.read())
        .await?;
    let row = found.filter(|row| row.revoked_at.is_none()).ok_or_else(refused)?;
    let owner = user::Entity::find_by_id(row.user_id).one(app.db.read()).await?;
    let owner = owner.filter(|owner| !owner.disabled).ok_or_else(refused)?;
    let projects = projects(&row)?;
    seen(app, &row).await;
    let actor = Actor {
        organization_id: row.organization_id,
        user_id: owner.id,
        role: owner.role,
        key_id: row.id,
        projects,
    };
    Ok(Entry {
        actor,
        expires_at: row.expires_at,
    })
}

/// Records the use of the key, at most once a minute. A failure here refuses no request.
async fn seen(app: &App, row: &api_key::Model) {
    let now = app.clock.now();
    if row
        .last_used_at
        .is_some_and(|last| now.since(last) < LAST_USED_INTERVAL)
    {
        return;
    }
    let organization_id = row.organization_id;
    let mut row = row.clone().into_active_model();
    row.last_used_at = Set(Some(now));
    let noted = app
        .db
        .write(organization_id, move |txn| {
            Box::pin(async move { Ok(row.update(txn.conn()).await?) })
        })
        .await;
    if let Err(error) = noted {
        tracing::warn!(%error, "the last use of an API key was not recorded");
    }
}

fn refused() -> Error {
    Error::Unauthenticated("the API key is missing, unknown, expired or revoked".into())
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

fn generate() -> String {
    format!("lh_{}", hex::encode(rand::random::<[u8; 32]>()))
}
