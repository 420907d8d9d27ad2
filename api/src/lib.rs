//! Labelhook over the wire: HTTP and GraphQL in, the verbs of core called, their answers sent back. Nothing is decided
//! here.

pub mod auth;
pub mod graphql;
pub mod health;
pub mod server;
