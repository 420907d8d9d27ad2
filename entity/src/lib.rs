//! Rows, ids and the closed word lists. A word list derives both its column and its GraphQL enum, so the two cannot differ.
//! Nothing here decides anything.

mod attempt_error;
mod auth_type;
mod deletion_kind;
mod id;
mod notification_status;
mod payload_format;
mod role;
mod time;
mod topic;
mod webhook_status;

pub mod api_key;
pub mod attempt;
pub mod batch;
pub mod batch_data_row;
pub mod data_row;
pub mod dataset;
pub mod deletion;
pub mod event;
pub mod label;
pub mod notification;
pub mod organization;
pub mod payload;
pub mod project;
pub mod project_dataset;
pub mod review;
pub mod user;
pub mod webhook;
pub mod webhook_secret;

pub use attempt_error::*;
pub use auth_type::*;
pub use deletion_kind::*;
pub use id::*;
pub use notification_status::*;
pub use payload_format::*;
pub use role::*;
pub use time::*;
pub use topic::*;
pub use webhook_status::*;
