//! The scope of a unit of work: the organizations it concerns. SQLite has a single writer, so there a scope has no
//! effect. On PostgreSQL units run concurrently, and a scope becomes advisory locks on its organizations.

use entity::OrganizationId;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The organizations that a unit of work reads and changes, each exclusive or shared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(pub(super) BTreeMap<OrganizationId, LockMode>);

/// The kind of lock on an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockMode {
    /// Shared with other units that only append: what they read does not change meanwhile.
    Shared,
    /// Exclusive: the unit changes what others decide by.
    Exclusive,
}

impl Scope {
    /// A scope without organizations: the unit's statements need no protection beyond their own.
    pub fn none() -> Self {
        Self::default()
    }

    /// The scope of the installation: for rows that exist once, and for creating organizations.
    pub fn installation() -> Self {
        Self::exclusive([OrganizationId(Uuid::nil())])
    }

    /// Makes a scope of these organizations, each exclusive.
    pub fn exclusive(ids: impl IntoIterator<Item = OrganizationId>) -> Self {
        Self(ids.into_iter().map(|id| (id, LockMode::Exclusive)).collect())
    }

    /// Makes a scope of these organizations, shared with units that only append.
    pub fn shared(ids: impl IntoIterator<Item = OrganizationId>) -> Self {
        Self(ids.into_iter().map(|id| (id, LockMode::Shared)).collect())
    }

    /// Returns whether an organization is exclusive.
    pub(super) fn is_exclusive(&self) -> bool {
        self.0.values().any(|turn| *turn == LockMode::Exclusive)
    }

    /// Adds the organizations of another scope; the stricter lock wins.
    pub(super) fn join(&mut self, other: &Self) {
        for (id, turn) in &other.0 {
            let mine = self.0.entry(*id).or_insert(*turn);
            *mine = (*mine).max(*turn);
        }
    }
}

impl From<OrganizationId> for Scope {
    fn from(id: OrganizationId) -> Self {
        Self::exclusive([id])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_wants_an_organization_alone_has_it_alone() {
        let (one, two) = (OrganizationId::new(), OrganizationId::new());
        let mut scope = Scope::shared([one, two]);
        scope.join(&Scope::from(one));
        scope.join(&Scope::shared([one]));
        assert_eq!(
            scope.0,
            BTreeMap::from([(one, LockMode::Exclusive), (two, LockMode::Shared)])
        );
    }
}
