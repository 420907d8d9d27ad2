//! The sender against receivers on real sockets, friendly and hostile: one file a kind of trouble. This file has what
//! they share.

mod addresses;
mod bodies;
mod exchange;
mod floods;
mod tls;

use super::*;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// For what ends before it on any machine.
const LONG: Duration = Duration::from_secs(180);
/// For what only the limit ends.
const SHORT: Duration = Duration::from_millis(200);

fn loopback() -> Sender {
    let allow = ["127.0.0.0/8", "::1/128"].map(|text| text.parse().unwrap()).to_vec();
    Sender::new(Config {
        guard: Guard::new(allow, vec![]),
        ..Config::default()
    })
    .unwrap()
}

async fn post(sender: &Sender, url: &str, timeout: Duration) -> Outcome {
    let target = TargetUrl::parse(url).unwrap();
    sender
        .send(&target, HeaderMap::new(), Bytes::from_static(b"{}"), timeout)
        .await
}

fn kind(outcome: &Outcome) -> Option<AttemptErrorKind> {
    outcome.error.as_ref().map(|error| error.kind)
}

/// Serves every connection with `play`, which gets the socket and the connection's number.
async fn receiver<F>(play: impl Fn(TcpStream, usize) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(play(socket, number));
        }
    });
    format!("http://{address}/hook")
}

/// Reads one request: a head and the two bytes of its body.
async fn request(socket: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n{}") {
        let mut byte = [0];
        if socket.read(&mut byte).await.ok()? == 0 {
            return None;
        }
        text.push(byte[0]);
    }
    String::from_utf8(text).ok()
}

/// Answers one request with `bytes` and keeps the connection open until the other side closes it.
async fn answering(bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    receiver(move |mut socket, _| {
        let bytes = bytes.clone();
        async move {
            request(&mut socket).await;
            socket.write_all(&bytes).await.ok();
            until_closed(&mut socket).await;
        }
    })
    .await
}

async fn until_closed(socket: &mut TcpStream) {
    let mut rest = [0; 1024];
    while matches!(socket.read(&mut rest).await, Ok(1..)) {}
}
