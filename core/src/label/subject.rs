//! All that stands around a label, in one look: its project, data row, dataset and annotator, and whether the data row is
//! in a batch. The hot path of `createLabel` reads nothing else, so this is one statement whose text is made once.

use crate::{
    Result, batch,
    db::{Txn, raw},
    event,
};
use entity::{DataRowId, OrganizationId, ProjectId, UserId, data_row, dataset, label, organization, project, user};
use sea_orm::{DbErr, FromQueryResult, IdenStatic, Iterable, QueryResult};
use std::sync::LazyLock;

/// What stands around a label.
pub(crate) struct Subject {
    pub(crate) project: Option<project::Model>,
    pub(crate) data_row: Option<data_row::Model>,
    pub(crate) dataset: Option<dataset::Model>,
    pub(crate) user: Option<user::Model>,
    organization: Option<organization::Model>,
    batched: bool,
}

static SQL: LazyLock<String> = LazyLock::new(|| {
    let columns = [
        columns::<project::Column>("project"),
        columns::<data_row::Column>("data_row"),
        columns::<dataset::Column>("dataset"),
        columns::<user::Column>("user"),
        columns::<organization::Column>("organization"),
    ];
    format!(
        r#"SELECT {}, EXISTS (SELECT 1 FROM batch_data_row WHERE data_row_id = data_row.id) AS batched
        FROM (SELECT 1) AS one
        LEFT JOIN project ON project.id = ?2 AND project.organization_id = ?1
        LEFT JOIN data_row ON data_row.id = ?3 AND data_row.organization_id = ?1
        LEFT JOIN dataset ON dataset.id = data_row.dataset_id
        LEFT JOIN organization ON organization.id = ?1
        LEFT JOIN "user" ON "user".id = ?4 AND "user".organization_id = ?1"#,
        columns.join(", ")
    )
});

fn columns<C: Iterable + IdenStatic>(table: &str) -> String {
    let aliased = C::iter().map(|column| {
        let name = column.as_str();
        format!(r#""{table}"."{name}" AS "{table}_{name}""#)
    });
    aliased.collect::<Vec<_>>().join(", ")
}

impl FromQueryResult for Subject {
    fn from_query_result(row: &QueryResult, _: &str) -> Result<Self, DbErr> {
        Ok(Self {
            project: project::Model::from_query_result_optional(row, "project_")?,
            data_row: data_row::Model::from_query_result_optional(row, "data_row_")?,
            dataset: dataset::Model::from_query_result_optional(row, "dataset_")?,
            user: user::Model::from_query_result_optional(row, "user_")?,
            organization: organization::Model::from_query_result_optional(row, "organization_")?,
            batched: row.try_get("", "batched")?,
        })
    }
}

impl Subject {
    /// What stands around a label of this project and data row, by this user. What is not the organization's is absent.
    pub(crate) async fn read(
        txn: &Txn,
        organization_id: OrganizationId,
        project_id: ProjectId,
        data_row_id: DataRowId,
        user_id: Option<UserId>,
    ) -> Result<Self> {
        let values = [
            organization_id.into(),
            project_id.into(),
            data_row_id.into(),
            user_id.into(),
        ];
        let statement = raw(txn.conn(), SQL.as_str(), values);
        let found = Self::find_by_statement(statement).one(txn.conn()).await?;
        found.ok_or_else(|| crate::Error::internal("a row was left out of an outer join"))
    }

    /// What stands around a label that exists.
    pub(crate) async fn of(txn: &Txn, label: &label::Model) -> Result<Self> {
        Self::read(
            txn,
            label.organization_id,
            label.project_id,
            label.data_row_id,
            label.created_by,
        )
        .await
    }

    /// The data of an event about the label. Rows are marked and never removed, so all of them are there.
    pub(crate) async fn change(&self, txn: &Txn, label: &label::Model) -> Result<event::LabelChange> {
        let (Some(project), Some(data_row), Some(dataset)) = (&self.project, &self.data_row, &self.dataset) else {
            return Err(crate::Error::internal(format!("label {} stands alone", label.id)));
        };
        let batches = match self.batched {
            true => batch::holding(txn.conn(), project.id, data_row.id).await?,
            false => Vec::new(),
        };
        Ok(event::LabelChange {
            label: label.into(),
            project: project.into(),
            data_row: data_row.into(),
            dataset: dataset.into(),
            user: self.user.as_ref().map(Into::into),
            batches,
            task: None,
            team: self.organization.as_ref().map(Into::into),
        })
    }
}
