//! End to end, over HTTP on port 0: one file a noun or a story.

mod access;
mod cluster;
mod copy;
mod delivery;
mod deploy;
mod desk;
mod disk;
mod feed;
mod graphql_audits;
mod graphql_http;
mod idempotency;
mod ledger;
mod listen;
mod migrate;
mod notification;
mod process;
mod readme;
mod receivers;
mod rekey;
mod replay;
mod schema;
mod sdk;
mod stats;
mod test_receiver;
mod webhook;
mod workflow;
