//! `/healthz`: the process answers. `/readyz`: so does its database; with `?verbose` it also tells how each background task
//! fares. Neither asks for a key; errors are told without their sources, which stand in the log.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use labelhook_core::{background, db};
use serde::Serialize;

use super::state::Server;

/// The process is alive.
pub async fn live() -> &'static str {
    "ok\n"
}

/// The process can take requests.
pub async fn ready(State(server): State<Arc<Server>>, RawQuery(query): RawQuery) -> Response {
    let pinged = db::ping(&server.app.db).await;
    if let Err(error) = &pinged {
        tracing::warn!(error = error as &dyn std::error::Error, "not ready");
    }
    let (status, text) = match pinged {
        Ok(()) => (StatusCode::OK, "ok\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    };
    match is_verbose(query.as_deref()) {
        true => (status, Json(Report::of(&server, status.is_success()))).into_response(),
        false => (status, text).into_response(),
    }
}

fn is_verbose(query: Option<&str>) -> bool {
    let mut pairs = query.unwrap_or_default().split('&');
    pairs.any(|pair| pair == "verbose" || pair.starts_with("verbose="))
}

#[derive(Serialize)]
struct Report {
    ready: bool,
    tasks: Vec<Task>,
}

/// The status of a background task.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    name: &'static str,
    runs_on: &'static str,
    period_seconds: f64,
    running: bool,
    last_run: Option<String>,
    last_duration_ms: Option<f64>,
    last_error: Option<Failure>,
    failing: usize,
    backlog: usize,
}

#[derive(Serialize)]
struct Failure {
    at: String,
    message: String,
}

impl Report {
    fn of(server: &Server, ready: bool) -> Self {
        let tasks = server.app.background.all();
        Self {
            ready,
            tasks: tasks.into_iter().map(Task::from).collect(),
        }
    }
}

impl From<background::Status> for Task {
    fn from(status: background::Status) -> Self {
        Self {
            name: status.name,
            runs_on: status.runs_on.as_str(),
            period_seconds: status.period.as_secs_f64(),
            running: status.is_running,
            last_run: status.last_run.map(entity::Timestamp::micros),
            last_duration_ms: status.last_duration.map(|took| took.as_secs_f64() * 1_000.0),
            last_error: status.last_error.map(|failure| Failure {
                at: failure.at.micros(),
                message: failure.message,
            }),
            failing: status.failing,
            backlog: status.backlog,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbose_is_asked_for_with_or_without_a_value() {
        for (query, expected) in [
            (None, false),
            (Some(""), false),
            (Some("verbose"), true),
            (Some("verbose=1"), true),
            (Some("a=b&verbose"), true),
            (Some("verbosely"), false),
        ] {
            assert_eq!(is_verbose(query), expected, "{query:?}");
        }
    }
}
