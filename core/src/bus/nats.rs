//! The bus over core NATS, without persistence: a message that nobody receives is lost, which is enough for hints.

use super::{Backoff, Boxed, Bus, Transport, error::Error};
use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, Event};
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use tokio::sync::watch;
use url::Url;

/// The most bytes of a message: far below a server's limit, and few enough to be read at once.
const MAX_BYTES: usize = 64 << 10;

pub(super) struct Nats {
    client: Client,
    subject: String,
    /// The number of connections made so far.
    connected: watch::Receiver<u64>,
    /// The number of connections after which no message can have been missed.
    known: u64,
}

impl Nats {
    /// Connects. A server that cannot be reached now is tried again; one that refuses the login is an error.
    pub(super) fn connect(url: &Url, subject: String) -> Boxed<'_, Result<Self, Error>> {
        Box::pin(Self::open(url, subject))
    }

    async fn open(url: &Url, subject: String) -> Result<Self, Error> {
        let (connections, connected) = watch::channel(0);
        let address = address(url);
        let (client, known) = match options(url, connections.clone()).connect(&address).await {
            Ok(client) => {
                check(&client)?;
                (client, 1)
            }
            Err(fault) if is_passing(fault.kind()) => {
                tracing::warn!(error = %fault, "the NATS server cannot be reached; trying again");
                let patient = options(url, connections).retry_on_initial_connect();
                (patient.connect(&address).await.map_err(denied)?, 0)
            }
            Err(fault) => return Err(denied(fault)),
        };
        Ok(Self {
            client,
            subject,
            connected,
            known,
        })
    }

    async fn listen(&self, bus: &Bus) -> Result<(), Error> {
        let mut connected = self.connected.clone();
        let mut heard = self.client.subscribe(self.subject.clone()).await.map_err(away)?;
        loop {
            tokio::select! {
                message = heard.next() => match message {
                    Some(message) => bus.receive(&message.payload),
                    None => return Err(Error::Away("the subscription has ended".into())),
                },
                Ok(()) = connected.changed() => {
                    if *connected.borrow_and_update() > self.known {
                        self.again(bus);
                    }
                }
            }
        }
    }

    /// Notes a new connection: messages may have been missed before it.
    fn again(&self, bus: &Bus) {
        match check(&self.client) {
            Ok(()) => tracing::info!("connected to the bus again"),
            Err(error) => tracing::error!(%error, "the NATS server cannot be used"),
        }
        bus.missed();
    }
}

impl Transport for Nats {
    fn limit(&self) -> usize {
        MAX_BYTES
    }

    fn send<'c>(&'c self, texts: &'c [String]) -> Boxed<'c, Result<(), Error>> {
        Box::pin(async move {
            for text in texts {
                let payload = text.clone().into();
                self.client.publish(self.subject.clone(), payload).await.map_err(away)?;
            }
            self.client.flush().await.map_err(away)
        })
    }

    /// Receives. The client reconnects by itself and renews the subscription.
    fn receive<'c>(&'c self, bus: &'c Bus) -> Boxed<'c, ()> {
        Box::pin(async move {
            let mut backoff = Backoff::default();
            loop {
                if let Err(error) = self.listen(bus).await {
                    backoff.after(&error).await;
                }
            }
        })
    }
}

/// Returns the server's address, without the credentials.
fn address(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    format!("{}://{host}:{}", url.scheme(), url.port().unwrap_or(4222))
}

fn options(url: &Url, connections: watch::Sender<u64>) -> ConnectOptions {
    let options = ConnectOptions::new()
        .name("labelhook")
        .no_echo()
        .require_tls(url.scheme() == "tls")
        .event_callback(move |event| {
            if matches!(event, Event::Connected) {
                connections.send_modify(|count| *count += 1);
            }
            async {}
        });
    match (plain(url.username()), url.password().map(plain)) {
        (user, Some(password)) => options.user_and_password(user, password),
        (token, None) if !token.is_empty() => options.token(token),
        _ => options,
    }
}

fn plain(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Returns whether an error is one of the network, which may pass.
fn is_passing(kind: ConnectErrorKind) -> bool {
    matches!(
        kind,
        ConnectErrorKind::Io | ConnectErrorKind::TimedOut | ConnectErrorKind::Dns
    )
}

/// Refuses a server that is too old for the client library: it connects, but some of its answers cannot be read.
fn check(client: &Client) -> Result<(), Error> {
    match client.is_server_compatible(2, 10, 0) {
        true => Ok(()),
        false => Err(Error::TooOld(client.server_info().version)),
    }
}

fn denied(fault: ConnectError) -> Error {
    Error::Denied(fault.to_string())
}

fn away(fault: impl ToString) -> Error {
    Error::Away(fault.to_string())
}
