//! Fields by which labels are filtered and sorted.

use crate::list;
use entity::{data_row as data_rows, label};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{self, Expr, SubQueryStatement},
};

/// Fields by which labels are filtered and sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the column of its name, or the label's data row's")]
pub enum Field {
    Id,
    CreatedBy,
    DataRow,
    Dataset,
    ExternalId,
    Label,
    SecondsToLabel,
    CreatedAt,
    UpdatedAt,
    Deleted,
}

impl list::Field for Field {
    fn expr(self) -> Expr {
        match self {
            Self::Id => label::Column::Id,
            Self::CreatedBy => label::Column::CreatedBy,
            Self::DataRow => label::Column::DataRowId,
            Self::Dataset => return of_data_row(data_rows::Column::DatasetId),
            Self::ExternalId => return of_data_row(data_rows::Column::ExternalId),
            Self::Label => label::Column::Label,
            Self::SecondsToLabel => label::Column::SecondsToLabel,
            Self::CreatedAt => label::Column::CreatedAt,
            Self::UpdatedAt => label::Column::UpdatedAt,
            Self::Deleted => label::Column::Deleted,
        }
        .into_expr()
    }

    fn tells_deleted(self) -> bool {
        self == Self::Deleted
    }
}

/// Selects a column of the label's data row.
fn of_data_row(column: data_rows::Column) -> Expr {
    let row = data_rows::Entity::find()
        .select_only()
        .column(column)
        .filter(sea_query::ExprTrait::equals(
            data_rows::Column::Id.into_expr(),
            (label::Entity, label::Column::DataRowId),
        ));
    Expr::SubQuery(None, Box::new(SubQueryStatement::SelectStatement(row.into_query())))
}
