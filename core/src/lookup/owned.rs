//! The trait of rows that belong to an organization and are looked up by their ids, and the statements that select
//! them.

use crate::auth::Actor;
use entity::{OrganizationId, ProjectId};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ModelTrait, QueryFilter, Select, Value,
    sea_query::{Expr, ExprTrait},
};
use std::{hash::Hash, str::FromStr};

/// A column of a row's table.
type Column<M> = <<M as ModelTrait>::Entity as EntityTrait>::Column;

/// A row that belongs to an organization and is looked up by its id.
pub(crate) trait Owned: ModelTrait<Entity: EntityTrait<Model = Self>> {
    /// The noun that errors use.
    const NOUN: &'static str;
    /// The column of the id.
    const ID: Column<Self>;
    /// The column of the organization.
    const ORGANIZATION: Column<Self>;
    /// The type of the id.
    type Id: Copy + Eq + Hash + FromStr + ToString + Into<Value> + Send + Sync;

    /// Returns the id.
    fn id(&self) -> Self::Id;
    /// Returns the organization that the row belongs to.
    fn organization_id(&self) -> OrganizationId;
    /// Returns the projects that an API key with limits must include.
    fn visibility(&self) -> Visibility;
    /// Returns whether the row is marked as deleted.
    fn deleted(&self) -> bool;
    /// Builds the part of the check that needs other tables.
    fn condition(actor: &Actor) -> Condition;

    /// Selects rows by a condition on their ids, without those that other tables hide from the actor.
    fn select(actor: &Actor, ids: Expr) -> Select<Self::Entity> {
        Self::Entity::find().filter(ids).filter(Self::condition(actor))
    }

    /// Selects rows of an organization by their ids, deleted ones included.
    fn select_many(organization_id: OrganizationId, ids: &[Self::Id]) -> Select<Self::Entity> {
        Self::Entity::find()
            .filter(Self::ID.is_in(ids.iter().copied()))
            .filter(belongs_to(Self::ORGANIZATION, organization_id))
    }
}

/// Builds the condition that a row belongs to this organization, for rows that are selected by their ids. The form
/// `(column = id) IS TRUE` keeps the planner from choosing an index on the organization, which it would scan from end to
/// end.
fn belongs_to(column: impl ColumnTrait, id: OrganizationId) -> Expr {
    column.eq(id).is(Expr::Constant(true.into()))
}

/// The projects that an API key with limits must include to have access to a row.
#[derive(Clone, Debug)]
pub(crate) enum Visibility {
    /// None: every key of the organization has access.
    Organization,
    /// This project. A row without a project is hidden from keys with limits.
    Project(Option<ProjectId>),
    /// All of these projects.
    Projects(Vec<ProjectId>),
    /// Those of other rows: [`Owned::condition`] selects no row that the key has no access to.
    Condition,
}

impl Visibility {
    /// Returns whether the actor has access to these projects.
    pub(super) fn includes(&self, actor: &Actor) -> bool {
        match self {
            Self::Organization | Self::Condition => true,
            Self::Project(id) => actor.sees(*id),
            Self::Projects(ids) => ids.iter().all(|id| actor.sees(Some(*id))),
        }
    }
}
