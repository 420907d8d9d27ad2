//! Receivers that send nothing, send too slowly, or send too much.

use super::*;

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

/// Writes `drop` repeatedly until the other side closes, then says so on the returned channel.
#[expect(clippy::disallowed_methods, reason = "slowness is what this receiver is made of")]
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

/// Gives the answer more and more time until a part of its body has come in it: a busy machine may be late.
async fn timed_out_in_the_body(url: &str) -> Outcome {
    let mut limit = SHORT;
    loop {
        let outcome = post(&loopback(), url, limit).await;
        assert_eq!(kind(&outcome), Some(AttemptErrorKind::Timeout));
        let has_begun = outcome.answer.as_ref().is_some_and(|answer| !answer.body.is_empty());
        if has_begun || limit > LONG {
            return outcome;
        }
        limit *= 4;
    }
}

#[tokio::test]
async fn a_body_that_drips_is_a_timeout_that_keeps_what_came() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    let (url, mut closed) = dripping(head, b"a", Duration::from_millis(5)).await;
    let outcome = timed_out_in_the_body(&url).await;
    let answer = outcome.answer.unwrap();
    assert_eq!((answer.status, answer.truncated), (200, true));
    assert!(answer.body.starts_with(b"a") && answer.body.len() < MAX_KEPT_BODY);
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
    for drop in [&b"X-A: a\r\n".repeat(64)[..], &[b'a'; 4096]] {
        let drop = drop.to_vec().leak();
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
        (200, MAX_KEPT_BODY, true)
    );
    closed.recv().await.unwrap();
}

#[tokio::test]
async fn a_receiver_that_does_not_read_is_a_timeout() {
    let url = receiver(|socket, _| async move {
        std::future::pending::<()>().await;
        drop(socket);
    })
    .await;
    let body = Bytes::from(vec![b'a'; 32 << 20]);
    let target = TargetUrl::parse(&url).unwrap();
    let outcome = loopback().send(&target, HeaderMap::new(), body, SHORT).await;
    assert_eq!(kind(&outcome), Some(AttemptErrorKind::Timeout));
}
