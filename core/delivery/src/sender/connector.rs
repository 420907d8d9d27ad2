//! Opens connections: TCP to addresses that the SSRF guard allows, and TLS over it for `https`. A literal address never
//! reaches the resolver, so it is checked here; the addresses of names are checked there.

use super::{failure::SendError, resolver::Resolver};
use crate::guard::{Blocked, Guard};
use entity::AttemptErrorKind;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector},
    rt::TokioIo,
};
use rustls::ClientConfig;
use std::{
    future::{self, Future},
    io::{self, IoSlice},
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, time::timeout};
use tower::Service;

/// The timeout of a TCP connection.
const TCP_TIMEOUT: Duration = Duration::from_secs(5);

/// The timeout for everything before the request: name resolution, TCP and TLS. An attempt has its own limit; this one
/// ends connections that the pool completes in the background after a kept one became free first.
const ESTABLISH_TIMEOUT: Duration = Duration::from_secs(15);

type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, SendError>> + Send>>;

/// Connects to the host of a URI.
#[derive(Clone)]
pub(crate) struct Connector(HttpsConnector<Tcp>);

impl Connector {
    pub(crate) fn new(guard: Arc<Guard>, tls: ClientConfig) -> Self {
        let mut http = HttpConnector::new_with_resolver(Resolver::new(Arc::clone(&guard)));
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(TCP_TIMEOUT));
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls);
        Self(
            builder
                .https_or_http()
                .enable_http1()
                .wrap_connector(Tcp { http, guard }),
        )
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Stream>;
    type Error = SendError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = timeout(ESTABLISH_TIMEOUT, self.0.call(uri));
        Box::pin(async {
            match connecting.await {
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(error)) => Err(SendError::securing(error.as_ref())),
                Err(_) => Err(SendError::new(AttemptErrorKind::Tls, "the TLS handshake took too long")),
            }
        })
    }
}

/// The TCP layer below TLS.
#[derive(Clone)]
struct Tcp {
    http: HttpConnector<Resolver>,
    guard: Arc<Guard>,
}

impl Service<Uri> for Tcp {
    type Response = Stream;
    type Error = SendError;
    type Future = Connecting<Stream>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        if let Err(error) = self.check(&uri) {
            return Box::pin(future::ready(Err(error)));
        }
        let (connecting, guard) = (self.http.call(uri), Arc::clone(&self.guard));
        Box::pin(async move {
            let tcp = connecting.await.map_err(|error| SendError::connecting(&error))?;
            if let (Ok(from), Ok(to)) = (tcp.inner().local_addr(), tcp.inner().peer_addr()) {
                guard.check_self(from.ip(), to).map_err(|blocked| {
                    let message = format!("{to} is {blocked}, which is not called from here");
                    SendError::new(AttemptErrorKind::BlockedAddress, message)
                })?;
            }
            Ok(Stream { tcp, used: Used::new() })
        })
    }
}

impl Tcp {
    /// Checks the port, and the host if it is a literal address.
    fn check(&self, uri: &Uri) -> Result<(), SendError> {
        let blocked = |message| SendError::new(AttemptErrorKind::BlockedAddress, message);
        let port = uri.port_u16().unwrap_or(80);
        self.guard.check_port(port).map_err(|reason| {
            blocked(format!(
                "port {port} is {reason}, which is not called from here; --egress-ports allows it"
            ))
        })?;
        match literal(uri).map(|address| (address, self.guard.check(address))) {
            Some((address, Err(reason))) => Err(blocked(refusal("is", address, reason))),
            _ => Ok(()),
        }
    }
}

/// Says that an address of a host is refused, and how the operator allows it.
pub(super) fn refusal(verb: &str, address: IpAddr, reason: Blocked) -> String {
    format!("the host {verb} {address}, {reason}, which is not called from here unless --egress-allow names it")
}

/// Returns the address of a URI whose host is a literal address.
fn literal(uri: &Uri) -> Option<IpAddr> {
    uri.host()?.trim_matches(['[', ']']).parse().ok()
}

/// The use of a connection so far. hyper-util hands it on with each response and each error.
#[derive(Clone)]
pub(crate) struct Used(Arc<State>);

struct State {
    opened: Instant,
    /// A response has come.
    answered: AtomicBool,
    /// A byte was written since the last response.
    written: AtomicBool,
}

impl Used {
    fn new() -> Self {
        Self(Arc::new(State {
            opened: Instant::now(),
            answered: AtomicBool::new(false),
            written: AtomicBool::new(false),
        }))
    }

    /// Notes a response.
    pub(crate) fn answered(&self) {
        self.0.answered.store(true, Relaxed);
        self.0.written.store(false, Relaxed);
    }

    /// Returns the time since the connection was opened.
    pub(crate) fn age(&self) -> Duration {
        self.0.opened.elapsed()
    }

    /// Returns whether a response has come before.
    pub(crate) fn has_answered(&self) -> bool {
        self.0.answered.load(Relaxed)
    }

    /// Returns whether a byte was written since the last response.
    pub(crate) fn is_written(&self) -> bool {
        self.0.written.load(Relaxed)
    }

    fn wrote(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.0.written.store(true, Relaxed);
        }
    }
}

/// A TCP connection that knows whether it was used before.
pub(crate) struct Stream {
    tcp: TokioIo<TcpStream>,
    used: Used,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.tcp.connected().extra(self.used.clone())
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(context, bytes);
        self.used.wrote(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write_vectored(context, slices);
        self.used.wrote(&written);
        written
    }
}
