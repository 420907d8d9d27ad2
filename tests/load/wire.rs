//! HTTP/1.1 by hand, as cheap as it can be: what the bench itself spends is taken from what it measures.

use anyhow::{Context, bail, ensure};
use std::time::SystemTime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Bytes that are read at once.
const BUFFER: usize = 16 << 10;

/// A connection that is kept.
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

    /// Sends a whole request and gives the body of its answer, which must be 200 and tell of no GraphQL error.
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

/// A whole request or answer at the beginning of some bytes.
pub struct Message {
    /// Where its body begins.
    pub body: usize,
    /// Where it ends.
    pub end: usize,
}

impl Message {
    /// None: more has to be read.
    pub fn read(bytes: &[u8]) -> anyhow::Result<Option<Self>> {
        let Some(head) = place(bytes, b"\r\n\r\n") else {
            return Ok(None);
        };
        let body = head + 4;
        let end = body + length(&bytes[..head])?;
        Ok((end <= bytes.len()).then_some(Self { body, end }))
    }
}

/// The length of a body, by its head; none is said of a GET's.
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

/// A POST of JSON, whole.
pub fn post(address: &str, path: &str, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\naccept: application/json\r\n\
         authorization: Bearer {key}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The address and the path of a URL.
pub fn parts(url: &str) -> (&str, &str) {
    let rest = url.trim_start_matches("http://");
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}

/// Where some bytes first stand in others.
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

/// What stands before the number of a label in its text, of so many digits, wherever the text is carried to.
pub const MARK: &[u8] = b"bench#";
pub const DIGITS: usize = 8;

/// The text of a label, as long as asked for. Its number is zero.
pub fn label(bytes: usize) -> String {
    let mark = String::from_utf8_lossy(MARK);
    let zeros = "0".repeat(DIGITS);
    format!("{{\"objects\":[],\"padding\":\"{mark}{zeros};{}\"}}", "x".repeat(bytes))
}

/// Where the number of a label stands.
pub fn number_place(bytes: &[u8]) -> anyhow::Result<usize> {
    Ok(place(bytes, MARK).context("no label is there")? + MARK.len())
}

/// Gives a label its number.
pub fn set_number(bytes: &mut [u8], place: usize, number: usize) {
    let mut rest = number;
    for digit in bytes[place..place + DIGITS].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// The number of a label.
pub fn number(bytes: &[u8]) -> Option<usize> {
    let digits = bytes.get(number_place(bytes).ok()?..)?.get(..DIGITS)?;
    str::from_utf8(digits).ok()?.parse().ok()
}

/// Microseconds since 1970, by the clock that all processes of this machine share.
pub fn micros() -> i64 {
    let time = SystemTime::UNIX_EPOCH.elapsed();
    time.map_or(0, |time| i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
}
