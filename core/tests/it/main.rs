//! Core against a real database and real receivers on loopback. A file a subject; what they share is in `support`.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "a test that meets a fault has failed")]

mod ahead;
mod background;
mod bus;
mod capture;
mod delivery;
mod feed;
mod filters;
mod idempotency;
mod keys;
mod listening;
mod log;
mod long_log;
mod matching;
mod nodes;
mod nouns;
mod outcomes;
mod pace;
mod plans;
mod postponed;
mod rekey;
mod replay;
mod restart;
mod retention;
mod rotation;
mod schedule;
mod scope;
mod secrecy;
mod shapes;
mod shield;
mod stats;
mod steering;
mod support;
mod switching;
mod trigger;
mod window;
mod workflow;
mod writer;
