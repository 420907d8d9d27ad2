//! One HTTP attempt: may the address be called (SSRF guard), which headers and signature a body gets, the POST itself, the
//! verdict (delivered, retry with backoff, failed), the circuit breaker and the limits of one webhook.
//!
//! Values and the time go in, values come out. This room knows no database, no server and no [`App`](crate::App).

pub mod breaker;
pub mod guard;
pub mod headers;
pub mod limit;
pub mod retry;
pub mod sender;
pub mod signer;
pub mod target_url;
