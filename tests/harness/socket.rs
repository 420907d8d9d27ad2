//! A client of graphql-transport-ws that is as correct or as wrong as a test wants it, and one of graphql-sse.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::deadline::within;

/// An open socket.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens a socket to `http://HOST/graphql`, with these headers.
    pub async fn open(endpoint: &str, headers: &[(&'static str, &str)]) -> Result<Self, Box<Error>> {
        let mut request = endpoint.replacen("http", "ws", 1).into_client_request()?;
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(*name, value.parse().expect("a header's value"));
        }
        Ok(Self(connect_async(request).await?.0))
    }

    /// Opens a socket with our subprotocol and says nothing yet.
    pub async fn silent(endpoint: &str) -> Self {
        let protocol = [("sec-websocket-protocol", "graphql-transport-ws")];
        Self::open(endpoint, &protocol).await.expect("a socket opens")
    }

    /// Opens a socket and is acknowledged.
    pub async fn greeted(endpoint: &str, key: &str) -> Self {
        let mut socket = Self::silent(endpoint).await;
        let payload = json!({"Authorization": format!("Bearer {key}")});
        socket.say(json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(socket.hear().await, json!({"type": "connection_ack"}));
        socket
    }

    /// Sends a message.
    pub async fn say(&mut self, message: Value) {
        self.send(Message::text(message.to_string())).await;
    }

    /// Sends any frame.
    pub async fn send(&mut self, message: Message) {
        within(|| "a frame is taken".into(), self.0.send(message))
            .await
            .expect("the socket is open");
    }

    /// Sends a message without waiting until it is on its way.
    pub async fn feed(&mut self, message: Value) {
        self.0
            .feed(Message::text(message.to_string()))
            .await
            .expect("the socket is open");
    }

    /// Starts an operation.
    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({"query": query, "variables": variables});
        self.say(json!({"id": id, "type": "subscribe", "payload": payload}))
            .await;
    }

    /// The next message; panics when there is none.
    pub async fn hear(&mut self) -> Value {
        loop {
            match within(|| "a message comes".into(), self.0.next()).await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("messages are JSON"),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("not a message: {other:?}"),
            }
        }
    }

    /// `payload.data` of the next message, which is `next`.
    pub async fn data(&mut self) -> Value {
        let mut message = self.hear().await;
        assert_eq!(message["type"], "next", "{message:#}");
        assert!(message["payload"].get("errors").is_none(), "{message:#}");
        message["payload"]["data"].take()
    }

    /// The code that the socket is closed with; messages before it are passed over.
    pub async fn close_code(mut self) -> u16 {
        loop {
            match within(|| "the socket is closed".into(), self.0.next()).await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("not closed with a code: {other:?}"),
            }
        }
    }

    /// Closes the socket and waits until the server has let go of it.
    pub async fn close(self) {
        self.ended_by(Message::Close(None)).await;
    }

    /// Sends a frame that the server does not read to its end; the socket ends, maybe before the frame is sent.
    pub async fn ended_by(mut self, message: Message) {
        self.0.send(message).await.ok();
        while let Some(Ok(_)) = within(|| "the socket ends".into(), self.0.next()).await {}
    }

    /// Asks and waits for the answer: the server has read everything before it. What it told until then is passed over.
    pub async fn settle(&mut self) {
        self.say(json!({"type": "ping", "payload": {"settle": true}})).await;
        while self.hear().await["type"] != "pong" {}
    }
}

/// An open event stream.
pub struct EventStream {
    response: Response<Incoming>,
    text: String,
}

impl EventStream {
    /// Starts an operation at `http://HOST/graphql/stream`.
    pub async fn open(endpoint: &str, key: Option<&str>, query: &str, variables: Value) -> Self {
        let http = legacy::Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(HttpConnector::new());
        let body = json!({"query": query, "variables": variables}).to_string();
        let mut request = Request::post(format!("{endpoint}/stream"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream");
        if let Some(key) = key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let request = request.body(Full::from(body)).expect("a request");
        let response = within(|| "a response begins".into(), http.request(request)).await;
        Self {
            response: response.expect("the service answers"),
            text: String::new(),
        }
    }

    /// The status and the content type.
    pub fn head(&self) -> (u16, &str) {
        let kind = &self.response.headers()[header::CONTENT_TYPE];
        (self.response.status().as_u16(), kind.to_str().expect("text"))
    }

    /// The next event's name and data, or `None` at the end. Comments are passed over.
    pub async fn event(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some((name, data)) = event.split_once('\n') {
                    let name = name.strip_prefix("event: ").expect("an event has a name");
                    let data = data.strip_prefix("data:").expect("an event has data").trim();
                    return Some((name.to_owned(), serde_json::from_str(data).unwrap_or_default()));
                }
                continue;
            }
            let frame = within(|| "an event comes".into(), self.response.body_mut().frame()).await?;
            let bytes = frame.ok()?.into_data().unwrap_or_default();
            self.text
                .push_str(std::str::from_utf8(&bytes).expect("events are text"));
        }
    }

    /// The whole rest as text, for answers that are no stream.
    pub async fn rest(self) -> Value {
        let body = self.response.into_body().collect().await.expect("a body");
        serde_json::from_slice(&body.to_bytes()).expect("JSON")
    }
}
