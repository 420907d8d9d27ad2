//! Everything Labelhook decides and does, without the transport: core knows nothing of HTTP servers or GraphQL.

mod error;

pub mod dispatcher;
pub mod secret;
pub mod target_url;

pub use error::{Error, Result};
