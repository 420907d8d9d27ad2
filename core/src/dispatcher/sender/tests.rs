//! A hostile receiver on real sockets.

use super::*;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

const LONG: Duration = Duration::from_secs(10);
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

#[tokio::test]
async fn an_answer_is_kept_as_it_came() {
    let url = answering("HTTP/1.1 202 Accepted\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok").await;
    let outcome = post(&loopback(), &url, LONG).await;
    let answer = outcome.answer.unwrap();
    assert_eq!(
        (answer.status, &answer.body[..], answer.truncated),
        (202, &b"ok"[..], false)
    );
    assert_eq!(answer.headers["x-a"], "1");
    assert_eq!(outcome.error, None);
}

#[tokio::test]
async fn a_request_is_a_post_with_our_headers_and_no_others() {
    let (requests, mut seen) = mpsc::unbounded_channel();
    let url = receiver(move |mut socket, _| {
        let requests = requests.clone();
        async move {
            requests.send(request(&mut socket).await.unwrap()).unwrap();
            socket
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .await
                .unwrap();
        }
    })
    .await;
    let target = TargetUrl::parse(&format!("{url}?a=b")).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("x-one", "1".parse().unwrap());
    loopback().send(&target, headers, Bytes::from_static(b"{}"), LONG).await;
    let host = target.uri().authority().unwrap();
    let text = seen.recv().await.unwrap();
    assert_eq!(
        text,
        format!("POST /hook?a=b HTTP/1.1\r\nx-one: 1\r\nhost: {host}\r\ncontent-length: 2\r\n\r\n{{}}")
    );
}

#[tokio::test]
async fn connections_are_kept_and_used_again() {
    let (connections, mut seen) = mpsc::unbounded_channel();
    let url = receiver(move |mut socket, number| {
        connections.send(number).unwrap();
        async move {
            while request(&mut socket).await.is_some() {
                socket
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    .await
                    .unwrap();
            }
        }
    })
    .await;
    let sender = loopback();
    for _ in 0..20 {
        assert_eq!(kind(&post(&sender, &url, LONG).await), None);
    }
    assert_eq!(seen.recv().await, Some(0));
    assert!(seen.try_recv().is_err(), "a second connection was made");
}

#[tokio::test]
async fn a_request_on_a_connection_that_just_closed_goes_out_once_more() {
    let (connections, mut seen) = mpsc::unbounded_channel();
    // The first connection answers once and closes on its second request, without a byte.
    let url = receiver(move |mut socket, number| {
        connections.send(number).unwrap();
        async move {
            request(&mut socket).await;
            socket
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .await
                .unwrap();
            request(&mut socket).await;
        }
    })
    .await;
    let sender = loopback();
    assert_eq!(kind(&post(&sender, &url, LONG).await), None);
    let outcome = post(&sender, &url, LONG).await;
    assert_eq!(outcome.answer.unwrap().status, 200);
    assert_eq!((seen.recv().await, seen.recv().await), (Some(0), Some(1)));
}

#[tokio::test]
async fn a_new_connection_that_closes_without_an_answer_is_a_failure_at_once() {
    let (connections, mut seen) = mpsc::unbounded_channel();
    let url = receiver(move |mut socket, number| {
        connections.send(number).unwrap();
        async move {
            request(&mut socket).await;
        }
    })
    .await;
    let outcome = post(&loopback(), &url, LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Connect));
    assert!(outcome.answer.is_none());
    assert_eq!(seen.recv().await, Some(0));
    assert!(seen.try_recv().is_err(), "it was sent twice");
}

#[tokio::test]
async fn silence_is_a_timeout_and_ends_the_connection() {
    let (closed, mut seen) = mpsc::unbounded_channel();
    let url = receiver(move |mut socket, _| {
        let closed = closed.clone();
        async move {
            until_closed(&mut socket).await;
            closed.send(()).unwrap();
        }
    })
    .await;
    let outcome = post(&loopback(), &url, SHORT).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Timeout));
    assert!(outcome.answer.is_none());
    seen.recv().await.unwrap();
}

/// Writes `drop` again and again until the other side closes; says that it did.
async fn dripping(head: &'static str, drop: &'static [u8], pause: Duration) -> (String, mpsc::UnboundedReceiver<()>) {
    let (closed, seen) = mpsc::unbounded_channel();
    let url = receiver(move |mut socket, _| {
        let closed = closed.clone();
        async move {
            request(&mut socket).await;
            socket.write_all(head.as_bytes()).await.ok();
            while socket.write_all(drop).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
            closed.send(()).ok();
        }
    })
    .await;
    (url, seen)
}

#[tokio::test]
async fn a_head_that_drips_is_a_timeout() {
    let (url, mut closed) = dripping("HTTP/1.1 200 OK\r\nX-A: ", b"a", Duration::from_millis(5)).await;
    let outcome = post(&loopback(), &url, SHORT).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Timeout));
    assert!(outcome.answer.is_none());
    closed.recv().await.unwrap();
}

#[tokio::test]
async fn a_body_that_drips_is_a_timeout_that_keeps_what_came() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    let (url, mut closed) = dripping(head, b"a", Duration::from_millis(5)).await;
    let outcome = post(&loopback(), &url, SHORT).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Timeout));
    let answer = outcome.answer.unwrap();
    assert_eq!((answer.status, answer.truncated), (200, true));
    assert!(answer.body.starts_with(b"a") && answer.body.len() < 1000);
    closed.recv().await.unwrap();
}

#[tokio::test]
async fn a_flood_of_interim_answers_is_a_timeout() {
    let flood = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
        .repeat(100)
        .leak();
    let (url, mut closed) = dripping("", flood, Duration::ZERO).await;
    let outcome = post(&loopback(), &url, SHORT).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Timeout));
    closed.recv().await.unwrap();
}

#[tokio::test]
async fn an_endless_head_is_cut_off() {
    for drop in [&b"X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"[..], &[b'a'; 4096]] {
        let (url, mut closed) = dripping("HTTP/1.1 200 OK\r\nX-B: ", drop, Duration::ZERO).await;
        let outcome = post(&loopback(), &url, LONG).await;
        assert_eq!(kind(&outcome), Some(AttemptErrorKind::Protocol));
        closed.recv().await.unwrap();
    }
}

#[tokio::test]
async fn an_endless_body_is_cut_off_and_judged_by_its_status() {
    let block = [b'a'; 4096].as_slice().to_vec().leak();
    let (url, mut closed) = dripping("HTTP/1.1 200 OK\r\n\r\n", block, Duration::ZERO).await;
    let outcome = post(&loopback(), &url, LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::BodyTooLarge));
    let answer = outcome.answer.unwrap();
    assert_eq!(
        (answer.status, answer.body.len(), answer.truncated),
        (200, BODY_KEPT, true)
    );
    closed.recv().await.unwrap();
}

#[tokio::test]
async fn a_body_announced_too_large_is_not_waited_for() {
    let mut bytes = b"HTTP/1.1 500 Oops\r\nContent-Length: 300000\r\n\r\n".to_vec();
    bytes.resize(bytes.len() + BODY_KEPT, b'a');
    let outcome = post(&loopback(), &answering(bytes).await, LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::BodyTooLarge));
    assert_eq!(outcome.answer.unwrap().body.len(), BODY_KEPT);
}

#[tokio::test]
async fn a_body_a_little_too_long_is_read_to_its_end_and_cut() {
    let mut bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", BODY_READ).into_bytes();
    bytes.resize(bytes.len() + BODY_READ, b'a');
    let outcome = post(&loopback(), &answering(bytes).await, LONG).await;
    assert_eq!(outcome.error, None);
    let answer = outcome.answer.unwrap();
    assert_eq!((answer.body.len(), answer.truncated), (BODY_KEPT, true));
}

#[tokio::test]
async fn a_compressed_body_stays_compressed() {
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0";
    let mut bytes = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        gzip.len()
    )
    .into_bytes();
    bytes.extend_from_slice(gzip);
    let answer = post(&loopback(), &answering(bytes).await, LONG).await.answer.unwrap();
    assert_eq!(&answer.body[..], gzip);
    assert_eq!(answer.headers["content-encoding"], "gzip");
}

#[tokio::test]
async fn a_redirect_is_recorded_and_not_followed() {
    let (requests, mut seen) = mpsc::unbounded_channel();
    let trap = receiver(move |mut socket, _| {
        let requests = requests.clone();
        async move { requests.send(request(&mut socket).await).unwrap() }
    })
    .await;
    for (status, to) in [
        (301, trap.as_str()),
        (302, "http://169.254.169.254/latest/meta-data/"),
        (307, &trap),
        (308, &trap),
    ] {
        let text = format!("HTTP/1.1 {status} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
        let outcome = post(&loopback(), &answering(text).await, LONG).await;
        assert_eq!(kind(&outcome), Some(AttemptErrorKind::Redirect));
        let answer = outcome.answer.unwrap();
        assert_eq!(
            (answer.status, answer.headers["location"].to_str().unwrap()),
            (status, to)
        );
    }
    assert!(seen.try_recv().is_err(), "a redirect was followed");
}

#[tokio::test]
async fn a_reset_in_the_body_keeps_what_came() {
    let url = receiver(|mut socket, _| async move {
        request(&mut socket).await;
        socket
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            .await
            .unwrap();
        socket.shutdown().await.unwrap();
    })
    .await;
    let outcome = post(&loopback(), &url, LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Connect));
    let answer = outcome.answer.unwrap();
    assert_eq!(
        (answer.status, &answer.body[..], answer.truncated),
        (200, &b"abc"[..], true)
    );
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_error() {
    for garbage in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"\x00\xff\xfe\x01 garbage\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"<html>",
    ] {
        let outcome = post(&loopback(), &answering(garbage).await, SHORT).await;
        assert!(
            matches!(
                kind(&outcome),
                Some(AttemptErrorKind::Protocol | AttemptErrorKind::Timeout)
            ),
            "{:?}: {outcome:?}",
            String::from_utf8_lossy(garbage)
        );
    }
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n";
    let outcome = post(&loopback(), &answering(chunked).await, LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Protocol));
    assert_eq!(&outcome.answer.unwrap().body[..], b"hello");
}

#[tokio::test]
async fn header_values_need_not_be_text() {
    let url = answering(&b"HTTP/1.1 200 OK\r\nX-A: \xff\xfe\x80\r\nContent-Length: 0\r\n\r\n"[..]).await;
    let answer = post(&loopback(), &url, LONG).await.answer.unwrap();
    assert_eq!(answer.headers["x-a"].as_bytes(), b"\xff\xfe\x80");
}

#[tokio::test]
async fn tls_to_a_plain_port_is_a_tls_error() {
    let url = answering("HTTP/1.1 400 Bad Request\r\n\r\n")
        .await
        .replace("http://", "https://");
    // Nobody there reads a request's end, so the answer has to come first.
    let plain = receiver(|mut socket, _| async move {
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.ok();
        until_closed(&mut socket).await;
    })
    .await;
    let outcome = post(&loopback(), &plain.replace("http://", "https://"), LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Tls));
    assert_eq!(
        outcome.error.unwrap().message,
        "the receiver does not speak TLS on this port"
    );
    assert_eq!(
        kind(&post(&loopback(), &url, SHORT).await),
        Some(AttemptErrorKind::Timeout)
    );
}

#[tokio::test]
async fn a_hang_up_in_the_tls_handshake_is_a_tls_error() {
    let url = receiver(|mut socket, _| async move {
        socket.read_exact(&mut [0; 5]).await.ok();
        socket.shutdown().await.ok();
        until_closed(&mut socket).await;
    })
    .await;
    let outcome = post(&loopback(), &url.replace("http://", "https://"), LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Tls));
}

#[tokio::test]
async fn a_refused_connection_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = post(&loopback(), &format!("http://{address}/"), LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Connect));
    assert_eq!(outcome.error.unwrap().message, "the receiver refused the connection");
}

#[tokio::test]
async fn a_forbidden_address_is_not_connected_to_in_any_notation() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sender = Sender::new(Config::default()).unwrap();
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "127.1",
        "017700000001",
        "①②⑦.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[::127.0.0.1]",
        "0.0.0.0",
        "0",
        "[::]",
        "localhost",
        "LOCALHOST",
    ] {
        for scheme in ["http", "https"] {
            let outcome = post(&sender, &format!("{scheme}://{host}:{port}/"), LONG).await;
            assert_eq!(
                kind(&outcome),
                Some(AttemptErrorKind::BlockedAddress),
                "{host}: {outcome:?}"
            );
            assert!(outcome.answer.is_none());
        }
    }
    assert!(
        tokio::time::timeout(Duration::from_millis(20), listener.accept())
            .await
            .is_err(),
        "a connection was made"
    );
}

#[tokio::test]
async fn a_name_that_is_allowed_is_called() {
    let url = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let outcome = post(&loopback(), &url.replace("127.0.0.1", "localhost"), LONG).await;
    assert_eq!(outcome.answer.unwrap().status, 200);
}

#[tokio::test]
async fn a_name_that_cannot_exist_is_a_dns_error() {
    // A label has at most 63 characters, so nobody is asked.
    let outcome = post(&loopback(), &format!("http://{}.example/", "a".repeat(64)), LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Dns));
    assert_eq!(outcome.error.unwrap().message, "the host name cannot be resolved");
}
