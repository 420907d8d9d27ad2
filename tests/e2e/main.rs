//! End to end, over HTTP on port 0: one file a noun or a story.

mod annotation;
mod disk;
mod graphql_audits;
mod graphql_http;
mod ledger;
mod receivers;
mod sdk;
mod test_receiver;
