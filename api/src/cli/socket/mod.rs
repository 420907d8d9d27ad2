//! A client of the API's WebSocket (graphql-transport-ws), for commands that talk to a remote server. It connects,
//! authenticates and runs numbered operations.

use super::client::{self, Fault};
use crate::config::Remote;
use futures_util::{SinkExt, StreamExt};
use labelhook_core::delivery::sender;
use serde_json::{Value, json};
use std::{fmt, sync::Arc, time::Duration};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        http::HeaderValue,
        protocol::{CloseFrame, WebSocketConfig},
    },
};

const PROTOCOL: &str = "graphql-transport-ws";
/// The time limit of connecting and of the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The time without a message after which the server counts as gone; it pings every 15 seconds.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// The largest message, in bytes: a body of the largest size, as JSON text.
const MAX_MESSAGE: usize = 256 << 20;

/// An authenticated connection.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    operations: u64,
    heard: Instant,
}

/// A message of an operation.
#[derive(Debug)]
pub enum Received {
    /// A result.
    Next(u64, Value),
    /// The operation was refused or has failed.
    Failed(u64, Fault),
    /// The operation is complete.
    Over(u64),
}

/// The reason for a missing connection.
#[derive(Debug)]
pub enum Lost {
    /// The connection may succeed when tried again.
    Broken(String),
    /// The server refuses this client.
    Refused(String),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(why) | Self::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Lost {}

/// Returns the address of the API's WebSocket.
fn address(server: &str) -> anyhow::Result<String> {
    let mut url = client::endpoint(server)?;
    let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
    url.set_scheme(scheme).expect("one special scheme in place of another");
    Ok(url.into())
}

impl Socket {
    /// Connects, authenticates and waits for the server's acknowledgement.
    pub async fn connect(remote: &Remote) -> anyhow::Result<Result<Self, Lost>> {
        let address = address(&remote.server)?;
        let tls = Connector::Rustls(Arc::new(sender::tls()?));
        let greeting = async {
            let stream = open(&address, tls).await?;
            let mut socket = Self {
                stream,
                operations: 0,
                heard: Instant::now(),
            };
            socket.greet(&remote.api_key).await?;
            Ok(socket)
        };
        let late = || Lost::Broken(format!("{} does not answer", remote.server));
        Ok(timeout(HANDSHAKE_TIMEOUT, Box::pin(greeting))
            .await
            .unwrap_or_else(|_| Err(late())))
    }

    async fn greet(&mut self, key: &str) -> Result<(), Lost> {
        let payload = json!({ "Authorization": format!("Bearer {key}") });
        self.say(json!({ "type": "connection_init", "payload": payload }))
            .await?;
        match self.message().await?["type"].as_str() {
            Some("connection_ack") => Ok(()),
            _ => Err(Lost::Refused("the server does not greet; is it a Labelhook?".into())),
        }
    }

    /// Starts an operation and returns its number.
    pub async fn start(&mut self, query: &str, variables: &Value) -> Result<u64, Lost> {
        self.operations += 1;
        let payload = json!({ "query": query, "variables": variables });
        let id = self.operations.to_string();
        self.say(json!({ "id": id, "type": "subscribe", "payload": payload }))
            .await?;
        Ok(self.operations)
    }

    /// Returns the next message of any operation. No message is lost if the future is dropped before it completes.
    pub async fn hear(&mut self) -> Result<Received, Lost> {
        loop {
            let mut message = self.message().await?;
            let id = message["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or(0);
            match message["type"].as_str() {
                Some("next") => {
                    let mut payload = message["payload"].take();
                    return Ok(match payload["errors"].get(0) {
                        Some(error) => Received::Failed(id, Fault::of(error)),
                        None => Received::Next(id, payload["data"].take()),
                    });
                }
                Some("error") => return Ok(Received::Failed(id, Fault::of(&message["payload"][0]))),
                Some("complete") => return Ok(Received::Over(id)),
                Some("ping") => self.say(json!({ "type": "pong" })).await?,
                _ => {}
            }
        }
    }

    async fn message(&mut self) -> Result<Value, Lost> {
        loop {
            let next = timeout_at(self.heard + IDLE_TIMEOUT, self.stream.next()).await;
            let next = next.map_err(|_| Lost::Broken("the server has fallen silent".into()))?;
            self.heard = Instant::now();
            match next {
                Some(Ok(Message::Text(text))) => {
                    let read = serde_json::from_str(&text);
                    return read.map_err(|_| Lost::Refused("the server's messages are not JSON".into()));
                }
                Some(Ok(Message::Close(frame))) => return Err(closed(frame)),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(broken(&error)),
                None => return Err(Lost::Broken("the server has gone".into())),
            }
        }
    }

    async fn say(&mut self, message: Value) -> Result<(), Lost> {
        let sent = self.stream.send(Message::text(message.to_string())).await;
        sent.map_err(|error| broken(&error))
    }
}

async fn open(address: &str, tls: Connector) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, Lost> {
    let mut request = address.into_client_request().map_err(|error| broken(&error))?;
    let protocol = HeaderValue::from_static(PROTOCOL);
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let connected = connect_async_tls_with_config(request, Some(config), true, Some(tls)).await;
    match connected {
        Ok((stream, _)) => Ok(stream),
        Err(Error::Http(answer)) if answer.status().is_client_error() => {
            let status = answer.status();
            Err(Lost::Refused(format!(
                "the server refuses a WebSocket at {address}: {status}"
            )))
        }
        Err(error) => Err(Lost::Broken(format!("{address} cannot be reached: {error}"))),
    }
}

fn broken(error: &Error) -> Lost {
    Lost::Broken(error.to_string())
}

fn closed(frame: Option<CloseFrame>) -> Lost {
    let Some(frame) = frame else {
        return Lost::Broken("the server closed the connection".into());
    };
    let why = frame.reason.as_str().to_owned();
    match u16::from(frame.code) {
        4401 => Lost::Refused("the server does not know the API key (LABELHOOK_API_KEY)".into()),
        4400..=4499 => Lost::Refused(why),
        _ => Lost::Broken(why),
    }
}

#[cfg(test)]
mod tests;
