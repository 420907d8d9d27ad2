//! Looks rows up by their ids. The tenancy check of a row that is found by its id is [`is_visible`]: a row of another
//! organization, or of a project that the actor has no access to, is reported as not found. [`nouns`] lists the tables
//! that have a look-up, [`owned`] describes such a row, and [`conditions`] has the parts of the check that need other
//! tables. Nothing here may write.

mod conditions;
mod nouns;
mod owned;

pub(crate) use conditions::{
    connected, data_row_visible, dataset_visible, in_live_dataset, of_live_label, of_visible_webhook, within,
};
pub use nouns::{NOUNS, Noun};

use crate::{Error, Result, auth::Actor};
use entity::OrganizationId;
use owned::Owned;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use std::collections::{HashMap, HashSet};

/// Returns whether the row belongs to the actor's organization.
pub(crate) fn is_own<M: Owned>(row: &M, actor: &Actor) -> bool {
    row.organization_id() == actor.organization_id
}

/// The tenancy check: returns whether the row belongs to the actor's organization, and to a project that the actor has
/// access to.
pub(crate) fn is_visible<M: Owned>(row: &M, actor: &Actor) -> bool {
    is_own(row, actor) && row.visibility().includes(actor)
}

/// Parses an id. A text that is not an id is reported as not found.
pub(crate) fn parse<M: Owned>(id: &str) -> Result<M::Id> {
    id.parse().map_err(|_| not_found::<M>(id))
}

fn not_found<M: Owned>(id: impl ToString) -> Error {
    Error::not_found(M::NOUN, id)
}

/// Returns the live row with this id, when the actor has access to it.
pub(crate) async fn find<M: Owned>(conn: &impl ConnectionTrait, actor: &Actor, id: &str) -> Result<M> {
    let row: M = find_any(conn, actor, id).await?;
    match row.deleted() {
        true => Err(not_found::<M>(id)),
        false => Ok(row),
    }
}

/// Returns the row that a field of an input refers to. It must be live to get new references.
pub(crate) async fn find_for<M: Owned>(conn: &impl ConnectionTrait, actor: &Actor, field: &str, id: &str) -> Result<M> {
    let row: M = find_any(conn, actor, id).await?;
    match row.deleted() {
        true => Err(Error::invalid(field, format!("the {} is deleted", M::NOUN))),
        false => Ok(row),
    }
}

/// Returns the live rows with these ids, each once, in the order given; not found when one is missing.
pub(crate) async fn find_all<M: Owned>(conn: &impl ConnectionTrait, actor: &Actor, ids: &[String]) -> Result<Vec<M>> {
    let keys = ids.iter().map(|id| parse::<M>(id)).collect::<Result<Vec<_>>>()?;
    let rows = M::select(actor, M::ID.is_in(keys.iter().copied())).all(conn).await?;
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

/// Loads rows of an organization by their ids, deleted ones included, for the objects that refer to them.
pub(crate) async fn many<M: Owned>(
    conn: &impl ConnectionTrait,
    organization_id: OrganizationId,
    ids: &[M::Id],
) -> Result<Vec<M>> {
    Ok(M::select_many(organization_id, ids).all(conn).await?)
}

/// Loads a row again that was found before. It is only checked that the row still exists.
pub(crate) async fn reload<M: Owned>(conn: &impl ConnectionTrait, id: M::Id) -> Result<M> {
    let row = M::Entity::find().filter(M::ID.eq(id)).one(conn).await?;
    row.ok_or_else(|| not_found::<M>(id.to_string()))
}

async fn find_any<M: Owned>(conn: &impl ConnectionTrait, actor: &Actor, id: &str) -> Result<M> {
    let key = parse::<M>(id)?;
    let row = M::select(actor, M::ID.eq(key)).one(conn).await?;
    row.filter(|row| is_visible(row, actor))
        .ok_or_else(|| not_found::<M>(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::plan;
    use entity::{ApiKeyId, ProjectId, Role, UserId};
    use owned::Visibility;

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
