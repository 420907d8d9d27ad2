//! Opens connections: TCP to addresses that the SSRF guard allows, and TLS over it for `https`. A literal address never
//! reaches the resolver, so it is checked here; the addresses of names are checked there.

use super::{failure::SendError, resolver::Resolver};
use crate::guard::Guard;
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
    time::Duration,
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
        if let Some(Err(blocked)) = literal(&uri).map(|address| self.guard.check(address)) {
            let message = format!("the host is {blocked}, which is not called from here");
            let error = SendError::new(AttemptErrorKind::BlockedAddress, message);
            return Box::pin(future::ready(Err(error)));
        }
        let connecting = self.http.call(uri);
        Box::pin(async {
            let tcp = connecting.await.map_err(|error| SendError::connecting(&error))?;
            Ok(Stream {
                tcp,
                used: Used::default(),
            })
        })
    }
}

/// Returns the address of a URI whose host is a literal address.
fn literal(uri: &Uri) -> Option<IpAddr> {
    uri.host()?.trim_matches(['[', ']']).parse().ok()
}

/// Tells whether a connection has carried a response before. hyper-util hands it on with each response and each error.
#[derive(Clone, Default)]
pub(crate) struct Used(Arc<AtomicBool>);

impl Used {
    pub(crate) fn set(&self) {
        self.0.store(true, Relaxed);
    }

    pub(crate) fn get(&self) -> bool {
        self.0.load(Relaxed)
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
        Pin::new(&mut self.tcp).poll_write(context, bytes)
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
        Pin::new(&mut self.tcp).poll_write_vectored(context, slices)
    }
}
