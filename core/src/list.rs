//! Filtered, ordered and paged lists, by the [`Field`]s of a noun. The API builds a [`Query`] from its typed inputs;
//! this module turns it into SQL conditions. Deleted rows are left out unless the filter asks about deletion.

use crate::{Error, Result};
use entity::Timestamp;
use sea_orm::{
    Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{self, Expr},
};
use uuid::Uuid;

/// The most values in all conditions of one filter.
pub const MAX_VALUES: usize = 1_000;

/// A field of a noun that lists can be filtered and ordered by.
pub trait Field: Copy {
    /// Returns the column, or an expression over the noun's row.
    fn expr(self) -> Expr;
    /// Returns whether the field says that the row is deleted.
    fn tells_deleted(self) -> bool {
        false
    }
}

/// A comparison of a field with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal to the value.
    Eq,
    /// Different from the value, or `NULL`.
    Not,
    /// Less than the value.
    Lt,
    /// At most the value.
    Lte,
    /// Greater than the value.
    Gt,
    /// At least the value.
    Gte,
    /// One of the values.
    In,
}

/// A value that a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An id; `None` for one that is not valid, which equals no id.
    Id(Option<Uuid>),
    /// A text, compared byte by byte.
    Text(String),
    /// A boolean.
    Bool(bool),
    /// A point in time.
    Time(Timestamp),
    /// A number.
    Number(f64),
    /// A member of an enumeration, as it is stored.
    Word(i16),
}

/// A filter of rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter<F> {
    /// Rows for which every part holds; without parts, every row.
    And(Vec<Self>),
    /// Rows for which one comparison holds.
    Is {
        /// The field.
        field: F,
        /// The comparison.
        operator: Operator,
        /// The values; several for [`Operator::In`] only.
        values: Vec<Value>,
    },
}

/// The order of a list: by a field, and by id among equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<F> {
    /// The field.
    pub field: F,
    /// True for the greatest value first.
    pub descending: bool,
}

/// The part of a list to return. The API bounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The number of rows to skip.
    pub skip: u64,
    /// The most rows to return.
    pub first: u64,
}

/// A query for a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Query<F> {
    /// The filter.
    pub filter: Filter<F>,
    /// The order; `None` for the order of creation.
    pub order: Option<Order<F>>,
    /// The part to return.
    pub page: Page,
}

impl Value {
    /// Parses an id.
    pub fn id(text: &str) -> Self {
        Self::Id(text.parse().ok())
    }

    fn expr(&self) -> Expr {
        match self {
            Self::Id(id) => Expr::val(id.unwrap_or(Uuid::nil())),
            Self::Text(text) => Expr::val(text.clone()),
            Self::Bool(value) => Expr::val(*value),
            Self::Time(time) => Expr::val(time.0),
            Self::Number(number) => Expr::val(*number),
            Self::Word(word) => Expr::val(*word),
        }
    }
}

impl<F> Default for Filter<F> {
    fn default() -> Self {
        Self::And(Vec::new())
    }
}

impl<F: Field> Filter<F> {
    /// Makes a condition with one value.
    pub fn is(field: F, operator: Operator, value: Value) -> Self {
        let values = vec![value];
        Self::Is {
            field,
            operator,
            values,
        }
    }

    fn condition(&self) -> Condition {
        match self {
            Self::And(parts) => parts
                .iter()
                .fold(Condition::all(), |all, part| all.add(part.condition())),
            Self::Is {
                field,
                operator,
                values,
            } => Condition::all().add(compare(field.expr(), *operator, values)),
        }
    }

    fn asks_deleted(&self) -> bool {
        match self {
            Self::And(parts) => parts.iter().any(Self::asks_deleted),
            Self::Is { field, .. } => field.tells_deleted(),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::And(parts) => parts.iter().map(Self::size).sum::<usize>() + 1,
            Self::Is { values, .. } => values.len() + 1,
        }
    }
}

fn compare(field: Expr, operator: Operator, values: &[Value]) -> Expr {
    let mut values = values.iter().map(Value::expr);
    if operator == Operator::In {
        return field.is_in(values);
    }
    let Some(value) = values.next() else {
        return Expr::val(true);
    };
    match operator {
        Operator::Eq | Operator::In => field.eq(value),
        Operator::Not => field.clone().ne(value).or(field.is_null()),
        Operator::Lt => field.lt(value),
        Operator::Lte => field.lte(value),
        Operator::Gt => field.gt(value),
        Operator::Gte => field.gte(value),
    }
}

impl<F: Field> Query<F> {
    /// Applies the query to a statement. `id` breaks ties; `live` is the condition that a row is not deleted.
    pub(crate) fn select<E: EntityTrait>(self, rows: Select<E>, id: F, live: Option<Expr>) -> Result<Select<E>> {
        if self.filter.size() > MAX_VALUES {
            return Err(Error::invalid(
                "where",
                format!("must have at most {MAX_VALUES} conditions and values"),
            ));
        }
        let live = live.filter(|_| !self.filter.asks_deleted());
        let rows = rows
            .filter(self.filter.condition())
            .filter(Condition::all().add_option(live));
        let (rows, descending) = match self.order {
            Some(order) => (
                rows.order_by_with_nulls(order.field.expr(), direction(order.descending), nulls(order.descending)),
                order.descending,
            ),
            None => (rows, false),
        };
        Ok(rows
            .order_by(id.expr(), direction(descending))
            .offset(self.page.skip)
            .limit(self.page.first))
    }
}

/// Orders `NULL` below all values, on both databases.
fn nulls(descending: bool) -> sea_query::NullOrdering {
    match descending {
        true => sea_query::NullOrdering::Last,
        false => sea_query::NullOrdering::First,
    }
}

fn direction(descending: bool) -> sea_query::Order {
    match descending {
        true => sea_query::Order::Desc,
        false => sea_query::Order::Asc,
    }
}
