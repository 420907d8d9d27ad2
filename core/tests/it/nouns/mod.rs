//! The verbs of the annotation nouns against a real database, without a transport.

mod access;
mod deletion;
mod hostile;
mod label;
mod project;
mod roles;
mod tenancy;
mod world;
