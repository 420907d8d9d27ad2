//! Secrets at rest: sealed with the keys of a [`Keyring`], which a key file or a setting holds.

mod key_file;
mod keyring;

pub use key_file::succeed;
pub use keyring::Keyring;
