//! Everything Labelhook decides and does, without the transport: core knows nothing of HTTP servers or GraphQL.

mod error;

pub mod dispatcher;

pub use error::{Error, Result};
