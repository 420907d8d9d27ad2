//! The values that conditions compare with.

use async_graphql::ID;
use entity::{Timestamp, WebhookStatus};
use labelhook_core::list::Value;

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
