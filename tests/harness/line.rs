//! A proxy between processes and a server that listens on loopback: it can be cut, silenced and restored.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The size of the buffer, in bytes.
const PIECE: usize = 16 * 1024;

/// A proxy on a port of its own. It stops when dropped.
#[derive(Debug)]
pub struct Line {
    address: SocketAddr,
    state: watch::Sender<State>,
    _stop: DropGuard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    mode: Mode,
    /// The generation of the connections. Those of an earlier generation are broken.
    age: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Bytes are forwarded.
    Open,
    /// Bytes are accepted and not forwarded.
    Silent,
    /// Connections are closed, and new ones are closed at once.
    Cut,
}

impl Line {
    /// Starts a proxy in front of a loopback port.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (mode, age) = (Mode::Open, 0);
        let state = watch::Sender::new(State { mode, age });
        let stop = CancellationToken::new();
        let running = stop
            .clone()
            .run_until_cancelled_owned(serve(listener, port, state.clone()));
        tokio::spawn(running);
        Self {
            address,
            state,
            _stop: stop.drop_guard(),
        }
    }

    /// Returns the port to connect to instead of the server's.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Breaks every connection, and each new one at once.
    pub fn cut(&self) {
        self.state.send_modify(|state| {
            state.mode = Mode::Cut;
            state.age += 1;
        });
    }

    /// Stops forwarding, without closing connections.
    pub fn silence(&self) {
        self.state.send_modify(|state| state.mode = Mode::Silent);
    }

    /// Forwards new connections again. Older ones are broken, as by a network that has forgotten them.
    pub fn restore(&self) {
        self.state.send_modify(|state| {
            state.mode = Mode::Open;
            state.age += 1;
        });
    }
}

async fn serve(listener: TcpListener, port: u16, state: watch::Sender<State>) {
    while let Ok((near, _)) = listener.accept().await {
        tokio::spawn(connect(near, port, state.subscribe()));
    }
}

async fn connect(near: TcpStream, port: u16, mut state: watch::Receiver<State>) {
    let State { mode, age } = *state.borrow();
    if mode == Mode::Cut || !opened(&mut state, age).await {
        return;
    }
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let ((near_reads, near_writes), (far_reads, far_writes)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = carry(near_reads, far_writes, state.clone(), age) => {}
        () = carry(far_reads, near_writes, state.clone(), age) => {}
        // The sender is dropped only with the proxy.
        _ = state.wait_for(|state| state.age != age) => {}
    }
}

/// Waits while the proxy is silent. Returns whether the connection is still of the current generation.
async fn opened(state: &mut watch::Receiver<State>, age: u32) -> bool {
    let whole = state.wait_for(|state| state.mode != Mode::Silent).await;
    whole.is_ok_and(|state| state.age == age)
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>, age: u32) {
    let mut piece = vec![0; PIECE];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        if !opened(&mut state, age).await || to.write_all(&piece[..count]).await.is_err() {
            return;
        }
    }
}
