//! The dispatcher: takes due notifications and turns each into signed POSTs until one is accepted.

pub mod guard;
pub mod headers;
pub mod retry;
pub mod sender;
pub mod signer;
