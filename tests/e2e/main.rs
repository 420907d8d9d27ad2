//! End to end, over HTTP on port 0.

mod graphql_audits;
mod graphql_http;
