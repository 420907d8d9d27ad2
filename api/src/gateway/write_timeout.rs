//! A connection on which nothing may be held up for ever: a client that reads nothing of what it is sent is cut off. A
//! response that streams, and a socket, would otherwise stay with all that waits for them.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// A stream whose writes fail when nothing goes out for a while.
pub struct Writing<S> {
    stream: S,
    limit: Duration,
    held_up: Option<Pin<Box<Sleep>>>,
}

impl<S> Writing<S> {
    /// With the longest time that a write may be held up.
    pub fn new(stream: S, limit: Duration) -> Self {
        Self {
            stream,
            limit,
            held_up: None,
        }
    }

    fn within<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.held_up = None;
            return done;
        }
        let limit = self.limit;
        let held_up = self
            .held_up
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
        ready!(held_up.as_mut().poll(cx));
        let error = io::Error::new(ErrorKind::TimedOut, "the client reads nothing");
        Poll::Ready(Err(error))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Writing<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Writing<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.within(cx, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.within(cx, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_flush(cx);
        self.within(cx, done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_write_that_is_held_up_fails_and_one_that_goes_on_does_not() {
        let (ours, mut theirs) = duplex(4);
        let mut writing = Writing::new(ours, Duration::from_millis(50));
        let (written, read) = tokio::join!(writing.write_all(b"12345678"), theirs.read_u64());
        assert!(written.is_ok() && read.is_ok());
        let error = writing.write_all(b"12345678").await.expect_err("held up");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}
