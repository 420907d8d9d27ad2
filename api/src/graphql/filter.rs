//! The filter syntax of the Labelbox SDK, which is that of Prisma 1: `where` inputs with suffixes (`name_not`,
//! `createdAt_gte`) and `AND`, and `orderBy` enums. They are typed inputs, so that the type of a variable is checked.
//! Each noun lists its own with [`where_input!`] and [`order_by!`]; here they become core's [`Query`].

use async_graphql::ID;
use entity::{Timestamp, WebhookStatus};
use labelhook_core::list::{Filter, Order, Page, Query, Value};

use super::error::Result;
use super::list::OffsetPage;

/// A `where` input.
pub trait Where {
    /// The fields of the noun.
    type Field;
    /// Converts the input into core's filter.
    fn filter(self) -> Filter<Self::Field>;
}

/// An `orderBy` enum.
pub trait OrderBy {
    /// The fields of the noun.
    type Field;
    /// Converts the value into core's order.
    fn order(self) -> Order<Self::Field>;
}

/// Builds the query of a list field from its arguments.
pub fn query<F, W, O>(by: Option<W>, order_by: Option<O>, skip: Option<i32>, first: Option<i32>) -> Result<Query<F>>
where
    W: Where<Field = F>,
    O: OrderBy<Field = F>,
{
    Ok(Query {
        filter: by.map(Where::filter).unwrap_or_default(),
        order: order_by.map(OrderBy::order),
        page: OffsetPage::new(skip, first)?.into(),
    })
}

impl From<OffsetPage> for Page {
    fn from(OffsetPage { skip, first }: OffsetPage) -> Self {
        Self { skip, first }
    }
}

/// The values that a condition compares with.
pub trait Values {
    /// Converts the input into core's values.
    fn values(self) -> Vec<Value>;
}

impl Values for ID {
    fn values(self) -> Vec<Value> {
        vec![Value::id(&self)]
    }
}

impl Values for String {
    fn values(self) -> Vec<Value> {
        vec![Value::Text(self)]
    }
}

impl Values for bool {
    fn values(self) -> Vec<Value> {
        vec![Value::Bool(self)]
    }
}

impl Values for Timestamp {
    fn values(self) -> Vec<Value> {
        vec![Value::Time(self)]
    }
}

impl Values for f64 {
    fn values(self) -> Vec<Value> {
        vec![Value::Number(self)]
    }
}

impl Values for WebhookStatus {
    fn values(self) -> Vec<Value> {
        vec![Value::Word(self as i16)]
    }
}

impl<T: Values> Values for Vec<T> {
    fn values(self) -> Vec<Value> {
        self.into_iter().flat_map(T::values).collect()
    }
}

/// Defines an input of conditions: each line is a field of the input, its name in the schema, its type, the compared
/// column and the operator. Below `nested` are inputs of conditions about related objects.
macro_rules! where_input {
    (
        $(#[$doc:meta])* $name:ident of $field:ty {
            $($(#[$line_doc:meta])* $line:ident $shown:tt: $type:ty => $column:ident $operator:ident;)+
        }
        $(nested { $($(#[$nested_doc:meta])* $nested:ident: $nested_type:ty;)+ })?
    ) => {
        $(#[$doc])*
        #[derive(async_graphql::InputObject, Default)]
        pub struct $name {
            /// Further conditions, all of which must hold too.
            #[graphql(name = "AND")]
            and: Option<Vec<$name>>,
            $($(#[$line_doc])* #[graphql(name = $shown)] $line: Option<$type>,)+
            $($($(#[$nested_doc])* $nested: Option<$nested_type>,)+)?
        }

        impl $crate::graphql::filter::Where for $name {
            type Field = $field;

            fn filter(self) -> labelhook_core::list::Filter<$field> {
                use labelhook_core::list::{Filter, Operator};
                let mut parts: Vec<Filter<$field>> = Vec::new();
                parts.extend(self.and.into_iter().flatten().map(Self::filter));
                $(parts.extend(self.$line.map(|given| Filter::Is {
                    field: <$field>::$column,
                    operator: Operator::$operator,
                    values: $crate::graphql::filter::Values::values(given),
                }));)+
                $($(parts.extend(self.$nested.map($crate::graphql::filter::Where::filter));)+)?
                Filter::And(parts)
            }
        }
    };
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

pub(super) use {order_by, where_input};
