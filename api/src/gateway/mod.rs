//! HTTP: connections, routes, who asks and how often, and GraphQL's three ways in ([`http`], [`ws`], [`sse`]).
//! [`routes`] is the way in; [`crate::serve`] puts it on a socket. An operation is handed to
//! [`crate::graphql::endpoint`], and what comes back is given its status and headers here. No noun of the domain is
//! named here.

pub mod accept;
pub mod auth;
pub mod connections;
mod header_case;
pub mod health;
pub mod http;
pub mod rate_limit;
pub mod refusal;
pub mod routes;
pub mod socket_threads;
pub mod sse;
pub mod state;
pub mod write_timeout;
pub mod ws;
