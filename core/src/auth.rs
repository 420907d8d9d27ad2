//! Authorization: the actor of a request, and the table of what each role may do. Every verb checks it first.

use crate::{Error, Result};
use entity::{ApiKeyId, OrganizationId, ProjectId, Role, UserId};

/// The actor of a request: a user, authenticated by an API key.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The organization whose rows the actor sees.
    pub organization_id: OrganizationId,
    /// The user on whose behalf the actor acts.
    pub user_id: UserId,
    /// The role, which decides what the actor may do.
    pub role: Role,
    /// The API key of the request.
    pub key_id: ApiKeyId,
    /// The projects that the key is limited to; `None` for all.
    pub projects: Option<Vec<ProjectId>>,
}

/// The properties of an actor that decide what it is shown. Two actors with equal properties are shown the same. The
/// API key is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sight {
    organization_id: OrganizationId,
    user_id: UserId,
    role: Role,
    projects: Option<Vec<ProjectId>>,
}

/// A kind of action that needs a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See projects, datasets, data rows, batches, labels, reviews and people.
    Read,
    /// Create, change and delete labels and reviews.
    Annotate,
    /// Create, change and delete projects, datasets, data rows and batches.
    ManageData,
    /// See webhooks, events, notifications and attempts.
    ReadWebhooks,
    /// Create and change webhooks; redeliver, cancel, ping and preview.
    ManageWebhooks,
    /// Create and change users.
    ManageUsers,
    /// Give users the role of an owner, and change owners.
    ManageOwners,
    /// Change the organization itself: the retention of its log.
    ManageOrganization,
    /// See and revoke everybody's API keys, and create keys for others.
    ManageKeys,
}

/// Returns whether a role may perform an action: the table of permissions.
pub fn allows(role: Role, action: Action) -> bool {
    use Action::{Annotate, ManageData, ManageOwners, ManageUsers, Read, ReadWebhooks};
    match role {
        Role::Owner => true,
        Role::Admin => action != ManageOwners,
        Role::WorkforceManager => matches!(action, Read | Annotate | ManageData | ReadWebhooks | ManageUsers),
        Role::User => matches!(action, Read | Annotate | ManageData | ReadWebhooks),
        Role::Worker => matches!(action, Read | Annotate),
    }
}

impl Actor {
    /// Refuses an action that the actor's role may not perform.
    pub fn require(&self, action: Action) -> Result<()> {
        if allows(self.role, action) {
            return Ok(());
        }
        Err(Error::Forbidden(format!(
            "the role {} may not do this ({})",
            self.role.as_str(),
            action.as_str()
        )))
    }

    /// Returns the properties that decide what the actor is shown.
    pub fn sight(&self) -> Sight {
        let mut projects = self.projects.clone();
        if let Some(projects) = &mut projects {
            projects.sort_unstable();
            projects.dedup();
        }
        Sight {
            organization_id: self.organization_id,
            user_id: self.user_id,
            role: self.role,
            projects,
        }
    }

    /// Returns whether a row of this project may be shown. A row without a project is hidden from a key that is limited
    /// to projects.
    pub fn sees(&self, project_id: Option<ProjectId>) -> bool {
        match &self.projects {
            None => true,
            Some(projects) => project_id.is_some_and(|id| projects.contains(&id)),
        }
    }

    /// Returns those of the wanted projects that may be shown, or all that may be shown when `wanted` is `None`. The
    /// result `None` is every project.
    pub fn visible_projects(&self, wanted: Option<&[ProjectId]>) -> Option<Vec<ProjectId>> {
        match (&self.projects, wanted) {
            (None, wanted) => wanted.map(<[_]>::to_vec),
            (Some(own), None) => Some(own.clone()),
            (Some(own), Some(wanted)) => Some(wanted.iter().filter(|id| own.contains(id)).copied().collect()),
        }
    }

    /// Refuses an action on the whole organization when the key is limited to projects.
    pub fn require_organization(&self) -> Result<()> {
        match self.projects {
            None => Ok(()),
            Some(_) => Err(Error::Forbidden(
                "this key is limited to projects and may not do this".into(),
            )),
        }
    }
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Annotate => "annotate",
            Self::ManageData => "manage data",
            Self::ReadWebhooks => "read webhooks",
            Self::ManageWebhooks => "manage webhooks",
            Self::ManageUsers => "manage users",
            Self::ManageOwners => "manage owners",
            Self::ManageOrganization => "manage the organization",
            Self::ManageKeys => "manage keys",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_its_row_says() {
        use Action::*;
        let actions = [
            Read,
            Annotate,
            ManageData,
            ReadWebhooks,
            ManageUsers,
            ManageWebhooks,
            ManageKeys,
            ManageOrganization,
            ManageOwners,
        ];
        let matrix = [
            (Role::Owner, "xxxxxxxxx"),
            (Role::Admin, "xxxxxxxx-"),
            (Role::WorkforceManager, "xxxxx----"),
            (Role::User, "xxxx-----"),
            (Role::Worker, "xx-------"),
        ];
        for (role, row) in matrix {
            for (action, mark) in actions.iter().zip(row.chars()) {
                assert_eq!(allows(role, *action), mark == 'x', "{role:?} {action:?}");
            }
        }
    }

    #[test]
    fn a_limited_key_is_shown_those_of_the_wanted_projects_that_it_may_see() {
        let [own, other] = [ProjectId::new(), ProjectId::new()];
        let actor = |projects| Actor {
            organization_id: OrganizationId::new(),
            user_id: UserId::new(),
            role: Role::User,
            key_id: ApiKeyId::new(),
            projects,
        };
        let (all, limited) = (actor(None), actor(Some(vec![own])));
        assert_eq!(all.visible_projects(None), None);
        assert_eq!(all.visible_projects(Some(&[other])), Some(vec![other]));
        assert_eq!(limited.visible_projects(None), Some(vec![own]));
        assert_eq!(limited.visible_projects(Some(&[own, other])), Some(vec![own]));
        assert_eq!(limited.visible_projects(Some(&[other])), Some(vec![]));
    }
}
