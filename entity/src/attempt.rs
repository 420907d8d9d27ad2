//! Attempts: one HTTP request of a notification, and its response. Rows are inserted once and never changed. The
//! request's body is the notification's payload.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `attempt`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attempt")]
pub struct Model {
    /// The notification that the request was made for.
    #[sea_orm(primary_key, auto_increment = false)]
    pub notification_id: NotificationId,
    /// The number of the attempt; 1 for the first request.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// The organization that owns the attempt.
    pub organization_id: OrganizationId,
    /// The time at which the request started.
    pub started_at: Timestamp,
    /// Milliseconds from the start to the outcome.
    pub duration_ms: i32,
    /// The URL that was requested.
    pub url: String,
    /// JSON object of the request headers, with secrets and tokens masked.
    pub request_headers: String,
    /// The HTTP status of the response; none when no response came.
    pub response_status: Option<i32>,
    /// JSON object of the response headers; the values of a repeated header are joined by a comma.
    pub response_headers: Option<String>,
    /// The first bytes of the response body, as received.
    pub response_body: Option<Vec<u8>>,
    /// The response body was longer than what is stored.
    pub body_truncated: bool,
    /// The kind of failure, when there was no usable response.
    pub error: Option<AttemptErrorKind>,
    /// The failure in words.
    pub error_message: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
