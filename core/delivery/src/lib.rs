//! One HTTP attempt: the SSRF guard (may this address be called), the headers and signatures of a body, the POST
//! itself, the verdict (delivered, retry with backoff, failed), the circuit breaker and the limits of one webhook.
//!
//! Values and the time go in, values come out. This crate knows no database and no server, and its manifest keeps it
//! so:
//! `labelhook verify` and `listen` need nothing else, and its parts can be fuzzed and benchmarked alone.

pub mod breaker;
mod error;
pub mod guard;
pub mod headers;
pub mod limit;
pub mod retry;
pub mod sender;
pub mod signer;
pub mod target_url;

pub use error::{Error, Result};
