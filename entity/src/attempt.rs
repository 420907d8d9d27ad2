//! Attempts: one request and what came back. Inserted once, never changed. The request's body is the notification's payload.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `attempt`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attempt")]
pub struct Model {
    /// Of which notification.
    #[sea_orm(primary_key, auto_increment = false)]
    pub notification_id: NotificationId,
    /// 1 for the first request.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// When it started.
    pub started_at: Timestamp,
    /// Until its outcome, in milliseconds.
    pub duration_ms: i32,
    /// Where it went.
    pub url: String,
    /// JSON object: headers sent, secrets and tokens masked.
    pub request_headers: String,
    /// HTTP status, when there was an answer.
    pub response_status: Option<i32>,
    /// JSON object, values of a repeated header joined by a comma.
    pub response_headers: Option<String>,
    /// The first bytes of the answer, as they came.
    pub response_body: Option<Vec<u8>>,
    /// There was more of it.
    pub body_truncated: bool,
    /// Why there was no usable answer.
    pub error: Option<AttemptErrorKind>,
    /// The same in words.
    pub error_message: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
