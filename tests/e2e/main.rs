//! End to end, over HTTP on port 0: one file a noun or a story.

mod access;
mod delivery;
mod desk;
mod disk;
mod feed;
mod graphql_audits;
mod graphql_http;
mod idempotency;
mod ledger;
mod notification;
mod process;
mod readme;
mod receivers;
mod rekey;
mod replay;
mod retention;
mod schema;
mod sdk;
mod stats;
mod test_receiver;
mod webhook;
mod workflow;
