//! The foundation of the end-to-end tests: the service as `main` starts it, a client, receivers of its webhooks, and
//! third-party programs (Python, Node.js) that use it.
//!
//! Reading order: [`Home`], [`TestApp`] and [`Client`], [`TestReceiver`], [`Process`], [`programs`], [`signature`].
//! Nothing here sleeps: tests wait for notifications, with one [`deadline`] that only a broken test reaches.

mod app;
mod balancer;
mod client;
pub mod cluster;
pub mod deadline;
mod home;
pub mod line;
mod log;
mod process;
mod receiver;
mod rng;
mod service;
pub mod signature;
mod socket;
mod wire;

pub use app::{KEY, ORGANIZATION, Start, TestApp};
pub use balancer::Balancer;
pub use client::{Answered, Client, post};
pub use cluster::{Cluster, Node};
pub use home::Home;
pub use line::Line;
pub use process::{Process, binary, cargo};
pub use receiver::{Answer, Gate, Received, TestReceiver};
pub use rng::Rng;
pub use servers as programs;
pub use service::Service;
pub use socket::{EventStream, Socket};
