//! Operations over a WebSocket on `/graphql`: graphql-transport-ws, by hand, since the library's own loop closes with codes
//! of its own, lets a second operation take the place of a running one and waits for ever for `connection_init`.
//!
//! One task a socket. It reads, runs the operations and writes; while a write is held up nothing else moves, so a client
//! that does not read costs what it had asked for and no more, and is cut off after a while ([`crate::listener`]). Before
//! anything is told the key is checked again.
//!
//! Closed with: 1001 the server shuts down; 4400 a message that cannot be read; 4401 no key or no good one, or `subscribe`
//! before the acknowledgement; 4403 the key's rights have changed; 4408 no `connection_init` in time; 4409 an id that is
//! in use; 4429 a second `connection_init`, or more connections than a key may have.

mod message;
mod operations;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::header::UPGRADE;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use futures_util::SinkExt;
use labelhook_core::api_key::{self, Pass};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tracing::Instrument;

use self::message::{Goodbye, Incoming};
use self::operations::{Operations, Said};
use super::error::{ApiError, Code};
use super::http::{Media, Refusal};
use crate::auth;
use crate::server::{RequestId, Server};
use crate::sockets::Slot;

const PROTOCOL: &str = "graphql-transport-ws";
/// Bytes of one message.
const MAX_MESSAGE: usize = 4 << 20;
/// Bytes read at once: every socket has a buffer of this size, and the library's own has 128 KiB.
const READ_BUFFER: usize = 4 << 10;
/// Bytes that are gathered before they are written.
const WRITE_BUFFER: usize = 16 << 10;
/// Messages after which they are written in any case, about.
const TOGETHER: usize = 64;
/// How often the key is checked and the client pinged when nothing happens.
const TICK: Duration = Duration::from_secs(15);
/// How long a client may say nothing, not even to a ping.
const SILENCE: Duration = Duration::from_secs(60);
/// How long to wait for the client's part of a close.
const CLOSING: Duration = Duration::from_secs(3);

/// Whether a request wants a socket.
pub fn is_wanted(request: &Request<Body>) -> bool {
    let upgrade = request.headers().get(UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}

/// Makes a socket of a request.
pub async fn upgrade(server: Arc<Server>, id: RequestId, request: Request<Body>) -> Response {
    let refused = |message: String| {
        let error = ApiError::new(Code::MalformedRequest, message);
        Refusal::new(StatusCode::BAD_REQUEST, error).into_response(Media::Json, &id)
    };
    let (mut parts, _) = request.into_parts();
    let key = auth::bearer(&parts.headers).map(str::to_owned);
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.protocols([PROTOCOL]),
        Err(rejection) => return refused(format!("the WebSocket handshake is wrong: {rejection}")),
    };
    if upgrade.selected_protocol().is_none() {
        return refused(format!("the subprotocol must be {PROTOCOL}"));
    }
    let (open, span) = (server.sockets.open.token(), tracing::Span::current());
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE);
    upgrade.on_upgrade(async move |socket| {
        let pool = Arc::clone(&server.sockets.pool);
        let conversation = async move {
            serve(socket, &server, key, id).await;
            drop(open);
        };
        pool.spawn(conversation.instrument(span));
    })
}

async fn serve(mut socket: WebSocket, server: &Arc<Server>, key: Option<String>, id: RequestId) {
    let goodbye = tokio::select! {
        goodbye = Box::pin(talk(&mut socket, server, key, id)) => goodbye,
        () = server.sockets.closing.cancelled() => Goodbye::new(1001, "the server shuts down"),
    };
    let Some(frame) = goodbye.frame() else { return };
    tracing::debug!(?goodbye, "a socket is closed");
    let close = async {
        // What the client has sent is read to its end: a socket that is dropped with unread bytes is reset, and a reset
        // may overtake the reason.
        if socket.send(frame).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    timeout(CLOSING, close).await.ok();
}

async fn talk(socket: &mut WebSocket, server: &Arc<Server>, key: Option<String>, id: RequestId) -> Goodbye {
    let greeted = timeout(server.init_timeout, greet(socket, server, key)).await;
    let (pass, _place) = match greeted {
        Ok(Ok(greeted)) => greeted,
        Ok(Err(goodbye)) => return goodbye,
        Err(_) => return Goodbye::new(4408, "Connection initialisation timeout"),
    };
    let mut tick = interval_at(Instant::now() + TICK, TICK);
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

/// Waits for `connection_init` and says who it is.
async fn greet(socket: &mut WebSocket, server: &Server, key: Option<String>) -> Result<(Pass, Slot), Goodbye> {
    loop {
        let message = receive(socket.recv().await)?;
        let Some(text) = text(&message)? else { continue };
        match Incoming::read(text)? {
            Incoming::Init(given) => {
                let given = given.as_deref().map(auth::token);
                let key = given.unwrap_or(key.as_deref());
                let pass = auth::admit(server, key).await.map_err(|refusal| refused(&refusal))?;
                let place = server.sockets.connection(pass.actor.key_id);
                let place = place.ok_or_else(|| Goodbye::new(4429, "this key has too many connections open"))?;
                send(socket, message::ack()).await?;
                return Ok((pass, place));
            }
            Incoming::Ping(payload) => send(socket, message::pong(payload)).await?,
            Incoming::Pong | Incoming::Complete(_) => {}
            Incoming::Subscribe(..) => return Err(Goodbye::new(4401, "Unauthorized")),
        }
    }
}

/// A socket after its acknowledgement.
struct Conversation<'a> {
    socket: &'a mut WebSocket,
    server: &'a Arc<Server>,
    pass: Pass,
    id: RequestId,
    operations: Operations,
    changes: watch::Receiver<()>,
    tick: Interval,
    heard: Instant,
}

impl Conversation<'_> {
    async fn run(mut self) -> Result<std::convert::Infallible, Goodbye> {
        loop {
            let some = !self.operations.is_empty();
            tokio::select! {
                message = self.socket.recv() => self.hear(&receive(message)?).await?,
                Some(said) = self.operations.next(), if some => self.tell(said).await?,
                _ = self.changes.changed() => self.check().await?,
                _ = self.tick.tick() => self.look().await?,
            }
        }
    }

    async fn hear(&mut self, message: &Message) -> Result<(), Goodbye> {
        self.heard = Instant::now();
        let Some(text) = text(message)? else { return Ok(()) };
        match Incoming::read(text)? {
            Incoming::Init(_) => Err(Goodbye::new(4429, "Too many initialisation requests")),
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

    /// Writes what an operation says, and what is there already.
    async fn tell(&mut self, first: (Arc<str>, Said)) -> Result<(), Goodbye> {
        self.check().await?;
        let write = async {
            let (mut said, mut messages) = (Some(first), 0);
            while let Some((id, said_now)) = said.take() {
                messages += feed(self.socket, &id, said_now).await?;
                if messages < TOGETHER {
                    said = self.operations.ready();
                }
            }
            self.socket.flush().await
        };
        written(write.await)
    }

    /// Ends with a key that is no longer good.
    async fn check(&mut self) -> Result<(), Goodbye> {
        let checked = self.pass.check(&self.server.app).await;
        checked.map_err(|error| refused(&Refusal::from(ApiError::from(error))))
    }

    async fn look(&mut self) -> Result<(), Goodbye> {
        self.check().await?;
        if self.heard.elapsed() > SILENCE {
            return Err(Goodbye::Gone);
        }
        send(self.socket, Message::Ping(Vec::new().into())).await
    }
}

/// Hands what an operation says to the socket, and says how many messages it is.
async fn feed(socket: &mut WebSocket, id: &str, said: Said) -> Result<usize, axum::Error> {
    let rows = match said {
        Said::Next(rows) => rows,
        Said::Message(text) | Said::Last(text) => return socket.feed(Message::text(text)).await.map(|()| 1),
    };
    let head = message::head(id);
    for row in &rows {
        socket.feed(Message::text(message::next(&head, row))).await?;
    }
    Ok(rows.len())
}

fn refused(refusal: &Refusal) -> Goodbye {
    match refusal.code() {
        Code::Authentication => Goodbye::new(4401, "Unauthorized"),
        Code::Authorization => Goodbye::new(4403, "Forbidden: the key's rights have changed"),
        _ => Goodbye::new(1011, "the server cannot say who this is now; try again"),
    }
}

fn receive(message: Option<Result<Message, axum::Error>>) -> Result<Message, Goodbye> {
    match message {
        None => Err(Goodbye::Gone),
        Some(Ok(message)) => Ok(message),
        Some(Err(error)) => {
            tracing::debug!(%error, "a socket cannot be read");
            Err(Goodbye::new(
                1009,
                format!("a message cannot be read, or has more than {MAX_MESSAGE} bytes"),
            ))
        }
    }
}

/// The text of a message; none when it is one of the transport's own.
fn text(message: &Message) -> Result<Option<&str>, Goodbye> {
    match message {
        Message::Text(text) => Ok(Some(text.as_str())),
        Message::Binary(_) => Err(Goodbye::invalid("messages are text")),
        Message::Close(_) => Err(Goodbye::Gone),
        Message::Ping(_) | Message::Pong(_) => Ok(None),
    }
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), Goodbye> {
    written(socket.send(message).await)
}

fn written(result: Result<(), axum::Error>) -> Result<(), Goodbye> {
    result.map_err(|error| {
        tracing::debug!(%error, "a socket cannot be written to");
        Goodbye::Gone
    })
}
