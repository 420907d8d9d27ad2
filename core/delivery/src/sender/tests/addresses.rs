//! Addresses that a connection may go to, and those it must not.

use super::*;

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
        timeout(Duration::from_millis(20), listener.accept()).await.is_err(),
        "a connection was made"
    );
}

#[tokio::test]
async fn a_name_that_is_allowed_is_called() {
    let url = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let outcome = post(&loopback(), &url.replace("127.0.0.1", "localhost"), LONG).await;
    assert_eq!(outcome.answer.unwrap().status, 200);
}
