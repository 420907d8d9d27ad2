//! Writes `Sec-WebSocket-Protocol` in the spelling of RFC 6455. Names of headers are case-insensitive and hyper writes
//! them in lower case, but there are clients that look for this one as it stands in the specification, and fail.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The beginning of the response that has the header.
const SWITCHING: &[u8] = b"HTTP/1.1 101 ";
const WRITTEN: &[u8] = b"\r\nsec-websocket-protocol:";
const WANTED: &[u8] = b"\r\nSec-WebSocket-Protocol:";

/// A stream that spells the header so in the responses that are written to it.
pub struct HeaderCase<S>(S);

impl<S> HeaderCase<S> {
    /// Wraps a stream.
    pub fn new(stream: S) -> Self {
        Self(stream)
    }
}

/// Returns the same bytes with the header spelled as wanted, if they are the head that has it.
fn respelled(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(SWITCHING) {
        return None;
    }
    let at = bytes.windows(WRITTEN.len()).position(|window| window == WRITTEN)?;
    let mut bytes = bytes.to_vec();
    bytes[at..at + WANTED.len()].copy_from_slice(WANTED);
    Some(bytes)
}

impl<S: AsyncRead + Unpin> AsyncRead for HeaderCase<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeaderCase<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match respelled(bytes) {
            Some(respelled) => Pin::new(&mut self.0).poll_write(cx, &respelled),
            None => Pin::new(&mut self.0).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match bytes.first().and_then(|first| respelled(first)) {
            Some(respelled) => Pin::new(&mut self.0).poll_write(cx, &respelled),
            None => Pin::new(&mut self.0).poll_write_vectored(cx, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_head_of_an_upgrade_is_respelled() {
        let head = b"HTTP/1.1 101 Switching Protocols\r\nsec-websocket-protocol: a\r\n\r\n";
        let expected = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: a\r\n\r\n";
        assert_eq!(respelled(head).as_deref(), Some(&expected[..]));
        assert_eq!(respelled(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), None);
        assert_eq!(respelled(b"HTTP/1.1 200 OK\r\nsec-websocket-protocol: a\r\n\r\n"), None);
    }
}
