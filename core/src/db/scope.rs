//! Whom a unit of work concerns. On SQLite one writer serves all and a scope changes nothing. On PostgreSQL many write at
//! once, and units that decide something by what they read take turns, by organization.

use entity::OrganizationId;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The organizations that a unit of work reads and changes, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(pub(super) BTreeMap<OrganizationId, Turn>);

/// How a unit shares an organization with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Beside others that only add: what they read stays as it is meanwhile.
    Shared,
    /// Alone: it changes what others decide by.
    Alone,
}

impl Scope {
    /// Nobody's: its statements need no protection beside their own.
    pub fn free() -> Self {
        Self::default()
    }

    /// The installation's: what is there once, and what makes organizations.
    pub fn installation() -> Self {
        Self::alone([OrganizationId(Uuid::nil())])
    }

    /// Of these organizations, each alone.
    pub fn alone(ids: impl IntoIterator<Item = OrganizationId>) -> Self {
        Self(ids.into_iter().map(|id| (id, Turn::Alone)).collect())
    }

    /// Of these organizations, beside others that only add.
    pub fn shared(ids: impl IntoIterator<Item = OrganizationId>) -> Self {
        Self(ids.into_iter().map(|id| (id, Turn::Shared)).collect())
    }

    /// Whether it is to have an organization alone.
    pub(super) fn is_alone(&self) -> bool {
        self.0.values().any(|turn| *turn == Turn::Alone)
    }

    /// Takes another's organizations in; the stricter turn wins.
    pub(super) fn join(&mut self, other: &Self) {
        for (id, turn) in &other.0 {
            let mine = self.0.entry(*id).or_insert(*turn);
            *mine = (*mine).max(*turn);
        }
    }
}

impl From<OrganizationId> for Scope {
    fn from(id: OrganizationId) -> Self {
        Self::alone([id])
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
        assert_eq!(scope.0, BTreeMap::from([(one, Turn::Alone), (two, Turn::Shared)]));
    }
}
