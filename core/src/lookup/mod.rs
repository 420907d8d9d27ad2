//! Finds rows by their ids, or says that they are not found. The tenancy check of a row that is found by its id is
//! [`is_visible`]: a row of another organization, or of a project that the actor does not see, is not found. [`nouns`]
//! lists what is found here, and [`conditions`] has the parts of the check that need other tables.

mod conditions;
mod nouns;

pub(crate) use conditions::{
    connected, data_row_visible, dataset_visible, in_live_dataset, of_live_label, of_visible_webhook, within,
};
pub use nouns::{NOUNS, Noun};

use crate::{Error, Result, auth::Actor, list::owns};
use entity::{OrganizationId, ProjectId};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ModelTrait, QueryFilter, Select, Value, sea_query::Expr,
};
use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    str::FromStr,
};

/// A column of a noun's table.
type Column<M> = <<M as ModelTrait>::Entity as EntityTrait>::Column;

/// A row that belongs to an organization and is found by its id.
pub(crate) trait Owned: ModelTrait<Entity: EntityTrait<Model = Self>> {
    /// The noun as errors name it.
    const NOUN: &'static str;
    /// The column of the id.
    const ID: Column<Self>;
    /// The column of the organization.
    const ORGANIZATION: Column<Self>;
    /// Its id.
    type Id: Copy + Eq + Hash + FromStr + ToString + Into<Value> + Send + Sync;

    /// Returns the id.
    fn id(&self) -> Self::Id;
    /// Returns the organization that the row belongs to.
    fn organization_id(&self) -> OrganizationId;
    /// Returns the projects that a key limited to some must see to see the row.
    fn visibility(&self) -> Visibility;
    /// Returns true if the row is marked as deleted.
    fn deleted(&self) -> bool;
    /// Returns the part of the check that needs other tables.
    fn condition(actor: &Actor) -> Condition;
}

/// The projects that a key limited to some must see to see a row.
#[derive(Clone, Debug)]
pub(crate) enum Visibility {
    /// None: every key of the organization sees it.
    Organization,
    /// This one. What belongs to no project is hidden from a limited key.
    Project(Option<ProjectId>),
    /// All of these.
    Projects(Vec<ProjectId>),
    /// Those of other rows: [`Owned::condition`] leaves out what the key does not see.
    Condition,
}

impl Visibility {
    fn includes(&self, actor: &Actor) -> bool {
        match self {
            Self::Organization | Self::Condition => true,
            Self::Project(id) => actor.sees(*id),
            Self::Projects(ids) => ids.iter().all(|id| actor.sees(Some(*id))),
        }
    }
}

/// Returns true if the row is of the actor's organization.
pub(crate) fn is_own<M: Owned>(row: &M, actor: &Actor) -> bool {
    row.organization_id() == actor.organization_id
}

/// The tenancy check: returns true if the row is of the actor's organization, and of what their key is limited to.
pub(crate) fn is_visible<M: Owned>(row: &M, actor: &Actor) -> bool {
    is_own(row, actor) && row.visibility().includes(actor)
}

/// Parses an id. What is no id is an id of nothing.
pub(crate) fn parse<M: Owned>(id: &str) -> Result<M::Id> {
    id.parse().map_err(|_| not_found::<M>(id))
}

fn not_found<M: Owned>(id: impl ToString) -> Error {
    Error::not_found(M::NOUN, id)
}

/// Returns the live row with this id that the actor may see.
pub(crate) async fn find<M: Owned>(conn: &impl ConnectionTrait, actor: &Actor, id: &str) -> Result<M> {
    let row: M = find_any(conn, actor, id).await?;
    match row.deleted() {
        true => Err(not_found::<M>(id)),
        false => Ok(row),
    }
}

/// Returns the row that the field of an input names. It must be live, to get something new.
pub(crate) async fn find_for<M: Owned>(conn: &impl ConnectionTrait, actor: &Actor, field: &str, id: &str) -> Result<M> {
    let row: M = find_any(conn, actor, id).await?;
    match row.deleted() {
        true => Err(Error::invalid(field, format!("the {} is deleted", M::NOUN))),
        false => Ok(row),
    }
}

/// Returns the live rows with these ids, each once, in the order given. One that is not found fails all.
pub(crate) async fn find_all<M: Owned>(conn: &impl ConnectionTrait, actor: &Actor, ids: &[String]) -> Result<Vec<M>> {
    let keys = ids.iter().map(|id| parse::<M>(id)).collect::<Result<Vec<_>>>()?;
    let rows = select::<M>(actor, M::ID.is_in(keys.iter().copied())).all(conn).await?;
    let rows = rows.into_iter().filter(|row| is_visible(row, actor) && !row.deleted());
    let mut rows: HashMap<M::Id, M> = rows.map(|row| (row.id(), row)).collect();
    let (mut known, mut found) = (HashSet::new(), Vec::with_capacity(rows.len()));
    for (id, key) in ids.iter().zip(keys) {
        if known.insert(key) {
            found.push(rows.remove(&key).ok_or_else(|| not_found::<M>(id))?);
        }
    }
    Ok(found)
}

/// Returns those of an organization's rows that have these ids, deleted ones too: for the objects that name them.
pub(crate) async fn many<M: Owned>(
    conn: &impl ConnectionTrait,
    organization_id: OrganizationId,
    ids: &[M::Id],
) -> Result<Vec<M>> {
    Ok(select_many::<M>(organization_id, ids).all(conn).await?)
}

/// Loads again a row that was found before. Nothing is checked but that it is still there.
pub(crate) async fn reload<M: Owned>(conn: &impl ConnectionTrait, id: M::Id) -> Result<M> {
    let row = M::Entity::find().filter(M::ID.eq(id)).one(conn).await?;
    row.ok_or_else(|| not_found::<M>(id.to_string()))
}

async fn find_any<M: Owned>(conn: &impl ConnectionTrait, actor: &Actor, id: &str) -> Result<M> {
    let key = parse::<M>(id)?;
    let row = select::<M>(actor, M::ID.eq(key)).one(conn).await?;
    row.filter(|row| is_visible(row, actor))
        .ok_or_else(|| not_found::<M>(id))
}

fn select<M: Owned>(actor: &Actor, ids: Expr) -> Select<M::Entity> {
    M::Entity::find().filter(ids).filter(M::condition(actor))
}

fn select_many<M: Owned>(organization_id: OrganizationId, ids: &[M::Id]) -> Select<M::Entity> {
    M::Entity::find()
        .filter(M::ID.is_in(ids.iter().copied()))
        .filter(owns(M::ORGANIZATION, organization_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::plan;
    use entity::{ApiKeyId, Role, UserId};

    fn actor(projects: Option<Vec<ProjectId>>) -> Actor {
        Actor {
            organization_id: OrganizationId::new(),
            user_id: UserId::new(),
            role: Role::Owner,
            key_id: ApiKeyId::new(),
            projects,
        }
    }

    #[tokio::test]
    async fn each_noun_is_found_by_its_id_on_an_index_that_ends_in_it() {
        for projects in [None, Some(vec![ProjectId::new()])] {
            for (noun, statement) in nouns::statements(&actor(projects)) {
                let plan = plan(&statement).await;
                let by_id = plan[0].ends_with("(id=?)") || plan[0].ends_with(" AND id=?)");
                assert!(by_id, "{noun}: {plan:#?}");
                assert!(!plan.iter().any(|line| line.starts_with("SCAN")), "{noun}: {plan:#?}");
            }
        }
    }

    #[test]
    fn a_limited_key_sees_what_its_projects_hold() {
        let (own, other) = (ProjectId::new(), ProjectId::new());
        let (limited, whole) = (actor(Some(vec![own])), actor(None));
        for (visibility, seen) in [
            (Visibility::Organization, true),
            (Visibility::Project(Some(own)), true),
            (Visibility::Project(Some(other)), false),
            (Visibility::Project(None), false),
            (Visibility::Projects(vec![own]), true),
            (Visibility::Projects(vec![own, other]), false),
        ] {
            assert_eq!(visibility.includes(&limited), seen, "{visibility:?}");
            assert!(visibility.includes(&whole), "{visibility:?}");
        }
    }
}
