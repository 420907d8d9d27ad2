//! Lists as people ask for them: a filter, an order and a page, in the words of a noun's own [`Field`]s. The API builds
//! a [`Query`] from its typed inputs; here it becomes conditions of a statement. What is deleted is left out unless the
//! filter asks about it.

use crate::{Error, Result};
use entity::Timestamp;
use sea_orm::{
    Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{self, Expr},
};
use uuid::Uuid;

/// Values in all conditions of one filter at most.
pub const MAX_VALUES: usize = 1_000;

/// A noun's fields that can be filtered and ordered by.
pub trait Field: Copy {
    /// Its column, or an expression over the noun's row.
    fn expr(self) -> Expr;
    /// Whether it says that the row is deleted.
    fn tells_deleted(self) -> bool {
        false
    }
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal to the value.
    Eq,
    /// Different from the value, or absent.
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

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An id; one that cannot be read equals none.
    Id(Option<Uuid>),
    /// Text, compared byte by byte.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// A moment.
    Time(Timestamp),
    /// A number.
    Number(f64),
    /// A word of a closed list, as it is stored.
    Word(i16),
}

/// Which rows: all conditions hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter<F> {
    /// Every part holds; no part: every row.
    And(Vec<Self>),
    /// One condition.
    Is {
        /// Of which field.
        field: F,
        /// How it is compared.
        operator: Operator,
        /// With what; several for [`Operator::In`] only.
        values: Vec<Value>,
    },
}

/// In which order: by a field, and by id among equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<F> {
    /// The field.
    pub field: F,
    /// The greatest first.
    pub descending: bool,
}

/// Which part of the list. The API bounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Rows to leave out.
    pub skip: u64,
    /// Rows to give.
    pub first: u64,
}

/// A list as it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Query<F> {
    /// Which rows.
    pub filter: Filter<F>,
    /// In which order; none: as they were made.
    pub order: Option<Order<F>>,
    /// Which part.
    pub page: Page,
}

impl Value {
    /// An id as it was given.
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
    /// A condition with one value.
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
    /// The statement for this part of the list. `id` breaks ties; `live` holds for rows that are not deleted.
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

/// What has no value is less than what has one, on both databases.
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
