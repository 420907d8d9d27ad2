//! The kinds of conditions, and the comparisons that a field of each kind offers.

use async_graphql::{ID, InputType};
use entity::{Timestamp, WebhookStatus};
use labelhook_core::list::Operator;

use super::values::Values;

/// A noun whose lists take conditions.
pub trait Listed: Sized + Send + Sync + 'static {
    /// The fields of the noun.
    type Field: Clone + Send + Sync;
    /// The name of the input.
    const NAME: &'static str;
    /// The description of the input.
    const DESCRIPTION: &'static str;

    /// Adds the conditions in the order of the schema.
    fn conditions(on: &mut impl Conditions<Self>);
}

/// One comparison: the suffix of the condition's name, the end of its description, and the operator.
type Comparison = (&'static str, &'static str, Operator);

const SAME: [Comparison; 3] = [
    ("", "equals this value.", Operator::Eq),
    ("_not", "differs from this value.", Operator::Not),
    ("_in", "is one of these values.", Operator::In),
];

const TEXT: [Comparison; 7] = [
    ("", "equals this value.", Operator::Eq),
    ("_not", "differs from this value or is absent.", Operator::Not),
    ("_in", "is one of these values.", Operator::In),
    ("_lt", "sorts before this value.", Operator::Lt),
    ("_lte", "equals this value or sorts before it.", Operator::Lte),
    ("_gt", "sorts after this value.", Operator::Gt),
    ("_gte", "equals this value or sorts after it.", Operator::Gte),
];

const NUMBER: [Comparison; 6] = [
    ("", "equals this value.", Operator::Eq),
    ("_not", "differs from this value.", Operator::Not),
    ("_lt", "is less than this value.", Operator::Lt),
    ("_lte", "is at most this value.", Operator::Lte),
    ("_gt", "is greater than this value.", Operator::Gt),
    ("_gte", "is at least this value.", Operator::Gte),
];

const TIME: [Comparison; 6] = [
    ("", "at exactly this time.", Operator::Eq),
    ("_not", "at this time.", Operator::Not),
    ("_lt", "before this time.", Operator::Lt),
    ("_lte", "at or before this time.", Operator::Lte),
    ("_gt", "after this time.", Operator::Gt),
    ("_gte", "at or after this time.", Operator::Gte),
];

/// Takes the conditions of a noun: to describe them, or to read those that are given.
pub trait Conditions<N: Listed> {
    /// Adds one comparison of a field: its name in the schema, its description in two parts, and its operator.
    fn compare<T: InputType + Values>(&mut self, name: &str, about: [&str; 2], field: &N::Field, operator: Operator);

    /// Adds the conditions of a related object.
    fn nested<M: Listed<Field = N::Field>>(&mut self, name: &str, about: &str);

    /// Adds the comparisons of an id.
    fn id(&mut self, name: &str, subject: &str, field: N::Field) {
        self.all::<ID>(name, subject, field, &SAME);
    }

    /// Adds the comparisons of a webhook's status.
    fn status(&mut self, name: &str, subject: &str, field: N::Field) {
        self.all::<WebhookStatus>(name, subject, field, &SAME);
    }

    /// Adds the comparisons of text that may be absent, its order included.
    fn text(&mut self, name: &str, subject: &str, field: N::Field) {
        self.all::<String>(name, subject, field, &TEXT);
    }

    /// Adds the comparisons of text that is never absent, without its order.
    fn exact(&mut self, name: &str, subject: &str, field: N::Field) {
        self.all::<String>(name, subject, field, &SAME);
    }

    /// Adds the comparisons of a number.
    fn number(&mut self, name: &str, subject: &str, field: N::Field) {
        self.all::<f64>(name, subject, field, &NUMBER);
    }

    /// Adds the comparisons of `createdAt`.
    fn created(&mut self, field: N::Field) {
        self.time("createdAt", ["Created", "Not created"], &field);
    }

    /// Adds the comparisons of `updatedAt`.
    fn updated(&mut self, field: N::Field) {
        self.time("updatedAt", ["Last changed", "Not last changed"], &field);
    }

    /// Adds `deleted` and `deleted_not`. `nouns` is the plural of the noun; `default` tells that deleted ones are left
    /// out unless one of the two is given.
    fn deleted(&mut self, nouns: &str, default: &str, field: N::Field) {
        let about = format!("Selects deleted {nouns} (true) or those that are not (false).");
        self.compare::<bool>("deleted", [&about, default], &field, Operator::Eq);
        let about = format!("Selects {nouns} that are not deleted (true) or those that are (false):");
        let opposite = "the opposite of `deleted`.";
        self.compare::<bool>("deleted_not", [&about, opposite], &field, Operator::Not);
    }

    /// Adds all comparisons of a time. `done` is the event at that time, and its negation.
    fn time(&mut self, name: &str, done: [&str; 2], field: &N::Field) {
        for (suffix, about, operator) in TIME {
            let done = done[usize::from(operator == Operator::Not)];
            self.compare::<Timestamp>(&format!("{name}{suffix}"), [done, about], field, operator);
        }
    }

    /// Adds all of these comparisons of a field.
    fn all<T: InputType + Values>(&mut self, name: &str, subject: &str, field: N::Field, all: &[Comparison]) {
        for (suffix, about, operator) in all {
            self.compare::<T>(&format!("{name}{suffix}"), [subject, about], &field, *operator);
        }
    }
}
