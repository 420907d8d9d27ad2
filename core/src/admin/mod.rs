//! Maintenance commands that run while the service is stopped: copying a database to another server, and changing the
//! master key.

pub mod copy;
pub mod rekey;
