//! Fields by which webhooks are filtered and sorted.

use crate::list;
use entity::webhook;
use sea_orm::{ColumnTrait, sea_query::Expr};

/// Fields by which webhooks are filtered and sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the column of its name")]
pub enum Field {
    Id,
    Url,
    Status,
    CreatedAt,
    UpdatedAt,
}

impl list::Field for Field {
    fn expr(self) -> Expr {
        match self {
            Self::Id => webhook::Column::Id,
            Self::Url => webhook::Column::Url,
            Self::Status => webhook::Column::Status,
            Self::CreatedAt => webhook::Column::CreatedAt,
            Self::UpdatedAt => webhook::Column::UpdatedAt,
        }
        .into_expr()
    }
}
