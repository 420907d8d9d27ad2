//! The filter syntax of the Labelbox SDK, which is that of Prisma 1: `where` inputs with suffixes (`name_not`,
//! `createdAt_gte`) and `AND`, and `orderBy` enums. They are typed inputs, so that the type of a variable is checked.
//! Each noun lists its own as [`Listed`] and with [`order_by!`]; here they become core's [`Query`].

use labelhook_core::list::{Order, Page, Query};

use super::error::Result;
use super::list::OffsetPage;
use super::where_input::{Listed, WhereInput};

/// An `orderBy` enum.
pub trait OrderBy {
    /// The fields of the noun.
    type Field;
    /// Converts the value into core's order.
    fn order(self) -> Order<Self::Field>;
}

/// Builds the query of a list field from its arguments.
pub fn query<N, O>(
    by: Option<WhereInput<N>>,
    order_by: Option<O>,
    skip: Option<i32>,
    first: Option<i32>,
) -> Result<Query<N::Field>>
where
    N: Listed,
    O: OrderBy<Field = N::Field>,
{
    Ok(Query {
        filter: by.map(WhereInput::filter).unwrap_or_default(),
        order: order_by.map(OrderBy::order),
        page: OffsetPage::new(skip, first)?.into(),
    })
}

impl From<OffsetPage> for Page {
    fn from(OffsetPage { skip, first }: OffsetPage) -> Self {
        Self { skip, first }
    }
}

/// Defines an enum of sort orders: each line is a value, its name in the schema, the column and the direction.
macro_rules! order_by {
    (
        $(#[$doc:meta])* $name:ident of $field:ty {
            $($(#[$line_doc:meta])* $line:ident $shown:tt => $column:ident $descending:literal;)+
        }
    ) => {
        $(#[$doc])*
        #[derive(async_graphql::Enum, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$line_doc])* #[graphql(name = $shown)] $line,)+
        }

        impl $crate::graphql::filter::OrderBy for $name {
            type Field = $field;

            fn order(self) -> labelhook_core::list::Order<$field> {
                let (field, descending) = match self {
                    $(Self::$line => (<$field>::$column, $descending),)+
                };
                labelhook_core::list::Order { field, descending }
            }
        }
    };
}

pub(super) use order_by;
