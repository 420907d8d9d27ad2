//! Third-party servers for tests: started when they are first asked for, ended with the process that asked. A missing
//! program is reported. Packages of Python and Node.js are installed once, under `target`.
//!
//! With `TEST_DATABASE=postgres`, every test's database is one of a throwaway PostgreSQL server; without it, each is a
//! SQLite file. `TEST_DATABASE_URL` names a server to use instead of a throwaway one.

mod child;
mod database;
mod nats;
mod packages;
mod port;
mod postgres;
mod programs;
mod session;

pub use child::Child;
pub use database::{Database, explains, files};
pub use nats::Nats;
pub use packages::{node_modules, python};
pub use postgres::Postgres;
pub use programs::{need, skip, variable};
pub use session::Session;
