//! Several nodes over one PostgreSQL, and what may befall them: real processes under load, a fault, and a ledger at the
//! end that says that nothing accepted was lost, nothing is stuck, and how much was sent twice.

mod away;
mod clocks;
mod limits;
mod nodes;
mod server;
mod story;
