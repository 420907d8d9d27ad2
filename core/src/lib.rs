//! Everything Labelhook decides and does, without the transport: core knows nothing of HTTP servers or GraphQL.
//!
//! A verb is a free function, context first. One that takes [`App`] opens its own unit of work; one that takes a
//! [`db::Txn`] joins its caller's. Rights are checked at its top; a row of another organization is not found.

pub mod admin;
mod app;
mod clock;
mod error;
pub mod feed;
pub mod graph;
pub mod health;
mod input;
mod label_context;
pub mod publish;
pub mod queue;
pub mod sql;
mod start;
pub mod subscribers;
mod wake;

pub mod api_key;
pub mod auth;
pub mod background;
pub mod batch;
pub mod bus;
pub mod data_row;
pub mod dataset;
pub mod db;
pub mod deletion;
pub mod dispatcher;
pub mod event;
pub mod idempotency;
pub mod label;
pub mod list;
pub mod listener;
pub mod live;
pub mod lookup;
pub mod node;
pub mod notification;
pub mod organization;
pub mod page;
pub mod payload;
pub mod postponed;
pub mod project;
pub mod replay;
pub mod retention;
pub mod review;
pub mod secret;
pub mod stats;
pub mod task;
pub mod user;
pub mod webhook;
pub mod workflow;

pub use app::{App, Config};
pub use clock::Clock;
pub use error::{Error, Result};
pub use input::MAX_ENTRIES;
pub use labelhook_delivery as delivery;
pub use labelhook_filter as filter;
