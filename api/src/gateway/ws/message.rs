//! Messages of the graphql-transport-ws protocol in both directions, and the close codes of a socket.

use async_graphql::ServerError;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// The maximum number of characters of an operation's id.
const MAX_ID: usize = 256;
/// The maximum number of bytes of a close frame's reason.
const MAX_REASON: usize = 123;

/// A client message before validation.
#[derive(Deserialize)]
struct Raw<'a> {
    r#type: String,
    id: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// A client message.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// `connection_init`, with the API key if there is one.
    Init(Option<String>),
    /// `ping`, with the payload to return.
    Ping(Option<&'a str>),
    /// `pong`.
    Pong,
    /// `subscribe`: an operation's id, and its parameters as JSON.
    Subscribe(String, &'a str),
    /// `complete`: the client ends an operation.
    Complete(String),
}

/// The payload of `connection_init`, in the forms that clients send: the credentials as a member of either spelling, of
/// both, or among `headers`.
#[derive(Default, Deserialize)]
struct Payload {
    #[serde(rename = "Authorization")]
    capital: Option<String>,
    authorization: Option<String>,
    headers: Option<Credentials>,
}

#[derive(Default, Deserialize)]
struct Credentials {
    #[serde(rename = "Authorization")]
    capital: Option<String>,
    authorization: Option<String>,
}

impl Payload {
    fn authorization(self) -> Option<String> {
        let headers = self.headers.unwrap_or_default();
        let given = [self.capital, self.authorization, headers.capital, headers.authorization];
        given.into_iter().flatten().next()
    }
}

impl<'a> Incoming<'a> {
    /// Parses a text message; the error closes the socket.
    pub fn read(text: &'a str) -> Result<Self, Close> {
        let raw: Raw<'a> = serde_json::from_str(text).map_err(|_| Close::invalid("the message is not one of ours"))?;
        let payload = raw.payload.map(RawValue::get);
        match &*raw.r#type {
            "connection_init" => key(payload).map(Self::Init),
            "ping" => Ok(Self::Ping(payload)),
            "pong" => Ok(Self::Pong),
            "subscribe" => {
                let payload = payload.ok_or_else(|| Close::invalid("subscribe has no payload"))?;
                Ok(Self::Subscribe(id(raw.id)?, payload))
            }
            "complete" => Ok(Self::Complete(id(raw.id)?)),
            _ => Err(Close::invalid("the message has a type that is not known")),
        }
    }
}

fn id(id: Option<String>) -> Result<String, Close> {
    id.filter(|id| (1..=MAX_ID).contains(&id.len()))
        .ok_or_else(|| Close::invalid("id: must be a text of 1 to 256 bytes"))
}

fn key(payload: Option<&str>) -> Result<Option<String>, Close> {
    let read = payload.map(serde_json::from_str::<Option<Payload>>).transpose();
    let payload = read.map_err(|_| Close::invalid("the payload of connection_init must be an object"))?;
    Ok(payload.flatten().unwrap_or_default().authorization())
}

/// Builds `connection_ack`.
pub fn ack() -> Message {
    Message::text(r#"{"type":"connection_ack"}"#)
}

/// Builds `pong`, with the payload of the ping.
pub fn pong(payload: Option<&str>) -> Message {
    match payload {
        None => Message::text(r#"{"type":"pong"}"#),
        Some(payload) => Message::text(format!(r#"{{"type":"pong","payload":{payload}}}"#)),
    }
}

/// Builds the beginning of an operation's `next` messages.
pub fn head(id: &str) -> String {
    format!(r#"{{"id":{},"type":"next","payload":"#, quoted(id))
}

/// Returns the parts of a `next` message: its head, and the result as JSON. Subscribers share the payload; only the
/// head is their own.
pub fn next<'a>(head: &'a str, payload: &'a str) -> [&'a str; 3] {
    [head, payload, "}"]
}

/// Builds `error`, which ends the operation.
pub fn error(id: &str, errors: &[ServerError]) -> String {
    let errors = serde_json::to_string(errors).expect("names are strings and numbers are finite");
    format!(r#"{{"id":{},"type":"error","payload":{errors}}}"#, quoted(id))
}

/// Builds `complete`.
pub fn complete(id: &str) -> String {
    format!(r#"{{"id":{},"type":"complete"}}"#, quoted(id))
}

fn quoted(id: &str) -> String {
    serde_json::Value::from(id).to_string()
}

/// The end of a socket.
#[derive(Debug, PartialEq, Eq)]
pub enum Close {
    /// The client disconnected or does not read.
    Gone,
    /// The server closes the socket with a code and a reason.
    Close(u16, String),
}

impl Close {
    /// Closes with a code and a reason.
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        Self::Close(code, reason.into())
    }

    /// Closes because of a message that cannot be parsed.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::new(4400, reason)
    }

    /// Builds the close frame, with its reason cut to the maximum length.
    pub fn frame(&self) -> Option<Message> {
        let Self::Close(code, reason) = self else { return None };
        let end = reason.floor_char_boundary(MAX_REASON);
        Some(Message::Close(Some(CloseFrame {
            code: (*code).into(),
            reason: reason[..end].into(),
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_or_the_socket_closed() {
        let check = |text, expected| assert_eq!(Incoming::read(text).ok(), expected, "{text}");
        check(r#"{"type":"connection_init"}"#, Some(Incoming::Init(None)));
        check(
            r#"{"type":"connection_init","payload":null}"#,
            Some(Incoming::Init(None)),
        );
        let key = || Some(Incoming::Init(Some("Bearer k".into())));
        check(
            r#"{"type":"connection_init","payload":{"Authorization":"Bearer k"}}"#,
            key(),
        );
        check(
            r#"{"type":"connection_init","payload":{"authorization":"Bearer k","x":1}}"#,
            key(),
        );
        check(r#"{"type":"connection_init","payload":[]}"#, None);
        check(r#"{"type":"connection_init","payload":{"authorization":1}}"#, None);
        check(
            r#"{"type":"ping","payload":{"a":1}}"#,
            Some(Incoming::Ping(Some(r#"{"a":1}"#))),
        );
        check(r#"{"type":"pong"}"#, Some(Incoming::Pong));
        check(r#"{"type":"complete","id":"1"}"#, Some(Incoming::Complete("1".into())));
        let subscribe = Some(Incoming::Subscribe("1".into(), "{}"));
        check(r#"{"type":"subscribe","id":"1","payload":{}}"#, subscribe);
        for text in [
            "",
            "{",
            "[]",
            "null",
            "1",
            r#"{"id":"1"}"#,
            r#"{"type":1}"#,
            r#"{"type":"start","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":1,"payload":{}}"#,
            r#"{"type":"subscribe","id":"","payload":{}}"#,
            r#"{"type":"subscribe","payload":{}}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"ping"} x"#,
        ] {
            check(text, None);
        }
        let long = format!(r#"{{"type":"complete","id":"{}"}}"#, "x".repeat(257));
        check(&long, None);
    }

    #[test]
    fn a_reason_fits_into_its_frame() {
        let Some(Message::Close(Some(frame))) = Close::invalid("ü".repeat(100)).frame() else {
            panic!("a close frame")
        };
        assert_eq!(frame.reason.len(), 122);
    }

    #[test]
    fn an_id_is_quoted() {
        assert_eq!(complete("a\"b"), r#"{"id":"a\"b","type":"complete"}"#);
    }
}
