//! End to end, over HTTP on port 0: one file a noun or a story.

mod graphql_audits;
mod graphql_http;
mod receivers;
mod test_receiver;
