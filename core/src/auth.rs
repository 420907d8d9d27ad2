//! Who asks, and what they may do: one table, tested as a matrix. Every verb asks here first.

use crate::{Error, Result};
use entity::{ApiKeyId, OrganizationId, ProjectId, Role, UserId};

/// Who is asking: a user through an API key.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Whose rows they see.
    pub organization_id: OrganizationId,
    /// On whose behalf they act.
    pub user_id: UserId,
    /// What they may do.
    pub role: Role,
    /// The key they came with.
    pub key_id: ApiKeyId,
    /// The projects the key is limited to; none: all.
    pub projects: Option<Vec<ProjectId>>,
}

/// What decides about what somebody is shown: two of the same sight are shown the same of everything. The key with which
/// they came is no part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sight {
    organization_id: OrganizationId,
    user_id: UserId,
    role: Role,
    projects: Option<Vec<ProjectId>>,
}

/// What somebody may want to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See projects, datasets, data rows, batches, labels, reviews and people.
    Read,
    /// Make, change and delete labels and reviews.
    Annotate,
    /// Make, change and delete projects, datasets, data rows and batches.
    ManageData,
    /// See webhooks, events, notifications and attempts.
    ReadWebhooks,
    /// Make and change webhooks; redeliver, cancel, ping and preview.
    ManageWebhooks,
    /// Make and change users.
    ManageUsers,
    /// Make users owners, and change owners.
    ManageOwners,
    /// Change the organization itself: for how long its log is kept.
    ManageOrganization,
    /// See and revoke everybody's API keys, and make keys for others.
    ManageKeys,
}

/// The table. A role may do what stands in its row.
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
    /// Refuses what the actor's role may not do.
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

    /// What they are shown.
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

    /// Whether a row of this project may be shown. What belongs to no project is hidden from a key limited to some.
    pub fn sees(&self, project_id: Option<ProjectId>) -> bool {
        match &self.projects {
            None => true,
            Some(projects) => project_id.is_some_and(|id| projects.contains(&id)),
        }
    }

    /// Refuses what concerns the whole organization when the key is limited to projects.
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
}
