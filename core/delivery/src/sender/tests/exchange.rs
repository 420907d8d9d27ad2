//! Requests, responses, and connections that are reused.

use super::*;

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
async fn a_request_that_meets_the_end_of_a_kept_connection_is_not_sent_twice_in_one_attempt() {
    let (connections, mut seen) = mpsc::unbounded_channel();
    // The first connection answers once and closes on its second request, which it has read, without a byte.
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
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Connect));
    assert!(outcome.closed_kept && outcome.answer.is_none());
    assert_eq!(seen.recv().await, Some(0));
    assert!(seen.try_recv().is_err(), "it was sent twice");
    let outcome = post(&sender, &url, LONG).await;
    assert_eq!(
        outcome.answer.unwrap().status,
        200,
        "the next attempt has a new connection"
    );
}

#[tokio::test]
async fn a_connection_past_its_age_is_not_used_again() {
    let (connections, mut seen) = mpsc::unbounded_channel();
    let url = receiver(move |mut socket, number| {
        connections.send(number).unwrap();
        async move {
            while request(&mut socket).await.is_some() {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                socket.write_all(answer).await.unwrap();
            }
        }
    })
    .await;
    let sender = Sender {
        max_age: Duration::ZERO,
        ..loopback()
    };
    for _ in 0..3 {
        assert_eq!(kind(&post(&sender, &url, LONG).await), None);
    }
    let mut numbers = Vec::new();
    while let Ok(number) = seen.try_recv() {
        numbers.push(number);
    }
    assert_eq!(numbers, [0, 1, 2]);
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
async fn an_answer_before_the_request_was_read_counts() {
    let url = receiver(|mut socket, _| async move {
        let mut start = [0; 16];
        socket.read_exact(&mut start).await.unwrap();
        socket
            .write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
            .await
            .unwrap();
        until_closed(&mut socket).await;
    })
    .await;
    let body = Bytes::from(vec![b'a'; 8 << 20]);
    let target = TargetUrl::parse(&url).unwrap();
    let outcome = loopback().send(&target, HeaderMap::new(), body, LONG).await;
    assert_eq!(outcome.answer.unwrap().status, 413);
}

#[tokio::test]
async fn header_values_need_not_be_text() {
    let url = answering(&b"HTTP/1.1 200 OK\r\nX-A: \xff\xfe\x80\r\nContent-Length: 0\r\n\r\n"[..]).await;
    let answer = post(&loopback(), &url, LONG).await.answer.unwrap();
    assert_eq!(answer.headers["x-a"].as_bytes(), b"\xff\xfe\x80");
}
