//! Accepts connections and hands them to the router. By hand around hyper, because a connection that sends its head
//! drop by drop must not be held for ever, nor one that reads nothing of its answer ([`Writing`]), and because a
//! shutdown must let requests in hand end, within a limit.

use axum::{Router, serve::ListenerExt};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::time::Duration;

use super::{connections::Sockets, header_case::HeaderCase, write_timeout::Writing};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The time limit of a request's head, and of a connection without a request (keep-alive).
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// The time that a shutdown waits for requests that are being answered.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);

/// Serves until `shutdown`, then ends what stays open and lets what is being answered end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    sockets: Sockets,
    write_timeout: Duration,
    shutdown: CancellationToken,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let connections = TaskTracker::new();
    // A failed accept (no file handle is free) is logged and tried again by axum's own listener.
    let mut listener = listener.tap_io(|stream: &mut TcpStream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
    });
    loop {
        let (stream, _) = tokio::select! {
            accepted = axum::serve::Listener::accept(&mut listener) => accepted,
            () = shutdown.cancelled() => break,
        };
        let service = TowerToHyperService::new(router.clone());
        let stream = TokioIo::new(Writing::new(HeaderCase::new(stream), write_timeout));
        let connection = http.serve_connection(stream, service).with_upgrades();
        let shutdown = shutdown.clone();
        connections.spawn(async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = shutdown.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    sockets.close();
    connections.close();
    let ended = async {
        connections.wait().await;
        sockets.open.wait().await;
    };
    if timeout(SHUTDOWN_TIMEOUT, ended).await.is_err() {
        tracing::warn!("connections still open after {SHUTDOWN_TIMEOUT:?} are closed");
    }
}
