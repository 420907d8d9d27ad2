//! The connection below a WebSocket. Messages to subscribers are built here as complete frames, outside the library:
//! many messages share one buffer and one write, and each thread passes its buffer from socket to socket. A socket
//! keeps only the bytes that the client does not accept at once, so a thousand subscribers that read cost one buffer a
//! thread.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The maximum capacity in bytes of a buffer that is kept for reuse.
const MAX_KEPT_BUFFER: usize = 256 << 10;
/// The first byte of an unfragmented text frame.
const TEXT: u8 = 0x81;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Complete frames to write to one socket.
pub struct Frames(Vec<u8>);

impl Default for Frames {
    fn default() -> Self {
        Self(SPARE.take())
    }
}

impl Frames {
    /// Appends a text message that consists of these parts.
    pub fn text(&mut self, parts: &[&str]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.0.reserve(length + 10);
        self.0.push(TEXT);
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ 0..126), _) => self.0.push(short),
            (_, Ok(long)) => {
                self.0.push(126);
                self.0.extend(long.to_be_bytes());
            }
            _ => {
                self.0.push(127);
                self.0.extend((length as u64).to_be_bytes());
            }
        }
        parts.iter().for_each(|part| self.0.extend_from_slice(part.as_bytes()));
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        let (mut buffer, spare) = (std::mem::take(&mut self.0), SPARE.take());
        let better = spare.capacity() < buffer.capacity() && buffer.capacity() <= MAX_KEPT_BUFFER;
        buffer.clear();
        SPARE.set(if better { buffer } else { spare });
    }
}

/// A stream that writes pending frames before any other bytes.
pub struct Wire<S> {
    stream: S,
    frames: Option<Frames>,
    sent: usize,
}

impl<S> Wire<S> {
    /// Wraps a stream.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            frames: None,
            sent: 0,
        }
    }
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    /// Sets the frames to write. They must be flushed before the next call, and earlier bytes must have been flushed
    /// before.
    pub fn put(&mut self, frames: Frames) {
        debug_assert!(self.frames.is_none(), "what was put before has been flushed");
        (self.frames, self.sent) = (Some(frames), 0);
    }

    fn poll_frames(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(frames) = &self.frames {
            let rest = &frames.0[self.sent..];
            if rest.is_empty() {
                self.frames = None;
                break;
            }
            match Pin::new(&mut self.stream).poll_write(cx, rest)? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(sent) => self.sent += sent,
                Poll::Pending => {
                    // The thread's buffer moves on to the next socket; this one keeps only the unsent rest.
                    (self.frames, self.sent) = (Some(Frames(rest.into())), 0);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_frames(cx))?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_frames(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_frames(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::{Message, protocol::Role};

    use super::*;

    fn frames(texts: &[&str]) -> Frames {
        let mut frames = Frames::default();
        texts.iter().for_each(|text| frames.text(&[text]));
        frames
    }

    #[tokio::test]
    async fn messages_of_every_length_are_read_as_they_were_put() {
        let (ours, theirs) = duplex(1 << 10);
        let texts = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000].map(|length| "x".repeat(length));
        let mut server = WebSocketStream::from_raw_socket(Wire::new(ours), Role::Server, None).await;
        let mut client = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
        let put = async {
            for text in &texts {
                let mut frames = Frames::default();
                let (one, other) = text.split_at(text.len() / 2);
                frames.text(&[one, other]);
                server.get_mut().put(frames);
                server.flush().await.expect("the client reads");
            }
            server.send(Message::text("last")).await.expect("the client reads");
        };
        let read = async {
            for text in &texts {
                let message = client.next().await.expect("a message").expect("a good one");
                assert_eq!(message, Message::text(text.as_str()));
            }
            assert_eq!(
                client.next().await.expect("a message").expect("a good one"),
                Message::text("last")
            );
        };
        tokio::join!(put, read);
    }

    #[tokio::test]
    async fn what_is_written_after_frames_that_are_held_up_comes_after_them() {
        let (ours, mut theirs) = duplex(8);
        let mut wire = Wire::new(ours);
        wire.put(frames(&["twelve bytes"]));
        let held_up = futures_util::poll!(Box::pin(wire.flush()));
        assert!(held_up.is_pending(), "and given up");
        let mut read = vec![0; 2 + 12 + 3];
        let (written, filled) = tokio::join!(wire.write_all(b"end"), theirs.read_exact(&mut read));
        assert!(written.is_ok() && filled.is_ok());
        assert_eq!(read, b"\x81\x0ctwelve bytesend");
    }

    #[test]
    fn a_buffer_goes_from_one_to_the_next_unless_it_is_large() {
        drop(frames(&["some"]));
        let next = Frames::default();
        assert!(next.0.capacity() > 0 && next.len() == 0);
        drop(frames(&["x".repeat(2 * MAX_KEPT_BUFFER).as_str()]));
        assert_eq!(Frames::default().0.capacity(), 0);
    }
}
