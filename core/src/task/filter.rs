//! Filters of tasks, and a [page](crate::page) of them.

use crate::{Result, auth::Actor, page};
use entity::{BatchId, DataRowId, ProjectId, StageId, TaskId, TaskStatus, Timestamp, UserId, batch_data_row, task};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::Expr,
};

/// The requested page of tasks.
pub type PageRequest = page::PageRequest<TaskId>;
/// A page of tasks.
pub type Page = page::Page<task::Model>;

/// Conditions for tasks; absent ones match everything. A list matches any of its values.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The ids of the tasks.
    pub ids: Option<Vec<TaskId>>,
    /// The projects of the tasks.
    pub project_ids: Option<Vec<ProjectId>>,
    /// The stages that they are in.
    pub stage_ids: Option<Vec<StageId>>,
    /// The data rows of the tasks.
    pub data_row_ids: Option<Vec<DataRowId>>,
    /// The batches of their data rows.
    pub batch_ids: Option<Vec<BatchId>>,
    /// The users who are assigned to them.
    pub assignee_ids: Option<Vec<UserId>>,
    /// The statuses of the tasks.
    pub statuses: Option<Vec<TaskStatus>>,
    /// The external id of the data row.
    pub external_id: Option<String>,
    /// Created at or after this time.
    pub created_from: Option<Timestamp>,
    /// Created before this time.
    pub created_before: Option<Timestamp>,
}

impl Filter {
    /// Returns whether a task matches, by the same conditions as the statement of a page.
    pub(crate) fn matches(&self, row: &task::Model, batch_ids: &[BatchId]) -> bool {
        let batched = |wanted: &Vec<BatchId>| wanted.iter().any(|id| batch_ids.contains(id));
        page::one_of(&self.ids, Some(row.id))
            && page::one_of(&self.project_ids, Some(row.project_id))
            && page::one_of(&self.stage_ids, Some(row.stage_id))
            && page::one_of(&self.data_row_ids, Some(row.data_row_id))
            && self.batch_ids.as_ref().is_none_or(batched)
            && page::one_of(&self.assignee_ids, row.assignee_id)
            && page::one_of(&self.statuses, Some(row.status))
            && (self.external_id.is_none() || self.external_id == row.external_id)
            && page::made_between(row.created_at, self.created_from, self.created_before)
    }
}

pub(super) async fn page(db: &impl ConnectionTrait, actor: &Actor, filter: &Filter, span: PageRequest) -> Result<Page> {
    let rows = select(actor, filter, span).all(db).await?;
    Ok(Page::cut(rows, &span))
}

/// Selects one row more than the page, to detect whether there are more.
fn select(actor: &Actor, filter: &Filter, span: PageRequest) -> Select<task::Entity> {
    let mut query = matching(actor, filter);
    if let Some(after) = span.after {
        query = query.filter(task::Column::Id.lt(after));
    }
    if let Some(before) = span.before {
        query = query.filter(task::Column::Id.gt(before));
    }
    query
        .order_by(task::Column::Id, span.from.order())
        .limit(span.count.saturating_add(1))
}

/// Selects the live tasks that the actor has access to and the filter matches.
pub(super) fn matching(actor: &Actor, filter: &Filter) -> Select<task::Entity> {
    use task::Column as Is;
    let seen = actor.visible_projects(filter.project_ids.as_deref());
    let condition = Condition::all()
        .add(Is::OrganizationId.eq(actor.organization_id))
        .add(Is::Deleted.eq(false))
        .add_option(one_of(Is::Id, filter.ids.clone()))
        .add_option(one_of(Is::ProjectId, seen))
        .add_option(one_of(Is::StageId, filter.stage_ids.clone()))
        .add_option(one_of(Is::DataRowId, filter.data_row_ids.clone()))
        .add_option(filter.batch_ids.as_deref().map(batched))
        .add_option(one_of(Is::AssigneeId, filter.assignee_ids.clone()))
        .add_option(one_of(Is::Status, filter.statuses.clone()))
        .add_option(filter.external_id.clone().map(|id| Is::ExternalId.eq(id)))
        .add_option(filter.created_from.map(|time| Is::CreatedAt.gte(time)))
        .add_option(filter.created_before.map(|time| Is::CreatedAt.lt(time)));
    task::Entity::find().filter(condition)
}

fn batched(batches: &[BatchId]) -> Expr {
    let links = batch_data_row::Entity::find()
        .select_only()
        .column(batch_data_row::Column::DataRowId)
        .filter(batch_data_row::Column::BatchId.is_in(batches.iter().copied()));
    task::Column::DataRowId.in_subquery(links.into_query())
}

fn one_of<T: Into<sea_orm::Value>>(column: task::Column, values: Option<Vec<T>>) -> Option<Expr> {
    values.map(|values| column.is_in(values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{page::End, sql::plan};
    use entity::{ApiKeyId, OrganizationId, Role};
    use sea_orm::DbBackend;

    fn actor() -> Actor {
        Actor {
            organization_id: OrganizationId::new(),
            user_id: UserId::new(),
            role: Role::Owner,
            key_id: ApiKeyId::new(),
            projects: None,
        }
    }

    async fn check(filter: Filter, after: bool, index: &str) {
        let span = PageRequest {
            count: 100,
            from: End::First,
            after: after.then(TaskId::new),
            before: None,
        };
        let query = select(&actor(), &filter, span).build(DbBackend::Sqlite).to_string();
        let plan = plan(&query).await;
        assert_eq!(plan.len(), 1, "one search, already in order: {plan:?}");
        assert!(plan[0].contains(index), "{plan:?}");
        assert_eq!(plan[0].contains("id<?"), after, "{plan:?}");
    }

    #[tokio::test]
    async fn each_way_into_the_tasks_has_its_index() {
        for after in [false, true] {
            let none = Filter::default;
            check(none(), after, "task_organization").await;
            let project_ids = Some(vec![ProjectId::new()]);
            check(Filter { project_ids, ..none() }, after, "task_project").await;
            let stage_ids = Some(vec![StageId::new()]);
            check(Filter { stage_ids, ..none() }, after, "task_stage").await;
            let assignee_ids = Some(vec![UserId::new()]);
            check(Filter { assignee_ids, ..none() }, after, "task_assignee").await;
            let external_id = Some("x".to_owned());
            check(Filter { external_id, ..none() }, after, "task_external_id").await;
        }
        let held = Filter {
            stage_ids: Some(vec![StageId::new()]),
            statuses: Some(vec![TaskStatus::Held]),
            ..Filter::default()
        };
        check(held, true, "task_standing").await;
    }
}
