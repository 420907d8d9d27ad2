//! `/healthz`: the process answers. `/readyz`: so does its database. Neither asks for a key nor tells anything else.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use labelhook_core::db;

use super::state::Server;

/// The process is alive.
pub async fn live() -> &'static str {
    "ok\n"
}

/// The process can take requests.
pub async fn ready(State(server): State<Arc<Server>>) -> (StatusCode, &'static str) {
    match db::ping(&server.app.db).await {
        Ok(()) => (StatusCode::OK, "ok\n"),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
        }
    }
}
