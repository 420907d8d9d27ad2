//! The body of an operational event: a small object in each format's naming convention, like a test event's. It
//! contains no annotation and no member of a platform's own, since none of the platforms has such events.

use crate::event::Notice;
use entity::Timestamp;
use serde_json::{Map, Value, json};

/// Builds the members, with camel case names. Times are rendered by `time`.
pub(super) fn members(notice: &Notice, time: fn(Timestamp) -> String) -> Map<String, Value> {
    let counts = notice.counts;
    let body = json!({
        "webhook": notice.webhook,
        "notification": notice.notification,
        "reason": notice.reason,
        "counts": {
            "consecutiveFailures": counts.consecutive_failures,
            "failingSince": counts.failing_since.map(time),
            "lastSuccessAt": counts.last_success_at.map(time),
        },
        "createdAt": time(notice.created_at),
    });
    match body {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Converts member names to snake case, including those of nested objects.
pub(super) fn snake(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let renamed = members
                .into_iter()
                .map(|(name, value)| (snake_name(&name), snake(value)));
            Value::Object(renamed.collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(snake).collect()),
        other => other,
    }
}

fn snake_name(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 2);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// Prepends the members of `first`.
pub(super) fn body(first: Value, members: Map<String, Value>) -> Value {
    let mut body = match first {
        Value::Object(first) => first,
        _ => Map::new(),
    };
    body.extend(members);
    Value::Object(body)
}
