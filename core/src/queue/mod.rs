//! Notifications that wait to be sent, in the database and in memory: the [`outbox`] writes them with the change that
//! caused them, [`claim`] takes those that are due for this node, [`lanes`] say which webhook's turn it is, and
//! [`ordering`] holds back what must come after another.
//!
//! Entered by a group commit (`flush`, `settle`) and by the dispatcher (`claim`, `take`, `record`). Must never import a
//! verb, the writer of the database, or the dispatcher.

pub(crate) mod claim;
pub(crate) mod job;
pub mod lanes;
pub(crate) mod ordering;
pub(crate) mod outbox;
