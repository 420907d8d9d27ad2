//! Ports for programs that cannot be given one that is open already.

use std::{
    hash::{BuildHasher, RandomState},
    net::TcpListener,
};

/// Below the ports that the system gives to whoever asks for any, so that nobody gets it by chance while its server is
/// about to start, or stopped for a while.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

/// A port of loopback on which nothing listens.
pub(crate) fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut ports = std::iter::repeat_with(any_port);
    ports.find(is_free).expect("loopback has a free port")
}

fn any_port() -> u16 {
    let number = RandomState::new().hash_one(std::process::id());
    let width = u64::from(RANGE.end - RANGE.start);
    RANGE.start + u16::try_from(number % width).expect("the range is one of ports")
}
