//! Responses that are too long, broken, or not HTTP.

use super::*;

#[tokio::test]
async fn a_body_announced_too_large_is_not_waited_for() {
    let mut bytes = b"HTTP/1.1 500 Oops\r\nContent-Length: 300000\r\n\r\n".to_vec();
    bytes.resize(bytes.len() + MAX_KEPT_BODY, b'a');
    let outcome = post(&loopback(), &answering(bytes).await, LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::BodyTooLarge));
    assert_eq!(outcome.answer.unwrap().body.len(), MAX_KEPT_BODY);
}

#[tokio::test]
async fn a_body_a_little_too_long_is_read_to_its_end_and_cut() {
    let mut bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MAX_READ_BODY).into_bytes();
    bytes.resize(bytes.len() + MAX_READ_BODY, b'a');
    let outcome = post(&loopback(), &answering(bytes).await, LONG).await;
    assert_eq!(outcome.error, None);
    let answer = outcome.answer.unwrap();
    assert_eq!((answer.body.len(), answer.truncated), (MAX_KEPT_BODY, true));
}

#[tokio::test]
async fn a_connection_closed_in_the_body_keeps_what_came() {
    let url = receiver(|mut socket, _| async move {
        request(&mut socket).await;
        socket
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            .await
            .unwrap();
    })
    .await;
    let outcome = post(&loopback(), &url, LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Connect));
    assert!(outcome.error.unwrap().message.contains("before its answer was whole"));
    let answer = outcome.answer.unwrap();
    assert_eq!(
        (answer.status, &answer.body[..], answer.truncated),
        (200, &b"abc"[..], true)
    );
}

#[tokio::test]
async fn a_head_of_odd_form_is_read_and_its_status_decides() {
    let many = (0..200).map(|number| format!("X-{number}: a\r\n")).collect::<String>();
    for head in [
        "X-A: 1\r\n continued\r\n",
        "X-A : blank before the colon\r\n",
        "X-A: control\u{1}byte\r\n",
        many.as_str(),
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{head}Content-Length: 2\r\n\r\nok");
        let outcome = post(&loopback(), &answering(bytes).await, LONG).await;
        assert_eq!(kind(&outcome), None, "{head}: {outcome:?}");
        let answer = outcome.answer.unwrap();
        assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]), "{head}");
    }
}

#[tokio::test]
async fn a_reset_in_the_body_is_a_failure() {
    let url = receiver(|mut socket, _| async move {
        request(&mut socket).await;
        socket
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            .await
            .unwrap();
        // A reset may overtake what was written, so the head may or may not arrive.
        socket.set_zero_linger().unwrap();
    })
    .await;
    let outcome = post(&loopback(), &url, LONG).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Connect));
    assert_eq!(outcome.error.unwrap().message, "the receiver reset the connection");
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
