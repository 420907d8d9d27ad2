//! Operations over a WebSocket on `/graphql`, by the graphql-transport-ws protocol. It is implemented here, since the
//! library's own loop uses other close codes, lets a second operation replace a running one and waits forever for
//! `connection_init`. The server's router calls [`upgrade`]. Nothing here may name a type of the schema.
//!
//! One task a socket. It reads, runs the operations and writes; while a write is held up nothing else moves, so a
//! client that does not read costs what it had asked for and no more, and is cut off after a while ([`super::accept`]).
//! Before anything is told the key is checked again.
//!
//! Close codes: 1001 the server shuts down; 4400 a message that cannot be parsed; 4401 no valid API key, or `subscribe`
//! before the acknowledgement; 4403 the permissions of the API key have changed; 4408 no `connection_init` in time;
//! 4409 an operation id that is in use; 4429 a second `connection_init`, or more connections than an API key may have.

mod message;
mod operations;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use labelhook_core::api_key::{self, Pass};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tracing::Instrument;

use self::message::{Close, Incoming};
use self::operations::{Operations, Output};
use self::wire::{Frames, Wire};
use super::auth;
use super::connections::Slot;
use super::http::media::Media;
use super::refusal::Refusal;
use super::state::Server;
use crate::graphql::error::{ApiError, Code};
use crate::request_id::RequestId;

const PROTOCOL: &str = "graphql-transport-ws";
/// The maximum size of one message in bytes.
const MAX_MESSAGE: usize = 4 << 20;
/// The size of the read buffer of each socket in bytes; the library's default is 128 KiB.
const READ_BUFFER: usize = 2 << 10;
/// The size of the write buffer for single messages in bytes. They are short and flushed immediately.
const WRITE_BUFFER: usize = 1 << 10;
/// The number of buffered bytes from which messages are written.
const FLUSH_BYTES: usize = 48 << 10;
/// The interval at which the API key is checked and the client is pinged while idle.
const CHECK_INTERVAL: Duration = Duration::from_secs(15);
/// The time to wait for the client's close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

type Socket = WebSocketStream<Wire<TokioIo<Upgraded>>>;

/// Returns whether a request asks for a WebSocket upgrade.
pub fn is_wanted(request: &Request<Body>) -> bool {
    let upgrade = request.headers().get(UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}

/// Upgrades a request to a WebSocket.
pub async fn upgrade(server: Arc<Server>, id: RequestId, request: Request<Body>) -> Response {
    let refused = |message: String| {
        let error = ApiError::new(Code::MalformedRequest, message);
        Refusal::new(StatusCode::BAD_REQUEST, error).into_response(Media::Json, &id)
    };
    let (mut parts, _) = request.into_parts();
    let (key, upgraded) = (
        auth::bearer(&parts.headers).map(str::to_owned),
        parts.extensions.get::<OnUpgrade>().cloned(),
    );
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.protocols([PROTOCOL]),
        Err(rejection) => return refused(format!("the WebSocket handshake is wrong: {rejection}")),
    };
    if upgrade.selected_protocol().is_none() {
        return refused(format!("the subprotocol must be {PROTOCOL}"));
    }
    let upgraded = upgraded.expect("the extractor asks for it, too");
    let (open, span, pool) = (
        server.sockets.open.token(),
        tracing::Span::current(),
        Arc::clone(&server.sockets.pool),
    );
    let conversation = async move {
        match upgraded.await {
            Ok(stream) => serve(socket(stream).await, &server, key, id).await,
            Err(error) => tracing::debug!(%error, "a connection could not be upgraded to a WebSocket"),
        }
        drop(open);
    };
    pool.spawn(conversation.instrument(span));
    accepted(&parts.headers)
}

/// Builds the response to a valid handshake.
fn accepted(headers: &HeaderMap) -> Response {
    let key = headers.get(SEC_WEBSOCKET_KEY).map_or(&b""[..], |key| key.as_bytes());
    let headers = [
        (CONNECTION, "upgrade"),
        (UPGRADE, "websocket"),
        (SEC_WEBSOCKET_ACCEPT, &derive_accept_key(key)),
        (SEC_WEBSOCKET_PROTOCOL, PROTOCOL),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

async fn socket(stream: Upgraded) -> Socket {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    WebSocketStream::from_raw_socket(Wire::new(TokioIo::new(stream)), Role::Server, Some(config)).await
}

async fn serve(mut socket: Socket, server: &Arc<Server>, key: Option<String>, id: RequestId) {
    let goodbye = tokio::select! {
        goodbye = Box::pin(talk(&mut socket, server, key, id)) => goodbye,
        () = server.sockets.closing.cancelled() => Close::new(1001, "the server shuts down"),
    };
    tracing::debug!(?goodbye, "a WebSocket was closed");
    let close = async {
        let Some(frame) = goodbye.frame() else {
            // A client that closed waits for the close frame that answers it; reading on writes it.
            while let Some(Ok(_)) = socket.next().await {}
            return;
        };
        // The client's remaining messages are read to the end: a socket that is dropped with unread bytes is reset, and
        // the reset may overtake the close reason.
        if socket.send(frame).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    timeout(CLOSE_TIMEOUT, close).await.ok();
}

async fn talk(socket: &mut Socket, server: &Arc<Server>, key: Option<String>, id: RequestId) -> Close {
    let greeted = timeout(server.init_timeout, greet(socket, server, key)).await;
    let (pass, _place) = match greeted {
        Ok(Ok(greeted)) => greeted,
        Ok(Err(goodbye)) => return goodbye,
        Err(_) => return Close::new(4408, "Connection initialisation timeout"),
    };
    let mut tick = interval_at(Instant::now() + CHECK_INTERVAL, CHECK_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let conversation = Conversation {
        changes: api_key::changes(&server.app),
        heard: Instant::now(),
        operations: Operations::default(),
        socket,
        server,
        pass,
        id,
        tick,
    };
    match conversation.run().await {
        Ok(never) => match never {},
        Err(goodbye) => goodbye,
    }
}

/// Waits for `connection_init` and authenticates its API key.
async fn greet(socket: &mut Socket, server: &Server, key: Option<String>) -> Result<(Pass, Slot), Close> {
    loop {
        let message = receive(socket.next().await)?;
        let Some(text) = text(&message)? else { continue };
        match Incoming::read(text)? {
            Incoming::Init(given) => {
                let given = given.as_deref().map(auth::token);
                let key = given.unwrap_or(key.as_deref());
                let pass = auth::admit(server, key).await.map_err(|refusal| refused(&refusal))?;
                let place = server.sockets.connection(pass.actor.key_id);
                let place = place.ok_or_else(|| Close::new(4429, "this key has too many connections open"))?;
                send(socket, message::ack()).await?;
                return Ok((pass, place));
            }
            Incoming::Ping(payload) => send(socket, message::pong(payload)).await?,
            Incoming::Pong | Incoming::Complete(_) => {}
            Incoming::Subscribe(..) => return Err(Close::new(4401, "Unauthorized")),
        }
    }
}

/// A socket after its acknowledgement.
struct Conversation<'a> {
    socket: &'a mut Socket,
    server: &'a Arc<Server>,
    pass: Pass,
    id: RequestId,
    operations: Operations,
    changes: watch::Receiver<()>,
    tick: Interval,
    heard: Instant,
}

impl Conversation<'_> {
    async fn run(mut self) -> Result<std::convert::Infallible, Close> {
        loop {
            let some = !self.operations.is_empty();
            tokio::select! {
                message = self.socket.next() => self.hear(&receive(message)?).await?,
                Some(said) = self.operations.next(), if some => self.tell(said).await?,
                _ = self.changes.changed() => self.check().await?,
                _ = self.tick.tick() => self.look().await?,
            }
        }
    }

    async fn hear(&mut self, message: &Message) -> Result<(), Close> {
        self.heard = Instant::now();
        let Some(text) = text(message)? else { return Ok(()) };
        match Incoming::read(text)? {
            Incoming::Init(_) => Err(Close::new(4429, "Too many initialisation requests")),
            Incoming::Ping(payload) => send(self.socket, message::pong(payload)).await,
            Incoming::Pong => Ok(()),
            Incoming::Complete(id) => {
                self.operations.stop(&id);
                Ok(())
            }
            Incoming::Subscribe(id, payload) => {
                self.check().await?;
                let actor = &self.pass.actor;
                match self.operations.start(self.server, actor, &self.id, &id, payload)? {
                    Some(refused) => send(self.socket, Message::text(refused)).await,
                    None => Ok(()),
                }
            }
        }
    }

    /// Writes a message of an operation, and all further messages that are ready.
    async fn tell(&mut self, first: Output) -> Result<(), Close> {
        self.check().await?;
        // Frames that the library has begun to write must be flushed first.
        written(self.socket.flush().await)?;
        let (mut said, mut frames) = (Some(first), Frames::default());
        while let Some(said_now) = said.take() {
            match said_now {
                Output::Message(text) | Output::Last(text) => frames.text(&[&text]),
                Output::Next(head, rows) => {
                    for row in rows {
                        if frames.len() >= FLUSH_BYTES {
                            written(put(self.socket, std::mem::take(&mut frames)).await)?;
                        }
                        frames.text(&message::next(&head, &row));
                    }
                }
            }
            if frames.len() < FLUSH_BYTES {
                said = self.operations.ready();
            }
        }
        written(put(self.socket, frames).await)
    }

    /// Ends the conversation when the API key is no longer valid.
    async fn check(&mut self) -> Result<(), Close> {
        let checked = self.pass.check(&self.server.app).await;
        checked.map_err(|error| refused(&Refusal::from(ApiError::from(error))))
    }

    async fn look(&mut self) -> Result<(), Close> {
        self.check().await?;
        if self.heard.elapsed() > self.server.idle_timeout {
            return Err(Close::Gone);
        }
        send(self.socket, Message::Ping(Vec::new().into())).await
    }
}

async fn put(socket: &mut Socket, frames: Frames) -> Result<(), Error> {
    socket.get_mut().put(frames);
    socket.flush().await
}

fn refused(refusal: &Refusal) -> Close {
    match refusal.code() {
        Code::Authentication => Close::new(4401, "Unauthorized"),
        Code::Authorization => Close::new(4403, "Forbidden: the key's rights have changed"),
        _ => Close::new(1011, "the server cannot say who this is now; try again"),
    }
}

fn receive(message: Option<Result<Message, Error>>) -> Result<Message, Close> {
    match message {
        None => Err(Close::Gone),
        Some(Ok(message)) => Ok(message),
        Some(Err(error)) => {
            tracing::debug!(%error, "a WebSocket cannot be read");
            Err(Close::new(
                1009,
                format!("a message cannot be read, or has more than {MAX_MESSAGE} bytes"),
            ))
        }
    }
}

/// Returns the text of a message; none for the protocol's own control frames.
fn text(message: &Message) -> Result<Option<&str>, Close> {
    match message {
        Message::Text(text) => Ok(Some(text.as_str())),
        Message::Binary(_) => Err(Close::invalid("messages are text")),
        Message::Close(_) => Err(Close::Gone),
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
    }
}

async fn send(socket: &mut Socket, message: Message) -> Result<(), Close> {
    written(socket.send(message).await)
}

fn written(result: Result<(), Error>) -> Result<(), Close> {
    result.map_err(|error| {
        tracing::debug!(%error, "a WebSocket cannot be written to");
        Close::Gone
    })
}
