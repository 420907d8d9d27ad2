//! HTTP/1.1 by hand, as cheap as possible: the bench shares the cores with what it measures.

use anyhow::{Context, bail, ensure};
use std::time::SystemTime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The size of the read buffer, in bytes.
const BUFFER: usize = 16 << 10;

/// A persistent connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(BUFFER),
        })
    }

    /// Sends a complete request and returns the body of its response. Fails if the status is not 200 or the body has a
    /// GraphQL error.
    pub async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        self.buffer.clear();
        self.stream.write_all(request).await?;
        loop {
            ensure!(
                self.stream.read_buf(&mut self.buffer).await? > 0,
                "the connection was closed"
            );
            let Some(message) = Message::read(&self.buffer)? else {
                continue;
            };
            let (head, body) = (&self.buffer[..message.body], &self.buffer[message.body..message.end]);
            if !head.starts_with(b"HTTP/1.1 200") || holds(body, b"\"errors\"") {
                bail!("refused: {}", String::from_utf8_lossy(&self.buffer));
            }
            return Ok(&self.buffer[message.body..message.end]);
        }
    }
}

/// The extent of a complete request or response at the beginning of a buffer.
pub struct Message {
    /// The offset of its body.
    pub body: usize,
    /// The offset of its end.
    pub end: usize,
}

impl Message {
    /// Parses the beginning of a buffer. Returns none if more bytes have to be read.
    pub fn read(bytes: &[u8]) -> anyhow::Result<Option<Self>> {
        let Some(head) = place(bytes, b"\r\n\r\n") else {
            return Ok(None);
        };
        let body = head + 4;
        let end = body + length(&bytes[..head])?;
        Ok((end <= bytes.len()).then_some(Self { body, end }))
    }
}

/// Returns the length of a body from its head. A GET without a length has none.
fn length(head: &[u8]) -> anyhow::Result<usize> {
    const NAME: &[u8] = b"content-length:";
    for line in head.split(|byte| *byte == b'\n') {
        match line.get(..NAME.len()) {
            Some(name) if name.eq_ignore_ascii_case(NAME) => {
                let value = str::from_utf8(&line[NAME.len()..])?;
                return value.trim().parse().context("a length that is no number");
            }
            _ => {}
        }
    }
    ensure!(
        head.starts_with(b"GET "),
        "no length: {}",
        String::from_utf8_lossy(head)
    );
    Ok(0)
}

/// Returns a complete POST of JSON.
pub fn post(address: &str, path: &str, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\naccept: application/json\r\n\
         authorization: Bearer {key}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Returns the address and the path of a URL.
pub fn parts(url: &str) -> (&str, &str) {
    let rest = url.trim_start_matches("http://");
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}

/// Returns the offset of the first occurrence of some bytes in others.
pub fn place(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(next) = bytes[from..].iter().position(|byte| *byte == what[0]) {
        from += next;
        if bytes[from..].starts_with(what) {
            return Some(from);
        }
        from += 1;
    }
    None
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    place(bytes, what).is_some()
}

/// The marker before a label's number, which stays in its text wherever that is copied to, and the length of the
/// number.
pub const MARK: &[u8] = b"bench#";
pub const DIGITS: usize = 8;

/// Returns the text of a label with the number zero and this many bytes of padding.
pub fn label(bytes: usize) -> String {
    let mark = String::from_utf8_lossy(MARK);
    let zeros = "0".repeat(DIGITS);
    format!("{{\"objects\":[],\"padding\":\"{mark}{zeros};{}\"}}", "x".repeat(bytes))
}

/// Returns the offset of a label's number.
pub fn number_place(bytes: &[u8]) -> anyhow::Result<usize> {
    Ok(place(bytes, MARK).context("no label is there")? + MARK.len())
}

/// Writes a label's number.
pub fn set_number(bytes: &mut [u8], place: usize, number: usize) {
    let mut rest = number;
    for digit in bytes[place..place + DIGITS].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Returns the number of a label, if it has one.
pub fn number(bytes: &[u8]) -> Option<usize> {
    let digits = bytes.get(number_place(bytes).ok()?..)?.get(..DIGITS)?;
    str::from_utf8(digits).ok()?.parse().ok()
}

/// Returns the microseconds since 1970, by the clock that all processes of this machine share.
pub fn micros() -> i64 {
    let time = SystemTime::UNIX_EPOCH.elapsed();
    time.map_or(0, |time| i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
}
